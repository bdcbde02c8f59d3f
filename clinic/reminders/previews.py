"""Messages as their reader will see them, on an example: a visit a week from now, at ten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import timezone, translation
from django.utils.safestring import SafeString

from clinic.lib.times import at_wall, local_date
from clinic.people.access import the_clinic
from clinic.people.models import Clinic, ContactConsent, Location, Therapist, clinic_zone
from clinic.reminders.kinds import MessageKind, message_kinds
from clinic.reminders.models import Wording
from clinic.reminders.texting.segments import segments
from clinic.reminders.wording import VALUES, Said, all_own_words, fill, fill_html, our_words, values_of

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Channel = ContactConsent.Channel
CALLED = "Alice"
# As long as a real one: a text is counted in parts.
LINK = "/v/2n9c.3xKp0fQwZsT1uVbCdEfGhA/"
WEEK = timedelta(weeks=1)


@dataclass(frozen=True)
class Preview:
    """One message on the example; `parts` is in how many parts a text is sent."""

    channel: str
    subject: str
    text: str
    paragraphs: SafeString
    parts: int


@dataclass(frozen=True)
class Way:
    """One channel and language in which a kind is said."""

    channel: str
    words: StrOrPromise
    language: str
    is_own: bool


@dataclass(frozen=True)
class WordingRow:
    """One kind in the list, and the ways in which it is said."""

    kind: str
    words: StrOrPromise
    ways: Sequence[Way]


def wording_rows(clinic: Clinic) -> list[WordingRow]:
    """Return what can be put into other words. One query."""
    own = all_own_words()
    return [
        WordingRow(
            name,
            kind.words,
            [
                Way(channel, Channel(channel).label, language, (name, channel, language) in own)
                for language in clinic.languages
                for channel in kind.channels
            ],
        )
        for name, kind in message_kinds.items()
        if kind.may_say
    ]


def words_now(kind: MessageKind, own: Wording | None, channel: str, language: str) -> Said:
    """Return how it is said now, with placeholders: in the clinic's words, else in ours."""
    if own is not None:
        return Said(text=own.text, subject=own.subject)
    with translation.override(language):
        return our_words(kind.template, channel, kind.may_say)


def preview(said: Said, channel: str, language: str, now: datetime) -> Preview:
    """Return words with placeholders as their reader sees them."""
    clinic = the_clinic()
    with translation.override(language), timezone.override(clinic_zone()):
        values = values_of(_example(now), clinic=clinic, called=CALLED, channel=channel, link=settings.SITE_URL + LINK)
        text = fill(said.text, values).strip()
        parts = segments(" ".join(text.split())) if channel == Channel.TEXT else 0
        return Preview(channel, fill(said.subject, values), text, fill_html(said.text, values), parts)


def reminder_previews(now: datetime) -> list[Preview]:
    """Return the reminder as it reads now, as a mail and on the phone."""
    clinic, own, kind = the_clinic(), all_own_words(), message_kinds["reminder"]
    return [
        preview(
            words_now(kind, own.get(("reminder", channel, clinic.language)), channel, clinic.language),
            channel,
            clinic.language,
            now,
        )
        for channel in kind.channels
    ]


def placeholders(kind: MessageKind) -> Mapping[str, StrOrPromise]:
    """Return what each placeholder of a kind stands for."""
    return {name: VALUES[name] for name in kind.may_say}


def _example(now: datetime) -> Mapping[str, Any]:
    zone, location = clinic_zone(), Location.objects.filter(archived_at__isnull=True).order_by("pk").first()
    therapist = Therapist.objects.filter(archived_at__isnull=True).select_related("user").order_by("pk").first()
    starts_at = at_wall(zone, local_date(zone, now + WEEK), time(10))
    return {
        "starts_at": starts_at,
        "starts": [starts_at + week * WEEK for week in range(4)],
        "until": now + timedelta(hours=2),
        "minutes": 60,
        "location": location,
        "therapist": therapist.user.first_name if therapist else "Bea",
    }
