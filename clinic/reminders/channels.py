"""Ways out of the house. A channel hands one letter to its provider and says what became of it."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import Protocol
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.utils.translation import gettext as _

from clinic.people.models import Client, ContactConsent
from clinic.people.services import mail_address

# SMTP: replies from here on are refusals for good; below, "try again later".
FIRST_LASTING_REPLY = 500


@dataclass(frozen=True)
class Letter:
    """What one person will read. The key is the row's: the same letter sent again is recognised by it."""

    key: int
    to: str
    subject: str
    text: str
    html: str
    # A calendar file of the visits it speaks of.
    calendar: bytes = b""


class Refused(Exception):  # noqa: N818  # reads as the sentence it carries
    """The provider has certainly not taken it; the words are for the front desk."""

    def __init__(self, words: str, *, for_good: bool = False) -> None:
        super().__init__(words)
        self.words = words
        self.for_good = for_good


class Channel(Protocol):
    """One way out."""

    def address_of(self, client: Client, now: datetime) -> str:
        """Return where this client is reached, or nothing."""

    def send(self, letter: Letter) -> None:
        """Hand it over. Raises Refused when it was certainly not taken; after any other exception nobody knows."""


class EmailChannel:
    """E-mail through Django's mail."""

    def address_of(self, client: Client, now: datetime) -> str:
        """Return her e-mail address, or of somebody under 18 who has none the guardian's."""
        return mail_address(client, now)

    def send(self, letter: Letter) -> None:
        """Connect first: what fails before the letter is handed over was certainly not sent."""
        mail = EmailMultiAlternatives(letter.subject, letter.text, to=[letter.to], headers=headers_for(letter))
        mail.attach_alternative(letter.html, "text/html")
        if letter.calendar:
            mail.attach("appointment.ics", letter.calendar, "text/calendar")
        connection = get_connection()
        try:
            connection.open()
        except (OSError, SMTPException) as problem:
            raise Refused(_("The mail server cannot be reached.")) from problem
        try:
            connection.send_messages([mail])
        except (SMTPRecipientsRefused, SMTPResponseException) as problem:
            raise refusal(problem) from problem
        finally:
            # A goodbye that fails says nothing about the letter.
            with suppress(OSError, SMTPException):
                connection.close()


def headers_for(letter: Letter) -> dict[str, str]:
    """Return the headers by which machines recognise the letter, and leave it unanswered."""
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    return {"Message-ID": f"<stillpoint-message-{letter.key}@{host}>", "Auto-Submitted": "auto-generated"}


def refusal(problem: SMTPRecipientsRefused | SMTPResponseException) -> Refused:
    """Translate the mail server's no."""
    code = (
        problem.smtp_code
        if isinstance(problem, SMTPResponseException)
        else max(code for code, _reply in problem.recipients.values())
    )
    if code >= FIRST_LASTING_REPLY:
        return Refused(_("The mail server refused the message (%(code)s).") % {"code": code}, for_good=True)
    return Refused(_("The mail server asked to try again later (%(code)s).") % {"code": code})


channels: dict[str, Channel] = {ContactConsent.Channel.EMAIL: EmailChannel()}
