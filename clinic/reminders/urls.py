"""Addresses of the pages about messages."""

from django.conf import settings
from django.urls import path

from clinic.reminders import views, views_policy, views_replies, webhooks

app_name = "reminders"
urlpatterns = [
    path("messages/", views.message_list, name="message-list"),
    path("messages/how-they-go/", views.how_they_go, name="how-they-go"),
    path("messages/<int:pk>/try-again/", views.message_try_again, name="message-try-again"),
    path("messages/<int:pk>/settle/", views.message_settle, name="message-settle"),
    path("messages/replies/", views_replies.reply_list, name="reply-list"),
    path("messages/replies/<int:pk>/", views_replies.reply, name="reply"),
    path("messages/replies/<int:pk>/settle/", views_replies.reply_settle, name="reply-settle"),
    path("settings/messages/", views_policy.policy, name="policy"),
    path("settings/messages/<slug:kind>/<slug:channel>/<slug:language>/", views_policy.wording, name="wording"),
    path("settings/services/<int:pk>/messages/", views_policy.service_policy, name="service-policy"),
    path("clients/<int:pk>/messages/", views_policy.client_policy, name="client-policy"),
    # Named in the provider's settings, or told it with each text.
    path("hooks/texts/", webhooks.text_incoming, name="text-incoming"),
    path("hooks/texts/<uuid:key>/", webhooks.text_receipt, name="text-receipt"),
]
if settings.MAIL_SERVICE:
    from clinic.reminders.mail_services import events_at

    urlpatterns += events_at(settings.MAIL_SERVICE)
