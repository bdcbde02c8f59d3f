"""Addresses of the pages about messages."""

from django.urls import path

from clinic.reminders import views

app_name = "reminders"
urlpatterns = [
    path("messages/", views.message_list, name="message-list"),
    path("messages/<int:pk>/try-again/", views.message_try_again, name="message-try-again"),
    path("messages/<int:pk>/settle/", views.message_settle, name="message-settle"),
]
