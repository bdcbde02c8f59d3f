"""Every address, from the root. Each room writes its own; the names are in their urls.py."""

from django.urls import include, path

urlpatterns = [
    path("", include("clinic.public.urls")),
    path("", include("clinic.public.booking_urls")),
    path("", include("clinic.people.signin_urls")),
    path("", include("clinic.people.urls")),
    path("", include("clinic.people.history_urls")),
    path("", include("clinic.desk.urls")),
    path("", include("clinic.portal.urls")),
    path("", include("clinic.scheduling.urls")),
    path("", include("clinic.reminders.urls")),
    path("", include("intake.urls")),
    path("", include("sessions.urls")),
    path("", include("plans.urls")),
    path("", include("clinic.demo.urls")),
]
