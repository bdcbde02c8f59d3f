"""What is wrong with the settings is said at the start, not with the first text."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from clinic.reminders.texting.providers import text_provider


def text_url_is_understood(**_facts: Any) -> list[CheckMessage]:
    """Say in one sentence what TEXT_URL lacks."""
    try:
        text_provider()
    except ImproperlyConfigured as problem:
        return [Error(str(problem), id="reminders.E001")]
    return []


def mail_service_is_secured(**_facts: Any) -> list[CheckMessage]:
    """Refuse a mail service whose events anybody could forge."""
    if settings.MAIL_SERVICE and ":" not in settings.ANYMAIL.get("WEBHOOK_SECRET", ""):
        return [Error("EMAIL_URL must also say WEBHOOK_SECRET=name:word for the mail service.", id="reminders.E002")]
    return []
