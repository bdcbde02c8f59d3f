"""Visits to come, from a file: booked by the rules of the desk, each conflict named by its row."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse

from clinic.audit.models import Change
from clinic.people.importing.kinds import Row
from clinic.people.models import Client, ContactConsent
from clinic.people.services import record_contact_consent
from clinic.people.services.merging import merge_clients
from clinic.reminders.models import Message
from clinic.reminders.services import prepare
from clinic.scheduling.importing import _House
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.services import move_appointment
from tests.factories import ClientFactory, LocationFactory, ServiceFactory
from tests.importing import doubts, problems
from tests.scheduling.conftest import at

HEADER = "Client,Date of birth,E-mail,Starts at,Therapist,Service,Location\n"


@pytest.fixture
def house(alice, bea, hours, location, service, now):
    service.name = "Release 60"
    service.save()
    return location


def row(
    start: str, *, client: str = "Alice Marques", email: str = "alice@example.org", who: str = "Bea Lindqvist"
) -> str:
    return f"{client},,{email},{start},{who},Release 60,Harbour Street\n"


def test_visits_are_booked_on_the_wall_of_the_place(house, bring, take, alice, olga, now):
    job = take(bring(HEADER + row("2026-11-23 10:00") + row("24/11/2026 9:30 am"), "appointments"))
    assert (job.state, job.made_count) == ("done", 2)
    visits = Appointment.objects.order_by("starts_at")
    assert [visit.starts_at for visit in visits] == [at(10, day=23), at(9, 30, day=24)]
    assert {visit.booked_by for visit in visits} == {olga}
    assert {visit.client for visit in visits} == {alice}


def test_a_service_that_is_not_here_is_answered_by_those_that_are_the_likest_first(house, bring, alice):
    for name in ("Swedish 45", "Release 90", "Reflexology", "Head and neck", "Deep tissue"):
        ServiceFactory(name=name)
    job = bring(HEADER + row("2026-11-23 10:00").replace("Release 60", "Release of 60 min"), "appointments")
    [(_row, _column, sentence)] = problems(job)
    assert sentence.startswith("There is no service “Release of 60 min” here. Known here: Release 60, Release 90, ")
    assert sentence.endswith(" and others.")


def test_a_visit_in_another_zone_starts_by_the_clock_there(house, bring, take, bea):
    LocationFactory(name="Madeira Avenue", time_zone="America/New_York").rooms.create(name="Room 9")
    text = HEADER + row("2026-11-23 10:00").replace("Harbour Street", "Madeira Avenue")
    take(bring(text, "appointments"), doubtful=True)
    assert Appointment.objects.get().starts_at == datetime(2026, 11, 23, 15, tzinfo=UTC)


def test_an_export_of_jane_finds_its_clients_by_their_number(house, bring, take, alice):
    take(bring("patient_guid,First Name,Last Name\nab-1,Rui,Gil\n"))
    take(
        bring(
            "id,location_name,start_at,end_at,patient_guid,patient_number,patient_prefix,patient_first_name,"
            "patient_preferred_name,patient_last_name,treatment_name,staff_member_name,break,insurance_state,state,"
            "first_visit,chart_status,notes_text,booked_at,arrived_at,booked_online,archived_at,no_show_at,cancelled_at,"
            "cancelled_reason,referral_source\n"
            "1,Harbour Street,2026-11-23 10:00,2026-11-23 11:00,ab-1,1,,Rui,,Gil,Release 60,Bea Lindqvist,false,,"
            "booked,false,,,2026-07-01,,false,,,,,\n"
            "2,Harbour Street,2026-11-23 12:00,,,,,,,,,Bea Lindqvist,true,,,,,,,,,,,,,\n"
            "3,Harbour Street,2026-11-24 12:00,,ab-1,1,,Rui,,Gil,Release 60,Bea Lindqvist,false,,"
            "cancelled,,,,,,,,,,,\n",
            "appointments",
        )
    )
    visit = Appointment.objects.get()
    assert visit.client.legal_name == "Rui Gil"
    assert visit.booked_at == datetime(2026, 6, 30, 23, tzinfo=UTC)


def test_what_has_passed_was_cancelled_or_is_booked_already_is_left_out(house, bring, take, book):
    book(at(10, day=23))
    job = bring(HEADER + row("2026-11-23 10:00") + row("2026-11-18 10:00") + row("2026-11-24 10:00"), "appointments")
    assert (job.here_count, job.new_count, len(problems(job))) == (2, 1, 0)
    take(job)
    assert Appointment.objects.count() == 2


def test_every_conflict_is_named_by_its_row(house, bring, book):
    book(at(15, day=24), client=ClientFactory())
    ClientFactory(legal_name="Rui Gil", email="rui@example.org")
    job = bring(
        HEADER
        + row("2026-11-23 10:00")
        + row("2026-11-23 10:30", client="Rui Gil", email="rui@example.org")
        + row("2026-11-24 15:00")
        + row("2026-11-25 10:00", client="Nobody", email="nobody@example.org")
        + row("2026-11-25 11:00", who="Some Body")
        + row("soon"),
        "appointments",
    )
    found = {number: (column, words) for number, column, words in problems(job)}
    assert found[3] == ("Starts at", "Bea has another visit until 11:15.")
    assert "another visit" in found[4][1]
    assert found[5] == ("Client", "No client here is “Nobody”: import the clients first.")
    assert found[6] == ("Therapist", "No therapist here is called “Some Body”.")
    assert found[7] == ("Starts at", "“soon” is no date.")
    assert job.new_count == 1
    assert not Appointment.objects.exclude(starts_at=at(15, day=24)).exists()


def test_outside_working_hours_is_a_doubt_that_the_owner_may_pass_over(house, bring, take):
    job = bring(HEADER + row("2026-11-22 10:00"), "appointments", name="jane.csv")
    assert job.doubt_count == 1
    assert "does not work" in doubts(job)[0][1]
    take(job, doubtful=True)
    assert Appointment.objects.get().override_reason == "import of jane.csv"


def test_a_family_that_shares_an_address_is_told_apart_by_name(house, bring, take, alice):
    tom = ClientFactory(legal_name="Tom Marques", email="alice@example.org")
    take(bring(HEADER + row("2026-11-23 10:00", client='"Marques, Tom"'), "appointments"))
    assert Appointment.objects.get().client == tom


def test_who_is_named_is_never_somebody_else_who_has_the_e_mail(house, bring, take, alice):
    Client.objects.filter(pk=alice.pk).update(born_on=date(1980, 1, 1))
    tom = ClientFactory(legal_name="Tom Marques", email="")
    rows = (
        row("2026-11-23 09:00", client="Rui Marques"),
        row("2026-11-23 11:00", client="Tom Marques"),
        row("2026-11-24 09:00", client="Maria Alice Marques"),
        row("2026-11-24 11:00", client=""),
        row("2026-11-25 09:00").replace("Marques,,", "Marques,1995-02-02,"),
        row("2026-11-25 11:00", client="").replace(",,", ",1995-02-02,", 1),
    )
    job = bring(HEADER + "".join(rows), "appointments")
    assert problems(job) == [
        (2, "Client", "No client here is “Rui Marques”: import the clients first."),
        (6, "Date of birth", "“Alice Marques” is known here with another date of birth."),
        (7, "Date of birth", "“alice@example.org” is known here with another date of birth."),
    ]
    take(job)
    visits = Appointment.objects.order_by("starts_at")
    assert [visit.client for visit in visits] == [tom, alice, alice]


def test_two_of_one_name_are_told_apart_by_their_birthday(house, bring):
    for born_on in (date(1980, 1, 1), date(1990, 1, 1)):
        ClientFactory(legal_name="Ana Sousa", email="", born_on=born_on)
    text = HEADER + "Ana Sousa,1980-01-01,,2026-11-23 10:00,Bea Lindqvist,Release 60,Harbour Street\n"
    text += "Ana Sousa,,,2026-11-23 12:00,Bea Lindqvist,Release 60,Harbour Street\n"
    job = bring(text, "appointments")
    assert (job.new_count, [number for number, _column, _words in problems(job)]) == (1, [3])


def test_a_number_answers_only_for_whom_the_row_describes(house, bring, take):
    take(bring("Client ID,First name,Last name,Email,Date of birth\n1,Maria,de Sousa,maria@example.org,1990-05-06\n"))
    header = "Client ID,Client,Date of birth,E-mail,Starts at,Therapist,Service,Location\n"
    told = (
        "Maria Sousa,1990-05-06,MARIA@example.org", "“María de Sousa”,,", ",,",
        "Rui Gil,,", "Rui Sousa,,", ",1991-05-06,", ",,rui@example.org",
    )  # fmt: skip
    rows = [
        f"1,{cells},2026-11-23 {9 + number}:00,Bea Lindqvist,Release 60,Harbour Street\n"
        for number, cells in enumerate(told)
    ]
    job = bring(header + "".join(rows), "appointments")
    contradicted = {(row, column) for row, column, words in problems(job) if "By its number this is Maria" in words}
    assert contradicted == {(5, "Client"), (6, "Client"), (7, "Date of birth"), (8, "E-mail")}


def test_numbers_of_another_program_answer_no_more_but_all_parts_of_one_file_do(house, bring, take):
    take(bring("Client ID,First name,Last name\n1,Eva,Reis\n3,Ivo,Reis\n"))
    take(bring("patient_guid,First Name,Last Name,Email\n1,Rui,Gil,\n"))
    take(bring("patient_guid,First Name,Last Name,Email\n2,Ana,Gil,\n"))
    rows = [
        f"{key},2026-11-23 {8 + 2 * int(key)}:00,Bea Lindqvist,Release 60,Harbour Street,\n" for key in ("1", "2", "3")
    ]
    job = bring("Client ID,Starts at,Therapist,Service,Location,E-mail\n" + "".join(rows), "appointments")
    assert [(row, column) for row, column, _words in problems(job)] == [(4, "Client ID")]
    take(job)
    visits = Appointment.objects.order_by("starts_at")
    assert [visit.client.legal_name for visit in visits] == ["Rui Gil", "Ana Gil"]


def test_a_visit_beyond_a_licence_is_booked_by_hand_only(house, bring, bea):
    bea.licence_expires_on = date(2026, 11, 23)
    bea.save()
    rows = row("2026-11-23 10:00") + row("2026-11-24 10:00") + row("2026-11-28 10:00")
    job = bring(HEADER + rows, "appointments")
    assert (job.new_count, job.doubt_count) == (1, 0)
    words = "The licence of Bea ends on Mon 23 Nov 2026. Book this visit by hand."
    assert problems(job) == [(3, "Starts at", words), (4, "Starts at", words)]


@pytest.mark.parametrize("day", ["31/12/9999", "9999-12-31 23:00", "0001-01-01T00:00:00+14:00"])
def test_a_visit_at_the_end_of_the_calendar_is_named_by_row(house, bring, day):
    job = bring(HEADER + row(day), "appointments")
    assert job.state == "checked"
    [(number, column, words)] = problems(job)
    assert (number, column) == (2, "Starts at")
    assert "is the year right?" in words


def test_when_it_was_agreed_stays_with_the_visit_and_the_history_tells_when_it_came(house, bring, take, olga, now):
    header, cells = HEADER.replace("Location", "Location,Booked on"), row("2026-11-23 10:00").strip()
    take(bring(f"{header}{cells},1999-05-01\n", "appointments"))
    visit = Appointment.objects.get()
    assert visit.booked_at == datetime(1999, 4, 30, 23, tzinfo=UTC)
    step = visit.status_changes.get()
    assert (step.at, step.by, step.why) == (now, olga, "import of people.csv")
    assert Change.objects.get(what="scheduling.appointment", what_pk=visit.pk).at == now


def test_the_check_books_nothing_and_holds_nothing(house, bring):
    bring(HEADER + row("2026-11-23 10:00"), "appointments")
    assert not Appointment.objects.exists()


def test_nobody_gets_a_confirmation_and_reminders_go_out_as_ever(house, bring, take, alice, olga, now):
    record_contact_consent(
        by=olga, now=now, client=alice, channel=ContactConsent.Channel.EMAIL, is_given=True, source="x"
    )
    take(bring(HEADER + row("2026-11-23 10:00") + row("2026-11-27 10:00"), "appointments"))
    for minutes in range(0, 24 * 60, 30):
        prepare(now + timedelta(minutes=minutes))
    assert not Message.objects.exists()
    prepare(at(11, day=22))
    [reminder] = Message.objects.all()
    assert (reminder.kind, reminder.about_at) == ("reminder", at(10, day=23))


def test_undo_cancels_what_stands_and_names_what_was_moved(house, bring, take, send, olga, now):
    job = take(bring(HEADER + row("2026-11-23 10:00") + row("2026-11-24 10:00"), "appointments"))
    moved = Appointment.objects.get(starts_at=at(10, day=24))
    move_appointment(by=olga, now=now, appointment=moved, starts_at=at(15, day=24))
    send(reverse("people:import-undo", args=[job.pk]))
    job.refresh_from_db()
    assert job.kept == ["Alice Marques, Tue 24 Nov, 15:00"]
    assert Appointment.objects.get(starts_at=at(10, day=23)).status == Status.CANCELLED
    assert Appointment.objects.get(pk=moved.pk).status == Status.BOOKED


def test_one_that_is_taken_meanwhile_stops_all(house, bring, send, book):
    job = bring(HEADER + row("2026-11-23 10:00") + row("2026-11-24 10:00"), "appointments")
    book(at(10, day=24), client=ClientFactory())
    send(reverse("people:import-take-over", args=[job.pk]))
    job.refresh_from_db()
    assert (job.state, job.wrong_count) == ("checked", 1)
    assert Appointment.objects.count() == 1


def test_what_is_exported_is_booked_again(house, bring, take, book, as_olga, alice, now):
    first = book(at(10, day=23))
    content = b"".join(as_olga.get(reverse("people:export", args=["appointments"])).streaming_content)
    [told] = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert (told["Starts at"], told["Therapist"], told["Client's legal name"]) == (
        "2026-11-23 10:00", "bea@example.org", "Alice Marques",
    )  # fmt: skip
    facts = (first.client, first.service, first.therapist, first.location, first.room, first.starts_at)
    Appointment.objects.filter(pk=first.pk).update(status=Status.CANCELLED)
    take(bring(content, "appointments"))
    again = Appointment.objects.exclude(pk=first.pk).get()
    assert (again.client, again.service, again.therapist, again.location, again.room, again.starts_at) == facts


def test_the_house_is_asked_once_for_all_rows(house, django_assert_max_num_queries):
    with django_assert_max_num_queries(7):
        _House([Row(number, {"key": str(number)}) for number in range(50)])


def named(name: str, start: str = "2026-11-23 10:00", *, born_on: str = "", email: str = "") -> str:
    return f"{name},{born_on},{email},{start},Bea Lindqvist,Release 60,Harbour Street\n"


@pytest.mark.parametrize("name", ["Alice Marques", '"Marques, Alice"', "ALICE MARQUÉS", "Alice  marques"])
def test_a_row_with_only_a_name_finds_the_one_client_of_that_name(house, bring, take, alice, name):
    take(
        bring(
            "Client,Starts at,Therapist,Service\n" + f"{name},2026-11-23 10:00,Bea Lindqvist,Release 60\n",
            "appointments",
        )
    )
    assert Appointment.objects.get().client == alice


def test_a_name_that_two_have_is_doubted_by_row_until_something_tells_them_apart(house, bring):
    for email in ("one@example.org", "two@example.org"):
        ClientFactory(legal_name="Ana Sousa", email=email, born_on=None)
    rows = named("Ana Sousa") + named("Ana Sousa", "2026-11-23 12:00", email="two@example.org")
    job = bring(HEADER + rows, "appointments")
    words = "More than one client may be “Ana Sousa”: give the date of birth or the e-mail."
    assert problems(job) == [(2, "Client", words)]


def test_a_name_that_is_here_with_another_birthday_is_said_to_be(house, bring, alice):
    job = bring(HEADER + named("Alice Marques", born_on="1970-01-01"), "appointments")
    assert problems(job) == [(2, "Date of birth", "“Alice Marques” is known here with another date of birth.")]


def test_a_name_that_is_here_with_another_e_mail_is_for_the_owner_to_decide(house, bring, take, alice):
    job = bring(HEADER + named("Alice Marques", email="other@example.org"), "appointments")
    [(number, words)] = doubts(job)
    assert (number, words) == (
        2, "Alice Marques is the only client of this name, but is known here with another e-mail.",
    )  # fmt: skip
    take(job, doubtful=True)
    assert Appointment.objects.get().client == alice


def test_a_number_leads_to_the_record_that_was_kept_in_a_merge(house, bring, take, olga, now):
    take(bring("patient_guid,First Name,Last Name\nab-1,Rui,Gil\n"))
    gone = Client.objects.get(legal_name="Rui Gil")
    kept = ClientFactory(legal_name="Rui Gil", email="rui@example.org", born_on=gone.born_on)
    merge_clients(by=olga, now=now, kept=kept, gone=gone)
    row = "ab-1,2026-11-23 10:00,Bea Lindqvist,Release 60\n"
    take(bring("patient_guid,Starts at,Therapist,Service\n" + row, "appointments"))
    assert Appointment.objects.get().client == kept


def test_the_rows_are_shown_as_they_will_stand(house, bring, as_olga):
    job = bring(HEADER + named("Alice Marques"), "appointments")
    [(_line, cells)] = as_olga.get(reverse("people:import", args=[job.pk])).context["shown"].rows
    assert {str(label): text for label, text in cells} == {
        "Client": "Alice Marques", "Day and time": "Mon 23 Nov, 10:00", "Therapist": "Bea Lindqvist",
        "Service": "Release 60", "Location": "Harbour Street",
    }  # fmt: skip


def test_the_page_of_what_was_done_leads_to_every_visit(house, bring, take, as_olga):
    job = take(bring(HEADER + named("Alice Marques"), "appointments"))
    page = as_olga.get(reverse("people:import", args=[job.pk])).content.decode()
    assert "1 visit booked" in page
    assert reverse("desk:appointment", args=[Appointment.objects.get().pk]) in page
