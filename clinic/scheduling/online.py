"""Booking by oneself: what is open to whom, the hold until she confirms, and until when she may cancel or move.

What a therapist does instead is nobody's business out here: whatever stands in the way of a time, it is no longer free.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.audit.services import record_change
from clinic.lib.times import day_bounds, local_date
from clinic.people.models import Client, Clinic, Import, Location, Service, Therapist, User
from clinic.people.records import records_of
from clinic.people.services import lock_client
from clinic.people.services.coming import Came, Newcomer, enter_herself
from clinic.scheduling.availability import qualified_therapists
from clinic.scheduling.gates import stops_online
from clinic.scheduling.models import MOVABLE, PROMISED, Appointment, OnlineConcern, Status
from clinic.scheduling.offers import FreeTime, free_times, has_known_length
from clinic.scheduling.services import (
    ChosenVisit,
    SlotTaken,
    cancel_appointment,
    change_status,
    confirm_hold,
    hold_appointment,
    hours_before,
    lock_places,
    move_appointment,
    one_booking,
)
from clinic.scheduling.services.locks import locked
from clinic.scheduling.words import moment_words

# So long a time is hers while she says who she is and answers.
HOLD = timedelta(minutes=15)
# Whoever was treated once is no new client.
CAME = (Status.IN_SESSION, Status.COMPLETED)


class CallUs(ValidationError):  # noqa: N818 -- a sentence for the client, not a fault
    """What she cannot do by herself; the page says where to call."""


# --- What is open to whom


def is_new(client: Client) -> bool:
    """Say whether she has not been treated here, has no therapist, and was not brought along from another program."""
    if client.primary_therapist_id is not None:
        return False
    hers = records_of(client.pk)
    if Appointment.objects.filter(client__among=hers, status__in=CAME).exists():
        return False
    records = Client.objects.filter(pk__among=hers).values_list("pk", flat=True)
    return not Import.objects.that_brought(records).exists()


def services_open_to(client: Client | None) -> list[Service]:
    """Return what can be booked online, by a new client (None: whoever comes) only what is open to those."""
    open_ones = Service.objects.filter(is_bookable_online=True, archived_at__isnull=True).select_related("modality")
    if client is None or is_new(client):
        open_ones = open_ones.filter(is_open_to_new_clients=True)
    return [service for service in open_ones if has_known_length(service)]


def places_shown() -> list[Location]:
    """Return where one can book online."""
    return list(Location.objects.filter(is_bookable_online=True, archived_at__isnull=True))


def therapists_shown(service: Service, day: date) -> list[Therapist]:
    """Return who gives this and is shown online, by name, with what is told of the photo."""
    shown = Therapist.objects.filter(is_shown_online=True).select_related("user", "photo").defer("photo__content")
    by_key = shown.in_bulk([one.pk for one in qualified_therapists(service, day)])
    return sorted(by_key.values(), key=lambda one: (one.user.name, one.pk))


def times_online(
    *,
    now: datetime,
    clinic: Clinic,
    service: Service,
    location: Location,
    among: Sequence[Therapist],
    first: date,
    days: int,
    therapist: Therapist | None = None,
    client: Client | None = None,
    moving: Appointment | None = None,
) -> list[FreeTime]:
    """Return the free times that may be booked online, soonest first; at most six queries."""
    return free_times(
        now=now,
        service=service,
        locations=[location],
        first=first,
        days=days,
        therapist=therapist,
        among=among,
        client=client,
        leaving_out=moving,
        preferred=client.primary_therapist if client else None,
        lead=timedelta(hours=clinic.online_lead_hours),
        horizon=timedelta(days=clinic.online_horizon_days),
    )


def last_day(clinic: Clinic, location: Location, now: datetime) -> date:
    """Return the last day on which one can book, by the wall of the place."""
    return local_date(location.zone, now + timedelta(days=clinic.online_horizon_days))


# --- Holding and booking


def hold_online(
    *,
    by: User,
    now: datetime,
    client: Client,
    service: Service,
    therapist: Therapist,
    location: Location,
    starts_at: datetime,
) -> Appointment:
    """Hold a time for her until she confirms it; one that was held for her before is given up. Sent twice, it is one.

    Raises SlotTaken where the time is not free, and CallUs for what she cannot book by herself.
    """
    clinic = Clinic.objects.get()
    with one_booking():
        lock_places([therapist.pk], location)
        client = lock_client(client.pk)
        _refuse_closed(clinic, client)
        _refuse_unbookable(clinic, client, service, therapist, location, starts_at, now)
        wish = (service, therapist, location, starts_at)
        for held in holds_of(client, now):
            if (held.service, held.therapist, held.location, held.starts_at) == wish:
                return held
            cancel_appointment(by=by, now=now, appointment=held)
        with _in_discretion():
            _refuse_unoffered(clinic, service, therapist, location, starts_at, now, client=client)
            return hold_appointment(
                by=by,
                now=now,
                client=client,
                service=service,
                therapist=therapist,
                location=location,
                starts_at=starts_at,
                until=now + HOLD,
            )


def holds_of(client: Client, now: datetime) -> list[Appointment]:
    """Return what is held for her while she books; what the waitlist holds for her is another matter."""
    held = Appointment.objects.filter(client__among=records_of(client.pk), status=Status.HELD, offer__isnull=True)
    return list(held.filter(held_until__gt=now).with_people().order_by("pk"))


def confirm_online(*, by: User, now: datetime, appointment: Appointment) -> Appointment:
    """Book what is held for her, or ask for it where the clinic answers first. Sent twice, it is one.

    Raises SlotTaken once the time is somebody else's, and CallUs as `hold_online` does.
    """
    clinic = Clinic.objects.get()
    with one_booking():
        lock_places([appointment.therapist_id], appointment.location)
        client = lock_client(appointment.client_id)
        _refuse_closed(clinic, client)
        if appointment.held_until is not None and appointment.held_until <= now:
            # She comes back to it much later: what held for it then need not hold now.
            visit = appointment
            _refuse_unbookable(clinic, client, visit.service, visit.therapist, visit.location, visit.starts_at, now)
        at_once = clinic.online_booking == Clinic.OnlineBooking.AT_ONCE
        with _in_discretion():
            return confirm_hold(
                by=by, now=now, appointment=appointment, to=Status.BOOKED if at_once else Status.REQUESTED
            )


@contextmanager
def _in_discretion() -> Iterator[None]:
    """Say of whatever stands in the way of a time only that it is not free."""
    try:
        yield
    except ValidationError as refused:
        raise SlotTaken(_("This time is no longer free.")) from refused


def _refuse_closed(clinic: Clinic, client: Client) -> None:
    if not clinic.is_bookable_online:
        raise CallUs(_("Online booking is closed at the moment."))
    if OnlineConcern.objects.call_first(client.pk).exists() or stops_online(client.pk):
        raise CallUs(_("Before you book the next visit, please speak with us."))


def _refuse_unbookable(  # noqa: PLR0917 -- private, and each is of its own type
    clinic: Clinic,
    client: Client,
    service: Service,
    therapist: Therapist,
    location: Location,
    starts_at: datetime,
    now: datetime,
) -> None:
    _refuse_beyond_the_cap(clinic, client, now)
    _refuse_unshown(service, therapist, location, client, starts_at)
    _refuse_out_of_bounds(clinic, location, starts_at, now)


def _refuse_beyond_the_cap(clinic: Clinic, client: Client, now: datetime) -> None:
    to_come = Appointment.objects.filter(client__among=records_of(client.pk)).movable(now).exclude(status=Status.HELD)
    count = to_come.count()
    if count >= clinic.online_most_visits:
        words = ngettext(
            "A visit is booked for you already, and online there cannot be more.",
            "%(n)d visits are booked for you already, and online there cannot be more.",
            count,
        )
        raise CallUs(words % {"n": count})


def _refuse_unshown(
    service: Service, therapist: Therapist, location: Location, client: Client, starts_at: datetime
) -> None:
    """Refuse what is not offered online; a page may have been open since before, or not be ours."""
    if service not in services_open_to(client):
        raise CallUs(_("%(service)s cannot be booked online for a first visit.") % {"service": service})
    is_shown = location in places_shown() and therapist in therapists_shown(
        service, local_date(location.zone, starts_at)
    )
    if not is_shown:
        raise SlotTaken(_("This time is no longer free."))


def _refuse_out_of_bounds(clinic: Clinic, location: Location, starts_at: datetime, now: datetime) -> None:
    if starts_at < now + timedelta(hours=clinic.online_lead_hours):
        words = ngettext(
            "Online, a visit is booked at least %(n)d hour ahead.",
            "Online, a visit is booked at least %(n)d hours ahead.",
            clinic.online_lead_hours,
        )
        raise CallUs(words % {"n": clinic.online_lead_hours})
    if starts_at >= day_bounds(location.zone, last_day(clinic, location, now))[1]:
        words = ngettext(
            "Online, a visit is booked at most %(n)d day ahead.",
            "Online, a visit is booked at most %(n)d days ahead.",
            clinic.online_horizon_days,
        )
        raise CallUs(words % {"n": clinic.online_horizon_days})


def _refuse_unoffered(  # noqa: PLR0917 -- private, and each is of its own type
    clinic: Clinic,
    service: Service,
    therapist: Therapist,
    location: Location,
    starts_at: datetime,
    now: datetime,
    *,
    client: Client,
    moving: Appointment | None = None,
) -> None:
    """Refuse a time that no page offers: what a form carries may be written by hand, to the second."""
    offered = times_online(
        now=now,
        clinic=clinic,
        service=service,
        location=location,
        among=[therapist],
        first=local_date(location.zone, starts_at),
        days=1,
        therapist=therapist,
        client=client,
        moving=moving,
    )
    if all(one.starts_at != starts_at for one in offered):
        raise SlotTaken("")


# --- Cancelling and moving by oneself


def cancel_until(clinic: Clinic, visit: Appointment) -> datetime:
    """Return until when she may cancel a visit by herself, by the wall clock of the place."""
    return hours_before(visit, clinic.online_cancel_hours)


def move_until(clinic: Clinic, visit: Appointment) -> datetime:
    """Return until when she may move a visit by herself, by the wall clock of the place."""
    return hours_before(visit, clinic.online_move_hours)


def why_not_cancel(clinic: Clinic, visit: Appointment, now: datetime) -> str:
    """Say why she cannot cancel a visit by herself; nothing where she can."""
    if visit.status not in MOVABLE or visit.starts_at <= now:
        return _("This visit can no longer be cancelled.")
    if not clinic.is_bookable_online:
        return _("Visits are not cancelled online at the moment.")
    return _too_late(_("Cancelling online was possible until %(moment)s."), visit, cancel_until(clinic, visit), now)


def why_not_move(clinic: Clinic, visit: Appointment, now: datetime) -> str:
    """Say why she cannot move a visit by herself; nothing where she can."""
    if visit.status not in MOVABLE or visit.starts_at <= now:
        return _("This visit can no longer be moved.")
    if visit.status == Status.HELD:
        return _("This time is only held so far. Answer first, or choose another one.")
    if not clinic.is_bookable_online:
        return _("Visits are not moved online at the moment.")
    if late := _too_late(_("Moving online was possible until %(moment)s."), visit, move_until(clinic, visit), now):
        return late
    return _("A visit that is booked is moved by us.") if _is_moved_by_us(clinic, visit) else ""


def may_ask_instead(clinic: Clinic, visit: Appointment, now: datetime) -> bool:
    """Say whether she may ask for another time in place of a visit that the clinic moves itself."""
    is_soon_enough = now <= min(visit.starts_at, move_until(clinic, visit))
    return is_soon_enough and _is_moved_by_us(clinic, visit) and visit.service.is_bookable_online


def _is_moved_by_us(clinic: Clinic, visit: Appointment) -> bool:
    """Say whether the clinic has agreed to it: where it answers each wish itself, that is not changed without it."""
    return clinic.online_booking == Clinic.OnlineBooking.REQUESTS and visit.status in PROMISED


def _too_late(words: str, visit: Appointment, until: datetime, now: datetime) -> str:
    return words % {"moment": moment_words(until, visit.location.zone)} if now > until else ""


def cancel_online(*, by: User | None, now: datetime, appointment: Appointment) -> Appointment:
    """Cancel a visit for her who comes, free of charge or late as at the desk. Raises CallUs after the cut-off.

    `by` is None where she has not signed in: a message of ours led her here.
    """
    if appointment.status in {Status.CANCELLED, Status.LATE_CANCELLED}:
        return appointment
    if words := why_not_cancel(Clinic.objects.get(), appointment, now):
        raise CallUs(words)
    return cancel_appointment(by=by, now=now, appointment=appointment, why=_("cancelled online"))


def confirm_coming(*, by: User | None, now: datetime, appointment: Appointment) -> Appointment:
    """Write down that she says she comes. Raises CallUs where nothing is booked any more: it does not come back so.

    `by` is None where she has not signed in: a message of ours led her here.
    """
    with one_booking():
        visit = locked(appointment)
        if visit.status not in PROMISED or visit.starts_at <= now:
            raise CallUs(_("This visit can no longer be confirmed."))
        return change_status(by=by, now=now, appointment=visit, to=Status.CONFIRMED, why=_("confirmed online"))


def therapists_for_move(visit: Appointment, day: date) -> list[Therapist]:
    """Return with whom a visit may be moved: with those who are shown, and with whom it is."""
    shown = therapists_shown(visit.service, day)
    return shown if visit.therapist in shown else [visit.therapist, *shown]


def move_online(
    *,
    by: User | None,
    now: datetime,
    appointment: Appointment,
    starts_at: datetime,
    therapist: Therapist,
    seen: ChosenVisit,
) -> Appointment:
    """Move a visit, at its location. Raises CallUs after the cut-off, and SlotTaken where the time is not free.

    `by` is None where she has not signed in: a message of ours led her here.
    """
    clinic, location = Clinic.objects.get(), appointment.location
    if words := why_not_move(clinic, appointment, now):
        raise CallUs(words)
    _refuse_out_of_bounds(clinic, location, starts_at, now)
    with one_booking():
        lock_places([appointment.therapist_id, therapist.pk], location)
        client = lock_client(appointment.client_id)
        _refuse_closed(clinic, client)
        with _in_discretion():
            if therapist not in therapists_for_move(appointment, local_date(location.zone, starts_at)):
                raise SlotTaken("")
            _refuse_unoffered(
                clinic, appointment.service, therapist, location, starts_at, now, client=client, moving=appointment
            )
            return move_appointment(
                by=by, now=now, appointment=appointment, starts_at=starts_at, therapist=therapist, seen=seen
            )


# --- What the desk must see to


@transaction.atomic
def come(*, now: datetime, newcomer: Newcomer) -> Came:
    """Enter a new client, as `enter_herself` does; that she may be known already is told to the desk alone."""
    came = enter_herself(now=now, newcomer=newcomer)
    if came.may_be_known:
        mark(came.client, OnlineConcern.Kind.TWIN, by=came.user, now=now)
    return came


def stop_booking(*, by: User | None, now: datetime, appointment: Appointment) -> None:
    """End the booking of somebody who must first be spoken with: the desk is told, and nothing stays held for her."""
    with one_booking():
        client = lock_client(appointment.client_id)
        hers = Appointment.objects.filter(client__among=records_of(client.pk), status=Status.HELD)
        for held in hers.with_people().order_by("pk"):
            cancel_appointment(by=by, now=now, appointment=held)
        mark(client, OnlineConcern.Kind.CALL, by=by, now=now)


def mark(client: Client, kind: OnlineConcern.Kind, *, by: User | None, now: datetime) -> OnlineConcern:
    """Tell the desk to see to a client; told already, it is told once."""
    concern, is_new_one = OnlineConcern.objects.get_or_create(
        client=client, kind=kind, settled_at=None, defaults={"at": now}
    )
    if is_new_one:
        words = _("online booking: %(concern)s") % {"concern": concern.get_kind_display()}
        record_change(by=by.pk if by else None, client=client.pk, what=client, words=words, now=now)
    return concern


def settle(*, by: User, now: datetime, concern: OnlineConcern) -> None:
    """Write down that somebody at the desk has seen to it; settled already, nothing changes."""
    with one_booking():
        kept = OnlineConcern.objects.select_for_update(no_key=True).get(pk=concern.pk)
        if kept.settled_at is not None:
            return
        kept.settled_at, kept.settled_by = now, by
        kept.save(update_fields=["settled_at", "settled_by"])
        words = _("online booking: settled (%(concern)s)") % {"concern": kept.get_kind_display()}
        record_change(by=by.pk, client=kept.client_id, what=concern.client, words=words, now=now)
