"""Private calendar feeds: who reads which visits at an address that only she knows, and what stands there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from clinic.audit.services import record_change
from clinic.lib.tokens import new_token, token_digest
from clinic.people.access import own_clients
from clinic.people.models import Client, Clinic, User
from clinic.people.records import records_of
from clinic.scheduling.ical import Entry, as_ics, digest_of
from clinic.scheduling.models import (
    PROMISED,
    Appointment,
    AppointmentQuerySet,
    CalendarFeed,
    Status,
    StatusChange,
)

LOOKS_BACK, LOOKS_AHEAD = timedelta(days=30), timedelta(days=366)
SHOWN = (*PROMISED, Status.ARRIVED, Status.IN_SESSION, Status.COMPLETED)
# These stay for a while, so that every calendar that has them takes them out.
OFF = (Status.CANCELLED, Status.LATE_CANCELLED, Status.NO_SHOW)


@dataclass(frozen=True)
class Reading:
    """What stands in a feed at one moment."""

    name: str
    entries: Sequence[Entry]

    @property
    def digest(self) -> str:
        """Tell two versions apart; much quicker than writing them."""
        return digest_of(self.name, self.entries)

    def as_ics(self) -> bytes:
        return as_ics(self.name, self.entries)


# --- The addresses


def make_feed(*, by: User, now: datetime, client: Client | None) -> str:
    """Return a new secret for the address of a feed; the one before it, if any, opens nothing any more.

    Without a `client` it is that of the visits which `by` gives as a therapist.
    """
    token = new_token()
    with transaction.atomic():
        _end_feed(by, client, now)
        CalendarFeed.objects.create(user=by, client=client, digest=token_digest(token), made_at=now)
        _tell(by, client, _("calendar address made"), now)
    return token


def revoke_feed(*, by: User, now: datetime, client: Client | None) -> None:
    """Let the address open nothing any more; without one, nothing happens."""
    with transaction.atomic():
        if _end_feed(by, client, now):
            _tell(by, client, _("calendar address taken back"), now)


def kept_feed(user: User, client: Client | None) -> CalendarFeed | None:
    """Return the feed that this login has, if any."""
    return _feeds(user, client).first()


def feed_at(token: str) -> CalendarFeed | None:
    """Return the feed with this secret, while whoever made it may see what is in it."""
    kept = CalendarFeed.objects.filter(digest=token_digest(token), revoked_at__isnull=True, user__is_active=True)
    feed = kept.select_related("user__therapist", "client").first()
    return feed if feed and _may_read(feed) else None


def _may_read(feed: CalendarFeed) -> bool:
    if feed.client_id is None:
        therapist = getattr(feed.user, "therapist", None)
        return feed.user.is_therapist and therapist is not None and therapist.archived_at is None
    return own_clients(feed.user).filter(pk__among=records_of(feed.client_id)).exists()


def _end_feed(user: User, client: Client | None, now: datetime) -> int:
    # Two renewals at one moment wait for each other.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    return _feeds(user, client).update(revoked_at=now)


def _feeds(user: User, client: Client | None) -> QuerySet[CalendarFeed]:
    kept = CalendarFeed.objects.filter(user=user, revoked_at__isnull=True)
    return kept.filter(client__among=records_of(client.pk)) if client else kept.filter(client__isnull=True)


def _tell(by: User, client: Client | None, words: str, now: datetime) -> None:
    what = client or by.therapist
    record_change(by=by.pk, client=client.pk if client else None, what=what, words=words, now=now)


# --- What stands in them


def read_feed(feed: CalendarFeed, now: datetime) -> Reading:
    """Return the visits of a feed from a month ago to a year ahead; a constant number of queries."""
    visits = Appointment.objects.between(now - LOOKS_BACK, now + LOOKS_AHEAD)
    if feed.client is not None:
        return _hers(visits.filter(client__among=records_of(feed.client.pk)), feed.client.language)
    return _given(visits.filter(therapist__user=feed.user_id))


def file_of(visit_pks: Collection[int], language: str) -> bytes:
    """Return a calendar file of these visits of one client, to be taken into her own calendar."""
    return _hers(Appointment.objects.filter(pk__in=visit_pks), language).as_ics()


def _hers(visits: AppointmentQuerySet, language: str) -> Reading:
    """Read visits as a client's calendar shows them: when, where and with whom; never what for."""
    with translation.override(language):
        entries = [
            _entry(
                visit,
                _("Appointment with %(therapist)s") % {"therapist": visit.therapist.user.first_name},
                place=", ".join(filter(None, [visit.location.name, visit.location.address])),
                details=_phone_words(visit),
            )
            for visit in _promised(visits)
        ]
        return Reading(_("Appointments"), entries)


def _given(visits: AppointmentQuerySet) -> Reading:
    """Read visits as a therapist's calendar shows them, which may lie open on a table: initials, length and room."""
    with translation.override(Clinic.objects.values_list("language", flat=True).get()):
        entries = [
            _entry(
                visit,
                _("%(initials)s, %(minutes)d min, %(room)s")
                % {"initials": _initials(visit.client.name), "minutes": visit.minutes, "room": visit.room},
                place=visit.location.name,
            )
            for visit in _promised(visits)
        ]
        return Reading(_("My visits"), entries)


def _promised(visits: AppointmentQuerySet) -> AppointmentQuerySet:
    """Keep what is booked, and what was until it was called off; never a request or a hold. One query."""
    was_promised = Exists(StatusChange.objects.filter(appointment=OuterRef("pk"), after__in=PROMISED))
    told = visits.filter(Q(status__in=SHOWN) | Q(was_promised, status__in=OFF)).with_people()
    return told.annotate(changes=Count("status_changes"), changed_at=Max("status_changes__at")).order_by(
        "starts_at", "pk"
    )


def _entry(visit: Appointment, summary: str, *, place: str, details: str = "") -> Entry:
    is_off = visit.status in OFF
    return Entry(
        visit_pk=visit.pk,
        starts_at=visit.starts_at,
        ends_at=visit.ends_at,
        zone=visit.location.time_zone,
        summary=_("Cancelled: %(visit)s") % {"visit": summary} if is_off else summary,
        place=place,
        details=details,
        is_cancelled=is_off,
        # The first step is the booking itself. Annotated in `_promised`.
        number=max(visit.changes - 1, 0),  # type: ignore[attr-defined]
        changed_at=visit.changed_at or visit.booked_at,  # type: ignore[attr-defined]
    )


def _phone_words(visit: Appointment) -> str:
    phone = visit.location.phone
    return _("To change or cancel, phone %(phone)s.") % {"phone": phone.as_international} if phone else ""


def _initials(name: str) -> str:
    words = name.split()
    return " ".join(f"{word[0].upper()}." for word in [*words[:1], *words[1:][-1:]])
