"""The waitlist: wishes, and the times that are offered as they become free.

A sweep looks for free times that meet a wish, whatever freed them, and holds the first for whom the wish is; she is
written to or phoned, and says yes or no before the hold ends. The hold is a visit like any other: it is under the locks
and the constraints of a booking, and its status says whether it still stands. Locks: as for a booking, then the wish,
then the offer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice, product

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from clinic.audit.services import record_change
from clinic.lib.times import local_date
from clinic.people.models import Client, Clinic, ContactConsent, Location, Service, Therapist, User, clinic_zone
from clinic.people.services import consenting, lock_kept, mail_address
from clinic.scheduling.availability import is_qualified
from clinic.scheduling.gates import stops_online
from clinic.scheduling.matching import Match, Taken, is_met_by, times_for
from clinic.scheduling.models import PROMISED, Appointment, Offer, OnlineConcern, Status, StatusChange, Wish
from clinic.scheduling.services import SlotTaken, change_status, confirm_hold, hold_appointment, one_booking
from clinic.scheduling.services.recording import put_back
from clinic.scheduling.slots import Span

# Nothing is held so shortly before the visit: she has to come.
LEAD = timedelta(hours=1)
# A shorter hold gives nobody the time to answer.
SHORTEST_HOLD = timedelta(minutes=15)
# When people are written to and phoned, by the wall of the place.
DAY_BEGINS, DAY_ENDS = time(8), time(20)
# Whoever cancels or moves the wrong visit takes it back at once: until then its time goes to nobody else.
SECOND_THOUGHTS = timedelta(minutes=1)
# More than a desk does in that time, a series included.
STEPS_A_MINUTE = 300
# How many times are tried for a wish, where others take them meanwhile.
TRIES = 4


@dataclass(frozen=True)
class Wished:
    """What a client waits for; what is left out is all the same to her."""

    services: Collection[Service]
    therapists: Collection[Therapist] = ()
    locations: Collection[Location] = ()
    weekdays: Sequence[int] = ()
    # The whole visit lies between them, by the wall of the place.
    not_before: time | None = None
    not_after: time | None = None
    first_on: date | None = None
    last_on: date | None = None
    is_urgent: bool = False
    note: str = ""


LISTS = ("services", "therapists", "locations")


# --- Wishes


def add_wish(*, by: User | None, now: datetime, client: Client, wished: Wished) -> Wish:
    """Put a client on the waitlist. The very same wish, sent again, is the first one. Raises ValidationError."""
    with transaction.atomic():
        kept = lock_kept(client.pk)
        if kept.archived_at is not None:
            raise ValidationError(_("%(thing)s is archived."), params={"thing": kept})
        for earlier in Wish.objects.waiting(_today(now)).filter(client=kept).with_all():
            if _is_same(earlier, _facts(wished)):
                return earlier
        wish = Wish(client=kept, added_at=now, added_by=by, heard_at=now)
        _write(wish, wished, now)
        _tell(wish, _("put on the waitlist"), by=by, now=now)
    return wish


def change_wish(*, by: User, now: datetime, wish: Wish, wished: Wished) -> Wish:
    """Change what she waits for; she keeps her place. Raises ValidationError."""
    with transaction.atomic():
        wish = _locked(wish)
        wish.heard_at = now
        _write(wish, wished, now)
        _tell(wish, _("wish on the waitlist changed"), by=by, now=now)
    return wish


def hear_again(*, by: User, now: datetime, wish: Wish) -> Wish:
    """Note that she still waits, so that she is offered times again."""
    with transaction.atomic():
        wish = _locked(wish)
        wish.heard_at = now
        wish.save(update_fields=["heard_at"])
    return wish


def remove_wish(*, by: User, now: datetime, wish: Wish) -> None:
    """Take her off the waitlist; a time that is held for her is free again. Taken off already is no error."""
    with one_booking():
        if Wish.objects.filter(pk=wish.pk, ending=Wish.Ending.REMOVED).exists():
            return
        if (offer := Offer.objects.open().filter(wish=wish).with_all().first()) is not None:
            decline_offer(by=by, now=now, offer=offer)
        wish = _locked(wish)
        _end(wish, Wish.Ending.REMOVED, by=by, now=now)
        _tell(wish, _("taken off the waitlist"), by=by, now=now)


def _is_same(wish: Wish, facts: dict[str, object]) -> bool:
    lists = {name: {thing.pk for thing in getattr(wish, name).all()} for name in LISTS}
    return all(lists.get(name, getattr(wish, name)) == fact for name, fact in facts.items())


def _facts(wished: Wished) -> dict[str, object]:
    """Return what is wished so that the same compares as the same."""
    lists = {name: {thing.pk for thing in getattr(wished, name)} for name in LISTS}
    return vars(wished) | lists | {"weekdays": sorted(wished.weekdays), "note": wished.note.strip()}


def _write(wish: Wish, wished: Wished, now: datetime) -> None:
    facts = _facts(wished)
    for name in facts.keys() - LISTS:
        setattr(wish, name, facts[name])
    if not wished.services:
        raise ValidationError({"services": _("Choose at least one service.")})
    today = _today(now)
    if wish.last_on is not None and wish.last_on < today:
        raise ValidationError({"last_on": _("This day has passed.")})
    day = max(today, wish.first_on or today)
    pairs = product(wished.therapists, wished.services)
    if wished.therapists and not any(is_qualified(therapist, service, day) for therapist, service in pairs):
        raise ValidationError({"therapists": _("Nobody of them may give this service.")})
    wish.full_clean(exclude=["added_by", "ended_at", "ended_by"])
    wish.save()
    for name in LISTS:
        getattr(wish, name).set(getattr(wished, name))


def _locked(wish: Wish) -> Wish:
    """Return a wish as it is now, locked. Raises ValidationError where it has ended."""
    fresh = Wish.objects.kept().filter(pk=wish.pk).select_for_update(no_key=True, of=("self",)).first()
    if fresh is None:
        raise ValidationError(_("This wish is no longer on the waitlist."))
    return fresh


def _end(wish: Wish, ending: Wish.Ending, *, by: User | None, now: datetime) -> None:
    wish.ended_at, wish.ended_by, wish.ending = now, by, ending
    wish.save(update_fields=["ended_at", "ended_by", "ending"])


def _tell(wish: Wish, words: str, *, by: User | None, now: datetime) -> None:
    record_change(by=by.pk if by else None, client=wish.client_id, what=wish, words=words, now=now)


def _today(now: datetime) -> date:
    return local_date(clinic_zone(), now)


# --- Offers


def offer_times(*, now: datetime) -> int:
    """Do a round: settle what is over, and offer free times to those who wait, in order. Return how many were offered.

    Rounds may run at once, or twice: a wish has one open offer, and a time one visit.
    """
    settle_offers(now=now)
    end_what_is_met(now=now)
    wishes = list(Wish.objects.waiting(_today(now)).offerable(now).with_all())
    if not wishes:
        return 0
    found = times_for(wishes, now=now, earliest=now + LEAD + 2 * SHORTEST_HOLD)
    taken = _given_up_just_now(now)
    offered = 0
    for wish in wishes:
        free = (one for one in found[wish.pk] if _is_awake(one.location, now) and not one.meets(taken))
        if match := _offer_first(wish, islice(free, TRIES), now):
            taken.append(match.taken)
            offered += 1
    return offered


def offer_time(*, by: User | None, now: datetime, wish: Wish, match: Match) -> Offer:
    """Hold a time for her who waits, and offer it. Raises SlotTaken, or ValidationError where she has an offer.

    By itself, without `by`, nothing is offered to somebody who must first be spoken with.
    """
    if by is None and stops_online(wish.client_id):
        raise ValidationError(_("Before you book the next visit, please speak with us."))
    with one_booking():
        hold = hold_appointment(
            by=by,
            now=now,
            client=wish.client,
            service=match.service,
            therapist=match.therapist,
            location=match.location,
            starts_at=match.starts_at,
            until=hold_ends(now, match.starts_at, longest=_longest_hold()),
        )
        waiting = Wish.objects.waiting(_today(now)).filter(pk=wish.pk)
        # Where another round is at this wish, or just was, this one raises, and so takes its hold back.
        is_ours = waiting.select_for_update(no_key=True, skip_locked=True, of=("self",)).first() is not None
        if not is_ours or Offer.objects.open().filter(wish=wish).exists():
            raise ValidationError(_("A time is being offered to her already."))
        return Offer.objects.create(wish=wish, appointment=hold, offered_at=now)


def hold_ends(now: datetime, starts_at: datetime, *, longest: timedelta) -> datetime:
    """Return until when a time that is offered now is held: near the visit half of what is left, for the next one."""
    return now + min(longest, (starts_at - LEAD - now) / 2)


def _longest_hold() -> timedelta:
    return timedelta(minutes=Clinic.objects.values_list("waitlist_hold_minutes", flat=True).get())


def accept_offer(*, by: User | None, now: datetime, offer: Offer) -> Offer:
    """Book the time that is held; she waits no longer. Accepted already is no error.

    Raises SlotTaken once it is held no more. Without `by` it is she herself, by her link; then ValidationError, too,
    where she must first be spoken with.
    """
    with one_booking():
        # Whoever answers, or settles, takes the lock of the visit first.
        visit = confirm_hold(by=by, now=now, appointment=offer.appointment)
        kept = Offer.objects.select_related("wish").get(pk=offer.pk)
        if kept.answer not in {"", Offer.Answer.ACCEPTED}:
            raise SlotTaken(_("This time is no longer held."))
        if not kept.answer:
            must_call = OnlineConcern.objects.call_first(visit.client_id).exists() or stops_online(visit.client_id)
            if by is None and must_call:
                raise ValidationError(_("Before you book the next visit, please speak with us."))
            _accepted(kept, by=by, now=now)
    return kept


def decline_offer(*, by: User | None, now: datetime, offer: Offer) -> Offer:
    """Free the time; she waits on, and it goes to the next. Raises ValidationError where it is booked already."""
    with one_booking():
        visit = (
            Appointment.objects.with_people().select_for_update(no_key=True, of=("self",)).get(pk=offer.appointment_id)
        )
        kept = Offer.objects.select_related("wish").get(pk=offer.pk)
        if visit.status not in {Status.HELD, Status.CANCELLED}:
            raise ValidationError(_("This visit is booked. Cancel it instead."))
        if not kept.answer:
            change_status(by=by, now=now, appointment=visit, to=Status.CANCELLED, why=_("offer declined"))
            _answer(kept, Offer.Answer.DECLINED, by=by, now=now)
            Wish.objects.filter(pk=kept.wish_id).update(heard_at=now)
    return kept


def settle_offers(*, now: datetime) -> None:
    """Free what was held too long, and take over what became of a hold elsewhere, as at the desk."""
    over = ~Q(appointment__status=Status.HELD) | Q(appointment__held_until__lte=now)
    for pk in Offer.objects.open().filter(over).order_by("pk").values_list("pk", flat=True):
        # Where somebody is at it too long, the next round does it; the others do not wait for that.
        with suppress(SlotTaken), one_booking():
            _settle(pk, now)


def _settle(offer_pk: int, now: datetime) -> None:
    held = Appointment.objects.with_people().filter(offer=offer_pk)
    visit = held.select_for_update(no_key=True, skip_locked=True, of=("self",)).first()
    offer = Offer.objects.open().select_related("wish").filter(pk=offer_pk).first()
    # It is being answered at this moment, or has just been.
    if visit is None or offer is None:
        return
    if visit.status == Status.HELD and visit.held_until and visit.held_until <= now:
        change_status(by=None, now=now, appointment=visit, to=Status.CANCELLED, why=_("the hold ran out"))
        _answer(offer, Offer.Answer.NONE, by=None, now=now)
    elif visit.status == Status.CANCELLED:
        _answer(offer, Offer.Answer.NONE, by=None, now=now)
    elif visit.status != Status.HELD:
        _accepted(offer, by=None, now=now)


def end_what_is_met(*, now: datetime) -> None:
    """Take off the waitlist who has been booked what she waits for on another way."""
    booked = Appointment.objects.filter(
        client=OuterRef("client"), status__in=PROMISED, booked_at__gt=OuterRef("added_at"), starts_at__gt=now
    )
    for wish in Wish.objects.waiting(_today(now)).filter(Exists(booked)).with_all():
        visits = Appointment.objects.filter(
            client=wish.client_id, status__in=PROMISED, booked_at__gt=wish.added_at, starts_at__gt=now
        )
        if any(is_met_by(wish, visit) for visit in visits.with_people()):
            with transaction.atomic(), suppress(ValidationError):
                _end(_locked(wish), Wish.Ending.BOOKED, by=None, now=now)


def to_phone(offers: Iterable[Offer], now: datetime) -> set[int]:
    """Return the clients to whom no mail goes: they have not agreed to it, or have no address."""
    clients = {offer.appointment.client_id: offer.appointment.client for offer in offers}
    agreed = consenting(list(clients), ContactConsent.Channel.EMAIL)
    return {pk for pk, client in clients.items() if pk not in agreed or not mail_address(client, now)}


def _offer_first(wish: Wish, found: Iterable[Match], now: datetime) -> Match | None:
    """Offer the first of these times that nobody else takes at this moment."""
    for match in found:
        with suppress(ValidationError):
            offer_time(by=None, now=now, wish=wish, match=match)
            return match
    return None


def _given_up_just_now(now: datetime) -> list[Taken]:
    """Return the times of visits that somebody cancelled or moved a moment ago, and may want to take back."""
    steps = StatusChange.objects.filter(by__isnull=False).exclude(before__in=["", Status.HELD])
    found = []
    for step in steps.select_related("appointment").order_by("-pk")[:STEPS_A_MINUTE]:
        if step.at > now - SECOND_THOUGHTS:
            visit = step.appointment
            put_back(visit, step.was or {})
            found.append((visit.therapist_id, Span(visit.occupied_from, visit.occupied_until)))
    return found


def _is_awake(location: Location, now: datetime) -> bool:
    return DAY_BEGINS <= now.astimezone(location.zone).time() < DAY_ENDS


def _accepted(offer: Offer, *, by: User | None, now: datetime) -> None:
    wish = Wish.objects.select_for_update(no_key=True).get(pk=offer.wish_id)
    _answer(offer, Offer.Answer.ACCEPTED, by=by, now=now)
    if wish.ended_at is None:
        _end(wish, Wish.Ending.BOOKED, by=by, now=now)


def _answer(offer: Offer, answer: Offer.Answer, *, by: User | None, now: datetime) -> None:
    offer.answer, offer.answered_at, offer.answered_by = answer, now, by
    offer.save(update_fields=["answer", "answered_at", "answered_by"])
