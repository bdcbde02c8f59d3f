"""Who looked at what about a client, and who changed what: before and after, when and why."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from html import unescape

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic.audit.models import Change, Look
from clinic.audit.services import SAME_LOOK, because, record_change, record_look, recorded
from clinic.audit.telling import thing_called
from clinic.people.models import (
    Client,
    ClientAccess,
    Clinic,
    Import,
    Location,
    OpeningHours,
    Picture,
    Qualification,
    Room,
    Service,
    Therapist,
    TherapistsNote,
    User,
)
from clinic.people.opening import OpenSpan
from clinic.people.services import (
    accept_invitation,
    bring_back_therapist,
    deactivate_staff,
    invite_again,
    invite_staff,
    reactivate_staff,
    record_contact_consent,
    update_client,
    withdraw_invitation,
)
from clinic.people.services.catalogue import add_modality
from clinic.people.services.places import set_opening_hours, update_location
from clinic.scheduling.models import Status
from clinic.scheduling.services import change_status
from intake.services import record_visit_answers
from sessions.today import answers_of_today
from tests.factories import PASSWORD, ClientFactory, LocationFactory, RoomFactory, ServiceFactory, modality
from tests.plans.support import visit

CANARY = "canary: she told us of her seizures"


@recorded
def done(*, by, now, act):
    """Run anything as a service would."""
    return act()


def words_of(answer) -> str:
    """Return what a page says: no tags, single spaces."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


@pytest.fixture
def url(alice) -> str:
    return reverse("audit:client-history", args=[alice.pk])


@pytest.fixture
def all_on_one_page(monkeypatch) -> None:
    """Show also what stands below the rows that the migrations wrote."""
    for module in ("clinic.people.views.history", "clinic.lib.paging"):
        monkeypatch.setattr(f"{module}.PER_PAGE", 200)


@pytest.fixture
def looks_url(alice) -> str:
    return reverse("audit:client-looks", args=[alice.pk])


# ---- the log of looks ----


def test_the_same_look_within_minutes_is_one(now, alice, dana):
    for at in (now, now + SAME_LOOK - timedelta(seconds=1)):
        record_look(by=dana.pk, client=alice.pk, what=alice, why="contact details", now=at)
    assert Look.objects.count() == 1
    record_look(by=dana.pk, client=alice.pk, what=alice, why="contact details", now=now + SAME_LOOK)
    assert Look.objects.count() == 2


def test_a_look_for_another_reason_or_by_somebody_else_is_another_look(now, alice, bea, dana):
    record_look(by=dana.pk, client=alice.pk, what=alice, why="contact details", now=now)
    record_look(by=dana.pk, client=alice.pk, what=alice, why="history", now=now)
    record_look(by=bea.user.pk, client=alice.pk, what=alice, why="history", now=now)
    assert Look.objects.count() == 3


def test_opening_the_form_about_a_client_is_a_look(as_dana, dana, alice, now):
    as_dana.get(reverse("people:client-edit", args=[alice.pk]))
    look = Look.objects.get()
    assert (look.by, look.client_pk, look.what, look.why, look.at) == (
        dana,
        alice.pk,
        "people.client",
        "contact details",
        now,
    )


def test_a_stranger_who_is_refused_leaves_no_look(as_carl, alice):
    as_carl.get(reverse("people:client-edit", args=[alice.pk]))
    assert not Look.objects.exists()


def test_reading_the_history_stands_in_the_history(as_olga, url, looks_url):
    as_olga.get(url)
    assert Look.objects.get().why == "history"
    assert "Olga Novak Client history" in words_of(as_olga.get(looks_url))


def test_the_looks_are_told_newest_first_in_the_time_of_the_clinic(as_bea, looks_url, alice, dana, olga, location, now):
    Location.objects.update(time_zone="Asia/Kathmandu")
    record_look(by=dana.pk, client=alice.pk, what=alice, why="contact details", now=now - timedelta(hours=2))
    record_look(by=olga.pk, client=alice.pk, what=alice, why="invoice", now=now - timedelta(hours=1))
    record_look(by=olga.pk, client=ClientFactory().pk, what=alice, why="somebody else's", now=now)
    page = words_of(as_bea.get(looks_url))
    first = page.index("Thu 19 Nov 2026, 13:45 Olga Novak Client invoice")
    assert first < page.index("Thu 19 Nov 2026, 12:45 Dana Silva Client contact details")
    assert "somebody else's" not in page


def test_a_thing_is_called_by_its_name_and_by_its_label_once_it_is_gone():
    assert thing_called("people.clientaccess") == "sign-in"
    assert thing_called("people.dinosaur") == "people.dinosaur"


# ---- what was changed about a client ----


def test_it_tells_before_and_after_by_whom_when_and_why(as_bea, as_olga, url, alice, dana, location, now):
    Location.objects.update(time_zone="Asia/Kathmandu")

    @recorded
    def moves(*, by, now):
        with because("she called"):
            update_client(by=by, now=now, client=alice, pronouns="she/her", light="dim", born_on=date(1990, 2, 28))

    moves(by=dana, now=now)
    for browser in (as_bea, as_olga):
        page = words_of(browser.get(url))
        assert "Thu 19 Nov 2026, 14:45 Dana Silva Why: she called Client changed" in page
        assert "Date of birth before: 14 Mar 1988 after: 28 Feb 1990" in page
        assert "Light in the room after: dim" in page
        assert "Pronouns after: she/her" in page


def test_what_was_emptied_shows_what_it_was(as_bea, url, alice, dana, now):
    update_client(by=dana, now=now, client=alice, email="")
    assert "E-mail before: alice@example.org" in words_of(as_bea.get(url))


def test_a_therapist_is_named_and_one_who_left_the_database_is_not_a_number(as_olga, url, alice, bea, dana, now):
    update_client(by=dana, now=now, client=alice, primary_therapist=None)
    assert "Therapist before: Bea Lindqvist" in words_of(as_olga.get(url))


def test_a_sign_in_that_was_given_and_taken_is_told_with_what_it_was(as_olga, url, alice, dana, now):
    access = ClientAccess.objects.get(client=alice)
    done(by=dana, now=now, act=access.delete)
    page = words_of(as_olga.get(url))
    assert "Dana Silva Sign-in removed User before: Alice Marques Relation before: herself or himself" in page
    assert "Sign-in added User after: Alice Marques Relation after: herself or himself" in page


def test_a_sign_in_that_came_from_another_record_says_from_which(as_olga, url, alice, dana, now):
    access = ClientAccess.objects.create(
        client=ClientFactory(legal_name="Alicia Marques"), user=dana, relation="guardian", granted_at=now
    )
    done(by=dana, now=now, act=lambda: ClientAccess.objects.filter(pk=access.pk).update(client=alice))
    assert "Sign-in changed Client before: Alicia Marques after: Alice Marques" in words_of(as_olga.get(url))


def test_what_nobody_signed_in_did_says_so(as_olga, url, alice, now):
    done(by=None, now=now, act=lambda: Client.objects.filter(pk=alice.pk).update(pronouns="she"))
    assert "nobody signed in Client changed" in words_of(as_olga.get(url))


def test_what_was_done_past_all_pages_says_so(as_olga, url, alice):
    assert "not through a page Client added Full name after: Alice Marques" in words_of(as_olga.get(url))


def test_what_was_written_is_shown_as_text(as_olga, url, alice, dana, now):
    update_client(by=dana, now=now, client=alice, alert="<script>alert(1)</script>")
    page = as_olga.get(url).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_her_word_on_messages_stands_among_the_changes(as_olga, url, alice, dana, now):
    for hours, is_given in ((2, True), (1, False)):
        at = now - timedelta(hours=hours)
        record_contact_consent(by=dana, now=at, client=alice, channel="email", is_given=is_given, source="on the phone")
    page = words_of(as_olga.get(url))
    given = page.index("Dana Silva Contact consent given for e-mail")
    assert page.index("Dana Silva Contact consent taken back for e-mail") < given


def test_a_long_text_is_folded(as_olga, url, alice, dana, now):
    update_client(by=dana, now=now, client=alice, address="Rua das Flores 7\n" * 10)
    page = as_olga.get(url).content.decode()
    assert re.search(r"<details><summary>Show the text</summary>.*Rua das Flores 7", page, re.DOTALL)


def test_an_act_told_in_words_stands_among_the_changes(as_olga, url, alice, bea, dana, now):
    record_change(by=dana.pk, client=alice.pk, what=ServiceFactory(), words="was told in words", now=now)
    assert "Dana Silva Service was told in words" in words_of(as_olga.get(url))


def test_what_one_person_did_at_one_moment_stands_together_in_its_order(as_olga, url, alice, dana, now):
    def twice():
        Client.objects.filter(pk=alice.pk).update(pronouns="first")
        Client.objects.filter(pk=alice.pk).update(pronouns="second")

    done(by=dana, now=now, act=twice)
    page = words_of(as_olga.get(url))
    assert page.count("Dana Silva") == 1
    assert page.index("after: first") < page.index("before: first after: second")


def test_newer_acts_stand_above_older_ones(as_olga, url, alice, dana, bea, now):
    update_client(by=dana, now=now - timedelta(days=2), client=alice, pronouns="older")
    record_change(by=dana.pk, client=alice.pk, what=alice, words="in between", now=now - timedelta(days=1))
    update_client(by=dana, now=now, client=alice, pronouns="newer")
    page = words_of(as_olga.get(url))
    assert page.index("after: newer") < page.index("in between") < page.index("after: older")


def test_nothing_of_another_client_is_told(as_olga, url, dana, now):
    update_client(by=dana, now=now, client=ClientFactory(), pronouns="somebody else's")
    assert "somebody else's" not in words_of(as_olga.get(url))


def test_the_history_of_a_record_that_was_merged_is_told_with_the_one_that_was_kept(as_olga, url, alice, dana, now):
    gone = ClientFactory(legal_name="Alicia Marques")
    update_client(by=dana, now=now, client=gone, pronouns="of the other record")
    Client.objects.filter(pk=gone.pk).update(archived_at=now, merged_into=alice)
    page = words_of(as_olga.get(url))
    assert "Alicia Marques Client changed" in page
    assert "after: of the other record" in page
    assert "Merged into after: Alice Marques" in page


# ---- who reads what ----


def test_desk_clients_and_strangers_do_not_read_it(as_dana, as_alice, as_carl, url, looks_url):
    for browser in (as_dana, as_alice, as_carl):
        assert [browser.get(one).status_code for one in (url, looks_url)] == [404, 404]


@pytest.fixture
def with_note(alice: Client, bea: Therapist, now: datetime) -> Client:
    """Her note for therapists was written, changed and taken away."""

    def act() -> None:
        note = TherapistsNote.objects.create(client=alice, text=f"{CANARY} one")
        note.text = f"{CANARY} two"
        note.save(update_fields=["text"])
        note.delete()

    done(by=bea.user, now=now, act=act)
    return alice


def test_a_therapist_reads_what_the_note_said(as_bea, url, with_note):
    page = words_of(as_bea.get(url))
    assert f"Note for therapists changed Note for therapists before: {CANARY} one after: {CANARY} two" in page
    assert f"Note for therapists removed Note for therapists before: {CANARY} two" in page


def test_an_owner_who_does_not_treat_learns_that_the_note_was_changed_and_not_a_word_of_it(
    as_olga, url, with_note, all_on_one_page
):
    for address in (url, reverse("audit:clinic-history")):
        answer = as_olga.get(address)
        assert "canary" not in answer.content.decode()
        page = words_of(answer)
        assert "Bea Lindqvist" in page
        for did in ("added", "changed", "removed"):
            assert f"Note for therapists {did} Only therapists read what it says." in page


def test_for_her_the_note_does_not_even_leave_the_database(as_olga, url, with_note):
    with CaptureQueriesContext(connection) as asked:
        as_olga.get(url)
    assert not [query["sql"] for query in asked if '"people_therapistsnoteevent"."text"' in query["sql"]]


def test_an_owner_who_treats_reads_it(as_olga, olga, url, with_note):
    olga.roles = ["owner", "therapist"]
    olga.save()
    assert f"{CANARY} two" in words_of(as_olga.get(url))


@pytest.mark.parametrize("label", ["intake.finding", "plans.plan", "plans.score"])
def test_of_an_act_about_health_only_therapists_read_the_words(as_olga, as_bea, olga, url, alice, bea, now, label):
    Change.objects.create(by=bea.user, client_pk=alice.pk, what=label, what_pk=1, words=CANARY, at=now)
    for address in (url, reverse("audit:clinic-history")):
        page = words_of(as_olga.get(address))
        assert "Bea Lindqvist" in page
        assert "Treatment record changed Only therapists read what it says." in page
        assert "canary" not in page
    assert CANARY in words_of(as_bea.get(url))
    olga.roles = ["owner", "therapist"]
    olga.save()
    assert CANARY in words_of(as_olga.get(url))


def test_an_urgent_answer_at_a_visit_is_none_of_hers(as_olga, as_bea, url, alice, bea, now):
    answers = answers_of_today(
        phase="between", is_usual=False, is_sedated=False, is_intoxicated=False, neck_artery=["double_vision"]
    )
    record_visit_answers(by=bea.user, now=now, client=alice, answers=answers)
    assert "answer at a visit" not in words_of(as_olga.get(url))
    assert "answer at a visit" in words_of(as_bea.get(url))


# ---- the other records ----


@pytest.fixture
def therapist_page(as_olga, bea) -> str:
    return reverse("audit:record-history", args=["therapist", bea.pk])


def test_the_history_of_a_therapist_tells_of_her_qualifications_places_and_picture(
    as_olga, olga, bea, location, therapist_page, now
):
    picture = Picture.objects.create(
        digest="0" * 64, media_type="image/png", width=1, height=1, content=b"x", added_at=now
    )
    held = Qualification.objects.get(therapist=bea, modality=modality("myofascial"))

    def act() -> None:
        Qualification.objects.filter(pk=held.pk).update(certificate="MF-7", expires_on=date(2027, 5, 1))
        bea.locations.set([location])
        Therapist.objects.filter(pk=bea.pk).update(photo=picture, colour="plum")

    done(by=olga, now=now, act=act)
    page = words_of(as_olga.get(therapist_page))
    assert "Qualification in Myofascial release changed Certificate after: MF-7 Valid until after: 1 May 2027" in page
    assert "Place of work, Harbour Street added" in page
    assert "Photo after: a picture" in page
    assert "Colour before: moss after: plum" in page


def test_the_history_of_a_location_tells_of_its_hours_by_weekday(as_olga, olga, location, now):
    act = lambda: OpeningHours.objects.create(location=location, weekday=2, opens=time(8), closes=time(12, 30))  # noqa: E731
    done(by=olga, now=now, act=act)
    page = words_of(as_olga.get(reverse("audit:record-history", args=["location", location.pk])))
    assert "Opening hours on Wednesday added Opens after: 08:00 Closes after: 12:30" in page


def test_what_was_done_alike_to_several_days_is_told_in_one(as_olga, olga, location, now):
    week = [OpenSpan(day, time(9), time(18)) for day in range(5)]
    set_opening_hours(by=olga, now=now, location=location, spans=week)
    set_opening_hours(by=olga, now=now + timedelta(hours=1), location=location, spans=week[:4])
    page = words_of(as_olga.get(reverse("audit:record-history", args=["location", location.pk])))
    days = "Monday, Tuesday, Wednesday, Thursday, Friday"
    assert f"Opening hours on {days} added Opens after: 09:00 Closes after: 18:00" in page
    assert page.count("Opening hours on") == 2
    assert "Opening hours on Friday removed" in page


def test_leaving_and_the_end_of_a_sign_in_are_told_in_the_verbs_of_the_clinic(as_olga, olga, bea, therapist_page, now):
    deactivate_staff(by=olga, now=now, member=bea.user)
    reactivate_staff(by=olga, now=now + timedelta(hours=1), member=bea.user)
    bring_back_therapist(by=olga, now=now + timedelta(hours=2), therapist=bea)
    page = words_of(as_olga.get(therapist_page))
    assert "Olga Novak Therapist left" in page
    assert "Olga Novak Therapist came back" in page
    assert "Archived at" not in page
    page = words_of(as_olga.get(reverse("audit:record-history", args=["staff", bea.user_id])))
    assert "Person who signs in sign-in ended" in page
    assert "Person who signs in may sign in again" in page
    assert "May sign in before" not in page


def test_a_verb_keeps_nothing_else_back(as_olga, olga, location, now):
    room = RoomFactory(location=location, name="Room 3")
    done(by=olga, now=now, act=lambda: Room.objects.filter(pk=room.pk).update(archived_at=now, name="Store"))
    page = words_of(as_olga.get(reverse("audit:record-history", args=["room", room.pk])))
    assert "Room archived, changed Name before: Room 3 after: Store" in page


def test_a_visit_is_told_with_its_time(as_olga, url, alice, bea, location, dana, now):
    booked = visit(alice, bea, ServiceFactory(minutes=60), location, now + timedelta(hours=1))
    change_status(by=dana, now=now, appointment=booked, to=Status.ARRIVED)
    assert "Dana Silva Visit Thu 19 Nov 2026, 10:00 arrived" in words_of(as_olga.get(url))


def test_who_was_let_in_has_her_invitations_in_her_history(as_olga, olga, now):
    first, _token = invite_staff(by=olga, now=now, email="eva@example.org", name="Eva Reis", roles=["front_desk"])
    again, _token = invite_again(by=olga, now=now + timedelta(hours=1), invitation=first)
    other, _token = invite_staff(by=olga, now=now, email="tom@example.org", name="Tom Reis", roles=["front_desk"])
    withdraw_invitation(by=olga, now=now + timedelta(hours=1), invitation=other)
    eva = accept_invitation(by=None, now=now + timedelta(hours=2), invitation=again, password=PASSWORD)
    page = words_of(as_olga.get(reverse("audit:record-history", args=["staff", eva.pk])))
    assert "Why: accepted the invitation by Olga Novak of 19 Nov 2026 Person who signs in added" in page
    for told in ("Eva Reis Invitation of Eva Reis accepted", "Olga Novak Invitation of Eva Reis sent again"):
        assert told in page
    assert "Olga Novak Invitation of Eva Reis sent" in page.replace("sent again", "")
    assert "Tom" not in page
    assert "Invitation of Tom Reis withdrawn" in words_of(as_olga.get(reverse("audit:clinic-history")))


def test_a_room_tells_its_features_and_a_service_its_price(as_olga, olga, location, now):
    room, service = RoomFactory(location=location), ServiceFactory(price_minor=6800)

    def act() -> None:
        Room.objects.filter(pk=room.pk).update(features=["quiet", "step_free"])
        Service.objects.filter(pk=service.pk).update(price_minor=7250, is_bookable_online=False)

    done(by=olga, now=now, act=act)
    assert "Features after: quiet, without steps" in words_of(
        as_olga.get(reverse("audit:record-history", args=["room", room.pk]))
    )
    page = words_of(as_olga.get(reverse("audit:record-history", args=["service", service.pk])))
    assert "Price before: €68.00 after: €72.50" in page
    assert "Bookable online before: yes after: no" in page


def test_it_tells_nothing_that_is_for_programs_only(as_olga, olga, location, now):
    update_location(by=olga, now=now, location=location, phone="+351210000011")
    stones = add_modality(by=olga, now=now, name="Hot stones", code="HS")
    page = words_of(as_olga.get(reverse("audit:record-history", args=["modality", stones.pk])))
    assert "Hot stones" in page
    assert "own-hs" not in page
    assert "+351 21 000 0011" in words_of(as_olga.get(reverse("audit:record-history", args=["location", location.pk])))


def test_the_clinic_and_a_member_of_staff_have_theirs(as_olga, olga, dana, now):
    def act() -> None:
        Clinic.objects.update(name="Hill Clinic", languages=["en"])
        User.objects.filter(pk=dana.pk).update(roles=["front_desk", "owner"])

    done(by=olga, now=now, act=act)
    page = words_of(as_olga.get(reverse("audit:record-history", args=["clinic", 1])))
    assert "Name of the clinic before: Harbour Clinic after: Hill Clinic" in page
    page = words_of(as_olga.get(reverse("audit:record-history", args=["staff", dana.pk])))
    assert "Roles before: front desk after: front desk, owner" in page


def test_a_password_leaves_no_trace_in_the_history(as_olga, olga, dana, now):
    dana.set_password("another quiet morning")
    dana.save()
    page = as_olga.get(reverse("audit:record-history", args=["staff", dana.pk])).content.decode()
    assert "assword" not in page
    assert "password" not in {field.name for field in get_user_model().pgh_event_model._meta.fields}


@pytest.mark.parametrize("address", ["/history/client/{}/", "/history/dinosaur/{}/", "/history/room/99999999/"])
def test_there_is_no_other_road_to_a_client_and_none_to_what_is_not(as_olga, alice, address):
    assert as_olga.get(address.format(alice.pk)).status_code == 404


def test_only_an_owner_reads_of_staff_places_and_the_clinic(as_dana, as_bea, as_alice, bea, therapist_page):
    for browser in (as_dana, as_bea, as_alice):
        for address in (therapist_page, reverse("audit:clinic-history")):
            assert browser.get(address).status_code == 404


# ---- the whole clinic ----


@pytest.fixture
def clinic_url() -> str:
    return reverse("audit:clinic-history")


@pytest.fixture
def week(alice, bea, dana, olga, location, now) -> None:
    """Dana writes about Alice on Tuesday, Olga about a room on Wednesday; a plan is told in words today."""
    room = RoomFactory(location=location, name="Blue room")
    update_client(by=dana, now=now - timedelta(days=2), client=alice, pronouns="she/her")
    done(by=olga, now=now - timedelta(days=1), act=lambda: Room.objects.filter(pk=room.pk).update(features=["quiet"]))
    record_change(by=bea.user.pk, client=alice.pk, what=alice, words="told in words", now=now)


def test_the_clinic_s_history_tells_all_newest_first_and_leads_to_each_record(
    as_olga, clinic_url, week, alice, url, all_on_one_page
):
    answer = as_olga.get(clinic_url)
    page = words_of(answer)
    assert page.index("told in words") < page.index("Features after: quiet") < page.index("Pronouns after: she/her")
    assert "Blue room Room changed" in page
    assert f'<a href="{url}">Alice Marques</a>' in answer.content.decode()


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"by": "dana"}, {"she/her"}),
        ({"by": "bea"}, {"told in words"}),
        ({"kind": "room"}, {"quiet"}),
        ({"kind": "client"}, {"she/her", "told in words"}),
        ({"day": "2026-11-18"}, {"quiet"}),
        ({"day": "2026-11-18", "kind": "client"}, set()),
        ({"by": "olga", "kind": "room", "day": "2026-11-18"}, {"quiet"}),
    ],
)
def test_it_can_be_asked_by_person_kind_and_day(as_olga, clinic_url, week, bea, dana, olga, asked, told):
    people = {"dana": dana, "bea": bea.user, "olga": olga}
    query = {name: str(people[value].pk) if name == "by" else value for name, value in asked.items()}
    page = words_of(as_olga.get(clinic_url, query))
    shown = {one for one in ("she/her", "quiet", "told in words") if f"after: {one}" in page or f"Client {one}" in page}
    assert shown == told
    assert ("Nothing like that was changed" in page) == (not told)


def test_a_day_is_the_clinic_s(as_olga, clinic_url, alice, dana, location):
    Location.objects.update(time_zone="Pacific/Auckland")
    late = datetime(2026, 11, 18, 11, 30, tzinfo=UTC)  # half past midnight on the 19th there
    update_client(by=dana, now=late, client=alice, pronouns="after midnight")
    assert "after midnight" in words_of(as_olga.get(clinic_url, {"day": "2026-11-19"}))
    assert "after midnight" not in words_of(as_olga.get(clinic_url, {"day": "2026-11-18"}))


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"day": "yesterday"}, "Please give a day, as in 2026-11-19."),
        ({"day": "9999-12-31"}, "This day lies too far away; is the year right?"),
        ({"kind": "dinosaur"}, "Select a valid choice."),
        ({"by": "nobody"}, "Select a valid choice."),
        ({"page": "-3"}, "Harbour Clinic"),
        ({"page": "²"}, "Harbour Clinic"),
        ({"page": "999999999999"}, "Harbour Clinic"),
    ],
)
def test_what_cannot_be_asked_is_answered_in_a_sentence(as_olga, clinic_url, clinic, asked, sentence):
    answer = as_olga.get(clinic_url, asked)
    assert answer.status_code == 200
    assert sentence in words_of(answer)


def test_its_pages_follow_each_other_without_a_gap(as_olga, clinic_url, alice, dana, now):
    for n in range(60):
        update_client(by=dana, now=now + timedelta(minutes=n), client=alice, pronouns=f"n{n:02}")
    asked = {"by": str(dana.pk), "kind": "client"}
    told = [re.findall(r"after: (n\d\d)", words_of(as_olga.get(clinic_url, asked | {"page": n}))) for n in (1, 2, 3)]
    assert [len(page) for page in told] == [25, 25, 10]
    assert [one for page in told for one in page] == [f"n{n:02}" for n in reversed(range(60))]


# ---- what a page costs ----


def test_what_is_gone_is_named_and_leads_nowhere(as_olga, clinic_url, olga, location, now):
    room = RoomFactory(location=location, name="The Quiet Room")
    pk = room.pk
    done(by=olga, now=now, act=room.delete)
    page = as_olga.get(clinic_url)
    assert "The Quiet Room (no longer there) Room removed" in words_of(page)
    assert reverse("audit:record-history", args=["room", pk]) not in page.content.decode()


def test_what_one_import_did_is_one_entry(as_olga, clinic_url, olga, now):
    job = Import.objects.create(kind="clients", file_name="old.csv", by=olga, at=now, made_count=2)
    began = now + timedelta(minutes=1)

    def act() -> None:
        ClientFactory(legal_name="Ana Reis")
        record_change(by=olga.pk, client=None, what=job, words="done: 1 clients taken over", now=began)

    done(by=olga, now=began, act=act)
    done(by=olga, now=began + timedelta(hours=1), act=lambda: ClientFactory(legal_name="Eva Reis"))
    page = as_olga.get(clinic_url)
    assert "Import of old.csv done: 1 clients taken over" in words_of(page)
    assert f'href="{reverse("people:import", args=[job.pk])}"' in page.content.decode()
    assert "Ana Reis" not in words_of(page)
    assert "Eva Reis" in words_of(page)
    only = words_of(as_olga.get(clinic_url, {"kind": "import"}))
    assert "Import of old.csv done" in only
    assert "Eva Reis" not in only
    ana = Client.objects.get(legal_name="Ana Reis")
    assert "Client added" in words_of(as_olga.get(reverse("audit:client-history", args=[ana.pk])))


def test_a_long_history_comes_in_pages_at_the_same_cost(
    as_olga, url, alice, bea, dana, now, django_assert_max_num_queries
):
    for n in range(2):
        update_client(by=dana, now=now + timedelta(minutes=n), client=alice, primary_therapist=[None, bea][n])
        record_change(by=bea.user.pk, client=alice.pk, what=alice, words="told", now=now)
    as_olga.get(url)
    with CaptureQueriesContext(connection) as short:
        as_olga.get(url)
    Change.objects.bulk_create(
        Change(by=dana, client_pk=alice.pk, what="people.client", what_pk=alice.pk, words=f"change {n}", at=now)
        for n in range(30)
    )
    for n in range(30):
        update_client(by=dana, now=now + timedelta(hours=n), client=alice, primary_therapist=[None, bea][n % 2])
    with django_assert_max_num_queries(len(short)):
        page = as_olga.get(url)
    assert "Page 1 of 3" in words_of(page)


def test_the_clinic_s_history_costs_the_same_however_much_there_was(
    as_olga, clinic_url, alice, bea, dana, location, now, django_assert_max_num_queries
):
    def one_of_each(n: int) -> None:
        at = now + timedelta(minutes=n)
        update_client(by=dana, now=at, client=ClientFactory(primary_therapist=bea), pronouns="she")
        done(by=dana, now=at, act=lambda: RoomFactory(location=LocationFactory()))
        done(by=dana, now=at, act=ServiceFactory)

    one_of_each(0)
    with CaptureQueriesContext(connection) as short:
        as_olga.get(clinic_url)
    for n in range(1, 12):
        one_of_each(n)
    with django_assert_max_num_queries(len(short)):
        as_olga.get(clinic_url)


def test_looks_cost_the_same_however_many(as_olga, looks_url, alice, dana, now, django_assert_max_num_queries):
    as_olga.get(looks_url)
    with CaptureQueriesContext(connection) as short:
        as_olga.get(looks_url)
    Look.objects.bulk_create(
        Look(by=dana, client_pk=alice.pk, what="people.client", what_pk=alice.pk, why=f"look {n}", at=now)
        for n in range(60)
    )
    with django_assert_max_num_queries(len(short)):
        assert "Page 1 of 3" in words_of(as_olga.get(looks_url))
