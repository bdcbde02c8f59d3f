"""Locks: therapists, rooms, client, visits, always in this order, each by key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import DateTimeField, Q
from django.utils.translation import gettext as _
from psycopg.errors import DeadlockDetected, LockNotAvailable, SerializationFailure

from clinic.lib.lookups import KEYS
from clinic.lib.prepared import Given, Prepared
from clinic.lib.rows import with_known
from clinic.people.models import Client, Location
from clinic.people.services import lock_client
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.services.recording import record
from clinic.scheduling.services.refusals import SlotTaken, in_words, moved_meanwhile

LOCK_TIMEOUT = timedelta(seconds=3)
# What the database calls off for the sake of others; sent again, it may go through.
CALLED_OFF = (LockNotAvailable, DeadlockDetected, SerializationFailure)
THERAPISTS = "SELECT FROM people_therapist WHERE id = ANY(%s::bigint[]) ORDER BY id FOR NO KEY UPDATE"
ROOMS = "SELECT FROM people_room WHERE location_id = ANY(%s::bigint[]) ORDER BY id FOR NO KEY UPDATE"

STALE = Prepared(
    lambda: Appointment.objects.filter(
        Q(therapist__among=Given("therapists", KEYS)) | Q(location__among=Given("locations", KEYS))
        | Q(client__among=Given("clients", KEYS)),
        status=Status.HELD, held_until__lte=Given("now", DateTimeField()),
    )
    .exclude(pk__among=Given("leaving_out", KEYS)).order_by("pk").select_for_update(no_key=True)
)  # fmt: skip


@contextmanager
def one_booking() -> Iterator[None]:
    """Open one transaction that waits a little for locks, and put the database's refusals into words."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LOCK_TIMEOUT.total_seconds():.0f}s"])
            yield
    except IntegrityError as error:
        raise in_words(error) from error
    except OperationalError as error:
        if isinstance(error.__cause__, CALLED_OFF):
            raise SlotTaken(_("Somebody is booking this time right now. Please try again.")) from error
        raise


@contextmanager
def locked_visit(appointment: Appointment, *, now: datetime) -> Iterator[Appointment]:
    """Open one booking with all locked that the visit takes or would take again, and yield the visit as it is now."""
    with one_booking():
        lock_places([appointment.therapist_id], appointment.location)
        client = lock_client(appointment.client_id)
        expire_holds([appointment.therapist_id], appointment.location, now=now, client=client, leaving_out=appointment)
        yield locked(appointment)


def lock_places(therapists: Iterable[int], *locations: Location) -> None:
    """Lock these therapists and the rooms of the locations, always in this order, each by key."""
    lock_therapists(therapists)
    lock_rooms(*locations)


def expire_holds(
    therapists: Iterable[int],
    *locations: Location,
    now: datetime,
    client: Client | None = None,
    leaving_out: Appointment | None = None,
) -> None:
    """Cancel holds that have run out, under the lock: the constraint itself cannot know what time it is.

    What was held for this client elsewhere is among them. `held_until` stays, and tells such a hold from one given up.
    """
    stale = STALE.all(
        therapists=list(therapists),
        locations=[one.pk for one in locations],
        clients=[client.pk] if client else [],
        leaving_out=[leaving_out.pk] if leaving_out else [],
        now=now,
    )
    for appointment in stale:
        appointment.status = Status.CANCELLED
        appointment.save(update_fields=["status"])
        record(appointment, before=Status.HELD, by=None, at=now, why=_("the hold ran out"))


def lock_therapists(therapists: Iterable[int]) -> None:
    """Lock these therapists by key: of a booking and a change of her hours, the later one sees the earlier."""
    with connection.cursor() as cursor:
        cursor.execute(THERAPISTS, [list(therapists)])


def lock_rooms(*locations: Location) -> None:
    """Lock the rooms of the locations by key, as a booking there does."""
    with connection.cursor() as cursor:
        cursor.execute(ROOMS, [[one.pk for one in locations]])


def locked(appointment: Appointment) -> Appointment:
    """Return the visit as it is now, locked. Raises SlotTaken if it has been moved to where no lock is held."""
    fresh = Appointment.objects.select_for_update(no_key=True).get(pk=appointment.pk)
    with_known(fresh, appointment, "client", "service", "therapist", "location", "room")
    if (fresh.therapist_id, fresh.location_id) != (appointment.therapist_id, appointment.location_id):
        raise moved_meanwhile(fresh)
    return fresh
