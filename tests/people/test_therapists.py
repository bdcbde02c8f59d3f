"""A therapist's pages: licence and its warning, qualifications, colour and places, what clients read, leaving."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, time, timedelta
from io import BytesIO
from pathlib import Path

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image

from clinic.audit.models import Change
from clinic.people.lacking import lacking
from clinic.people.licences import endings_of
from clinic.people.models import Client, Location, Modality, Qualification, Role, Room, Therapist, TherapistLocation
from clinic.people.services import (
    archive_therapist,
    bring_back_therapist,
    deactivate_staff,
    hand_over_clients,
    let_leave,
    reactivate_staff,
)
from clinic.people.tasks import let_therapists_leave
from clinic.people.worklist import counts_for, worklists
from clinic.scheduling.services import add_weekly_hours
from sessions.services import start_note
from tests.factories import (
    ClientFactory,
    LocationFactory,
    RoomFactory,
    ServiceFactory,
    TherapistFactory,
    UserFactory,
    modality,
)
from tests.plans.support import visit

MY_PROFILE = "/settings/my-profile/"


def page_of(therapist: Therapist) -> str:
    return f"/settings/therapists/{therapist.pk}/"


def typed_of(therapist: Therapist, **others: object) -> dict[str, object]:
    """Return the form as it is opened, with what differs."""
    typed: dict[str, object] = {
        "licence_number": therapist.licence_number,
        "licence_expires_on": therapist.licence_expires_on or "",
        "colour": therapist.colour,
        "locations": [location.pk for location in therapist.locations.all()],
        "usual_room": therapist.usual_room_id or "",
    }
    for one in therapist.qualifications.all():
        typed[f"held_{one.modality_id}"] = "on"
        typed[f"certificate_{one.modality_id}"] = one.certificate
        typed[f"expires_{one.modality_id}"] = one.expires_on or ""
    return {name: value for name, value in (typed | others).items() if value is not None}


def told(answer: object) -> str:
    return " ".join(str(message) for message in answer.context["messages"])  # type: ignore[attr-defined]


def picture(name: str = "bea.png") -> SimpleUploadedFile:
    drawn = BytesIO()
    Image.new("RGB", (1200, 1600), "#74905c").save(drawn, "PNG")
    return SimpleUploadedFile(name, drawn.getvalue(), "image/png")


# --- What an owner says


def test_an_owner_changes_licence_colour_room_and_locations(as_olga, olga, bea, location, now):
    hillside = LocationFactory(name="Hillside")
    other = RoomFactory(location=hillside, name="Room 4")
    typed = typed_of(
        bea, licence_number=" PT-7 ", licence_expires_on="2027-03-31", colour="clay", usual_room=other.pk,
        locations=[location.pk, hillside.pk],
    )  # fmt: skip
    answer = as_olga.post(page_of(bea), typed, follow=True)
    assert "Bea Lindqvist is saved." in told(answer)
    bea = Therapist.objects.get(pk=bea.pk)
    assert (bea.licence_number, bea.licence_expires_on, bea.colour) == ("PT-7", date(2027, 3, 31), "clay")
    assert bea.usual_room == other
    assert set(bea.locations.all()) == {location, hillside}
    event = Therapist.pgh_event_model.objects.filter(pgh_obj=bea, pgh_label="update").latest("pgh_id")
    assert (event.colour, event.pgh_context["by"]) == ("clay", olga.pk)
    added = TherapistLocation.pgh_event_model.objects.filter(therapist_id=bea.pk, pgh_context__by=olga.pk)
    assert [(one.pgh_label, one.location_id) for one in added] == [("insert", hillside.pk)]


def test_what_stays_the_same_is_neither_written_nor_recorded(as_olga, bea):
    before = Therapist.pgh_event_model.objects.count(), Qualification.pgh_event_model.objects.count()
    assert as_olga.post(page_of(bea), typed_of(bea)).status_code == 302
    assert (Therapist.pgh_event_model.objects.count(), Qualification.pgh_event_model.objects.count()) == before
    assert not Change.objects.filter(what="people.therapist").exists()


def test_qualifications_are_ticked_changed_and_unticked_in_one_form(as_olga, room):
    ida = TherapistFactory(qualified_in=("craniosacral", "swedish"))
    kept, gone, new = modality("craniosacral"), modality("swedish"), modality("reflexology")
    typed = typed_of(ida) | {
        f"certificate_{kept.pk}": "Upledger II", f"expires_{kept.pk}": "2028-05-31",
        f"held_{new.pk}": "on", f"certificate_{new.pk}": "Foot school, Porto",
    }  # fmt: skip
    del typed[f"held_{gone.pk}"]
    assert as_olga.post(page_of(ida), typed).status_code == 302
    held = {one.modality: (one.certificate, one.expires_on) for one in ida.qualifications.all()}
    assert held == {kept: ("Upledger II", date(2028, 5, 31)), new: ("Foot school, Porto", None)}
    labels = Qualification.pgh_event_model.objects.filter(therapist_id=ida.pk).order_by("pgh_id")
    assert [(event.modality_id, event.pgh_label) for event in labels][-3:] == [
        (kept.pk, "update"), (new.pk, "insert"), (gone.pk, "delete")
    ]  # fmt: skip


def test_a_row_is_there_for_every_modality_also_the_clinics_own(as_olga, bea):
    own = Modality.objects.create(slug="hydro", name="Hydrotherapy", code="HY")
    text = as_olga.get(page_of(bea)).content.decode()
    assert f'name="held_{own.pk}"' in text
    assert text.count('name="certificate_') == Modality.objects.count()


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"licence_expires_on": "31.02.2027"}, "licence_expires_on", "Enter a valid date"),
        ({"licence_expires_on": "0203-01-01"}, "licence_expires_on", "is the year right?"),
        ({"colour": "gold"}, "colour", "Select a valid choice"),
        ({"usual_room": "999999"}, "usual_room", "Select a valid choice"),
        ({"licence_number": "x" * 41}, "licence_number", "at most 40"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_lost_or_written(as_olga, bea, typed, field, words):
    before = Therapist.pgh_event_model.objects.count()
    page = as_olga.post(page_of(bea), typed_of(bea, licence_number="PT-kept") | typed)
    assert page.status_code == 200
    assert words in page.context["form"].errors[field][0]
    if field != "licence_number":
        assert 'value="PT-kept"' in page.content.decode()
    assert Therapist.pgh_event_model.objects.count() == before


def test_a_certificate_without_its_tick_is_asked_about(as_olga, room):
    ida = TherapistFactory(qualified_in=())
    kind = modality("swedish")
    page = as_olga.post(page_of(ida), typed_of(ida) | {f"certificate_{kind.pk}": "Stockholm"})
    assert page.context["form"].errors == {f"held_{kind.pk}": ["Tick it too, or leave its certificate and date empty."]}
    assert 'value="Stockholm"' in page.content.decode()
    assert not ida.qualifications.exists()


def test_a_room_and_a_place_that_are_archived_stay_hers_and_are_offered_to_nobody_else(as_olga, bea, room, now):
    bea.locations.add(room.location)
    Room.objects.update(archived_at=now)
    Location.objects.update(archived_at=now)
    assert as_olga.post(page_of(bea), typed_of(bea, colour="sand")).status_code == 302
    bea.refresh_from_db()
    assert bea.usual_room == room
    others = TherapistFactory()
    assert room not in as_olga.get(page_of(others)).context["form"].fields["usual_room"].queryset


def test_the_page_costs_the_same_for_few_and_for_many_places(as_olga, bea, django_assert_num_queries):
    as_olga.get(page_of(bea))
    with CaptureQueriesContext(connection) as few:
        as_olga.get(page_of(bea))
    for _ in range(4):
        RoomFactory()
    with django_assert_num_queries(len(few)):
        as_olga.get(page_of(bea))


# --- The licence's end, said sixty days before


@pytest.mark.parametrize(
    ("days", "warned", "ended"), [(61, False, False), (60, True, False), (0, True, False), (-1, True, True)]
)
def test_a_licence_is_warned_of_sixty_days_before_its_last_day(bea, now, days, warned, ended):
    today = now.date()
    bea.licence_expires_on = today + timedelta(days=days)
    found = endings_of(bea, today)
    assert [one.has_ended for one in found] == ([ended] if warned else [])


def test_owners_and_the_therapist_herself_are_told_with_the_date(bea, olga, dana, now):
    ruth = TherapistFactory()
    Therapist.objects.filter(pk=bea.pk).update(licence_expires_on=date(2026, 12, 24))
    licences = worklists["licences"]
    (row,) = licences.rows(olga, now)
    assert (row.title, row.detail) == ("Bea Lindqvist", "The licence ends on Thu 24 Dec 2026.")
    assert row.url == page_of(bea)
    assert not row.is_urgent
    (hers,) = licences.rows(bea.user, now)
    assert hers.url == MY_PROFILE
    assert list(licences.rows(ruth.user, now)) == []
    assert Role.FRONT_DESK not in licences.roles
    assert [counts_for(user, now)["licences"] for user in (olga, bea.user, dana)] == [1, 0, 0]


def test_a_licence_that_has_ended_is_urgent_and_one_renewed_is_no_work(bea, olga, now):
    Therapist.objects.filter(pk=bea.pk).update(licence_expires_on=date(2026, 11, 18))
    (row,) = worklists["licences"].rows(olga, now)
    assert row.is_urgent
    assert row.detail == "The licence ended on Wed 18 Nov 2026."
    Therapist.objects.filter(pk=bea.pk).update(licence_expires_on=date(2029, 11, 18))
    assert list(worklists["licences"].rows(olga, now)) == []


def test_the_warning_stands_on_her_day_on_her_pages_and_in_the_list(as_olga, as_bea, bea, now):
    quiet = as_bea.get("/my-day/").content.decode()
    assert "Licences" not in quiet
    Therapist.objects.filter(pk=bea.pk).update(licence_expires_on=date(2026, 12, 24))
    assert "The licence ends on Thu 24 Dec 2026." in as_bea.get("/my-day/").content.decode()
    assert "The licence ends on Thu 24 Dec 2026." in as_bea.get(MY_PROFILE).content.decode()
    assert "The licence ends on Thu 24 Dec 2026." in as_olga.get(page_of(bea)).content.decode()
    staff = as_olga.get("/settings/staff/").content.decode()
    assert "Licence until 24 Dec 2026" in staff
    assert 'Settings <span class="n">1</span>' in staff


def test_today_is_the_clinics_day_not_that_of_the_server(bea, olga, location, now):
    Location.objects.update(time_zone="Pacific/Auckland")
    Therapist.objects.filter(pk=bea.pk).update(licence_expires_on=date(2026, 11, 19))
    with time_machine.travel(now.replace(hour=12), tick=False):  # past midnight in Auckland
        (row,) = worklists["licences"].rows(olga, now.replace(hour=12))
    assert row.is_urgent


# --- What clients read


def test_a_therapist_changes_her_own_biography_and_photo(as_bea, bea):
    answer = as_bea.post(MY_PROFILE, {"biography": " Quiet hands. ", "photo": picture()})
    assert answer["Location"] == MY_PROFILE
    bea.refresh_from_db()
    assert bea.biography == "Quiet hands."
    assert bea.photo is not None
    assert max(bea.photo.width, bea.photo.height) == 800
    page = as_bea.get(MY_PROFILE).content.decode()
    assert f'src="/pictures/{bea.photo.digest}/"' in page
    event = Therapist.pgh_event_model.objects.filter(pgh_obj=bea, pgh_label="update").latest("pgh_id")
    assert event.pgh_context["by"] == bea.user.pk


def test_she_changes_nothing_else_of_herself(as_bea, bea):
    before = Therapist.objects.values().get(pk=bea.pk)
    as_bea.post(MY_PROFILE, {"biography": "Quiet hands.", "licence_expires_on": "2099-01-01", "colour": "iris"})
    assert Therapist.objects.values().get(pk=bea.pk) == before | {"biography": "Quiet hands."}
    for url in (page_of(bea), f"{page_of(bea)}profile/", f"{page_of(bea)}leave/", "/settings/staff/"):
        assert as_bea.get(url).status_code == 404
        assert as_bea.post(url, {"biography": "x"}).status_code in (404, 405)


def test_a_photo_stays_until_it_is_replaced_or_taken_away(as_bea, as_olga, bea):
    as_bea.post(MY_PROFILE, {"biography": "", "photo": picture()})
    as_bea.post(MY_PROFILE, {"biography": "Quiet hands."})
    bea.refresh_from_db()
    assert bea.photo is not None
    as_olga.post(f"{page_of(bea)}profile/", {"biography": "Quiet hands.", "without_photo": "on"})
    bea.refresh_from_db()
    assert (bea.photo, bea.biography) == (None, "Quiet hands.")


def test_what_is_no_picture_is_said_beside_the_field_and_the_words_stay(as_bea, bea):
    page = as_bea.post(
        MY_PROFILE, {"biography": "Quiet hands.", "photo": SimpleUploadedFile("bea.png", b"no picture", "image/png")}
    )
    assert page.status_code == 200
    assert page.context["form"].errors.keys() == {"photo"}
    assert "Quiet hands." in page.content.decode()
    bea.refresh_from_db()
    assert (bea.biography, bea.photo) == ("", None)


def test_a_therapist_who_cannot_be_booked_yet_is_told_so(signed_in, clinic):
    page = signed_in(UserFactory(roles=[Role.THERAPIST])).get(MY_PROFILE)
    assert "You cannot be booked yet" in page.content.decode()


# --- Leaving


def test_a_therapist_leaves_and_her_visits_are_next(as_olga, bea, alice, now):
    page = as_olga.get(f"{page_of(bea)}leave/").content.decode()
    assert "1 client has this therapist as the usual one." in page
    answer = as_olga.post(f"{page_of(bea)}leave/", {"last_day": now.date()}, follow=True)
    assert answer.redirect_chain[0][0] == f"{page_of(bea)}visits/"
    assert "offered nowhere after Thu 19 Nov 2026" in told(answer)
    bea.refresh_from_db()
    assert bea.archived_at == now
    assert bea.user.is_active
    left = as_olga.get(page_of(bea)).content.decode()
    assert "1 client to pass on" in left
    assert "Bring back" in left


def test_a_last_day_to_come_is_told_changed_and_taken_back(as_olga, bea, alice, now):
    as_olga.post(f"{page_of(bea)}leave/", {"last_day": "2026-12-18"})
    bea.refresh_from_db()
    assert (bea.leaves_on, bea.archived_at) == (date(2026, 12, 18), None)
    page = as_olga.get(page_of(bea)).content.decode()
    assert "the last day is Friday 18 December 2026" in page
    assert "1 client to pass on" in page
    assert "leaves after 18 Dec 2026" in as_olga.get("/settings/staff/").content.decode()
    assert 'value="2026-12-18"' in as_olga.get(f"{page_of(bea)}leave/").content.decode()
    as_olga.post(f"{page_of(bea)}leave/", {"last_day": "2027-01-29"})
    bea.refresh_from_db()
    assert bea.leaves_on == date(2027, 1, 29)
    assert "can be booked again" in told(as_olga.post(f"{page_of(bea)}bring-back/", follow=True))
    bea.refresh_from_db()
    assert (bea.leaves_on, bea.archived_at) == (None, None)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "This field is required"),
        ("2026-11-18", "This day is over"),
        ("2926-12-18", "is the year right?"),
        ("soon", "Enter a valid date"),
    ],
)
def test_a_last_day_that_cannot_be_is_told_beside_the_field(as_olga, bea, typed, words):
    page = as_olga.post(f"{page_of(bea)}leave/", {"last_day": typed})
    assert page.status_code == 200
    assert words in page.context["form"].errors["last_day"][0]
    bea.refresh_from_db()
    assert (bea.leaves_on, bea.archived_at) == (None, None)


def test_the_scheduler_archives_her_once_the_last_day_is_over_on_the_clinics_wall(as_olga, bea, now):
    Location.objects.update(time_zone="Pacific/Auckland")
    as_olga.post(f"{page_of(bea)}leave/", {"last_day": "2026-12-18"})
    last_evening = datetime(2026, 12, 18, 10, tzinfo=UTC)  # eleven at night in Auckland
    with time_machine.travel(last_evening, tick=False):
        let_therapists_leave()
    assert Therapist.objects.get(pk=bea.pk).archived_at is None
    with time_machine.travel(last_evening + timedelta(hours=2), tick=False):
        let_therapists_leave()
        let_therapists_leave()
    assert Therapist.objects.get(pk=bea.pk).archived_at == last_evening + timedelta(hours=2)
    assert "Has left, on 18 December 2026" in as_olga.get(page_of(bea)).content.decode()


def test_all_clients_of_one_are_passed_on_at_once(as_dana, dana, bea, alice, now):
    ruth = TherapistFactory(user__name="Ruth Adler")
    others = ClientFactory(legal_name="Somebody Else")
    archived = ClientFactory(legal_name="Gone Away", primary_therapist=bea, archived_at=now)
    ClientFactory(legal_name="Zoe Abt", primary_therapist=bea)
    url = f"{page_of(bea)}clients/"
    assert "Pass all 2 clients on" in as_dana.get(url).content.decode()
    answer = as_dana.post(url, {"to": ruth.pk}, follow=True)
    assert "2 clients now see Ruth Adler." in told(answer)
    assert "Nobody is left" in answer.content.decode()
    assert set(Client.objects.filter(primary_therapist=ruth).values_list("legal_name", flat=True)) == {
        alice.legal_name, "Zoe Abt",
    }  # fmt: skip
    assert [Client.objects.get(pk=one.pk).primary_therapist for one in (others, archived)] == [None, bea]
    events = Client.pgh_event_model.objects.filter(pgh_label="update", primary_therapist_id=ruth.pk)
    assert [event.pgh_context["by"] for event in events] == [dana.pk, dana.pk]


def test_clients_are_passed_on_only_to_one_who_stays(as_dana, bea, alice, olga, now):
    leaving, gone = TherapistFactory(), TherapistFactory()
    let_leave(by=olga, now=now, therapist=leaving, last_day=date(2026, 12, 18))
    archive_therapist(by=olga, now=now, therapist=gone)
    for one in (leaving, gone, bea):
        page = as_dana.post(f"{page_of(bea)}clients/", {"to": one.pk})
        assert "Select a valid choice" in page.content.decode()
    with pytest.raises(ValidationError, match="does not stay"):
        hand_over_clients(by=olga, now=now, therapist=bea, to=leaving)
    alice.refresh_from_db()
    assert alice.primary_therapist == bea


def test_the_clients_of_one_who_leaves_are_listed_with_the_way_to_another(as_dana, as_olga, bea, alice, now):
    ClientFactory(legal_name="Somebody Else")
    ClientFactory(legal_name="Gone Away", primary_therapist=bea, archived_at=now)
    for browser in (as_dana, as_olga):
        page = browser.get(f"{page_of(bea)}clients/")
        assert list(page.context["page"].object_list) == [alice]
        assert f'href="/clients/{alice.pk}/edit/"' in page.content.decode()
    Client.objects.update(primary_therapist=None)
    assert "Nobody is left" in as_dana.get(f"{page_of(bea)}clients/").content.decode()


def test_a_therapist_comes_back(as_olga, olga, bea, now):
    archive_therapist(by=olga, now=now, therapist=bea)
    answer = as_olga.post(f"{page_of(bea)}bring-back/", follow=True)
    assert "can be booked again" in told(answer)
    bea.refresh_from_db()
    assert bea.archived_at is None


def test_she_comes_back_only_with_a_sign_in_and_the_role(as_olga, olga, bea, now):
    deactivate_staff(by=olga, now=now, member=bea.user)
    with pytest.raises(ValidationError, match="needs a sign-in that works"):
        bring_back_therapist(by=olga, now=now, therapist=bea)
    answer = as_olga.post(f"{page_of(bea)}bring-back/", follow=True)
    assert "needs a sign-in that works" in told(answer)
    reactivate_staff(by=olga, now=now, member=bea.user)
    assert bring_back_therapist(by=olga, now=now, therapist=bea).archived_at is None


def test_who_has_left_is_warned_of_no_licence(olga, bea, now):
    Therapist.objects.filter(pk=bea.pk).update(licence_expires_on=now.date())
    archive_therapist(by=olga, now=now, therapist=bea)
    assert list(worklists["licences"].rows(olga, now)) == []


# --- Colours

SHEET = (Path(__file__).parents[2] / "clinic/static/css/people.css").read_text("utf-8")
TOKENS = (Path(__file__).parents[2] / "clinic/static/css/tokens.css").read_text("utf-8")
OPENINGS = {
    "light": r':root, \[data-bs-theme="light"\]',
    "dim": r'(?m)^\[data-bs-theme="dark"\]',
    "system": r":root:not\(\[data-bs-theme\]\)",
}
GROUNDS = ("paper", "surface", "raised", "sunken", "still-tint")
# What an eye sees that lacks one kind of cone (Machado, Oliveira and Fernandes 2009, severity 1), in linear light.
VISIONS = {
    "all cones": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
Triple = tuple[float, float, float]


def colours(sheet: str, theme: str, prefix: str) -> dict[str, str]:
    block = re.search(OPENINGS[theme] + r"\s*\{([^}]*)\}", sheet)
    assert block is not None
    return dict(re.findall(prefix + r"([\w-]+):\s*(#[0-9a-f]{6})", block[1]))


def light_of(colour: str) -> Triple:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return red, green, blue


def luminance(colour: str) -> float:
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), light_of(colour), strict=True))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def lab(colour: str, vision: str) -> Triple:
    """Return where a colour lies in CIELAB, as seen by an eye of this kind."""
    light = light_of(colour)
    seen = [
        min(1.0, max(0.0, sum(share * part for share, part in zip(row, light, strict=True)))) for row in VISIONS[vision]
    ]
    rows = ((0.4339, 0.3762, 0.1899), (0.2126, 0.7152, 0.0722), (0.0177, 0.1095, 0.8731))  # over the white of D65
    x, y, z = (
        value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116
        for value in (sum(a * b for a, b in zip(row, seen, strict=True)) for row in rows)
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("theme", ["light", "dim"])
def test_every_colour_of_a_therapist_is_seen_on_every_ground(theme):
    hues, grounds = colours(SHEET, theme, "--hue-"), colours(TOKENS, theme, "--sp-")
    assert hues.keys() == {str(colour) for colour in Therapist.Colour}
    weak = {
        (name, ground): round(contrast(hue, grounds[ground]), 2) for name, hue in hues.items() for ground in GROUNDS
    }
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 3} == {}


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("theme", ["light", "dim"])
def test_two_therapists_colours_are_told_apart_also_without_one_kind_of_cone(theme, vision):
    seen = {name: lab(hue, vision) for name, hue in colours(SHEET, theme, "--hue-").items()}
    near = {(one, other): round(math.dist(seen[one], seen[other]), 1) for one in seen for other in seen if one < other}
    assert {pair: apart for pair, apart in near.items() if apart < 20} == {}


def test_the_systems_dark_has_the_colours_of_our_dim():
    assert colours(SHEET, "system", "--hue-") == colours(SHEET, "dim", "--hue-")


# --- What is still missing


def test_who_was_made_bookable_by_an_empty_form_stands_in_amber(as_olga, olga):
    as_olga.post(f"/settings/staff/{olga.pk}/", {"name": olga.name, "roles": ["owner", "therapist"]})
    as_olga.post(f"/settings/staff/{olga.pk}/bookable/", {"colour": "iris"})
    page = as_olga.get(page_of(Therapist.objects.get(user=olga)))
    assert page.context["lacks"] == ["no modality", "no location", "no hours"]
    assert "no modality, no location, no hours" in page.content.decode()
    staff = as_olga.get("/settings/staff/").content.decode()
    assert staff.count('<span class="pill todo">no ') == 3
    assert "1 therapist lacks something" in as_olga.get("/settings/").content.decode()


def test_nothing_is_missing_with_a_modality_a_location_and_hours(as_olga, bea, location, now):
    assert lacking([bea.pk], now.date()) == {bea.pk: ["no hours"]}
    add_weekly_hours(
        by=None, now=now, therapist=bea, location=location, weekday=0, opens=time(9), closes=time(17),
        valid_from=date(2027, 1, 1),
    )  # fmt: skip
    assert lacking([bea.pk], now.date()) == {}
    bea.weekly_hours.update(valid_from=date(2026, 1, 1), valid_until=now.date() - timedelta(days=1))
    bea.qualifications.update(expires_on=now.date() - timedelta(days=1))
    Location.objects.update(archived_at=now)
    assert lacking([bea.pk], now.date()) == {bea.pk: ["no modality", "no location", "no hours"]}


def test_the_usual_room_is_at_a_place_where_she_works(as_olga, bea, location):
    elsewhere = RoomFactory(location=LocationFactory(name="Hillside"), name="Room 4")
    page = as_olga.post(page_of(bea), typed_of(bea, usual_room=elsewhere.pk, licence_number="PT-kept"))
    refusal = "Room 4 is at Hillside, where Bea Lindqvist does not work. Tick that location as well."
    assert page.context["form"].errors["usual_room"] == [refusal]
    assert 'value="PT-kept"' in page.content.decode()
    bea.refresh_from_db()
    assert bea.usual_room != elsewhere


# --- Qualifications that end


@pytest.mark.parametrize(
    ("days", "words", "kind"),
    [(60, "The qualification in Swedish ends on", "todo"), (-1, "The qualification in Swedish ended on", "stop")],
)
def test_a_qualification_is_warned_of_like_a_licence(as_olga, as_bea, olga, bea, now, days, words, kind):
    held = bea.qualifications.get(modality__slug="swedish")
    held.expires_on = now.date() + timedelta(days=days)
    held.save()
    (row,) = worklists["licences"].rows(olga, now)
    assert row.title == "Bea Lindqvist"
    assert row.detail.startswith(words)
    assert counts_for(olga, now)["licences"] == 1
    for page in (as_olga.get(page_of(bea)), as_bea.get(MY_PROFILE)):
        assert f'<div class="notice {kind}">' in page.content.decode()
        assert words in page.content.decode()
    said = "SW until" if days > 0 else "SW ended"
    assert f'<span class="pill {kind}">{said}' in as_olga.get("/settings/staff/").content.decode()
    assert "1 licence or qualification to renew" in as_olga.get("/settings/").content.decode()


def test_of_a_qualification_nothing_is_said_while_it_lasts_or_after_she_left(olga, bea, now):
    bea.qualifications.filter(modality__slug="swedish").update(expires_on=now.date() + timedelta(days=61))
    assert list(worklists["licences"].rows(olga, now)) == []
    bea.qualifications.filter(modality__slug="swedish").update(expires_on=now.date())
    archive_therapist(by=olga, now=now, therapist=bea)
    assert list(worklists["licences"].rows(olga, now)) == []
    assert counts_for(olga, now)["licences"] == 0


# --- What is left behind


def test_leaving_and_the_end_of_a_sign_in_say_what_is_left_behind(as_olga, olga, bea, alice, location, now):
    service = ServiceFactory(minutes=60)
    visit(alice, bea, service, location, now + timedelta(days=3))
    visit(alice, bea, service, location, now + timedelta(days=10))
    begun = visit(alice, bea, service, location, now)
    start_note(
        by=bea.user, now=now, appointment=begun, phase="interictal", is_usual=True, consent_given=True, pain_before=2,
    )  # fmt: skip
    for address in (f"{page_of(bea)}leave/", f"/settings/staff/{bea.user_id}/deactivate/"):
        page = as_olga.get(address).content.decode()
        assert "2 visits are to come, the last on Sun 29 Nov, 09:00." in page
        assert f'href="{page_of(bea)}visits/"' in page
        assert "1 client has this therapist as the usual one." in page
        assert f'href="{page_of(bea)}clients/"' in page
        assert "1 note is not signed." in page
        assert "Only Bea Lindqvist can sign" in page


def test_of_one_who_leaves_nothing_behind_nothing_is_said(as_olga, dana):
    assert as_olga.get(f"/settings/staff/{dana.pk}/deactivate/").context["left_behind"] == []


def test_a_last_day_that_is_over_is_asked_about_once_and_then_taken(as_olga, bea):
    held = bea.qualifications.first()
    typed = typed_of(bea, licence_expires_on="2026-11-18") | {f"expires_{held.modality_id}": "2025-01-31"}
    answer = as_olga.post(page_of(bea), typed)
    errors = answer.context["form"].errors
    assert {*errors} == {"licence_expires_on", f"expires_{held.modality_id}"}
    assert "This day is over" in errors["licence_expires_on"][0]
    bea.refresh_from_db()
    assert bea.licence_expires_on == date(2028, 12, 31)
    [asked] = re.findall(r'name="over" value="([^"]+)"', answer.content.decode())
    other = as_olga.post(page_of(bea), typed | {"over": asked, "licence_expires_on": "2026-11-17"})
    assert {*other.context["form"].errors} == {"licence_expires_on"}
    assert as_olga.post(page_of(bea), typed | {"over": asked}).status_code == 302
    bea.refresh_from_db()
    assert bea.licence_expires_on == date(2026, 11, 18)
    assert bea.qualifications.get(pk=held.pk).expires_on == date(2025, 1, 31)


def test_a_last_day_of_today_or_one_that_was_over_before_is_not_asked_about(as_olga, bea, now):
    Therapist.objects.filter(pk=bea.pk).update(licence_expires_on=date(2026, 11, 18))
    bea.refresh_from_db()
    assert as_olga.post(page_of(bea), typed_of(bea, licence_number="PT-8")).status_code == 302
    assert as_olga.post(page_of(bea), typed_of(bea, licence_expires_on="2026-11-19")).status_code == 302
