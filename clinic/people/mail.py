"""The one letter that this room sends itself: the invitation of somebody who is to work here."""

from __future__ import annotations

import logging
from email.utils import formataddr, parseaddr
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from clinic.people.models import Clinic, Invitation, clinic_zone

logger = logging.getLogger(__name__)


def mail_invitation(invitation: Invitation, token: str) -> bool:
    """Send the link, and say whether the mail server took it. Call it after the commit: the link must work at once."""
    clinic = Clinic.objects.get()
    words = {
        "clinic": clinic,
        "called": invitation.name.split()[0],
        "invited_by": invitation.invited_by.name,
        "link": f"{settings.SITE_URL}{reverse('people:invitation', args=[token])}",
        "expires_at": invitation.expires_at,
    }
    with translation.override(clinic.language), timezone.override(clinic_zone()):
        subject, text, html = (
            render_to_string(f"emails/invitation/{part}", words) for part in ("subject.txt", "text.txt", "html.html")
        )
    sender = formataddr((clinic.name, parseaddr(settings.DEFAULT_FROM_EMAIL)[1]))
    mail = EmailMultiAlternatives(
        " ".join(subject.split()),
        text.strip() + "\n",
        sender,
        [invitation.email],
        headers={"Auto-Submitted": "auto-generated"},
    )
    mail.attach_alternative(html, "text/html")
    try:
        mail.send()
    except (OSError, SMTPException, ValueError):
        logger.exception("Invitation %s could not be mailed.", invitation.pk)
        return False
    return True
