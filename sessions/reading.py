"""What other rooms read of signed notes: frozen facts, never the rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Prefetch, QuerySet

from clinic.lib.body import Region
from clinic.people.models import Modality
from clinic.people.records import records_of
from sessions.modalities import details_form
from sessions.models import Block, Note


@dataclass(frozen=True)
class SignedNote:
    """One session as signed; the day is that of its location."""

    pk: int
    appointment_pk: int
    on: date
    signed_at: datetime
    modalities: tuple[str, ...]
    pain_before: int | None
    pain_after: int | None
    minutes: int
    regions: tuple[str, ...]
    response: str
    home_care: str
    next_in_weeks: int | None
    adverse_response: str


def signed_notes(client_pk: int) -> list[SignedNote]:
    """Return her signed notes, oldest first, with modalities by code; two queries, however many there are."""
    return [_as_signed(note) for note in _signed_with_blocks(client_pk).order_by("started_at")]


def last_note(client_pk: int) -> SignedNote | None:
    """Return the newest signed note."""
    note = _signed_with_blocks(client_pk).order_by("-started_at").first()
    return _as_signed(note) if note else None


def _signed_with_blocks(client_pk: int) -> QuerySet[Note]:
    blocks = Prefetch("blocks", Block.objects.select_related("modality"))
    hers = Note.objects.signed().filter(client__among=records_of(client_pk))
    found = hers.select_related("appointment__location")
    return found.prefetch_related(blocks).defer("canonical")


def _as_signed(note: Note) -> SignedNote:
    blocks = list(note.blocks.all())
    return SignedNote(
        pk=note.pk,
        appointment_pk=note.appointment_id,
        on=note.started_at.astimezone(note.appointment.location.zone).date(),
        signed_at=note.signed_at or note.saved_at,
        modalities=tuple(dict.fromkeys(block.modality.code for block in blocks)),
        pain_before=note.pain_before,
        pain_after=note.pain_after,
        minutes=sum(block.minutes for block in blocks),
        regions=tuple(str(Region(region).label) for region in dict.fromkeys(block.region for block in blocks)),
        response=note.response,
        home_care=note.home_care,
        next_in_weeks=note.next_in_weeks,
        adverse_response=note.adverse_response,
    )


@dataclass(frozen=True)
class BlockLine:
    """A block as people read it."""

    pk: int
    modality: Modality
    region: str
    side: str
    summary: str
    pressure: int
    pressure_words: str
    minutes: int
    passed_over: tuple[str, ...]
    is_deviation: bool
    override_reason: str


def block_lines(blocks: Iterable[Block]) -> list[BlockLine]:
    """Return blocks in words, each with its modality."""
    return [
        BlockLine(
            pk=block.pk,
            modality=block.modality,
            region=str(Region(block.region).label),
            side="" if block.side == "middle" else str(block.get_side_display()),
            summary=details_form(block.modality.slug).summary(block.technique, block.details),
            pressure=block.pressure,
            pressure_words=str(block.get_pressure_display()),
            minutes=block.minutes,
            passed_over=tuple(block.passed_over),
            is_deviation=block.is_deviation,
            override_reason=block.override_reason,
        )
        for block in blocks
    ]


@dataclass(frozen=True)
class TimelineRow:
    """One earlier visit beside the note."""

    note_pk: int
    on: date
    visit_number: int
    codes: str
    minutes: int
    pain_before: int | None
    pain_after: int | None
    words: str


def timeline(client_pk: int, *, before: datetime, longest: int = 20) -> list[TimelineRow]:
    """Return her signed visits before an instant, newest first, at most `longest`; three queries."""
    earlier = _signed_with_blocks(client_pk).filter(started_at__lt=before)
    how_many = earlier.count()
    newest = [_as_signed(note) for note in earlier.order_by("-started_at")[:longest]]
    return [
        TimelineRow(
            note_pk=note.pk,
            on=note.on,
            visit_number=how_many - place,
            codes=", ".join(note.modalities),
            minutes=note.minutes,
            pain_before=note.pain_before,
            pain_after=note.pain_after,
            words=note.response or ", ".join(note.regions),
        )
        for place, note in enumerate(newest)
    ]
