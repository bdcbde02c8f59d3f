from __future__ import annotations

from datetime import datetime

from clinic.people.models import Client, Therapist
from intake.models import Finding, Submission
from tests.intake.answers import reviewed_intake


def test_a_calm_client_is_reviewed_without_a_finding(alice: Client, bea: Therapist, now: datetime) -> None:
    submission = reviewed_intake(alice, bea.user, now=now)
    assert submission.state == Submission.State.REVIEWED
    assert list(Finding.objects.values_list("rule", flat=True)) == []
