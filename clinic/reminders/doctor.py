"""How the parts are that send messages, found out within seconds even when a part hangs, and what to do about each."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from smtplib import SMTPException
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import redis
from django.conf import settings
from django.core.cache import cache
from django.core.mail import get_connection
from django.db import DatabaseError, connection
from django.db.models import Count, Q, TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clinic.celery import BEAT_PULSE, WORKER_PULSE, app
from clinic.reminders.channels import channels
from clinic.reminders.models import Message
from clinic.reminders.silence import silent_since

PATIENCE_SECONDS = 2
DRAINED_WITHIN = timedelta(minutes=5)
LATELY = timedelta(hours=1)
State = Message.State

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Word(TextChoices):
    """How a part is, in one word."""

    OK = "ok", gettext_lazy("well")
    DOWN = "down", gettext_lazy("does not answer")
    SILENT = "silent", gettext_lazy("no pulse")
    LATE = "late", gettext_lazy("late")
    STUCK = "stuck", gettext_lazy("stuck")
    FAILING = "failing", gettext_lazy("failing")
    UNKNOWN = "unknown", gettext_lazy("not known")


NAMES = {
    "database": gettext_lazy("Database"),
    "broker": gettext_lazy("Broker"),
    "worker": gettext_lazy("Worker"),
    "beat": gettext_lazy("Beat"),
    "messages": gettext_lazy("What is due"),
    "in hand": gettext_lazy("What is being sent"),
    "failed": gettext_lazy("What failed"),
    "email": gettext_lazy("By e-mail"),
    "text": gettext_lazy("By text"),
    "mail server": gettext_lazy("Mail server"),
}


@dataclass(frozen=True)
class Finding:
    """One part of the house: how it is, and what to do where it is not well."""

    part: str
    word: Word
    words: str
    advice: str = ""

    @property
    def name(self) -> StrOrPromise:
        """Return what people call this part."""
        return NAMES[self.part]

    @property
    def is_well(self) -> bool:
        """Say whether nobody need do anything."""
        return self.word == Word.OK


def examine(now: datetime) -> list[Finding]:
    """Look at every part: what must run, what is due, stuck and failing, and whether the providers answer."""
    parts = working_parts(now)
    try:
        if parts[0].is_well:
            parts += [in_hand(now), waiting_for_a_person()]
            parts += [outgoing(name, now) for name in channels]
    except DatabaseError:
        words, advice = _("The tables are not those of this version."), _("Run: manage.py migrate.")
        parts[0] = Finding("database", Word.DOWN, words, advice)
    return [*parts, mail_server()]


def working_parts(now: datetime) -> list[Finding]:
    """Look at what must run for messages to go out."""
    database, broker = _database(), _broker()
    return [
        database,
        broker,
        _worker() if broker.is_well else _unknown("worker", broker),
        _beat() if broker.is_well else _unknown("beat", broker),
        # A worker that lives and sends nothing leaves its pulse all the same.
        _messages(now) if database.is_well else _unknown("messages", database),
    ]


# --- What must run


def _database() -> Finding:
    # A connection of its own: the pool may be what hangs, and it has no timeout short enough.
    limits = {"connect_timeout": PATIENCE_SECONDS, "options": f"-c statement_timeout={PATIENCE_SECONDS * 1000}"}
    try:
        with psycopg.connect(**{**connection.get_connection_params(), **limits}) as fresh:
            fresh.execute("SELECT 1")
    except psycopg.Error:
        advice = _("Start PostgreSQL; what is due is in it, and goes out when it is back.")
        return Finding("database", Word.DOWN, _("The database does not answer."), advice)
    return Finding("database", Word.OK, _("The database answers."))


def _broker() -> Finding:
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS
        ) as client:
            client.ping()
    except redis.RedisError:
        advice = _("Start Valkey; nothing is lost without it, but nothing goes out.")
        return Finding("broker", Word.DOWN, _("The broker does not answer."), advice)
    return Finding("broker", Word.OK, _("The broker answers."))


def _worker() -> Finding:
    """Ask for each queue whether somebody listens to it."""
    queues = sorted(queue for queue in app.amqp.queues if not queue.startswith("own."))
    heard = _pulses(*(WORKER_PULSE + queue for queue in queues))
    if heard is None:
        return _unknown("worker")
    if silent := [queue for queue in queues if WORKER_PULSE + queue not in heard]:
        words = _("No worker listens to: %(queues)s.") % {"queues": ", ".join(silent)}
        return Finding("worker", Word.SILENT, words, _("Start the worker, or look in its log why it ends."))
    words = _("Workers listen to: %(queues)s.") % {"queues": ", ".join(queues)}
    return Finding("worker", Word.OK, words)


def _beat() -> Finding:
    heard = _pulses(BEAT_PULSE)
    if heard is None:
        return _unknown("beat")
    if not heard:
        advice = _("Start beat: without it nobody looks for what is due.")
        return Finding("beat", Word.SILENT, _("Beat does not tick."), advice)
    return Finding("beat", Word.OK, _("Beat ticks."))


def _pulses(*keys: str) -> set[str] | None:
    """Return which of these were heard of lately; None where the cache cannot be asked."""
    try:
        return set(cache.get_many(keys))
    except redis.RedisError:
        return None


def _messages(now: datetime) -> Finding:
    """Count what is due, and whether some of it should have gone out long ago."""
    long_ago = now - DRAINED_WITHIN
    try:
        due = Message.objects.due(now).aggregate(all=Count("pk"), late=Count("pk", filter=Q(due_at__lt=long_ago)))
    except DatabaseError:
        return _unknown("messages")
    if due["late"]:
        words = ngettext(
            "%(count)s message has been due for more than five minutes.",
            "%(count)s messages have been due for more than five minutes.",
            due["late"],
        )
        return Finding("messages", Word.LATE, words % {"count": due["late"]}, _("See to worker and beat first."))
    words = ngettext("%(count)s message is due.", "%(count)s messages are due.", due["all"])
    return Finding("messages", Word.OK, words % {"count": due["all"]} if due["all"] else _("Nothing is due."))


def _unknown(part: str, because: Finding | None = None) -> Finding:
    words = because.words if because else _("It could not be asked.")
    return Finding(part, Word.UNKNOWN, words, _("See to the others first."))


def _knock_at_service() -> None:
    """Connect with the service, which opens no line before the first mail. Raises OSError."""
    address = urlsplit(getattr(get_connection(), "api_url", ""))
    if address.hostname:
        port = address.port or socket.getservbyname(address.scheme)
        socket.create_connection((address.hostname, port), PATIENCE_SECONDS).close()


# --- What became of messages


def in_hand(now: datetime) -> Finding:
    """Count what was being sent when its sender was last heard of."""
    stuck = Message.objects.stuck(now - DRAINED_WITHIN).count()
    if not stuck:
        return Finding("in hand", Word.OK, _("No message is stuck."))
    words = ngettext(
        "%(count)s message is in the hands of nobody.", "%(count)s messages are in the hands of nobody.", stuck
    )
    advice = _("The next sweep calls them uncertain; without one, see to beat and worker.")
    return Finding("in hand", Word.STUCK, words % {"count": stuck}, advice)


def waiting_for_a_person() -> Finding:
    """Count what failed, or may not have gone out, and nobody has seen to."""
    waiting = Message.objects.needing_a_person().count()
    if not waiting:
        return Finding("failed", Word.OK, _("No message needs a person."))
    words = ngettext("%(count)s message needs a person.", "%(count)s messages need a person.", waiting)
    return Finding("failed", Word.FAILING, words % {"count": waiting}, _("Open “Messages”: phone, or send again."))


def outgoing(channel: str, now: datetime) -> Finding:
    """Say what became of what was handed to a provider lately.

    It fails when nobody answers there, or it took nothing and refused something.
    """
    advice = _("Look in the provider's account and at its address here.")
    if since := silent_since(channel):
        words = _("Nobody has answered there for %(minutes)s min.") % {"minutes": (now - since) // timedelta(minutes=1)}
        return Finding(channel, Word.DOWN, words, advice)
    tried = Message.objects.filter(channel=channel, tried_at__gt=now - LATELY)
    taken, refused = tried.filter(state=State.SENT).count(), tried.exclude(state=State.SENT)
    last = refused.order_by("-tried_at").values_list("problem", flat=True).first()
    if taken or last is None:
        words = ngettext(
            "%(count)s message was taken in the last hour.", "%(count)s messages were taken in the last hour.", taken
        )
        return Finding(channel, Word.OK, words % {"count": taken})
    words = _("No message was taken in the last hour. %(problem)s") % {"problem": last}
    return Finding(channel, Word.FAILING, words.strip(), advice)


def mail_server() -> Finding:
    """Knock at the mail server, or at the mail service's door."""
    try:
        if settings.MAIL_SERVICE:
            _knock_at_service()
        else:
            line = get_connection(timeout=PATIENCE_SECONDS)
            line.open()
            line.close()
    except (OSError, SMTPException):
        advice = _("Look at EMAIL_URL; messages are tried again meanwhile.")
        return Finding("mail server", Word.DOWN, _("The mail server does not let us in."), advice)
    return Finding("mail server", Word.OK, _("The mail server lets us in."))
