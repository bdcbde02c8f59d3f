"""The client's history: what the audit room keeps, behind this room's door. Audit lies below and knows no roles."""

from django.urls import path

from clinic.people import views

app_name = "audit"
urlpatterns = [
    path("clients/<int:pk>/history/", views.client_history, name="client-history"),
]
