"""Therapists from a file: bookable at once, signing in only when an owner lets them."""

from __future__ import annotations

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.test import Client as Browser
from django.urls import reverse

from clinic.people.models import Qualification, Therapist
from tests.factories import modality
from tests.importing import problems

INES = "Therapist's name,E-mail,Licence valid until,Qualified in,Biography\n"


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ("9999-12-31,,", "Licence valid until"),
        ("2200-01-01,,", "Licence valid until"),
        ("1999-12-31,,", "Licence valid until"),
        ("2027-01-01,myofascial | A 12 | 9999-12-31,", "Qualified in"),
        ("2027-01-01,myofascial | A 12 | 1999-12-31,", "Qualified in"),
        (f"2027-01-01,,{'x' * 1501}", "Biography"),
    ],
)
def test_what_the_form_refuses_is_named_by_row(bring, db, cells, column):
    job = bring(f"{INES}Inês Sousa,ines@example.org,{cells}\n", "therapists")
    assert [(row, named) for row, named, _words in problems(job)] == [(2, column)]


def test_the_database_keeps_no_licence_for_ever(bea):
    held, _made = Qualification.objects.get_or_create(therapist=bea, modality=modality("craniosacral"))
    for rows, field in (
        (Therapist.objects.filter(pk=bea.pk), "licence_expires_on"),
        (Qualification.objects.filter(pk=held.pk), "expires_on"),
    ):
        with pytest.raises(IntegrityError, match="a_day_that_can_be"), transaction.atomic():
            rows.update(**{field: "9999-12-31"})


def test_a_day_of_leaving_to_come_is_named_by_row(bring, db):
    job = bring("Name,E-mail,Archived on\nInês Sousa,ines@example.org,2027-01-01\n", "therapists")
    assert [(row, column) for row, column, _words in problems(job)] == [(2, "Archived on")]


def test_nobody_gets_a_password_by_an_address_in_a_file_before_an_owner_lets_her_in(bring, take, send, as_olga):
    take(bring(f"{INES}Inês Sousa,ines@example.org,2027-01-01,myofascial,\n", "therapists"))
    user = Therapist.objects.get().user
    Browser().post("/password/reset/", {"email": user.email})
    # Whoever asks gets a mail; this one leads nowhere.
    assert ["/password/reset/key/" in letter.body for letter in mail.outbox] == [False]
    mail.outbox.clear()
    page = as_olga.get(reverse("people:staff-member", args=[user.pk])).content.decode()
    assert "Cannot sign in yet." in page
    send(reverse("people:staff-reactivate", args=[user.pk]))
    Browser().post("/password/reset/", {"email": user.email})
    assert [letter.to for letter in mail.outbox] == [["ines@example.org"]]
