"""Where a client's intake stands, for the rooms below: the booking gate, the badges on the calendar, the worklist."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from django.utils.translation import gettext_lazy

from clinic.lib.prepared import Prepared
from clinic.people.models import Modality, User
from clinic.people.records import records_beside, records_given, records_of
from clinic.scheduling.badges import Badge, Visit
from clinic.scheduling.gates import PlannedVisit
from clinic.scheduling.models import Status
from intake.findings import clearances_over, consents_of, fact_of, open_by_record, raised_by
from intake.models import Finding, Invitation, Submission
from intake.rules import current_rules
from intake.safety import FindingFact, Planned, SafetyProfile, may
from intake.today import said_on_days

# D: answers older than this are asked again.
ANSWERS_LAST = timedelta(days=365)
BADGED = frozenset({Status.REQUESTED, Status.HELD, Status.BOOKED, Status.CONFIRMED, Status.ARRIVED})


def planned_visit(modality: Modality) -> Planned:
    """Return what is known of a visit when it is booked: its modality, and what that does."""
    traits = {
        "deep": modality.is_deep,
        "static_compression": modality.uses_static_compression,
        "head_or_neck": modality.works_head_or_neck,
    }
    return Planned(modality=modality.slug, traits=frozenset(trait for trait, has in traits.items() if has))


def gate(visits: Sequence[PlannedVisit]) -> list[bool]:
    """Answer for each visit whether a therapist must look first. At most seven queries, however many visits.

    She must where answers are missing, unread or too old, where a finding in force is unknown to any therapist, where
    what is in force stops the whole visit, and where a check-in on that day says anything that a rule is about.
    """
    client_pks = {visit.client_pk for visit in visits}
    newest = newest_sent(client_pks)

    def is_told(visit: PlannedVisit) -> bool:
        sent = newest.get(visit.client_pk)
        return sent is not None and sent.is_reviewed and visit.day - sent.at.date() <= ANSWERS_LAST

    if not any(is_told(visit) for visit in visits):
        return [True] * len(visits)
    consents = consents_of(client_pks)
    modalities = {
        modality.pk: planned_visit(modality)
        for modality in Modality.objects.filter(pk__in={visit.modality_pk for visit in visits})
    }
    findings = _held(client_pks)
    cleared = clearances_over(fact for held in findings.values() for _finding, fact in held)
    checked_in = said_on_days(client_pks, {visit.day for visit in visits})
    rules = current_rules()[1] if checked_in else ()

    def must_look(visit: PlannedVisit) -> bool:
        if not is_told(visit):
            return True
        said = checked_in.get((visit.client_pk, visit.day), ())
        if any(raised_by(rules, SafetyProfile(answers, visit.day, age=None)) for answers in said):
            return True
        held = findings.get(visit.client_pk, ())
        if any(finding.acknowledged_at is None and fact.holds_on(visit.day) for finding, fact in held):
            return True
        facts = [fact for _finding, fact in held]
        signed = consents.get(visit.client_pk, frozenset())
        planned = modalities[visit.modality_pk]
        return may(planned, facts, visit.day, consents=signed, clearances=cleared).blocked

    return [must_look(visit) for visit in visits]


def stops_online(client_pk: int) -> bool:
    """Say whether what she said wants a doctor, and no therapist has closed it: nothing is booked online until then."""
    return Finding.objects.open().urgent().filter(client__among=records_of(client_pk)).exists()


def _held(client_pks: Collection[int]) -> dict[int, list[tuple[Finding, FindingFact]]]:
    found: dict[int, list[tuple[Finding, FindingFact]]] = {}
    for finding, records in open_by_record(client_pks):
        for record in records:
            found.setdefault(record, []).append((finding, fact_of(finding)))
    return found


@dataclass(frozen=True)
class Sent:
    """When a client's newest answers came, and whether a therapist has read them."""

    pk: int
    at: datetime
    is_reviewed: bool


SENT = Prepared(
    lambda: (
        Submission.objects.filter(client__among=records_given("clients"))
        .sent()
        .annotate(records=records_beside())
        .order_by("submitted_at", "pk")
        .values_list("records", "pk", "submitted_at", "state")
    )
)


def newest_sent(client_pks: Collection[int]) -> dict[int, Sent]:
    """Return each client's newest answers that were sent; one query."""
    found = SENT.all(clients=list(client_pks))
    # The later takes the place of the earlier.
    return {
        record: Sent(pk, at, state == Submission.State.REVIEWED)
        for records, pk, at, state in found
        if at is not None
        for record in records
    }


def badges(user: User, visits: Sequence[Visit]) -> Mapping[int, Sequence[Badge]]:
    """Show on each visit to come whether her answers are there and read; never what they say. Two queries."""
    if not user.is_staff_member:
        return {}
    shown = [visit for visit in visits if visit.status in BADGED]
    newest = newest_sent({visit.client_id for visit in shown})
    asked = open_links({visit.client_id for visit in shown})
    # Said once, not for each of two thousand visits.
    said = {state: Badge(icon, str(words), is_open_work=is_open) for state, (icon, words, is_open) in SIGNS.items()}
    return {
        visit.pk: [said[_state(newest.get(visit.client_id), visit, is_opened=asked.get(visit.client_id))]]
        for visit in shown
    }


class State(Enum):
    """How her answers stand before a visit."""

    MISSING = auto()
    ASKED = auto()
    OPENED = auto()
    UNREAD = auto()
    OLD = auto()
    DONE = auto()


SIGNS = {
    State.MISSING: ("clipboard-x", gettext_lazy("intake missing"), True),
    State.ASKED: ("mail", gettext_lazy("intake form sent"), True),
    State.OPENED: ("pencil", gettext_lazy("intake form opened"), True),
    State.UNREAD: ("clipboard-text", gettext_lazy("needs review"), True),
    State.OLD: ("clipboard-x", gettext_lazy("intake over a year old"), True),
    State.DONE: ("file-check", gettext_lazy("intake done"), False),
}


def _state(sent: Sent | None, visit: Visit, *, is_opened: bool | None) -> State:
    """Say how her answers stand; `is_opened` is None where no link to the form is out."""
    is_old = sent is not None and visit.starts_at - sent.at > ANSWERS_LAST
    if sent is not None and not sent.is_reviewed:
        return State.UNREAD
    if sent is not None and not is_old:
        return State.DONE
    if is_opened is not None:
        return State.OPENED if is_opened else State.ASKED
    return State.OLD if is_old else State.MISSING


def open_links(client_pks: Collection[int]) -> dict[int, bool]:
    """Return for each client to whom a link to the form is out whether she has opened it; one query."""
    out = Invitation.objects.filter(
        client__among=records_of(*client_pks), used_at__isnull=True, revoked_at__isnull=True
    ).annotate(records=records_beside())
    found = out.order_by("pk").values_list("records", "opened_at")
    return {record: opened_at is not None for records, opened_at in found for record in records}
