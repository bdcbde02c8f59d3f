"""What the note's pages show, as frozen facts for templates that do no arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.forms import BoundField
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.lib.times import local_date
from clinic.people.models import Client
from clinic.scheduling.models import Appointment
from intake.findings import fact_of, findings_in_force
from intake.models import Effect, Finding
from intake.profile import profile_of
from intake.reading import version_words
from intake.rules import current_rules
from intake.safety import STOPPING
from sessions.checking import Limits
from sessions.forms import NoteForm
from sessions.goals import goals_of
from sessions.models import Block, Note, Pressure, Product
from sessions.reading import BlockLine, TimelineRow, block_lines, timeline

SILENT = frozenset({Effect.LETTER})
# A word or two: the head has little room, and the reason stands beside.
TAGS = {
    Effect.BLOCK: gettext_lazy("Block"),
    Effect.CLEAR: gettext_lazy("Clearance"),
    Effect.WARN: gettext_lazy("Mind"),
    Effect.POSTPONE: gettext_lazy("Not today"),
    Effect.SAME_DAY: gettext_lazy("Doctor today"),
    Effect.EMERGENCY: gettext_lazy("Emergency"),
    Effect.NO_PRODUCT: gettext_lazy("Product"),
    Effect.CONSENT: gettext_lazy("Consent"),
}
# Opened before the back of the head (domain: the ordered protocol).
PROTOCOL = "neck_shoulder"
FRONT_AND_SIDES = frozenset({"clavicle_pectoral", "sternum", "neck_lateral", "scm", "scalene"})
BACK_OF_HEAD = frozenset({"occiput", "suboccipital"})
# The session's line in the head, in the units of its drawing.
LINE_START, LINE_END = 5, 163


@dataclass(frozen=True)
class ForceLine:
    """One thing in force: how strong, and why."""

    tag: str
    is_stop: bool
    reason: str


@dataclass(frozen=True)
class InForce:
    """What is in force for a client on a day, what stops first, and which version of the rules says so."""

    lines: Sequence[ForceLine]
    rules: str


@dataclass(frozen=True)
class Head:
    """What stays in sight: who, today, what is in force, the room, the goal."""

    age: int | None
    visit_number: int
    in_force: InForce
    room: Sequence[str]
    goals: Sequence[str]
    minutes_gone: int
    minutes_booked: int
    point: int


@dataclass(frozen=True)
class PressureKey:
    """One of the five keys."""

    value: int
    words: str
    is_locked: bool
    is_first_locked: bool
    is_chosen: bool


def head_of(note: Note, now: datetime, earlier: int) -> Head:
    """Return the head of a note; `earlier` is how many visits went before."""
    until = note.signed_at or now
    gone = max(0, int((until - note.started_at).total_seconds() // 60))
    booked = note.booked_minutes
    share = min(gone, booked) / booked
    day = local_date(note.appointment.location.zone, now)
    return Head(
        age=note.client.age_on(day),
        visit_number=earlier + 1,
        in_force=in_force(note.client, day),
        room=note.client.room_wishes,
        goals=goals_of(note.client_id, now),
        minutes_gone=gone,
        minutes_booked=booked,
        point=round(LINE_START + share * (LINE_END - LINE_START)),
    )


def in_force(client: Client, day: date) -> InForce:
    """Return what is in force for a client on a day, and for everyone."""
    findings = findings_in_force(client.pk, day)
    lines = [_force_line(finding) for finding in findings if finding.effect not in SILENT]
    if profile_of(client) is None:
        words = _("not filled in: deep and neck work is held back")
        lines.append(ForceLine(_("Intake"), is_stop=False, reason=words))
    everyone = ForceLine(_("Never"), is_stop=True, reason=_("pressure on the front of the neck"))
    versions = {finding.rule_version.number for finding in findings} | {rule.version for rule in current_rules()[1]}
    return InForce([*sorted(lines, key=lambda line: not line.is_stop), everyone], version_words(versions))


def _force_line(finding: Finding) -> ForceLine:
    words = fact_of(finding).words
    if finding.effect == Effect.CAP:
        return ForceLine(_("Cap %(cap)s") % {"cap": finding.cap}, is_stop=False, reason=words)
    return ForceLine(str(TAGS[Effect(finding.effect)]), finding.effect in STOPPING, words)


@dataclass(frozen=True)
class Treatment:
    """The middle of the note: blocks in their order, and how long they took."""

    blocks: Sequence[BlockLine]
    minutes: int
    minutes_booked: int
    is_other_way_round: bool

    @property
    def is_over(self) -> bool:
        """Whether more minutes are recorded than were booked."""
        return self.minutes > self.minutes_booked


def treatment_of(note: Note) -> Treatment:
    """Return the blocks of a note."""
    blocks = list(note.blocks.select_related("modality"))
    return Treatment(
        blocks=block_lines(blocks),
        minutes=sum(block.minutes for block in blocks),
        minutes_booked=note.booked_minutes,
        is_other_way_round=is_other_way_round(blocks),
    )


def is_other_way_round(blocks: Sequence[Block]) -> bool:
    """Tell whether the protocol's front and sides were recorded after the back of the head."""
    regions = [block.region for block in blocks if block.modality.slug == PROTOCOL]
    back = next((place for place, region in enumerate(regions) if region in BACK_OF_HEAD), len(regions))
    return any(region in FRONT_AND_SIDES for region in regions[back:])


def pressure_keys(limits: Limits, chosen: int | None, *, is_above: bool) -> list[PressureKey]:
    """Return the five keys; those above the cap are locked, or with a reason those above the hard cap.

    None is where the work itself is forbidden: then only what was done all the same is recorded.
    """
    highest = Pressure.DEEP if limits.forbidden else limits.hard_cap if is_above else limits.cap
    return [
        PressureKey(
            value=pressure.value,
            words=str(pressure.label),
            is_locked=pressure > highest,
            is_first_locked=pressure == highest + 1,
            is_chosen=pressure == chosen,
        )
        for pressure in Pressure
    ]


@dataclass(frozen=True)
class NotePage:
    """All that stands on a note's page beside its form."""

    head: Head
    treatment: Treatment
    timeline: Sequence[TimelineRow]


def note_page(note: Note, now: datetime) -> NotePage:
    """Return the page of a note; a constant number of queries, however many came before."""
    earlier = timeline(note.client_id, before=note.started_at)
    number = earlier[0].visit_number if earlier else 0
    return NotePage(head_of(note, now, number), treatment_of(note), earlier)


def visit_words(appointment: Appointment) -> str:
    """Say when and where a visit is, with its weekday."""
    start = appointment.local_start
    return _("%(day)s, %(time)s, %(room)s") % {
        "day": date_format(start, "l j F"),
        "time": date_format(start, "H:i"),
        "room": appointment.room.name,
    }


READ_FIELDS = (
    (
        gettext_lazy("Before"),
        ("phase", "pain_before", "acute_medicine", "sleep", "stress", "since_last", "noticed"),
    ),
    (gettext_lazy("Treatment"), ("position", "products", "environment", "pressure_feedback")),
    (gettext_lazy("After"), ("pain_after", "response", "adverse_response")),
    (gettext_lazy("Plan"), ("assessment", "home_care", "referral", "next_in_weeks")),
)


@dataclass(frozen=True)
class ReadPart:
    """One part of a note to read: its heading and what was written there."""

    heading: str
    lines: Sequence[tuple[str, str]]


def read_parts(note: Note) -> list[ReadPart]:
    """Return what was written, part by part; what was left open is left out."""
    return [
        ReadPart(str(heading), [_line(note, name) for name in names if _said(note, name)])
        for heading, names in READ_FIELDS
    ]


def _said(note: Note, name: str) -> bool:
    return getattr(note, name) not in (None, "", [])


def _line(note: Note, name: str) -> tuple[str, str]:
    label = str(Note._meta.get_field(name).verbose_name)  # type: ignore[union-attr]  # noqa: SLF001  # a plain column
    return label[:1].upper() + label[1:], _written(note, name)


def _written(note: Note, name: str) -> str:
    match name:
        case "phase":
            return str(note.get_phase_display())
        case "position":
            return str(note.get_position_display())
        case "products":
            return ", ".join(str(Product(product).label) for product in note.products)
    return str(getattr(note, name))


@dataclass(frozen=True)
class BothTexts:
    """A field of the note that somebody else saved meanwhile: the one typed here, and what is kept now."""

    field: BoundField
    is_different: bool
    kept: str


def both_texts(mine: NoteForm, current: Note) -> list[BothTexts]:
    """Return every field of the form beside what is kept."""
    kept = NoteForm(note=current)
    return [BothTexts(mine[name], _words(mine[name]) != _words(kept[name]), _words(kept[name])) for name in mine.fields]


def _words(field: BoundField) -> str:
    value = field.value()
    choices = dict(getattr(field.field, "choices", ()))
    if isinstance(value, list):
        return ", ".join(str(choices.get(one, one)) for one in value)
    return str(choices.get(value, "" if value is None else value))
