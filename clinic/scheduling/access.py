"""The road from a view to what this room keeps. It decides, answers 404 to strangers, and logs the look at a visit."""

from datetime import datetime

from django.http import Http404
from django.utils.translation import gettext as _

from clinic.people.access import kept_one, log_look, one_of, own_clients
from clinic.people.models import Client, Therapist, User
from clinic.scheduling.models import Appointment, Offer, OnlineConcern, TimeOff, Wish
from clinic.scheduling.offer_links import key_in
from clinic.scheduling.words import moment_words


def visit_for(user: User, pk: int, *, now: datetime, why: str = "") -> Appointment:
    """Return a visit that this login may see, with its people. Raises Http404 for strangers.

    Unless another reason is given, the history tells which visit it was.
    """
    visit = one_of(Appointment.objects.visible_to(user).with_people(), pk)
    why = why or _("visit of %(moment)s") % {"moment": moment_words(visit.starts_at, visit.location.zone)}
    log_look(user, visit.client_id, visit, why, now=now)
    return visit


def therapist_for(user: User, pk: int, *, changing: bool = False) -> Therapist:
    """Return a therapist whose hours and time off this login may see, or with `changing` whose hours it may change.

    Owners and the front desk see everybody's, a therapist her own. Raises Http404 otherwise.
    """
    therapist = one_of(Therapist.objects.select_related("user"), pk)
    may_see = user.is_owner or user.is_front_desk or therapist.user_id == user.pk
    if not may_see or (changing and not may_change_hours(user, therapist)):
        raise Http404
    return therapist


def may_change_hours(user: User, therapist: Therapist) -> bool:
    """Tell whether this login may change her hours: an owner's may, and her own."""
    return user.is_owner or therapist.user_id == user.pk


def absence_for(user: User, pk: int, *, changing: bool = False) -> TimeOff:
    """Return an absence that this login may see, or with `changing` take back. Raises Http404 otherwise.

    A therapist's is for owners, the front desk and herself; closures everybody sees who works at the desk, and owners
    take them back.
    """
    absence = one_of(TimeOff.objects.with_names(), pk)
    if absence.therapist is not None:
        therapist_for(user, absence.therapist.pk)
    elif not (user.is_owner or (user.is_front_desk and not changing)):
        raise Http404
    return absence


def own_client_of(user: User, pk: int, why: str, *, now: datetime) -> Client:
    """Return a client for whom this login acts. Raises Http404 for everybody else's."""
    client = kept_one(own_clients(user), pk)
    log_look(user, client.pk, client, why, now=now)
    return client


def wish_for(user: User, pk: int, *, now: datetime) -> Wish:
    """Return a wish of the waitlist, for staff, also one that has ended. Raises Http404 for everybody else."""
    if not user.is_staff_member:
        raise Http404
    wish = one_of(Wish.objects.with_all(), pk)
    log_look(user, wish.client_id, wish, _("waitlist"), now=now)
    return wish


def offer_for(user: User, pk: int, *, now: datetime) -> Offer:
    """Return an offer of the waitlist, for staff. Raises Http404 for everybody else."""
    if not user.is_staff_member:
        raise Http404
    offer = one_of(Offer.objects.with_all(), pk)
    log_look(user, offer.appointment.client_id, offer.wish, _("waitlist"), now=now)
    return offer


def offer_by(token: str, *, now: datetime) -> Offer:
    """Return the offer that a mailed link carries, until the visit is over. Raises Http404 for any other link."""
    key = key_in(token)
    offer = Offer.objects.with_all().filter(key=key, appointment__ends_at__gt=now).first() if key else None
    if offer is None:
        raise Http404
    return offer


def own_visit_for(user: User, pk: int, *, now: datetime) -> Appointment:
    """Return a visit of a client for whom this login acts. Raises Http404 for everybody else's, for staff too."""
    if user.is_staff_member:
        raise Http404
    return visit_for(user, pk, now=now)


def concern_for(pk: int) -> OnlineConcern:
    """Return what the desk must see to, for whoever may settle it; the view lets in nobody else."""
    return one_of(OnlineConcern.objects.select_related("client"), pk)
