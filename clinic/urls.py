"""Every address, from the root. Each room writes its own; the names are in their urls.py."""

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path

ROOMS = (
    "clinic.public",
    "clinic.people",
    "clinic.desk",
    "clinic.portal",
    "clinic.scheduling",
    "clinic.reminders",
    "intake",
    "sessions",
    "plans",
)

urlpatterns: list[URLPattern | URLResolver] = [
    *(path("", include(f"{room}.urls")) for room in ROOMS if find_spec(f"{room}.urls")),
    path("", include("allauth.account.urls")),
]
