"""Ways out of the house. A channel hands one letter to its provider and says what became of it."""

from contextlib import AbstractContextManager, closing, suppress
from dataclasses import dataclass
from datetime import datetime
from select import select
from smtplib import SMTP, SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import Protocol
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.translation import gettext as _

from clinic.people.models import Client, ContactConsent
from clinic.people.services import mail_address
from clinic.reminders.envelope import Mail
from clinic.reminders.smtp import hand_over

# SMTP: replies from here on are refusals for good; below, "try again later".
FIRST_LASTING_REPLY = 500


@dataclass(frozen=True)
class Letter:
    """What one person will read. The key is the row's: the same letter sent again is recognised by it."""

    key: int
    # The row's other key, which nobody can guess: a provider that is asked to tell of the arrival gives it back.
    secret: UUID
    to: str
    # A text message has neither subject nor HTML.
    subject: str
    text: str
    html: str
    # A calendar file of the visits it speaks of.
    calendar: bytes = b""


class Refused(Exception):  # noqa: N818  # reads as the sentence it carries
    """The provider has certainly not taken it; the words are for the front desk."""

    def __init__(self, words: str, *, for_good: bool = False, nobody_answers: bool = False) -> None:
        super().__init__(words)
        self.words = words
        self.for_good = for_good
        # Not this letter was refused: none would have been taken.
        self.nobody_answers = nobody_answers


class Line(Protocol):
    """An open way to a provider, for one letter after another."""

    def send(self, letter: Letter) -> str:
        """Hand it over and return the provider's own key of it, "" where it gives none.

        Raises Refused when it was certainly not taken; after any other exception nobody knows.
        """


class Channel(Protocol):
    """One way out."""

    @property
    def deduplicates(self) -> bool:
        """Whether the provider knows a letter that comes again by its key, and passes it on once."""

    def address_of(self, client: Client, now: datetime) -> str:
        """Return where this client is reached, or nothing."""

    def open(self) -> AbstractContextManager[Line]:
        """Return a line for a batch. It costs nothing until the first letter, which may be refused."""


class EmailChannel:
    """E-mail through Django's mail."""

    # Mail servers pass on whatever they are given.
    deduplicates = False

    def address_of(self, client: Client, now: datetime) -> str:
        """Return her e-mail address, or of somebody under 18 who has none the guardian's."""
        return mail_address(client, now)

    def open(self) -> AbstractContextManager[Line]:
        """Return a line that connects with the first letter, and anew where it broke."""
        return closing(EmailLine())


class EmailLine:
    """One connection to the mail server, as long as it lasts."""

    def __init__(self) -> None:
        self.connection = get_connection()

    def send(self, letter: Letter) -> str:
        """Connect first: what fails before the letter is handed over was certainly not sent."""
        mail = mail_of(letter)
        self.connect()
        try:
            self.pass_on(mail)
        except (SMTPRecipientsRefused, SMTPResponseException) as problem:
            raise refusal(problem) from problem
        except Exception as problem:
            self.close()
            if not settings.MAIL_SERVICE:
                raise
            from clinic.reminders import mail_services

            raise mail_services.refusal(problem) from None
        return self.key_of(mail)

    def pass_on(self, mail: Mail) -> None:
        """Hand it to the server, or to whatever else carries mail here."""
        if server := server_of(self.connection):
            hand_over(server, mail)
        else:
            self.connection.send_messages([mail])

    @staticmethod
    def key_of(mail: EmailMultiAlternatives) -> str:
        """Return the mail service's key of a mail that was handed over; a mail server gives none."""
        if not settings.MAIL_SERVICE:
            return ""
        from clinic.reminders import mail_services

        return mail_services.provider_key_of(mail)

    def connect(self) -> None:
        """Have an open connection; a server may have hung up since the last letter."""
        if has_hung_up(self.connection):
            self.close()
        try:
            self.connection.open()
        except (OSError, SMTPException) as problem:
            self.close()
            raise Refused(_("The mail server cannot be reached."), nobody_answers=True) from problem

    def close(self) -> None:
        """Say goodbye; one that fails says nothing about the letters."""
        with suppress(OSError, SMTPException):
            self.connection.close()


def has_hung_up(connection: BaseEmailBackend) -> bool:
    """Say whether an open connection to a mail server is over: unasked, a server says nothing but its goodbye."""
    server = server_of(connection)
    return server is not None and (server.sock is None or bool(select([server.sock], [], [], 0)[0]))


def server_of(connection: BaseEmailBackend) -> SMTP | None:
    """Return the mail server to which a connection is open, if it is one."""
    server = getattr(connection, "connection", None)
    return server if isinstance(server, SMTP) else None


def mail_of(letter: Letter) -> Mail:
    """Put a letter into an envelope."""
    mail = Mail(letter.subject, letter.text, to=[letter.to], headers=headers_for(letter))
    mail.attach_alternative(letter.html, "text/html")
    if letter.calendar:
        mail.attach("appointment.ics", letter.calendar, "text/calendar")
    return mail


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
