from django.urls import path

from clinic.scheduling import (
    views,
    views_feeds,
    views_free,
    views_hours,
    views_rebooking,
    views_series,
    views_steps,
    views_waitlist,
)

app_name = "scheduling"
urlpatterns = [
    path("appointments/new/", views.appointment_new, name="appointment-new"),
    path("appointments/free/", views_free.free_times, name="free-times"),
    path("appointments/<int:pk>/status/", views_steps.appointment_status, name="appointment-status"),
    path("appointments/<int:pk>/service/", views.appointment_service, name="appointment-service"),
    path("appointments/<int:pk>/cancel/", views.appointment_cancel, name="appointment-cancel"),
    path("appointments/<int:pk>/move/", views.appointment_move, name="appointment-move"),
    path("appointments/<int:pk>/undo/", views_steps.appointment_undo, name="appointment-undo"),
    path("appointments/<int:pk>/again/", views_steps.appointment_again, name="appointment-again"),
    path("series/new/", views_series.series_new, name="series-new"),
    path("series/ending/", views_series.series_ending, name="series-ending"),
    path("appointments/<int:pk>/series/", views_series.series_change, name="series-change"),
    path("appointments/<int:pk>/series/cancel/", views_series.series_cancel, name="series-cancel"),
    path("appointments/<int:pk>/keep/", views_rebooking.appointment_keep, name="appointment-keep"),
    path("appointments/to-rebook/", views_rebooking.visits_to_rebook, name="visits-to-rebook"),
    path("settings/therapists/<int:pk>/visits/", views_rebooking.therapist_visits, name="therapist-visits"),
    path("settings/therapists/<int:pk>/hours/", views_hours.therapist_hours, name="therapist-hours"),
    path(
        "settings/therapists/<int:pk>/hours/change/", views_hours.therapist_hours_change, name="therapist-hours-change"
    ),
    path("settings/therapists/<int:pk>/time-off/", views_hours.therapist_time_off, name="therapist-time-off"),
    path("my-hours/", views_hours.my_hours, name="my-hours"),
    path("settings/closures/", views_hours.closures, name="closures"),
    path("time-off/", views_hours.time_off_list, name="time-off-list"),
    path("time-off/<int:pk>/", views_hours.absence, name="absence"),
    path("time-off/<int:pk>/remove/", views_hours.absence_remove, name="absence-remove"),
    path("waitlist/", views_waitlist.waitlist, name="waitlist"),
    path("waitlist/new/", views_waitlist.wish_new, name="wish-new"),
    path("waitlist/<int:pk>/", views_waitlist.wish_edit, name="wish-edit"),
    path("waitlist/<int:pk>/remove/", views_waitlist.wish_remove, name="wish-remove"),
    path("waitlist/<int:pk>/still-waits/", views_waitlist.wish_hear, name="wish-hear"),
    path("waitlist/offers/<int:pk>/", views_waitlist.offer_answer, name="offer-answer"),
    path("calendar/<slug:token>.ics", views_feeds.calendar_feed, name="calendar-feed"),
    path("my-calendar/", views_feeds.my_calendar, name="my-calendar"),
    path("me/<int:client_pk>/calendar/", views_feeds.client_calendar, name="client-calendar"),
]
