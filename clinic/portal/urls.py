from django.urls import path

from clinic.portal import booking, views

app_name = "portal"

urlpatterns = [
    path("me/", views.home, name="home"),
    path("me/visits/", views.visits, name="visits"),
    path("me/visits/<int:pk>/cancel/", booking.visit_cancel, name="visit-cancel"),
    path("me/visits/<int:pk>/move/", booking.visit_move, name="visit-move"),
    path("me/<int:client_pk>/choose/", views.choose, name="choose"),
    path("me/<int:client_pk>/plan/", views.plan, name="plan"),
]
