"""What a client waits for while she fills in the form, and a therapist when she opens the line of reviews.

Both are measured inside, through all of Django but no HTTP, on rows that are taken away again at the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from random import Random
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

import psycopg
from django.db import connection, transaction
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic.people.models import Client, Role, User
from intake import access
from intake.answering import begin
from intake.models import Finding, FormVersion, Invitation, RuleVersion, Submission
from intake.questions import Kind, form_of
from tests.benchmarks.measuring import HOST
from tests.benchmarks.operations import Case, Operation

if TYPE_CHECKING:
    from tests.benchmarks.measuring import Bench, Figures

WARM_UP = 10
# Of so many clients one has answers that wait; of so many one has a finding that therapists know.
ONE_WAITS, ONE_IS_HELD_BACK = 20, 4
EFFECTS = ("clear", "clear", "clear", "warn", "same_day", "emergency")
LINE = (
    """
    SELECT client_id, effect FROM intake_finding
    WHERE closed_at IS NULL AND acknowledged_at IS NULL AND effect IN ('clear', 'same_day', 'emergency')
    """,
    """
    SELECT id, client_id, submitted_at FROM intake_submission WHERE state = 'submitted'
    """,
    """
    SELECT client_id, min(starts_at) FROM scheduling_appointment WHERE starts_at >= now()
    AND client_id IN (SELECT client_id FROM intake_submission WHERE state = 'submitted') GROUP BY client_id
    """,
)


def lines(bench: Bench, operation: Operation) -> Figures:
    """Open the line as a therapist, where every client has answered and one in twenty waits."""
    with transaction.atomic():
        waiting = _fill_the_line(Random(1))  # noqa: S311  # invented answers
        connection.connection.execute("ANALYZE intake_submission, intake_finding")
        browser = _therapist()
        names = [client.name for client in Client.objects.in_bulk(waiting).values()]

        def opened(_number: int) -> bool:
            answer = browser.get(reverse("intake:review-list"))
            return answer.status_code == HTTPStatus.OK and any(name in answer.text for name in names)

        figures = _figures(opened, _read_line, bench.requests)
        transaction.set_rollback(True)
    return figures


def steps(bench: Bench, operation: Operation) -> Figures:
    """Save the longest step while she types, as her browser does with every change."""
    with transaction.atomic():
        browser, draft = _at_the_form()
        number, said = _longest_step(draft)
        address = reverse("intake:step-save", args=[number])

        def saved(at: int) -> bool:
            answer = browser.post(address, {**said, "surgery": ("yes", "no")[at % 2]}, headers={"HX-Request": "true"})
            return answer.status_code == HTTPStatus.OK

        def bare(_at: int) -> None:
            connection.connection.execute(
                "UPDATE intake_submission SET answers = answers || %s, saved_at = now() WHERE id = %s",
                ['{"surgery": "no"}', draft.pk],
            )

        figures = _figures(saved, bare, bench.requests)
        transaction.set_rollback(True)
    return figures


def _fill_the_line(random: Random) -> list[int]:
    """Let every client have answered once, some lately; return those whose answers wait."""
    now = datetime.now(UTC)
    version, rules = FormVersion.objects.latest("number"), RuleVersion.objects.latest("number")
    by = User.objects.filter(roles__contains=[Role.THERAPIST])[0]
    clients = list(Client.objects.filter(archived_at__isnull=True).order_by("pk").values_list("pk", flat=True))
    waiting = clients[::ONE_WAITS]
    sent: dict[str, Any] = {"form_version": version, "started_at": now, "saved_at": now}
    read = {"state": Submission.State.REVIEWED, "reviewed_at": now, "reviewed_by": by, "submitted_at": now}
    Submission.objects.bulk_create(Submission(client_id=pk, **sent, **read) for pk in clients)
    new = Submission.objects.bulk_create(
        Submission(
            client_id=pk,
            state=Submission.State.SUBMITTED,
            submitted_at=now - timedelta(minutes=random.randrange(20_000)),
            **sent,
        )
        for pk in waiting
    )
    raised: dict[str, Any] = {"rule_version": rules, "reason": "Told in the form.", "raised_at": now}
    Finding.objects.bulk_create(
        Finding(client_id=pk, rule="known", effect="clear", acknowledged_at=now, acknowledged_by=by, **raised)
        for pk in clients[::ONE_IS_HELD_BACK]
    )
    Finding.objects.bulk_create(
        Finding(client_id=one.client_id, submission=one, rule="new", effect=random.choice(EFFECTS), **raised)
        for one in new[::2]
    )
    return waiting


def _therapist() -> Browser:
    browser = Browser(SERVER_NAME=HOST)
    browser.force_login(User.objects.filter(roles__contains=[Role.THERAPIST], is_active=True).order_by("pk")[0])
    return browser


def _at_the_form() -> tuple[Browser, Submission]:
    """Return a browser in which a client has opened her link."""
    now = datetime.now(UTC)
    client = Client.objects.filter(archived_at__isnull=True).order_by("pk")[0]
    invitation = Invitation.objects.create(client=client, created_at=now, expires_at=now + timedelta(days=1))
    draft = begin(now=now, client=client, invitation=invitation)
    browser = Browser(SERVER_NAME=HOST)
    session = browser.session
    access.enter(session, draft, invitation)
    session.save()
    browser.cookies["sessionid"] = session.session_key
    return browser, draft


def _longest_step(draft: Submission) -> tuple[int, dict[str, str]]:
    """Return the step with most safety questions, each answered with no."""
    asked = {
        step.number: [one.code for one in step.questions if one.kind is Kind.YES_NO_UNSURE and not one.shown_if]
        for step in form_of(draft.form_version_id).steps
    }
    number = max(asked, key=lambda one: len(asked[one]))
    return number, dict.fromkeys(asked[number], "no")


def _read_line(_at: int) -> None:
    for statement in LINE:
        connection.connection.execute(statement).fetchall()


def _figures(do: Callable[[int], bool], bare: Callable[[int], None], count: int) -> Figures:
    from tests.benchmarks.measuring import Figures

    errors = sum(not do(at) for at in range(WARM_UP))
    with CaptureQueriesContext(connection) as captured:
        errors += not do(0)
    # The log of queries is emptied by the next request.
    queries = len(captured)
    times = [_took(do, at) for at in range(count)]
    floors = [_took(bare, at) for at in range(count)]
    return Figures(
        p50_ms=round(median(times), 3),
        p95_ms=round(quantiles(times, n=20)[-1], 3),
        queries=queries,
        errors=errors,
        floor_p50_ms=round(median(floors), 3),
    )


def _took(do: Callable[[int], object], at: int) -> float:
    began = time.perf_counter()
    do(at)
    return (time.perf_counter() - began) * 1000


def _no_requests(_floor: psycopg.Connection, _random: Random, _count: int) -> list[Case]:
    return []


OPERATIONS = (
    Operation("intake_step_save", target_ms=15, cases=_no_requests, figure="p95_ms", measure=steps),
    Operation("review_queue", target_ms=30, cases=_no_requests, measure=lines),
)
