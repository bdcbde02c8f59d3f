"""The kinds that go to the staff: a licence that ends, and a channel by which nothing goes out any more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Min
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from clinic.lib.times import at_wall, day_bounds, local_date
from clinic.people import licences
from clinic.people.models import ContactConsent, Role, Therapist, User, clinic_zone
from clinic.reminders.kinds import Due, MessageKind
from clinic.reminders.models import Message
from clinic.reminders.silence import last_taken_at, silent_since

MORNING = time(9)
State = Message.State

# --- Licences and qualifications


def licences_due(now: datetime) -> Iterator[Due]:
    """Yield, for each owner and the therapist herself, each day within sixty on which something of hers ends."""
    zone = clinic_zone()
    owners = set(_active(Role.OWNER))
    for ends_on, user_pk in _endings(local_date(zone, now)):
        for told in owners | {user_pk}:
            yield _licence_due(told, ends_on, zone)


def licence_words(user_pk: int, now: datetime) -> dict[str, Any] | None:
    """Return all that ends soon and concerns this member of staff, or None when it has been renewed meanwhile."""
    user = User.objects.filter(pk=user_pk).first()
    rows = licences.rows(user, now) if user else []
    if user is None or not rows:
        return None
    address = reverse("people:staff-list" if user.is_owner else "people:my-profile")
    return {"endings": rows, "link": f"{settings.SITE_URL}{address}", "zone": clinic_zone()}


def _endings(today: date) -> Iterator[tuple[date, int]]:
    warned = Therapist.objects.filter(archived_at__isnull=True, user__is_active=True).order_by("pk")
    for therapist in warned.prefetch_related("qualifications__modality"):
        for ending in licences.endings_of(therapist, today):
            if not ending.has_ended:
                yield ending.ends_on, therapist.user_id


def _licence_due(user_pk: int, ends_on: date, zone: ZoneInfo) -> Due:
    ends_at = at_wall(zone, ends_on, time.max)
    due_at = at_wall(zone, ends_on - licences.WARNED_BEFORE, MORNING)
    return Due(user_pk, None, at_wall(zone, ends_on, time.min), due_at, ends_at, user_pk=user_pk)


# --- A channel that fails

# It fails when nobody has answered there for so long; or when it took nothing since it refused so many people, the
# first of them so long ago. One address that is no more, or one full mailbox, is no failure of the channel.
REFUSED_PEOPLE, FAILS_FOR = 3, timedelta(minutes=5)
REFUSED_FOR_GOOD = 10
LOOKS_BACK = timedelta(hours=1)
# By their place in this list the outbox knows them.
CHANNELS = tuple(ContactConsent.Channel.values)


def failing_due(now: datetime) -> Iterator[Due]:
    """Yield, for owners and the front desk, each channel that fails, once a day: the notice itself may get through."""
    failing = [number for number, name in enumerate(CHANNELS) if fails(name, now)]
    told = _active(Role.OWNER, Role.FRONT_DESK) if failing else []
    today, tomorrow = day_bounds(clinic_zone(), local_date(clinic_zone(), now))
    for number in failing:
        for user_pk in told:
            yield Due(number, None, today, now, tomorrow, user_pk=user_pk)


def failing_words(number: int, now: datetime) -> dict[str, Any] | None:
    """Return which channel fails and since when, or None when it takes messages again."""
    if not fails(CHANNELS[number], now):
        return None
    return {
        "channel": ContactConsent.Channel(CHANNELS[number]).label,
        "since": last_taken_at(CHANNELS[number]),
        "link": f"{settings.SITE_URL}{reverse('reminders:message-list')}",
        "zone": clinic_zone(),
    }


def fails(channel: str, now: datetime) -> bool:
    """Tell whether nothing goes out by this channel any more."""
    silent = silent_since(channel)
    if silent and silent <= now - FAILS_FOR:
        return True
    since = max(last_taken_at(channel) or now - LOOKS_BACK, now - LOOKS_BACK)
    tried = Message.objects.filter(channel=channel, tried_at__gt=since)
    may_pass = tried.filter(state__in=[State.RETRY, State.UNCERTAIN])
    found = may_pass.aggregate(people=Count("client", distinct=True), first=Min("created_at"))
    if found["people"] >= REFUSED_PEOPLE and found["first"] <= now - FAILS_FOR:
        return True
    refused = tried.filter(state=State.FAILED).aggregate(people=Count("client", distinct=True))
    return bool(refused["people"] >= REFUSED_FOR_GOOD)


def _active(*roles: Role) -> list[int]:
    staff = User.objects.filter(is_active=True, roles__overlap=list(roles))
    return list(staff.order_by("pk").values_list("pk", flat=True))


LICENCE = MessageKind(
    template="licence", find_due=licences_due, context=licence_words, words=_("notice of a licence that ends")
)
FAILING = MessageKind(
    template="channel_failing",
    find_due=failing_due,
    context=failing_words,
    is_urgent=True,
    keeps_quiet_hours=False,
    words=_("notice that a channel fails"),
)
