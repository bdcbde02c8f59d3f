"""A clearance is recorded for what its page showed of a finding, not for what the finding has grown into since."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client as Browser
from django.urls import reverse

from clinic.people.models import Client, Therapist
from intake.clearing import record_clearance
from intake.documents import add_document
from intake.models import Finding
from intake.models_clearing import Clearance
from intake.seeing import StaleFinding
from tests.intake.answers import A_PDF, send

INJURY = {"neck_injury": "yes", "neck_injury_on": "2026-11-01"}
WORSE = INJURY | {"neck_injury_on": "2026-11-18"}


def hurt() -> Finding:
    return Finding.objects.get(rule="neck_injury")


def typed_on(page: HttpResponse, **changed: Any) -> dict[str, Any]:
    """Return what a browser sends of this page."""
    return {
        "seen": re.findall(r'name="seen" value="([^"]+)"', page.text), "findings": [hurt().pk],
        "clinician": "Dr Lemaire", "given_on": "2026-11-18", "where": "everywhere", "pressure_up_to": "3",
        "starts_on": "2026-11-19", "ends_on": "2027-02-28", "file": SimpleUploadedFile("Brief.pdf", A_PDF), **changed,
    }  # fmt: skip


def test_a_page_that_is_out_of_date_records_no_clearance_and_loses_nothing(
    as_bea: Browser, alice: Client, now: datetime
) -> None:
    send(alice, now=now, **INJURY)
    new = reverse("intake:clearance-new", args=[alice.pk])
    typed = typed_on(as_bea.get(new))
    send(alice, now=now, **WORSE)
    refused = as_bea.post(new, typed)
    assert "This finding has changed since you opened the page." in refused.text
    assert 'value="Dr Lemaire"' in refused.text
    assert not Clearance.objects.exists()
    assert hurt().acknowledged_at is None
    again = typed_on(refused, document=str(alice.documents.get().pk))
    del again["file"]
    assert as_bea.post(new, again).status_code == 302
    assert Clearance.objects.exists()


def test_the_service_takes_a_finding_only_as_it_was_read(alice: Client, bea: Therapist, now: datetime) -> None:
    send(alice, now=now, **INJURY)
    read = hurt()
    send(alice, now=now, **WORSE)
    paper = add_document(by=bea.user, now=now, client=alice, name="Dr Lemaire.pdf", content=A_PDF)
    said: dict[str, Any] = {
        "by": bea.user, "now": now, "client": alice, "clinician": "Dr Lemaire", "given_on": date(2026, 11, 18),
        "starts_on": date(2026, 11, 19), "ends_on": date(2027, 2, 28), "pressure_up_to": 3, "document": paper,
    }  # fmt: skip
    with pytest.raises(StaleFinding):
        record_clearance(findings=[read], **said)
    assert record_clearance(findings=[hurt()], **said)
