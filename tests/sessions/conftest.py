"""Alice's visit with Bea on Thursday at nine, her answers calm, and a note to write in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

import pytest

from clinic.people.models import Client, Location, Service, Therapist, User
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.services import add_weekly_hours, book_appointment, change_status
from intake.models import Finding, RuleVersion
from sessions.models import Block, Note
from sessions.services import add_block, save_note, sign_note, start_note
from tests.factories import BEFORE, ServiceFactory, modality
from tests.intake.answers import send

Book = Callable[..., Appointment]
Raise = Callable[..., Finding]
Record = Callable[..., Block]
Start = Callable[..., Note]


@pytest.fixture
def service(db: None) -> Service:
    return ServiceFactory(name="Myofascial 60", minutes=60, buffer_after=0)


@pytest.fixture
def book(dana: User, alice: Client, bea: Therapist, location: Location, service: Service, now: datetime) -> Book:
    """Return a function that books an hour with Bea; what differs is given by name."""
    for weekday in range(7):
        add_weekly_hours(
            by=None,
            now=BEFORE,
            therapist=bea,
            location=location,
            weekday=weekday,
            opens=time(8),
            closes=time(20),
            valid_from=date(2026, 1, 1),
        )

    def do(starts_at: datetime, **others: Any) -> Appointment:
        wishes = {"client": alice, "service": service, "therapist": bea, "location": location, "by": dana, "now": now}
        return book_appointment(starts_at=starts_at, **wishes | others)

    return do


@pytest.fixture
def visit(book: Book, now: datetime, dana: User) -> Appointment:
    """Return Alice's visit at nine; she has arrived."""
    return change_status(by=dana, now=now, appointment=book(now), to=Status.ARRIVED)


@pytest.fixture
def calm(alice: Client, now: datetime) -> None:
    """Alice has answered everything, and nothing holds her back."""
    send(alice, now=now)


@pytest.fixture
def start(bea: Therapist, now: datetime) -> Start:
    """Return a function that starts a session between attacks; what differs is given by name."""

    def do(visit: Appointment, **others: Any) -> Note:
        answers = {"phase": "interictal", "is_usual": True, "consent_given": True, "pain_before": 4}
        return start_note(**{"by": bea.user, "now": now, "appointment": visit} | answers | others)

    return do


@pytest.fixture
def draft(visit: Appointment, calm: None, start: Start) -> Note:
    return start(visit)


@pytest.fixture
def record(bea: Therapist, now: datetime) -> Record:
    """Return a function that records ten minutes of cross-hand work on the upper back."""

    def do(note: Note, slug: str = "myofascial", **others: Any) -> Block:
        work = {
            "region": "thoracic_upper",
            "side": "both",
            "technique": "cross_hand",
            "pressure": 2,
            "minutes": 10,
            "details": {},
        }
        return add_block(**{"by": bea.user, "now": now, "note": note, "modality": modality(slug)} | work | others)

    return do


@pytest.fixture
def finished(draft: Note, record: Record, bea: Therapist, now: datetime) -> Note:
    """Return a draft with all that a signature needs."""
    record(draft)
    return save_note(
        by=bea.user,
        now=now,
        note=draft,
        revision=draft.revision,
        pain_after=2,
        response="Sleepy – ‘lighter’, she said.",
    )


@pytest.fixture
def signed(finished: Note, bea: Therapist, now: datetime) -> Note:
    return sign_note(by=bea.user, now=now, note=finished)


@pytest.fixture
def raise_finding(alice: Client, now: datetime) -> Raise:
    """Return a function that opens a finding for Alice."""

    def do(effect: str, reason: str = "Told in the form.", **others: Any) -> Finding:
        version = RuleVersion.objects.order_by("-number").first()
        facts = {"client": alice, "rule_version": version, "rule": f"test_{effect}", "raised_at": now}
        return Finding.objects.create(**facts | {"effect": effect, "reason": reason} | others)

    return do
