from django.urls import path

from clinic.public import booking, booking_desk, booking_held, booking_offer, visit_link

app_name = "booking"

urlpatterns = [
    path("book/", booking.services, name="services"),
    path("book/<int:pk>/", booking.times, name="times"),
    path("book/<int:pk>/hold/", booking.hold, name="hold"),
    path("book/<int:pk>/wait/", booking.wait, name="wait"),
    path("book/<int:pk>/who/", booking.who, name="who"),
    path("book/<int:pk>/code/", booking.code, name="code"),
    path("book/<int:pk>/you/", booking.you, name="you"),
    path("book/held/<int:pk>/", booking_held.held, name="held"),
    path("book/held/<int:pk>/give-up/", booking_held.give_up, name="give-up"),
    path("book/done/<int:pk>/", booking_held.done, name="done"),
    path("book/done/<int:pk>/visit.ics", booking_held.calendar_file, name="calendar-file"),
    path("offers/<str:token>/", booking_offer.offer, name="offer"),
    path("v/<str:token>/", visit_link.open_link, name="visit-link"),
    path("v/<str:token>/move/", visit_link.open_link, {"page": "move"}, name="visit-link-move"),
    path("v/<str:token>/cancel/", visit_link.open_link, {"page": "cancel"}, name="visit-link-cancel"),
    path("visit/", visit_link.visit, name="visit"),
    path("visit/move/", visit_link.visit_move, name="visit-move"),
    path("visit/cancel/", visit_link.visit_cancel, name="visit-cancel"),
    path("online/", booking_desk.from_online, name="from-online"),
    path("online/<int:pk>/settle/", booking_desk.settle, name="settle"),
]
