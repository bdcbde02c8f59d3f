"""Writing about sessions: one transaction each, refusing with ValidationError in words for the screen.

A note is locked before it is changed. Its blocks and marks are rows of their own, added and removed one by one, so that
two tabs lose nothing; the text of the note carries a revision that a save must know.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max, Prefetch, prefetch_related_objects
from django.utils.translation import gettext as _

from clinic.audit.services import record_change
from clinic.lib import body
from clinic.lib.rows import with_known
from clinic.lib.times import local_date
from clinic.people.models import Modality, User
from clinic.people.services import lock_client
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.services import change_status
from intake.models import Effect
from intake.questions import Answer
from intake.safety import Planned
from intake.services import record_visit_answers, verdict_for
from sessions.checking import Work, limits_for
from sessions.modalities import details_form
from sessions.models import Addendum, Block, BodyMark, Note
from sessions.signing import NOTE_FACTS, canonical_bytes, digest_of, last_link, lock_chain, shown_digest
from sessions.today import answers_of_today

# What may be written in a draft; consent and the every-visit question stay as they were answered at the start.
EDITABLE = tuple(name for name in NOTE_FACTS if name not in {"is_usual", "consent_given", "is_sedated"})
# What a note has only once it is signed, and what the service itself puts there.
UNSIGNED = frozenset({"appointment", "client", "therapist", "signed_at", "signed_by", "canonical", "chain_position"})
TRIGGER_POINTS = {"active": BodyMark.Kind.TRIGGER_ACTIVE, "latent": BodyMark.Kind.TRIGGER_LATENT}


class NotToday(ValidationError):  # noqa: N818 -- a sentence for the screen, not a fault
    """The session may not start. `is_emergency` asks for the emergency words."""

    def __init__(self, message: str, *, is_emergency: bool = False) -> None:
        super().__init__(message)
        self.is_emergency = is_emergency


class StaleNote(ValidationError):  # noqa: N818 -- somebody else saved meanwhile; `current` is what is kept now
    """Somebody saved the note after this text was opened. The page answers 409 and shows both."""

    def __init__(self, current: Note) -> None:
        super().__init__(_("The note was saved elsewhere meanwhile. Both texts are below; nothing is lost."))
        self.current = current


class NotAsShown(ValidationError):  # noqa: N818 -- something was written after the preview; `current` is what is kept now
    """The note is no longer as it was shown. The page answers 409 and shows it as it is."""

    def __init__(self, current: Note) -> None:
        super().__init__(_("The note has changed since it was shown. Please read it again before you sign."))
        self.current = current


# --- Starting


def start_note(
    *,
    by: User,
    now: datetime,
    appointment: Appointment,
    phase: str,
    is_usual: bool,
    consent_given: bool,
    pain_before: int | None,
    is_sedated: bool = False,
    is_intoxicated: bool = False,
    neck_artery: Collection[str] = (),
) -> Note:
    """Start the session and its note; started twice, it is one note. Raises NotToday.

    What was answered and wants a doctor stays on the record, though nothing starts.
    `neck_artery` holds the signs that were confirmed after "different from the usual".
    """
    answers = answers_of_today(
        phase=phase,
        is_usual=is_usual,
        is_sedated=is_sedated,
        is_intoxicated=is_intoxicated,
        neck_artery=neck_artery,
    )
    try:
        return _start(
            appointment,
            answers,
            by=by,
            now=now,
            phase=phase,
            is_usual=is_usual,
            consent_given=consent_given,
            is_sedated=is_sedated,
            pain_before=pain_before,
        )
    except NotToday:
        # Outside the transaction that was undone, which held the visit: a submission locks the client first.
        record_visit_answers(by=by, now=now, client=appointment.client, answers=answers)
        raise


def _start(appointment: Appointment, answers: Mapping[str, Answer], *, by: User, now: datetime, **said: Any) -> Note:
    with transaction.atomic():
        lock_client(appointment.client_id)
        visit = _locked_visit(appointment)
        if visit.therapist.user_id != by.pk:
            raise NotToday(_("This visit is with %(therapist)s.") % {"therapist": visit.therapist.user.name})
        # Before the checks: the second click of a double click finds the session under way.
        existing = Note.objects.filter(appointment=visit).first()
        if existing is not None:
            return existing
        _refuse_what_stops(visit, answers, now)
        if not said["consent_given"]:
            raise NotToday(_("Without agreement to today's session there is none."))
        if visit.status in (Status.BOOKED, Status.CONFIRMED):
            visit = change_status(by=by, now=now, appointment=visit, to=Status.ARRIVED)
        visit = change_status(by=by, now=now, appointment=visit, to=Status.IN_SESSION)
        note = Note(
            appointment=visit,
            client=visit.client,
            therapist=visit.therapist,
            started_at=now,
            saved_at=now,
            **said,
        )
        note.clean_fields(exclude=UNSIGNED)
        note.save(force_insert=True)
        record_change(by=by.pk, client=note.client_id, what=note, words=_("begun"), now=now)
        record_visit_answers(by=by, now=now, client=visit.client, answers=answers)
    return note


def _locked_visit(appointment: Appointment) -> Appointment:
    fresh = Appointment.objects.select_for_update(no_key=True).get(pk=appointment.pk)
    return with_known(fresh, appointment, "client", "service", "therapist", "location", "room")


def _refuse_what_stops(appointment: Appointment, answers: Mapping[str, Answer], now: datetime) -> None:
    """Raise NotToday where something stops every kind of work, whatever the hands would do."""
    anything = Planned(modality="")
    stops = verdict_for(appointment.client, anything, _day(appointment, now), today=answers).stops
    if stops:
        reasons = " ".join(dict.fromkeys(fact.words for fact in stops))
        is_emergency = any(fact.effect is Effect.EMERGENCY for fact in stops)
        raise NotToday(_("No session today. %(reasons)s") % {"reasons": reasons}, is_emergency=is_emergency)


def _day(appointment: Appointment, now: datetime) -> date:
    return local_date(appointment.location.zone, now)


# --- Writing


def save_note(*, by: User, now: datetime, note: Note, revision: int, **fields: Any) -> Note:
    """Save what is written. `revision` is the one that the text was opened with. Raises StaleNote."""
    unknown = fields.keys() - set(EDITABLE)
    if unknown:
        raise TypeError(f"A note has no field to write called {', '.join(sorted(unknown))}.")
    with transaction.atomic():
        kept = _locked_draft(note, by)
        changed = [name for name, value in fields.items() if getattr(kept, name) != value]
        if not changed:
            return kept
        if kept.revision != revision:
            raise StaleNote(kept)
        for name in changed:
            setattr(kept, name, fields[name])
        others = {field.name for field in Note._meta.fields} - set(changed)  # noqa: SLF001  # Django's public API
        kept.clean_fields(exclude=others)
        kept.revision += 1
        kept.saved_at = now
        kept.save(update_fields=[*changed, "revision", "saved_at"])
    return kept


def _locked_draft(note: Note, by: User) -> Note:
    kept = with_known(Note.objects.select_for_update().get(pk=note.pk), note, "appointment", "client", "therapist")
    if kept.is_signed:
        raise ValidationError(_("The note is signed; what comes after goes into an addendum."))
    if kept.therapist.user_id != by.pk:
        raise ValidationError(_("Only %(therapist)s writes in this note.") % {"therapist": kept.therapist.user.name})
    return kept


# --- Blocks


def add_block(
    *,
    by: User,
    now: datetime,
    note: Note,
    modality: Modality,
    region: str,
    side: str,
    pressure: int,
    minutes: int,
    technique: str = "",
    details: Mapping[str, Any] | None = None,
    override_reason: str = "",
    is_deviation: bool = False,
) -> Block:
    """Record one stretch of treatment, checked against what is in force.

    Above a cap or with a warning it needs a reason; what is forbidden can be written down only as a deviation, with its
    reason. Raises ValidationError by field.
    """
    form_class = details_form(modality.slug)
    form = form_class(form_class.as_data(technique, details or {}))
    if not form.is_valid():
        raise ValidationError(dict(form.errors.as_data()))
    with transaction.atomic():
        kept = _locked_draft(note, by)
        block = Block(
            note=kept,
            position=(kept.blocks.aggregate(last=Max("position"))["last"] or 0) + 1,
            modality=modality,
            region=region,
            side=side,
            technique=form.cleaned_data["technique"],
            pressure=pressure,
            minutes=minutes,
            details=form.details,
        )
        _judge(block, kept, by=by, now=now, reason=override_reason.strip(), is_deviation=is_deviation)
        block.clean_fields(exclude={"note", "modality", "details", "override_by", "override_at"})
        block.save(force_insert=True)
        _mark_point(block)
    return block


def _judge(block: Block, note: Note, *, by: User, now: datetime, reason: str, is_deviation: bool) -> None:
    """Let a block pass, or say what it lacks. Raises ValidationError."""
    work = Work.of(block)
    limits = limits_for(note, work, day=_day(note.appointment, now))
    if limits.forbidden and not is_deviation:
        raise ValidationError({"is_deviation": list(limits.forbidden)})
    passed_over = [*limits.forbidden, *limits.passed_over_by(block.pressure)]
    if not passed_over:
        return
    if not reason:
        raise ValidationError({"override_reason": [_("Say why."), *passed_over]})
    block.passed_over, block.is_deviation = passed_over, bool(limits.forbidden)
    block.override_reason, block.override_by, block.override_at = reason, by, now


def _mark_point(block: Block) -> None:
    """Put a trigger point on the body map where the block found it."""
    kind = TRIGGER_POINTS.get(block.details.get("point", ""))
    if kind is None:
        return
    for side in body.sides_of(block.region):
        if block.side in (side, "both", "middle"):
            BodyMark.objects.get_or_create(note=block.note, region=block.region, side=side, kind=kind)


def remove_block(*, by: User, now: datetime, note: Note, block: Block) -> None:
    """Take a block out of a draft; the others move up."""
    with transaction.atomic():
        kept = _locked_draft(note, by)
        kept.blocks.filter(pk=block.pk).delete()
        for place, other in enumerate(kept.blocks.order_by("position"), start=1):
            if other.position != place:
                other.position = place
                other.save(update_fields=["position"])


# --- Marks


def place_mark(*, by: User, now: datetime, note: Note, region: str, side: str, kind: str) -> BodyMark:
    """Put a mark on the body map; made twice, it is one."""
    if side not in body.sides_of(region):
        sides = ", ".join(str(possible.label) for possible in body.sides_of(region))
        raise ValidationError({"side": _("Here the side is one of: %(sides)s.") % {"sides": sides}})
    with transaction.atomic():
        kept = _locked_draft(note, by)
        mark = BodyMark(note=kept, region=region, side=side, kind=kind)
        mark.clean_fields(exclude=["note"])
        return BodyMark.objects.get_or_create(note=kept, region=region, side=side, kind=kind)[0]


def lift_mark(*, by: User, now: datetime, note: Note, mark: BodyMark) -> None:
    """Take a mark off the body map."""
    with transaction.atomic():
        _locked_draft(note, by).marks.filter(pk=mark.pk).delete()


# --- Signing


@dataclass(frozen=True)
class Missing:
    """What a note lacks before it can be signed: the field to go to, and the words."""

    field: str
    words: str


def missing_in(note: Note) -> list[Missing]:
    """Return what must be filled in before signing."""
    lacks = [
        (not note.consent_given, "consent_given", _("Agreement to today's session")),
        (note.pain_before is None, "pain_before", _("Pain before")),
        (not note.blocks.all() and not note.response, "blocks", _("What was done, or in Response why nothing was")),
        (note.pain_after is None, "pain_after", _("Pain after")),
    ]
    return [Missing(field, words) for is_missing, field, words in lacks if is_missing]


def sign_note(*, by: User, now: datetime, note: Note, shown: str | None = None) -> Note:
    """Sign a draft for ever: link it to the chain, freeze it, complete the visit. Raises ValidationError.

    `shown` is the `shown_digest` of what the signer has read; where anything was written since, it raises NotAsShown.
    """
    with transaction.atomic():
        lock_chain()
        kept = _locked_draft(note, by)
        prefetch_related_objects([kept], Prefetch("blocks", Block.objects.select_related("modality")), "marks")
        if shown is not None and shown != shown_digest(kept, signed_by=by):
            raise NotAsShown(kept)
        missing = missing_in(kept)
        if missing:
            raise ValidationError(
                _("Before signing: %(missing)s.") % {"missing": "; ".join(lack.words for lack in missing)}
            )
        position, previous = last_link()
        kept.state, kept.signed_at, kept.signed_by = Note.State.SIGNED, now, by
        kept.canonical = canonical_bytes(kept, signed_by=by)
        kept.chain_position, kept.previous_digest = position + 1, previous
        kept.digest = digest_of(previous, kept.canonical)
        kept.save(
            update_fields=[
                "state", "signed_at", "signed_by", "canonical", "chain_position", "previous_digest", "digest",
            ]
        )  # fmt: skip
        change_status(by=by, now=now, appointment=kept.appointment, to=Status.COMPLETED)
        record_change(by=by.pk, client=kept.client_id, what=kept, words=_("signed"), now=now)
    return kept


def add_addendum(*, by: User, now: datetime, note: Note, text: str) -> Addendum:
    """Add a dated word to a signed note."""
    addendum = Addendum(note=note, text=text.strip(), by=by, at=now)
    addendum.full_clean(exclude=["note", "by"])
    with transaction.atomic():
        kept = Note.objects.select_for_update(of=("self",)).get(pk=note.pk)
        if not kept.is_signed:
            raise ValidationError(_("The note is a draft; write into it."))
        addendum.save(force_insert=True)
        record_change(by=by.pk, client=kept.client_id, what=kept, words=_("got an addendum"), now=now)
    return addendum
