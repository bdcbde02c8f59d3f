"""The owner's settings of the clinic itself: previewed, saved, remembered, and shown where clients look."""

from __future__ import annotations

from datetime import time, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from PIL import Image

from clinic.people.models import Modality, OpeningHours, Picture, Therapist, clinic_with_logo
from clinic.people.services.clinic import set_logo, update_clinic
from clinic.scheduling.services import add_weekly_hours
from tests.factories import LocationFactory, RoomFactory, ServiceFactory, TherapistFactory

URL = "/settings/clinic/"


def logo(kind: str = "PNG", colour: str = "teal") -> SimpleUploadedFile:
    written = BytesIO()
    Image.new("RGB", (90, 30), colour).save(written, kind)
    return SimpleUploadedFile("logo.png", written.getvalue())


def typed(**changes: str) -> dict[str, str]:
    return {
        "name": "Quiet Rooms",
        "letterhead": "Rua do Cais 12\n1100 Lisboa",
        "emergency_number": "112",
        "cancellation_hours": "48",
        "cancellation_policy": "Two days before, please.",
        "waitlist_hold_minutes": "90",
        "house_rules": "Come five minutes early.\nNo scents, please.",
        "privacy_notice": "We keep what we need.",
    } | changes


def last_event() -> Any:
    return apps.get_model("people", "ClinicEvent").objects.latest("pgh_id")


def test_what_is_saved_is_kept_and_the_history_tells_by_whom(as_olga, olga, clinic):
    answer = as_olga.post(URL, typed())
    assert answer["Location"] == URL
    clinic.refresh_from_db()
    assert (clinic.name, clinic.cancellation_hours, clinic.letterhead) == (
        "Quiet Rooms",
        48,
        "Rua do Cais 12\n1100 Lisboa",
    )
    assert last_event().name == "Quiet Rooms"
    assert last_event().pgh_context["by"] == olga.pk


def test_the_preview_shows_what_was_typed_and_saves_nothing(as_olga, clinic):
    page = as_olga.post(URL, typed(preview="1")).content.decode()
    preview = page[page.index('id="preview"') :]
    assert "As typed. Nothing is saved yet." in preview
    assert "Quiet Rooms" in preview
    assert "1100 Lisboa" in preview
    assert "Two days before, please." in preview
    assert "No scents, please." in preview
    clinic.refresh_from_db()
    assert clinic.name == "Harbour Clinic"
    assert clinic.house_rules == ""


def test_the_preview_escapes_what_was_typed(as_olga, clinic):
    page = as_olga.post(URL, typed(preview="1", letterhead="<b>loud</b>")).content.decode()
    assert "<b>loud</b>" not in page


@pytest.mark.parametrize(
    ("field", "wrong", "words"),
    [
        ("name", "", "This field is required."),
        ("emergency_number", "call us", "Only digits"),
        ("cancellation_hours", "-1", "greater than or equal to 0"),
        ("waitlist_hold_minutes", "14", "greater than or equal to 15"),
        ("waitlist_hold_minutes", "1441", "less than or equal to 1440"),
        ("cancellation_hours", "9000", "less than or equal to 720"),
        ("cancellation_policy", "x" * 161, "at most 160 characters"),
        ("house_rules", "x" * 2001, "at most 2000 characters"),
    ],
)
@pytest.mark.parametrize("button", ["save", "preview"])
def test_what_is_wrong_is_said_beside_its_field_and_nothing_typed_is_lost(as_olga, clinic, field, wrong, words, button):
    page = as_olga.post(URL, typed(**{field: wrong, button: "1"})).content.decode()
    assert words in page
    assert f'id="id_{field}_error"' in page
    assert "We keep what we need." in page
    preview = page[page.index('id="preview"') :]
    assert "Harbour Clinic" in preview
    clinic.refresh_from_db()
    assert clinic.name == "Harbour Clinic"


def test_the_currency_is_shown_and_cannot_be_changed(as_olga, clinic):
    assert "It stays for good: all prices and payments are kept in it." in as_olga.get(URL).content.decode()
    as_olga.post(URL, typed(currency="USD"))
    clinic.refresh_from_db()
    assert clinic.currency == "EUR"


def test_saving_what_is_there_already_leaves_no_trace(olga, now, clinic):
    before = last_event().pk
    update_clinic(by=olga, now=now, name=clinic.name, house_rules=clinic.house_rules)
    assert last_event().pk == before


def test_the_clinics_language_is_one_of_those_it_writes_in(olga, now, clinic):
    with pytest.raises(ValidationError, match="tick it first"):
        update_clinic(by=olga, now=now, language="en", languages=[])


def test_languages_are_asked_only_where_there_is_a_choice(as_olga, clinic, settings):
    assert 'name="languages"' not in as_olga.get(URL).content.decode()
    settings.LANGUAGES = [("en", "English"), ("de", "German")]
    page = as_olga.get(URL).content.decode()
    assert 'name="languages"' in page
    assert 'name="language"' in page
    as_olga.post(URL, typed(name="With language", language="en", languages="en"))
    clinic.refresh_from_db()
    assert (clinic.name, clinic.languages) == ("With language", ["en"])


# ---- the logo ----


def test_a_logo_stands_on_the_sign_in_page_and_on_clients_pages(as_olga, as_alice, clinic):
    as_olga.post("/settings/clinic/logo/", {"logo": logo()})
    clinic.refresh_from_db()
    address = f"/pictures/{clinic.logo.digest}/"
    assert address in Browser().get("/login/").content.decode()
    assert address in as_alice.get("/me/").content.decode()
    assert address in as_olga.get(URL).content.decode()
    assert Browser().get(address)["Content-Type"] == "image/webp"


def test_a_page_does_not_fetch_the_content_of_the_logo(clinic, olga, now, django_assert_num_queries):
    set_logo(by=olga, now=now, upload=logo())
    with django_assert_num_queries(1) as captured:
        shown = clinic_with_logo()
        assert shown.logo.digest
    assert "content" not in captured[0]["sql"]


def test_the_index_marks_staff_only_while_a_licence_ends(as_olga, bea, location, now):
    def mark() -> bool:
        groups = as_olga.get("/settings/").context["groups"]
        return next(row.is_open_work for group in groups for row in group.rows if row.title == "Staff and therapists")

    bea.locations.add(location)
    add_weekly_hours(
        by=None, now=now, therapist=bea, location=location, weekday=3, opens=time(8), closes=time(18),
        valid_from=now.date(),
    )  # fmt: skip
    Therapist.objects.update(licence_expires_on=now.date() + timedelta(days=365))
    assert not mark()
    Therapist.objects.update(licence_expires_on=now.date() + timedelta(days=10))
    assert mark()


def test_a_page_reads_the_clinic_and_its_clock_once(as_olga, clinic, location):
    as_olga.get("/settings/")
    with CaptureQueriesContext(connection) as asked:
        as_olga.get("/settings/")
    asked_of_clinic = [query["sql"] for query in asked if 'FROM "people_clinic"' in query["sql"]]
    asked_of_clock = [query["sql"] for query in asked if "NULLS FIRST" in query["sql"]]
    assert (len(asked_of_clinic), len(asked_of_clock)) == (1, 1)


def test_a_logo_is_replaced_and_removed_and_earlier_ones_stay_for_the_history(as_olga, clinic):
    for colour in ("teal", "black"):
        as_olga.post("/settings/clinic/logo/", {"logo": logo(colour=colour)})
    assert Picture.objects.count() == 2
    as_olga.post("/settings/clinic/logo/", {"remove": "1"})
    clinic.refresh_from_db()
    assert clinic.logo is None
    assert Picture.objects.count() == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The submitted file is empty."),
        (b"not a picture", "no picture that we can read"),
        (b"<svg></svg>", "SVG can carry programs"),
    ],
)
def test_what_is_no_logo_is_refused_beside_the_field(as_olga, clinic, content, words):
    page = as_olga.post("/settings/clinic/logo/", {"logo": SimpleUploadedFile("x.png", content)}).content.decode()
    assert words in page
    assert 'id="id_logo_error"' in page
    assert not Picture.objects.exists()


def test_a_logo_form_without_a_file_says_so(as_olga, clinic):
    assert "This field is required." in as_olga.post("/settings/clinic/logo/", {}).content.decode()


# ---- the index ----


def test_the_index_tells_how_things_stand(as_olga, room, bea):
    ServiceFactory(), ServiceFactory(modality=Modality.objects.get(slug="swedish"))
    page = as_olga.get("/settings/").content.decode()
    assert "Harbour Clinic, prices in EUR" in page
    assert "1 location, 1 room" in page
    assert "2 services in 2 modalities" in page


def test_a_new_clinic_is_led_step_by_step(as_olga, clinic):
    def step() -> str:
        page = as_olga.get("/settings/").content.decode()
        here = page.partition('aria-current="step">')[2]
        return here.partition("</a>")[0].partition('href="')[2].partition('"')[0]

    assert step() == "/settings/locations/new/"
    place = LocationFactory()
    assert step() == f"/settings/locations/{place.pk}/rooms/new/"
    RoomFactory(location=place)
    assert step() == "/settings/services/new/"
    ServiceFactory()
    assert step() == "/settings/staff/"
    TherapistFactory()
    assert step() == f"/settings/locations/{place.pk}/hours/"
    OpeningHours.objects.create(location=place, weekday=0, opens="09:00", closes="18:00")
    assert step() == ""
    assert "Before the first visit" not in as_olga.get("/settings/").content.decode()
