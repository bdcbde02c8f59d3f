"""The page on which a visit gets another service."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus

from django.test import Client as Browser
from django.urls import reverse

from clinic.people.models import Service, Therapist, User
from clinic.scheduling.models import Appointment
from clinic.scheduling.services import cancel_appointment
from tests.factories import ClientFactory, ServiceFactory, modality
from tests.scheduling.conftest import Book, at


def service_page(visit: Appointment) -> str:
    return reverse("scheduling:appointment-service", args=[visit.pk])


def test_a_visit_gets_another_service_from_its_panel(as_dana: Browser, book: Book, service: Service) -> None:
    visit, long = book(at(10, day=20)), ServiceFactory(modality=service.modality, minutes=75, name="More")
    panel = as_dana.get(reverse("desk:appointment", args=[visit.pk])).content.decode()
    assert service_page(visit) in panel
    answer = as_dana.post(service_page(visit), {"service": long.pk, "therapist": visit.therapist_id}, follow=True)
    visit.refresh_from_db()
    assert (visit.service, visit.minutes) == (long, 75)
    said = [(str(one), one.extra_tags) for one in answer.context["messages"]]
    undo = reverse("scheduling:appointment-undo", args=[visit.pk])
    assert said == [("Alice Marques, Fri 20 Nov, 10:00: More with Bea, Room 1.", undo)]


def test_a_service_that_does_not_fit_is_refused_beside_its_field(
    as_dana: Browser, book: Book, service: Service
) -> None:
    visit, long = book(at(10, day=20)), ServiceFactory(modality=service.modality, minutes=75)
    book(at(11, 15, day=20), client=ClientFactory())
    answer = as_dana.post(service_page(visit), {"service": long.pk, "therapist": visit.therapist_id})
    assert answer.status_code == HTTPStatus.CONFLICT
    words = "Bea has another visit from 11:15 until 12:30, with too little time between the two."
    assert answer.context["form"].errors == {"service": [words]}
    assert answer.context["form"]["service"].value() == str(long.pk)
    visit.refresh_from_db()
    assert visit.service == service


def test_a_service_that_passes_over_a_rule_needs_a_reason_and_takes_it(
    as_dana: Browser, book: Book, service: Service
) -> None:
    visit, long = book(at(12, day=20)), ServiceFactory(modality=service.modality, minutes=75)
    form = {"service": long.pk, "therapist": visit.therapist_id}
    answer = as_dana.post(service_page(visit), form)
    (error,) = answer.context["form"].errors["override_reason"]
    assert error == "Bea does not work on Fri 20 Nov at 12:00. Give a reason to book it all the same."
    as_dana.post(service_page(visit), form | {"override_reason": "She asked for it"})
    visit.refresh_from_db()
    assert (visit.service, visit.override_reason) == (long, "She asked for it")


def test_who_may_not_give_the_service_is_refused_beside_the_therapist(
    as_dana: Browser, book: Book, bea: Therapist
) -> None:
    visit, other = book(at(10, day=20)), ServiceFactory(modality=modality("deep_tissue"))
    bea.qualifications.filter(modality=other.modality).delete()
    answer = as_dana.post(service_page(visit), {"service": other.pk, "therapist": bea.pk})
    assert answer.context["form"].errors == {"therapist": ["Bea Lindqvist may not give Deep tissue on that day."]}


def test_what_is_over_keeps_its_service(as_dana: Browser, book: Book, dana: User, now: datetime) -> None:
    visit = cancel_appointment(by=dana, now=now, appointment=book(at(10, day=20)))
    answer = as_dana.get(service_page(visit), follow=True)
    assert "This visit is cancelled and stays where it is." in answer.content.decode()
