"""What can be booked: lengths within their modality's range, prices in minor units, and the clinic's own modalities."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clinic.people.models import Clinic, Modality, Qualification, Service
from clinic.people.services.archiving import archive
from clinic.people.services.catalogue import add_modality, add_service, update_service
from clinic.scheduling.services import add_weekly_hours, book_appointment, move_appointment
from intake.services import submit
from sessions.services import add_block, start_note
from tests.factories import ServiceFactory, modality
from tests.intake.answers import fill_in


@pytest.fixture
def swedish(clinic) -> Service:
    return ServiceFactory(
        name="Trigger points, 60 min", modality=modality("neuromuscular"), minutes=60, price_minor=6400
    )


def typed_service(**changes: object) -> dict[str, object]:
    return {
        "modality": modality("neuromuscular").pk,
        "name": "Trigger points, 75 min",
        "minutes": "75",
        "price_minor": "82,50",
        "buffer_before": "0",
        "buffer_after": "15",
        "description": "Long, quiet strokes.",
        "is_bookable_online": "on",
    } | changes


def test_the_owner_adds_a_service_with_its_price_in_minor_units(as_olga, clinic):
    as_olga.post("/settings/services/new/", typed_service())
    added = Service.objects.get()
    assert (added.minutes, added.price_minor, added.buffer_after) == (75, 8250, 15)
    assert added.is_bookable_online
    assert not added.is_open_to_new_clients
    assert "€82.50" in as_olga.get("/settings/services/").content.decode()


@pytest.mark.parametrize(
    ("currency", "typed", "minor"),
    [("EUR", "82.50", 8250), ("JPY", "8,200", 8200), ("KWD", "12.345", 12345), ("USD", "$ 82", 8200)],
)
def test_the_price_follows_the_clinics_currency(as_olga, clinic, currency, typed, minor):
    Clinic.objects.update(currency=currency)
    as_olga.post("/settings/services/new/", typed_service(price_minor=typed))
    assert Service.objects.get().price_minor == minor


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("minutes", "10", "takes 30 to 90 minutes."),
        ("minutes", "400", "takes 30 to 90 minutes."),
        ("minutes", "an hour", "Enter a whole number."),
        ("price_minor", "free", "“free” is no amount; EUR has 2 decimals, as in 68.50."),
        ("price_minor", "68.505", "is no amount"),
        ("price_minor", "99999999999", "more than a visit can cost"),
        ("minutes", "", "This field is required."),
        ("buffer_after", "500", "less than or equal to 120"),
        ("name", "Trigger points, 60 min", "Another service has this name"),
        ("modality", "", "This field is required."),
    ],
)
def test_what_cannot_be_is_said_beside_its_field_and_nothing_typed_is_lost(as_olga, swedish, field, typed, words):
    page = as_olga.post("/settings/services/new/", typed_service(**{field: typed})).content.decode()
    assert words in page
    assert f'id="id_{field}_error"' in page
    assert "Long, quiet strokes." in page
    assert Service.objects.count() == 1


def test_a_currency_without_decimals_says_so(as_olga, clinic):
    Clinic.objects.update(currency="JPY")
    page = as_olga.post("/settings/services/new/", typed_service(price_minor="82.5")).content.decode()
    assert "JPY has no decimals, as in 6850." in page


def test_each_modality_keeps_its_range_and_says_it(olga, now, clinic):
    for one in Modality.objects.exclude(shortest_minutes=None):
        for minutes in (one.shortest_minutes - 1, one.longest_minutes + 1):
            with pytest.raises(ValidationError, match=f"{one.longest_minutes} minutes"):
                add_service(by=olga, now=now, name="x", modality=one, minutes=minutes, price_minor=1)
        for minutes in {one.shortest_minutes, one.longest_minutes}:
            assert add_service(by=olga, now=now, name=f"{one} {minutes}", modality=one, minutes=minutes, price_minor=1)


def test_a_modality_without_a_range_takes_5_to_480_minutes(olga, now, clinic):
    own = add_modality(by=olga, now=now, name="Hot stones", code="HS")
    for minutes in (4, 481):
        with pytest.raises(ValidationError, match="5 to 480 minutes"):
            add_service(by=olga, now=now, name="x", modality=own, minutes=minutes, price_minor=1)
    assert add_service(by=olga, now=now, name="x", modality=own, minutes=480, price_minor=1).minutes == 480


def test_another_length_copies_a_service_and_its_name_tells_the_new_length(as_olga, swedish):
    url = f"/settings/services/new/?like={swedish.pk}"
    page = as_olga.get(url).content.decode()
    assert 'value="64.00"' in page
    assert "Like Trigger points, 60 min" in page
    as_olga.post(url, typed_service(name="Trigger points, 60 min", minutes="90", price_minor="90"))
    assert Service.objects.get(minutes=90).name == "Trigger points, 90 min"


@pytest.mark.parametrize(
    ("query", "status"), [("like=0", 404), ("modality=0", 404), ("modality=99999999999999999999", 200), ("like=x", 200)]
)
def test_an_address_that_names_nothing_does_no_harm(as_olga, clinic, query, status):
    assert as_olga.get(f"/settings/services/new/?{query}").status_code == status


def test_a_service_changes_but_not_its_modality(as_olga, swedish):
    typed = typed_service(
        modality=modality("deep_tissue").pk, name="Trigger points, short", minutes="45", price_minor="50"
    )
    as_olga.post(f"/settings/services/{swedish.pk}/", typed)
    swedish.refresh_from_db()
    assert (swedish.name, swedish.minutes, swedish.price_minor) == ("Trigger points, short", 45, 5000)
    assert swedish.modality == modality("neuromuscular")


def test_a_service_out_of_range_from_earlier_can_still_change_its_price(olga, now, clinic):
    odd = ServiceFactory(modality=modality("neuromuscular"), minutes=200)
    assert update_service(by=olga, now=now, service=odd, price_minor=1, minutes=200).price_minor == 1
    with pytest.raises(ValidationError):
        update_service(by=olga, now=now, service=odd, minutes=201)


@pytest.fixture
def visit(now, dana, bea, alice, location, room, swedish):
    add_weekly_hours(
        by=None, now=now, therapist=bea, location=location, weekday=now.weekday(), opens=time(8), closes=time(18),
        valid_from=now.date(),
    )  # fmt: skip
    return book_appointment(
        by=dana, now=now, client=alice, service=swedish, therapist=bea, location=location,
        starts_at=now + timedelta(hours=3),
    )  # fmt: skip


def test_a_booked_visit_keeps_its_time_and_buffers_when_its_service_changes(olga, now, visit, swedish, as_dana):
    stood = (visit.starts_at, visit.ends_at, visit.occupied_from, visit.occupied_until)
    update_service(by=olga, now=now, service=swedish, minutes=30, buffer_before=10, buffer_after=45)
    visit.refresh_from_db()
    assert (visit.starts_at, visit.ends_at, visit.occupied_from, visit.occupied_until) == stood
    assert visit.minutes == 60
    assert "booked for 60 min" in as_dana.get(f"/appointments/{visit.pk}/").content.decode()


def test_a_booked_visit_can_be_moved_though_its_service_is_offered_no_more(olga, dana, now, visit, swedish, alice, bea):
    archive(by=olga, now=now, thing=swedish)
    visit.refresh_from_db()
    later = visit.starts_at + timedelta(hours=2)
    assert move_appointment(by=dana, now=now, appointment=visit, starts_at=later).starts_at == later
    with pytest.raises(ValidationError, match="archived"):
        book_appointment(
            by=dana, now=now, client=alice, service=Service.objects.get(pk=swedish.pk), therapist=bea,
            location=visit.location, starts_at=now + timedelta(hours=1),
        )  # fmt: skip


def test_an_archived_service_is_not_offered_and_comes_back(as_olga, as_dana, swedish):
    as_olga.post(f"/settings/services/{swedish.pk}/archive/")
    assert "Archived services" in as_olga.get("/settings/services/").content.decode()
    assert "Trigger points, 60 min" not in as_dana.get("/appointments/new/").content.decode()
    as_olga.post(f"/settings/services/{swedish.pk}/bring-back/")
    swedish.refresh_from_db()
    assert swedish.archived_at is None


def test_the_list_costs_the_same_for_one_service_and_for_many(as_olga, swedish):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            as_olga.get("/settings/services/")
        return len(captured)

    queries()  # what is asked once per process is asked now
    before = queries()
    for one in Modality.objects.all():
        ServiceFactory.create_batch(3, modality=one)
    assert queries() == before


# ---- the clinic's own modalities ----


STRICT = {"is_deep": "on", "uses_static_compression": "on", "works_head_or_neck": "on"}


def typed_modality(**changes: str) -> dict[str, str]:
    named = {"name": "Hot stones", "code": "hs", "shortest_minutes": "", "longest_minutes": "", "focus": "Warmth"}
    return named | STRICT | changes


def test_a_modality_of_ones_own_is_the_strictest_unless_said_otherwise(as_olga, clinic):
    page = as_olga.get("/settings/modalities/new/").content.decode()
    assert page.count("checked") == 3
    as_olga.post("/settings/modalities/new/", typed_modality())
    added = Modality.objects.get(code="HS")
    assert added.is_deep
    assert added.uses_static_compression
    assert added.works_head_or_neck


def test_looser_rules_are_asked_about_once_with_a_word_of_caution(as_olga, clinic):
    typed = {name: value for name, value in typed_modality().items() if name != "is_deep"}
    page = as_olga.post("/settings/modalities/new/", typed).content.decode()
    assert "Looser safety rules?" in page
    assert not Modality.objects.filter(code="HS").exists()
    as_olga.post("/settings/modalities/new/", typed | {"loosen_anyway": "1"})
    added = Modality.objects.get(code="HS")
    assert not added.is_deep
    assert added.works_head_or_neck
    told = Modality.pgh_event_model.objects.get(pgh_obj=added)
    assert (told.pgh_label, told.is_deep, told.works_head_or_neck) == ("insert", False, True)


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("code", "sw", "Another modality has these letters."),
        ("code", "h1", "Two letters from A to Z."),
        ("code", "é1", "Two letters from A to Z."),
        ("name", "Swedish", "Another modality has this name."),
        ("shortest_minutes", "30", "Give both lengths, or none."),
    ],
)
def test_a_modality_that_cannot_be_is_refused_beside_its_field(as_olga, clinic, field, typed, words):
    page = as_olga.post("/settings/modalities/new/", typed_modality(**{field: typed})).content.decode()
    assert words in page
    assert "Warmth" in page
    assert not Modality.objects.filter(slug__startswith="own-").exists()


@pytest.mark.parametrize("pair", [("60", "30"), ("2", "30"), ("0", "0")])
def test_lengths_out_of_order_are_refused(as_olga, clinic, pair):
    typed = typed_modality(shortest_minutes=pair[0], longest_minutes=pair[1])
    assert as_olga.post("/settings/modalities/new/", typed).status_code == 200
    assert not Modality.objects.filter(code="HS").exists()


def test_a_note_is_written_with_a_modality_of_ones_own(now, olga, dana, bea, alice, visit, as_bea):
    own = add_modality(by=olga, now=now, name="Hot stones", code="HS")
    Qualification.objects.create(therapist=bea, modality=own)
    submit(now=now, submission=fill_in(alice, now=now), signed_name="Alice Marques")
    note = start_note(
        by=bea.user, now=visit.starts_at, appointment=visit, phase="interictal", is_usual=True, consent_given=True,
        pain_before=4,
    )  # fmt: skip
    form = as_bea.get(f"/notes/{note.pk}/blocks/add/?modality={own.slug}")
    assert form.status_code == 200
    assert 'name="details-technique"' in form.content.decode()
    block = add_block(
        by=bea.user, now=visit.starts_at, note=note, modality=own, region="thoracic_upper", side="both",
        technique="warm stones", pressure=1, minutes=10, details={},
    )  # fmt: skip
    assert block.technique == "warm stones"
    assert "Hot stones" in as_bea.get(f"/notes/{note.pk}/").content.decode()
