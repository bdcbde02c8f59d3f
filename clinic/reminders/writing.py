"""Looking once more at a message, and turning it into the letter she reads: her language, her location's wall clock."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from clinic.people.models import Client, Clinic, ContactConsent, Location, User
from clinic.people.services.clients import last_words
from clinic.reminders.channels import Letter, channels
from clinic.reminders.kinds import message_kinds
from clinic.reminders.links import address_of
from clinic.reminders.models import Message, MessagePolicy, Wording
from clinic.reminders.outbox import Outcome
from clinic.reminders.policy import message_policy
from clinic.reminders.reading import OF_A_VISIT
from clinic.reminders.timing import end_of_quiet
from clinic.reminders.wording import Said, all_own_words, filled_in, form_letter, said, values_of, values_of_one

State = Message.State
Words = dict[str, Any]

# A worker's patience with a batch, and a mail server's time for its last letter, at most.
BATCH_TAKES = timedelta(seconds=40)


@dataclass(frozen=True)
class Known:
    """What does not depend on the single message: read once for a batch."""

    clinic: Clinic
    policy: MessagePolicy
    # The zone of the first location, for what is about none.
    zone: ZoneInfo
    agreed: Collection[tuple[int, str]]
    # By kind, channel and language.
    own_words: Mapping[tuple[str, str, str], Wording]
    # Of kinds of which many are written at once, as they become known: by kind, channel, language, place, and what
    # there is to be filled in.
    forms: dict[tuple[object, ...], Said] = field(default_factory=dict)


def what_is_known(client_pks: Collection[int]) -> Known:
    """Read what messages to these clients need. Five queries."""
    return Known(
        clinic=Clinic.objects.get(),
        policy=message_policy(),
        zone=Location.objects.earliest("pk").zone,
        agreed={said for said, is_given in last_words(client_pks).items() if is_given},
        own_words=all_own_words(),
    )


def is_of_use(message: Message, now: datetime) -> bool:
    """Say whether a message is still of use when the last of a batch that is begun now has gone out."""
    return now + BATCH_TAKES < message.useless_after


def recipient(message: Message, words: Words) -> Client | User:
    """Return to whom it goes: whom it is about by now may be another record than it was."""
    client = words.get("client")
    return client if isinstance(client, Client) else message.whom


def letter_or_obstacle(message: Message, words: Words, known: Known, now: datetime) -> Letter | Outcome:
    """Write the letter, or say what becomes of the message instead."""
    whom = recipient(message, words)
    obstacle = obstacle_of(message, whom, words, known, now)
    if obstacle is not None:
        return obstacle
    to = whom.email if isinstance(whom, User) else channels[message.channel].address_of(whom, now)
    if not to:
        is_text = message.channel == ContactConsent.Channel.TEXT
        return Outcome(State.FAILED, _("There is no mobile number.") if is_text else _("There is no e-mail address."))
    return write_letter(message, whom=whom, to=to, words=words, known=known)


def obstacle_of(message: Message, whom: Client | User, words: Words, known: Known, now: datetime) -> Outcome | None:
    """Say why a message does not go out, or not yet."""
    kind = message_kinds[message.kind]
    is_gone = not whom.is_active if isinstance(whom, User) else bool(whom.archived_at)
    if is_gone or words.get("about_at", message.about_at) != message.about_at:
        return Outcome(State.DROPPED)
    if isinstance(whom, Client) and kind.needs_consent and (whom.pk, message.channel) not in known.agreed:
        return Outcome(State.DROPPED, _("There is no consent to write."))
    if now < (later := words.get("not_before", now)):
        return postponed(message, later, "")
    quiet = known.policy.quiet_from, known.policy.quiet_until
    if kind.keeps_quiet_hours and not kind.is_urgent and (end := end_of_quiet(now, *quiet, zone_of(words, known))):
        return postponed(message, end, _("It would have come in the quiet hours."))
    return None


def postponed(message: Message, until: datetime, problem: str) -> Outcome:
    """Let it wait until then, where it is still of use by then."""
    return Outcome(State.WAITING, due_at=until) if until < message.useless_after else Outcome(State.MISSED, problem)


def zone_of(words: Words, known: Known) -> ZoneInfo:
    """Return the zone whose wall clock counts: what the message is about says it, else the clinic's first location."""
    zone = words.get("zone")
    return zone if isinstance(zone, ZoneInfo) else known.zone


def write_letter(message: Message, *, whom: Client | User, to: str, words: Words, known: Known) -> Letter:
    """Render the templates of its kind for its channel."""
    language, called = (
        (settings.LANGUAGE_CODE, whom.first_name) if isinstance(whom, User) else (whom.language, whom.called)
    )
    given: Words = {"clinic": known.clinic, "called": called, **words}
    link = address_of(message) if message.kind in OF_A_VISIT else ""
    with translation.override(language), timezone.override(zone_of(words, known)):
        letter = _said(message, given, known, language, called=called, link=link)
    return Letter(
        key=message.pk,
        secret=message.key,
        to=to,
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
        calendar=given.get("calendar", b""),
    )


def _said(message: Message, given: Words, known: Known, language: str, *, called: str, link: str) -> Said:
    kind, channel = message_kinds[message.kind], message.channel
    own = known.own_words.get((message.kind, channel, language))
    if kind.contexts is None:
        values = values_of(given, clinic=known.clinic, called=called, channel=channel, link=link)
        return said(kind.template, channel, own, given, values)
    ones = values_of_one(given, called=called, channel=channel, link=link)
    place = given["location"].pk if "location" in given else None
    which = (message.kind, channel, language, place, *map(bool, ones.values()))
    if which not in known.forms:
        values = values_of(given, clinic=known.clinic, called=called, channel=channel, link=link)
        known.forms[which] = form_letter(kind.template, channel, own, given, values, ones=ones)
    return filled_in(known.forms[which], ones)
