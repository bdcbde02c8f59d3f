"""A click that comes while the note is being signed elsewhere is answered with the note as it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse

from clinic.people.models import Therapist
from sessions import block_views
from sessions.models import Note
from sessions.services import sign_note
from tests.sessions.test_pages import HTMX, text_of


@pytest.mark.parametrize("what", ["block", "mark"])
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_what_is_taken_out_too_late_leads_to_the_signed_note(
    what: str, headers: dict[str, str], finished: Note, as_bea: Browser, bea: Therapist, now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    finished.marks.create(region="temple", side="left", kind="tender")
    thing = (finished.blocks if what == "block" else finished.marks).get()
    keep_text = block_views.keep_text

    def signed_meanwhile(*args: Any) -> Any:
        answer = keep_text(*args)
        sign_note(by=bea.user, now=now, note=finished)
        return answer

    monkeypatch.setattr(block_views, "keep_text", signed_meanwhile)
    url = reverse(f"treatment:{what}-remove", args=[finished.pk, thing.pk])
    answer = as_bea.post(url, text_of(finished), headers=headers)
    leads_to = answer.headers["HX-Redirect"] if headers else answer.headers["Location"]
    assert leads_to == reverse("treatment:note", args=[finished.pk])
    assert "The note is signed" in as_bea.get(leads_to).text
    assert (finished.blocks.count(), finished.marks.count()) == (1, 1)
