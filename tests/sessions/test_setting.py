"""How she lies and what is used: the rules about them act in the session."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client as Browser
from django.urls import reverse

from clinic.people.models import Client, Therapist
from clinic.scheduling.models import Appointment
from intake.rules import POSITIONS, PRODUCTS
from sessions.models import Note, Position, Product
from sessions.pages import read_parts
from sessions.services import save_note
from tests.intake.answers import send
from tests.sessions.conftest import Record, Start
from tests.sessions.test_pages import HTMX, text_of


def saved(note: Note, bea: Therapist, now: datetime, **fields: Any) -> Note:
    return save_note(by=bea.user, now=now, note=note, revision=note.revision, **fields)


def test_the_note_speaks_of_positions_and_products_in_the_rules_words() -> None:
    assert set(Position.values) == POSITIONS
    assert set(Product.values) == PRODUCTS | {"none"}


def test_from_the_twentieth_week_lying_prone_or_supine_needs_a_reason(
    visit: Appointment, alice: Client, start: Start, record: Record, bea: Therapist, now: datetime
) -> None:
    send(alice, now=now, pregnant="yes", pregnant_20="yes")
    note = saved(start(visit), bea, now, position="side", products=["none"])
    assert record(note, region="foot").passed_over == []
    note = saved(note, bea, now, position="prone")
    with pytest.raises(ValidationError, match="not prone and not flat"):
        record(note, region="foot")


def test_a_refused_product_can_only_be_recorded_as_a_deviation(
    visit: Appointment, alice: Client, start: Start, record: Record, bea: Therapist, now: datetime
) -> None:
    send(alice, now=now, allergy="yes")
    note = saved(start(visit), bea, now, products=["oil"])
    assert record(note, region="foot").pk
    note = saved(note, bea, now, products=["aroma"])
    with pytest.raises(ValidationError) as refused:
        record(note, region="foot")
    assert set(refused.value.message_dict) == {"is_deviation"}


def test_no_percussion_device_at_the_neck(draft: Note, record: Record, bea: Therapist, now: datetime) -> None:
    note = saved(draft, bea, now, products=["percussion_device"])
    assert record(note, region="lumbar").pk
    with pytest.raises(ValidationError, match="percussion"):
        record(note, region="neck_posterior_lower")


def test_the_page_says_what_is_not_offered_and_what_speaks_against_the_choice(
    visit: Appointment, alice: Client, start: Start, as_bea: Browser, now: datetime
) -> None:
    send(alice, now=now, allergy="yes", pregnant="yes", pregnant_20="yes")
    note = start(visit)
    url = reverse("treatment:note", args=[note.pk])
    page = as_bea.get(url)
    assert "Not offered to this client: scented oil." in page.text
    assert page.context["setting"].problems == ()
    answer = as_bea.post(url, text_of(note, position="prone", products=["aroma"]), headers=HTMX)
    assert 'id="setting"' in answer.text
    assert "not prone and not flat on the back" in answer.text
    assert "no aroma products" in answer.text
    note.refresh_from_db()
    assert (note.position, note.products) == ("prone", ["aroma"])
    again = as_bea.post(url, text_of(note, position="prone", products=["aroma"], response="Calm."), headers=HTMX)
    assert 'id="setting"' not in again.text


def test_both_texts_and_the_note_to_read_name_them(draft: Note, as_bea: Browser, bea: Therapist, now: datetime) -> None:
    mine = text_of(draft, position="seated", products=["oil", "cold"])
    note = saved(draft, bea, now, position="side", products=["heat"])
    lines = dict(read_parts(note)[1].lines)
    assert lines == {"Position": "on the side", "Products": "warm compress"}
    both = as_bea.post(reverse("treatment:note", args=[note.pk]), mine)
    assert both.status_code == 409
    assert "Warm compress" in both.text


def test_none_stands_alone(draft: Note, as_bea: Browser) -> None:
    answer = as_bea.post(
        reverse("treatment:note", args=[draft.pk]), text_of(draft, products=["none", "oil"]), headers=HTMX
    )
    assert answer.status_code == 422
    assert "Either none, or what was used." in answer.text


@pytest.mark.parametrize("wrong", [{"position": "standing"}, {"products": ["magic"]}])
def test_the_database_too_knows_which_there_are(draft: Note, wrong: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match="known"), transaction.atomic():
        Note.objects.filter(pk=draft.pk).update(**wrong)
