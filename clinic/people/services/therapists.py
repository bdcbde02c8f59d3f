"""Writing about therapists: what they may give and where, what clients read about them, their leaving."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple, TypedDict, Unpack

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from clinic.audit.services import recorded
from clinic.lib.times import local_date
from clinic.people.models import (
    Client,
    Location,
    Modality,
    Picture,
    Qualification,
    Room,
    Therapist,
    User,
    clinic_zone,
)
from clinic.people.services.writing import trimmed, write_changes


class Held(NamedTuple):
    """A qualification as it is to be: for what, proven by what, and until when."""

    modality: Modality
    certificate: str = ""
    expires_on: date | None = None


class TherapistFields(TypedDict, total=False):
    """What an owner may say about a therapist; what is left out stays as it is."""

    licence_number: str
    licence_expires_on: date | None
    usual_room: Room | None
    colour: str
    locations: Collection[Location]


class ProfileFields(TypedDict, total=False):
    biography: str
    photo: Picture | None


@recorded
def add_therapist(
    *,
    by: User | None,
    now: datetime,
    user: User,
    licence_number: str,
    licence_expires_on: date | None,
    usual_room: Room | None,
    qualifications: Sequence[tuple[Modality, str, date | None]],
    colour: str = Therapist.Colour.MOSS,
    locations: Collection[Location] = (),
) -> Therapist:
    """Make a member of staff bookable for the modalities she is qualified in, each as in `Held`."""
    if not user.is_therapist:
        raise ValidationError({"user": _("Only a member of staff with the role of therapist can be booked.")})
    therapist = Therapist(
        user=user,
        licence_number=licence_number.strip(),
        licence_expires_on=licence_expires_on,
        usual_room=usual_room,
        colour=colour,
    )
    _refuse_room_elsewhere(user, usual_room, locations)
    therapist.full_clean()
    therapist.save()
    therapist.locations.set(locations)
    _keep_qualifications(therapist, [Held(*one) for one in qualifications])
    return therapist


@recorded
def change_therapist(
    *,
    by: User,
    now: datetime,
    therapist: Therapist,
    qualifications: Iterable[Held] = (),
    no_longer: Collection[Modality] = (),
    **fields: Unpack[TherapistFields],
) -> Therapist:
    """Change what an owner says about a therapist; what stays the same is neither written nor recorded.

    The qualifications are those that are new or different; `no_longer` says which end.
    """
    kept = _locked(therapist)
    locations = fields.pop("locations", None)
    if locations is not None or "usual_room" in fields:
        works_at = kept.locations.all() if locations is None else locations
        _refuse_room_elsewhere(kept.user, fields.get("usual_room", kept.usual_room), works_at)
    write_changes(kept, trimmed(fields))
    if locations is not None:
        kept.locations.set(locations)
    _keep_qualifications(kept, qualifications)
    for row in kept.qualifications.filter(modality__in=no_longer):
        row.delete()
    return kept


@recorded
def change_profile(*, by: User, now: datetime, therapist: Therapist, **fields: Unpack[ProfileFields]) -> Therapist:
    """Change what clients read and see of a therapist when they book."""
    kept = _locked(therapist)
    write_changes(kept, trimmed(fields))
    return kept


@recorded
def let_leave(*, by: User, now: datetime, therapist: Therapist, last_day: date) -> Therapist:
    """Let a therapist leave after a day to come: until then she is booked as before. Today means at once."""
    today = local_date(clinic_zone(), now)
    if last_day < today:
        raise ValidationError({"last_day": _("This day is over. Who has left already leaves today.")})
    if last_day == today:
        return archive_therapist(by=by, now=now, therapist=therapist)
    kept = _locked(therapist)
    if kept.archived_at is not None:
        raise ValidationError(_("%(name)s has left already."), params={"name": kept.user.name})
    write_changes(kept, {"leaves_on": last_day})
    return kept


def archive_those_who_left(*, now: datetime) -> int:
    """Archive the therapists whose last day is over, and return how many; for the scheduler."""
    gone = Therapist.objects.filter(archived_at__isnull=True, leaves_on__lt=local_date(clinic_zone(), now))
    with transaction.atomic():
        # Locked before they are asked for: whose last day is put off in this moment stays.
        leaving = list(gone.order_by("pk").select_for_update(no_key=True, of=("self",)))
        for therapist in leaving:
            archive_therapist(by=None, now=now, therapist=therapist)
    return len(leaving)


@recorded
def hand_over_clients(*, by: User, now: datetime, therapist: Therapist, to: Therapist) -> int:
    """Let all clients of one therapist have another one as their usual one, and return how many they are."""
    heir = _locked(to)
    if heir.archived_at is not None or heir.leaves_on is not None or heir.pk == therapist.pk:
        raise ValidationError({"to": ValidationError(_("%(name)s does not stay."), params={"name": heir.user.name})})
    hers = Client.objects.active().filter(primary_therapist=therapist)
    keys = list(hers.order_by("pk").select_for_update(no_key=True, of=("self",)).values_list("pk", flat=True))
    return Client.objects.filter(pk__in=keys).update(primary_therapist=heir)


@recorded
def archive_therapist(*, by: User | None, now: datetime, therapist: Therapist) -> Therapist:
    """Let a therapist leave: from now on she is offered nowhere. Visits already booked wait to be booked anew.

    A booking under way is waited for: it holds this lock as well.
    """
    kept = _locked(therapist)
    if kept.archived_at is None:
        kept.archived_at = now
        kept.save(update_fields=["archived_at"])
    return kept


@recorded
def bring_back_therapist(*, by: User, now: datetime, therapist: Therapist) -> Therapist:
    """Let a therapist who has left, or was about to, be booked again."""
    kept = _locked(therapist)
    user = User.objects.get(pk=kept.user_id)
    if not (user.is_active and user.is_therapist):
        refusal = _("%(name)s needs a sign-in that works and the role of therapist first.")
        raise ValidationError(refusal, params={"name": user.name})
    write_changes(kept, {"archived_at": None, "leaves_on": None})
    return kept


def _locked(therapist: Therapist) -> Therapist:
    return Therapist.objects.select_for_update(no_key=True, of=("self",)).select_related("user").get(pk=therapist.pk)


def _refuse_room_elsewhere(user: User, room: Room | None, locations: Collection[Location]) -> None:
    if room is not None and room.location_id not in {one.pk for one in locations}:
        refusal = _("%(room)s is at %(location)s, where %(name)s does not work. Tick that location as well.")
        facts = {"room": room.name, "location": room.location.name, "name": user.name}
        raise ValidationError({"usual_room": ValidationError(refusal, params=facts)})


def _keep_qualifications(therapist: Therapist, wanted: Iterable[Held]) -> None:
    """Let her be qualified in these; each row that is added or changed tells the history so."""
    before = {one.modality_id: one for one in therapist.qualifications.all()}
    for held in wanted:
        row = before.get(held.modality.pk) or Qualification(therapist=therapist, modality=held.modality)
        facts = (held.certificate.strip(), held.expires_on)
        if row.pk and (row.certificate, row.expires_on) == facts:
            continue
        row.certificate, row.expires_on = facts
        row.full_clean()
        row.save()
