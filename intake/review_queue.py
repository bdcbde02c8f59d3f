"""What waits for a therapist, most urgent first: answers sent, and answers begun that want a doctor today."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from zoneinfo import ZoneInfo

from django.db.models import Case, F, Min, Q, QuerySet, Value, When
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.lib.lookups import keys
from clinic.people.models import Client, User, clinic_zone
from clinic.people.worklist import Worklist, WorkRow
from clinic.scheduling.models import UPCOMING, Appointment
from intake.models import Effect, Finding, Submission
from intake.rules import CRISIS

ROWS_SHOWN = 50
FAR_OFF = datetime.max.replace(tzinfo=UTC)


class Urgency(IntEnum):
    """How soon a therapist must look; by the findings of which none knows yet."""

    NONE = 0
    CLEARANCE = 1
    SAME_DAY = 2
    EMERGENCY = 3

    @property
    def words(self) -> str:
        return str(URGENCY_WORDS[self])


URGENCY_WORDS = {
    Urgency.NONE: gettext_lazy("to review"),
    Urgency.CLEARANCE: gettext_lazy("Needs a clearance"),
    Urgency.SAME_DAY: gettext_lazy("Needs medical contact today"),
    Urgency.EMERGENCY: gettext_lazy("Emergency answer"),
}
URGENCY_OF = {
    str(Effect.CLEAR): Urgency.CLEARANCE,
    str(Effect.SAME_DAY): Urgency.SAME_DAY,
    str(Effect.EMERGENCY): Urgency.EMERGENCY,
}


@dataclass(frozen=True)
class Waiting:
    """One form that waits: where it stands in the line, and why there."""

    pk: int
    urgency: Urgency
    came_at: datetime
    next_visit_at: datetime | None
    is_draft: bool
    # The record that is kept of the person.
    person: int

    @property
    def place(self) -> tuple[int, datetime, datetime, int]:
        """Return a key by which the line is in order."""
        return -self.urgency, self.next_visit_at or FAR_OFF, self.came_at, self.pk


@dataclass(frozen=True)
class Row:
    """One form that waits, with whom it is about."""

    waiting: Waiting
    client: Client


def line_of(now: datetime) -> list[Waiting]:
    """Return all that waits, most urgent first, then whoever comes soonest, then what came first. Five queries."""
    kept = _kept_records()
    urgency = _urgency_of_each(kept)
    alarmed = [person for person, how in urgency.items() if how >= Urgency.SAME_DAY]
    facts = ("pk", "client", "came_at", "state")
    sent = Submission.objects.to_review().annotate(came_at=F("submitted_at")).values_list(*facts)
    begun = _begun_by(alarmed).annotate(came_at=F("saved_at")).values_list(*facts)
    found = [(pk, kept.get(client, client), at, state) for rows in (sent, begun) for pk, client, at, state in rows]
    visits = _next_visits({person for _pk, person, _at, _state in found}, now)
    line = [
        Waiting(
            pk=pk,
            urgency=urgency.get(person, Urgency.NONE),
            came_at=came_at,
            next_visit_at=visits.get(person),
            is_draft=state == Submission.State.DRAFT,
            person=person,
        )
        for pk, person, came_at, state in found
    ]
    return sorted(line, key=lambda waiting: waiting.place)


def shown(line: Sequence[Waiting]) -> list[Row]:
    """Return some of the line with whom it is about; one query."""
    people = Client.objects.filter(pk__among=keys(waiting.person for waiting in line))
    clients = {client.pk: client for client in people}
    return [Row(waiting, clients[waiting.person]) for waiting in line]


def _kept_records() -> Mapping[int, int]:
    """Return for each record that was merged the one that is kept: few, so that no row need be joined to its client."""
    merged = Client.objects.filter(merged_into__isnull=False).values_list("pk", "merged_into")
    return {pk: kept for pk, kept in merged if kept}


def _urgency_of_each(kept: Mapping[int, int]) -> dict[int, Urgency]:
    """Return how urgent it is for each person of whom a finding is unknown to all therapists; one query."""
    unknown = Finding.objects.unknown().filter(effect__in=[*URGENCY_OF])
    found: dict[int, Urgency] = {}
    for client, effect in unknown.values_list("client", "effect"):
        person = kept.get(client, client)
        found[person] = max(URGENCY_OF[effect], found.get(person, Urgency.NONE))
    return found


def _begun_by(people: Collection[int]) -> QuerySet[Submission]:
    # Only one record of a person has answers that were begun, and a merge moves them to the one that is kept.
    return Submission.objects.filter(state=Submission.State.DRAFT, client__among=keys(people))


def _next_visits(people: Collection[int], now: datetime) -> dict[int, datetime]:
    """Return when each of these people comes next; one query."""
    upcoming = Appointment.objects.filter(status__in=UPCOMING, starts_at__gte=now, client__among=keys(people))
    return dict(upcoming.values_list("client").annotate(Min("starts_at")))


# The ranks of what stands beside the forms; what comes after these can wait for the next visit.
AT_ONCE, MARKED, TODAY, LATER = range(4)
RANK = Case(
    When(effect=Effect.EMERGENCY, then=Value(AT_ONCE)),
    When(rule=CRISIS, then=Value(MARKED)),
    When(effect=Effect.SAME_DAY, then=Value(TODAY)),
    default=Value(LATER),
)


@dataclass(frozen=True)
class Beside:
    """The worst finding of a client that no therapist knows of, and that comes with no form that waits."""

    finding: Finding
    words: str
    is_urgent: bool


def beside_the_forms() -> list[Beside]:
    """Return one row for each client who has such findings, the most urgent first; one query."""
    worst = _beside().order_by("client", RANK, "raised_at", "pk").distinct("client").values("pk")
    found = Finding.objects.filter(pk__in=worst).select_related("client").annotate(rank=RANK)
    return [
        Beside(finding, _words_of(finding), finding.rank < LATER)  # type: ignore[attr-defined]  # annotated
        for finding in found.order_by("rank", "raised_at", "pk")[:ROWS_SHOWN]
    ]


def _beside() -> QuerySet[Finding]:
    """Return what was said at a visit or a booking, taken back, marked, or made so by new rules: unknown to all."""
    return Finding.objects.unknown().filter(Q(submission__isnull=True) | Q(submission__state=Submission.State.REVIEWED))


def _words_of(finding: Finding) -> str:
    if finding.rule == CRISIS:
        return _("Words that a therapist marked")
    return URGENCY_OF[finding.effect].words if finding.effect in URGENCY_OF else _("To be acknowledged")


def count(user: User, now: datetime) -> int:
    """Return how much waits for a therapist. Three queries, and two more where somebody needs a doctor."""
    if not user.is_therapist:
        return 0
    alarms = set(Finding.objects.unknown().urgent().values_list("client", flat=True))
    kept = _kept_records() if alarms else {}
    begun = _begun_by({kept.get(client, client) for client in alarms}).count() if alarms else 0
    beside = _beside().values("client").distinct().count()
    return Submission.objects.to_review().count() + beside + begun


def rows(user: User, now: datetime) -> list[WorkRow]:
    """Return them, most urgent first."""
    if not user.is_therapist:
        return []
    zone = clinic_zone()
    beside = [_beside_row(row) for row in beside_the_forms()]
    return [*beside, *(_work_row(row, zone) for row in shown(line_of(now)[:ROWS_SHOWN]))]


def _work_row(row: Row, zone: ZoneInfo) -> WorkRow:
    waiting = row.waiting
    came = date_format(waiting.came_at.astimezone(zone), "D j M, H:i")
    detail = waiting.urgency.words if waiting.urgency else _("Intake came %(came)s") % {"came": came}
    if waiting.is_draft:
        url, verb = reverse("intake:findings", args=[row.client.pk]), _("Look")
    else:
        url, verb = reverse("intake:review", args=[waiting.pk]), _("Review")
    is_urgent = waiting.urgency >= Urgency.SAME_DAY
    return WorkRow(title=row.client.name, detail=detail, verb=verb, url=url, is_urgent=is_urgent)


def _beside_row(row: Beside) -> WorkRow:
    url = reverse("intake:findings", args=[row.finding.client_id])
    return WorkRow(title=row.finding.client.name, detail=row.words, verb=_("Look"), url=url, is_urgent=row.is_urgent)


REVIEWS = Worklist(
    heading=gettext_lazy("Intake to review"),
    empty=gettext_lazy("No answers wait for a review."),
    count=count,
    rows=rows,
)
