"""The histories: what the audit room keeps, behind this room's door. Audit lies below and knows no roles."""

from django.urls import path

from clinic.people.views import history

app_name = "audit"
urlpatterns = [
    path("clients/<int:pk>/history/", history.client_history, name="client-history"),
    path("clients/<int:pk>/looks/", history.client_looks, name="client-looks"),
    path("history/<slug:kind>/<int:pk>/", history.record_history, name="record-history"),
    path("settings/history/", history.clinic_history, name="clinic-history"),
]
