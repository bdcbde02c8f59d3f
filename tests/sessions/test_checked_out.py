"""A check-out can be taken back, but not that of a visit whose note is signed."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.core.exceptions import ValidationError
from django.test import Client as Browser
from django.urls import reverse

from clinic.desk.visit_panel import visit_panel
from clinic.people.models import User
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.services import change_status
from sessions.models import Note


def undo_to(visit: Appointment, by: User, now: datetime) -> str:
    return next(step.undo_to for step in visit_panel(user=by, now=now, visit=visit).steps if step.look == "here")


def test_the_check_out_of_a_draft_is_taken_back(finished: Note, dana: User, now: datetime) -> None:
    visit = change_status(by=dana, now=now, appointment=finished.appointment, to=Status.COMPLETED)
    assert undo_to(visit, dana, now) == Status.IN_SESSION
    assert change_status(by=dana, now=now, appointment=visit, to=Status.IN_SESSION).status == Status.IN_SESSION


def test_the_check_out_of_a_signed_visit_stays(signed: Note, dana: User, now: datetime, as_dana: Browser) -> None:
    visit = Appointment.objects.get(pk=signed.appointment_id)
    assert undo_to(visit, dana, now) == ""
    with pytest.raises(ValidationError, match="The note of this visit is signed"):
        change_status(by=dana, now=now, appointment=visit, to=Status.IN_SESSION)
    address = reverse("scheduling:appointment-status", args=[visit.pk])
    page = as_dana.post(address, {"to": Status.IN_SESSION}, follow=True)
    assert "The note of this visit is signed" in page.content.decode()
    visit.refresh_from_db()
    assert visit.status == Status.COMPLETED
