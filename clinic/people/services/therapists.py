"""Writing about therapists: what they may give and where, what clients read about them, their leaving."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from clinic.audit.services import recorded
from clinic.people.models import Location, Modality, Picture, Qualification, Room, Therapist, User


class Held(NamedTuple):
    """A qualification as it is to be: for what, proven by what, and until when."""

    modality: Modality
    certificate: str = ""
    expires_on: date | None = None


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
    licence_number: str,
    licence_expires_on: date | None,
    usual_room: Room | None,
    colour: str,
    locations: Collection[Location],
    qualifications: Sequence[Held],
) -> Therapist:
    """Change what an owner says about a therapist; what stays the same is neither written nor recorded."""
    kept = _locked(therapist)
    said = {
        "licence_number": licence_number.strip(),
        "licence_expires_on": licence_expires_on,
        "usual_room": usual_room,
        "colour": colour,
    }
    _refuse_room_elsewhere(kept.user, usual_room, locations)
    _write(kept, said)
    kept.locations.set(locations)
    _keep_qualifications(kept, qualifications)
    return kept


@recorded
def change_profile(
    *, by: User, now: datetime, therapist: Therapist, biography: str, photo: Picture | None
) -> Therapist:
    """Change what clients read and see of a therapist when they book."""
    kept = _locked(therapist)
    _write(kept, {"biography": biography.strip(), "photo": photo})
    return kept


@recorded
def archive_therapist(*, by: User, now: datetime, therapist: Therapist) -> Therapist:
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
    """Let a therapist who has left be booked again."""
    kept = _locked(therapist)
    user = User.objects.get(pk=kept.user_id)
    if not (user.is_active and user.is_therapist):
        refusal = _("%(name)s needs a sign-in that works and the role of therapist first.")
        raise ValidationError(refusal, params={"name": user.name})
    if kept.archived_at is not None:
        kept.archived_at = None
        kept.save(update_fields=["archived_at"])
    return kept


def _locked(therapist: Therapist) -> Therapist:
    return Therapist.objects.select_for_update(no_key=True, of=("self",)).select_related("user").get(pk=therapist.pk)


def _refuse_room_elsewhere(user: User, room: Room | None, locations: Collection[Location]) -> None:
    if room is not None and room.location_id not in {one.pk for one in locations}:
        refusal = _("%(room)s is at %(location)s, where %(name)s does not work. Tick that location as well.")
        facts = {"room": room.name, "location": room.location.name, "name": user.name}
        raise ValidationError({"usual_room": ValidationError(refusal, params=facts)})


def _write(kept: Therapist, said: Mapping[str, object]) -> None:
    changed = [name for name, value in said.items() if getattr(kept, name) != value]
    if changed:
        for name in changed:
            setattr(kept, name, said[name])
        kept.full_clean()
        kept.save(update_fields=changed)


def _keep_qualifications(therapist: Therapist, wanted: Iterable[Held]) -> None:
    """Let her be qualified in exactly these; each row that is changed, added or taken tells the history so."""
    before = {one.modality_id: one for one in therapist.qualifications.all()}
    for held in wanted:
        row = before.pop(held.modality.pk, None) or Qualification(therapist=therapist, modality=held.modality)
        facts = (held.certificate.strip(), held.expires_on)
        if row.pk and (row.certificate, row.expires_on) == facts:
            continue
        row.certificate, row.expires_on = facts
        row.full_clean()
        row.save()
    for row in before.values():
        row.delete()
