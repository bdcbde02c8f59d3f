"""Evaluating all safety rules for one client: answers are read, every rule is asked, a plan gets its verdict."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

import psycopg
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from clinic.people.models import Client
from intake.findings import profile_on
from intake.models import FormVersion, Submission
from intake.questions import NO, UNSURE, YES, Answers, Kind, form_of
from intake.rules import current_rules
from intake.safety import FindingFact, Planned, evaluate, everyone, may
from tests.benchmarks.operations import Case, Operation

if TYPE_CHECKING:
    from tests.benchmarks.measuring import Bench, Figures

NECK = Planned(
    "neuromuscular", frozenset({"static_compression", "head_or_neck"}), regions=frozenset({"temple"}), pressure=3
)
# Of twenty safety questions she answers one with yes and one with not sure, which is many.
SAID = [YES, UNSURE, *[NO] * 18]
WARM_UP = 20
ANSWERS_OF = (
    "SELECT answers, submitted_at FROM intake_submission WHERE client_id = %s ORDER BY submitted_at DESC LIMIT 1"
)


def evaluated(bench: Bench, operation: Operation) -> Figures:
    """Evaluate as many times as asked for, beside the bare statement that reads the same answers; nothing is kept."""
    from tests.benchmarks.measuring import Figures

    with transaction.atomic():
        clients = _with_answers(bench.requests)
        for client in clients[:WARM_UP]:
            _evaluate(client)
        with CaptureQueriesContext(connection) as captured:
            _evaluate(clients[0])
        times = [_took(_evaluate, client) for client in clients]
        floors = [_took(_read_bare, client) for client in clients]
        errors = sum(not _is_right(client) for client in clients)
        transaction.set_rollback(True)
    return Figures(
        p50_ms=round(median(times), 3),
        p95_ms=round(quantiles(times, n=20)[-1], 3),
        queries=len(captured),
        errors=errors,
        floor_p50_ms=round(median(floors), 3),
    )


def _with_answers(count: int) -> list[Client]:
    """Return clients who have sent answers, each her own; the same at every run."""
    random, now = Random(1), datetime.now(UTC)  # noqa: S311  # invented answers
    version = FormVersion.objects.order_by("-number").filter(language="en")[0]
    safety = [code for code, asked in form_of(version.pk).questions.items() if asked.kind is Kind.YES_NO_UNSURE]
    clients = list(Client.objects.order_by("pk")[:count])
    sent: dict[str, Any] = {"form_version": version, "started_at": now, "saved_at": now, "submitted_at": now}
    Submission.objects.bulk_create(
        Submission(
            client=client,
            state=Submission.State.SUBMITTED,
            answers={code: random.choice(SAID) for code in safety},
            **sent,
        )
        for client in clients
    )
    return clients


def _evaluate(client: Client) -> tuple[Answers, list[FindingFact]]:
    day = datetime.now(UTC).date()
    answers: Answers = Submission.objects.filter(client=client).sent().values_list("answers", flat=True)[0]
    rules = current_rules()[1]
    facts = evaluate(rules, profile_on(day, client, answers), day)
    may(NECK, [*facts, *everyone(rules)], day)
    return answers, facts


def _is_right(client: Client) -> bool:
    """Look at one question: it is raised where it was not answered with no, and only there."""
    answers, facts = _evaluate(client)
    return (answers["rf_neuro"] != NO) == any(fact.rule == "red_flag_03" for fact in facts)


def _read_bare(client: Client) -> None:
    connection.connection.execute(ANSWERS_OF, [client.pk]).fetchall()


def _took(do: Callable[[Client], object], client: Client) -> float:
    began = time.perf_counter()
    do(client)
    return (time.perf_counter() - began) * 1000


def _no_requests(_floor: psycopg.Connection, _random: Random, _count: int) -> list[Case]:
    return []


OPERATIONS = (Operation("intake_rules", target_ms=2, cases=_no_requests, measure=evaluated),)
