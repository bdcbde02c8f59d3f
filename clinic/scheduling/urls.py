from django.urls import path

from clinic.scheduling import views, views_rebooking

app_name = "scheduling"
urlpatterns = [
    path("appointments/new/", views.appointment_new, name="appointment-new"),
    path("appointments/<int:pk>/status/", views.appointment_status, name="appointment-status"),
    path("appointments/<int:pk>/cancel/", views.appointment_cancel, name="appointment-cancel"),
    path("appointments/<int:pk>/move/", views.appointment_move, name="appointment-move"),
    path("series/new/", views.series_new, name="series-new"),
    path("appointments/to-rebook/", views_rebooking.visits_to_rebook, name="visits-to-rebook"),
    path("settings/therapists/<int:pk>/visits/", views_rebooking.therapist_visits, name="therapist-visits"),
]
