"""The client's history: what the audit room keeps, behind this room's door. Audit lies below and knows no roles."""

from django.urls import path

from clinic.people.views import history

app_name = "audit"
urlpatterns = [
    path("clients/<int:pk>/history/", history.client_history, name="client-history"),
]
