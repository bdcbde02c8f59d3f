"""Two records of one person made one, and taken apart again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinic.audit.models import Change
from clinic.desk.client import answers_of, visits_of
from clinic.people.access import own_clients
from clinic.people.forms.record import NoteForm
from clinic.people.merging import MATTERS
from clinic.people.models import Client, ClientAccess, Location, Merge, Service, Therapist, TherapistsNote, User
from clinic.people.records import records_of
from clinic.people.services import (
    NoteChanged,
    archive_client,
    give_client_login,
    has_contact_consent,
    record_contact_consent,
    update_client,
    write_therapists_note,
)
from clinic.people.services.merging import merge_clients, merges_to_undo, undo_merge
from clinic.portal.pages import visits_page
from clinic.reminders.models import Message
from clinic.reminders.services import prepare, sweep
from clinic.scheduling.models import Appointment, Status
from clinic.scheduling.services import (
    ChosenVisit,
    add_weekly_hours,
    book_appointment,
    book_series,
    change_status,
    move_appointment,
)
from intake.clearing import clearances_of
from intake.documents import documents_of
from intake.findings import consents_of, findings_in_force, open_findings
from intake.models import Consent, Finding, Invitation, RuleVersion, Submission
from intake.profile import profile_of
from intake.services import begin, close_finding, invite, open_invitation, submit, verdict_for
from intake.standing import newest_sent, planned_visit
from intake.views import _emergency_number
from plans.models import Measure, Plan, Score
from plans.pages import plan_page
from plans.services import end_plan, record_score
from plans.standing import plan_in_force
from sessions.models import Note
from sessions.reading import last_note, signed_notes, timeline
from sessions.signing import first_broken_link
from tests.factories import BEFORE, ClientFactory, RoomFactory, ServiceFactory, TherapistFactory, give_login
from tests.intake.answers import clearance_of, fill_in, reviewed_intake, send
from tests.plans.support import plan_of, signed_visit

NOW = datetime(2026, 11, 19, 9, 0, tzinfo=UTC)
LAST_MONTH = NOW - timedelta(days=30)
TOMORROW = NOW + timedelta(days=1)
CANARY = "Zebrafinch"
Join = Callable[..., Merge]


@pytest.fixture
def service(db: None) -> Service:
    return ServiceFactory(minutes=60, buffer_after=0)


@pytest.fixture(autouse=True)
def _bea_works_every_day(bea: Therapist, location: Location) -> None:
    for weekday in range(7):
        add_weekly_hours(
            by=None,
            now=BEFORE,
            therapist=bea,
            location=location,
            weekday=weekday,
            opens=time(6),
            closes=time(22),
            valid_from=date(2026, 1, 1),
        )


@pytest.fixture
def ali(alice: Client) -> Client:
    """Alice once more: whoever answered the phone did not find her."""
    return ClientFactory(legal_name="Ali Marques", email="ali@example.org", phone="+351912345678")


@pytest.fixture
def book(bea: Therapist, location: Location, service: Service, dana: User) -> Callable[..., Appointment]:
    def one(client: Client, starts_at: datetime, **others: Any) -> Appointment:
        wishes = {"by": dana, "now": LAST_MONTH, "service": service, "therapist": bea, "location": location}
        return book_appointment(client=client, starts_at=starts_at, **wishes | others)

    return one


@pytest.fixture
def signed(bea: Therapist, location: Location, service: Service) -> Callable[..., Note]:
    def one(client: Client, starts_at: datetime, **others: Any) -> Note:
        return signed_visit(client, bea, service, location, starts_at, **others)

    return one


@pytest.fixture
def raised() -> Callable[..., Finding]:
    def one(client: Client, **others: Any) -> Finding:
        facts = {"rule": "test_block", "effect": "block", "reason": "Told in the form.", "raised_at": LAST_MONTH}
        return Finding.objects.create(
            client=client, rule_version=RuleVersion.objects.latest("number"), **facts | others
        )

    return one


@pytest.fixture
def join(dana: User, alice: Client, ali: Client) -> Join:
    """Return a function that merges Ali's record into Alice's."""

    def one(**others: Any) -> Merge:
        return merge_clients(**{"by": dana, "now": NOW, "kept": alice, "gone": ali} | others)

    return one


def merge_url(kept: Client) -> str:
    return reverse("people:client-merge", args=[kept.pk])


def undo_url(merge: Merge) -> str:
    return reverse("people:merge-undo", args=[merge.pk])


# --- What moves, what stays, what is read together


def test_what_is_to_come_goes_on_with_the_kept_record(join, alice, ali, book, bea, location, service, dana):
    upcoming, past = book(ali, TOMORROW), book(ali, NOW - timedelta(days=2), override_reason="entered later")
    change_status(by=dana, now=NOW - timedelta(days=2), appointment=past, to=Status.ARRIVED)
    change_status(by=dana, now=NOW - timedelta(days=2), appointment=past, to=Status.IN_SESSION)
    series = book_series(
        by=dana,
        now=LAST_MONTH,
        client=ali,
        service=service,
        therapist=bea,
        location=location,
        first_on=date(2026, 12, 1),
        at_time=time(15),
        every_weeks=1,
        count=2,
        chosen=[ChosenVisit(datetime(2026, 12, day, 15, tzinfo=UTC), bea) for day in (1, 8)],
        idempotency_key="6b1b36cf-6a54-4f5e-a7a0-0c5f3a9a3b11",
    )
    join()
    upcoming.refresh_from_db()
    series.refresh_from_db()
    past.refresh_from_db()
    assert (upcoming.client, series.client, past.client) == (alice, alice, ali)
    assert set(series.appointments.values_list("client", flat=True)) == {alice.pk}
    assert {visit.pk for visit in visits_of(records_of(alice.pk))} == {
        upcoming.pk,
        past.pk,
        *series.appointments.values_list("pk", flat=True),
    }


def test_nothing_signed_moves_and_the_chain_still_verifies(join, alice, ali, signed):
    theirs, ours = signed(ali, NOW - timedelta(days=3)), signed(alice, NOW - timedelta(days=9))
    before = list(Note.objects.order_by("pk").values())
    join()
    assert list(Note.objects.order_by("pk").values()) == before
    assert Note.objects.get(pk=theirs.pk).client == ali
    assert first_broken_link() is None
    assert [note.pk for note in signed_notes(alice.pk)] == [ours.pk, theirs.pk]
    assert last_note(alice.pk).pk == theirs.pk
    assert [row.note_pk for row in timeline(alice.pk, before=NOW)] == [theirs.pk, ours.pk]
    assert timeline(alice.pk, before=NOW)[0].visit_number == 2


def test_a_finding_of_either_record_holds_for_the_person(join, alice, ali, raised, service):
    finding = raised(ali)
    planned = planned_visit(service.modality)
    assert not verdict_for(alice, planned, NOW.date()).blocked
    join()
    assert verdict_for(alice, planned, NOW.date()).blocked
    assert open_findings(alice.pk) == [finding]
    assert findings_in_force(alice.pk, NOW.date()) == [finding]
    # Also from a note that is still being written for the record that went.
    assert open_findings(ali.pk) == [finding]


def test_her_visits_need_a_review_by_what_either_record_knows(join, alice, ali, raised, book, bea):
    reviewed_intake(alice, bea.user, now=LAST_MONTH)
    visit = book(alice, TOMORROW)
    raised(ali)
    assert not visit.review_needed
    merge = join()
    visit.refresh_from_db()
    assert visit.review_needed
    undo_merge(by=bea.user, now=NOW, merge=merge)
    visit.refresh_from_db()
    assert not visit.review_needed


def test_closing_a_finding_of_the_record_that_went_frees_the_visits_of_the_kept_one(
    join, alice, ali, raised, book, bea
):
    reviewed_intake(alice, bea.user, now=LAST_MONTH)
    visit, finding = book(alice, TOMORROW), raised(ali)
    join()
    close_finding(by=bea.user, now=NOW, finding=finding, reason="Cleared by her doctor.")
    visit.refresh_from_db()
    assert not visit.review_needed


def test_a_rule_that_speaks_again_grows_the_finding_that_the_other_record_has(join, alice, ali):
    send(ali, now=LAST_MONTH, rf_change="yes")
    join()
    count = Finding.objects.open().count()
    assert count
    send(alice, now=NOW, rf_change="yes")
    assert Finding.objects.open().count() == count


def test_the_newest_answers_of_either_record_count(join, alice, ali):
    send(alice, now=LAST_MONTH, migraine_days=12)
    newer = send(ali, now=NOW - timedelta(days=1), migraine_days=3)
    join()
    assert profile_of(alice).migraine_days == 3
    assert newest_sent([alice.pk])[alice.pk].pk == newer.pk
    assert {sent.client for sent in answers_of(alice)} == {alice, ali}
    assert begin(now=NOW, client=alice).answers["migraine_days"] == 3


def test_a_consent_that_the_later_form_left_open_counts_no_more_and_again_after_the_undo(join, alice, ali, dana):
    sent = send(alice, now=LAST_MONTH)
    given = consents_of([alice.pk])[alice.pk]
    assert given
    later = fill_in(ali, now=NOW - timedelta(days=1))
    submit(now=NOW - timedelta(days=1), submission=later, signed_name="Ali Marques")
    code = min(given)
    Consent.objects.filter(client=ali, code=code).delete()
    merge = join()
    assert code not in consents_of([alice.pk]).get(alice.pk, frozenset())
    undo_merge(by=dana, now=NOW, merge=merge)
    assert consents_of([alice.pk])[alice.pk] == given
    assert sent.consents.filter(revoked_at__isnull=False).count() == 0


def test_the_latest_word_of_both_on_messages_counts(join, alice, ali):
    for client, is_given, at in ((alice, True, LAST_MONTH), (ali, False, NOW - timedelta(days=1))):
        record_contact_consent(by=None, now=at, client=client, channel="email", is_given=is_given, source="test")
    join()
    assert not has_contact_consent(alice, "email")


def test_an_open_link_and_the_answers_begun_go_on(join, alice, ali, dana, now):
    invitation, _token = invite(by=dana, now=LAST_MONTH + timedelta(days=20), client=ali)
    draft = open_invitation(now=now, invitation=invitation, born_on=ali.born_on)
    join()
    draft.refresh_from_db()
    assert draft.client == alice
    invitation.refresh_from_db()
    assert open_invitation(now=NOW, invitation=invitation, born_on=alice.born_on) == draft


def test_of_two_that_were_begun_the_kept_records_go_on_and_the_others_are_there_after_the_undo(join, alice, ali, dana):
    ours, theirs = begin(now=LAST_MONTH, client=alice), begin(now=LAST_MONTH, client=ali)
    merge = join()
    assert begin(now=NOW, client=alice) == ours
    undo_merge(by=dana, now=NOW, merge=merge)
    assert begin(now=NOW, client=ali) == theirs


def test_of_two_plans_in_force_the_later_is_shown_with_a_word_on_the_other(join, alice, ali, bea, service, as_bea, now):
    first = plan_of(alice, bea, service, now=LAST_MONTH, starts_on=LAST_MONTH.date())
    second = plan_of(ali, bea, service, now=NOW - timedelta(days=1), starts_on=NOW.date())
    record_score(by=bea.user, now=NOW, client=ali, measure=Measure.MIGRAINE_DAYS, value=Decimal(4), on=NOW.date())
    join()
    assert plan_in_force(alice) == second
    assert plan_page(alice, NOW).others == (first,)
    assert "Another plan is in force" in as_bea.get(reverse("plans:plan", args=[alice.pk])).content.decode()
    with pytest.raises(ValidationError, match="in force already"):
        plan_of(alice, bea, service, now=NOW, starts_on=NOW.date())
    end_plan(by=bea.user, now=NOW, plan=second, why="One is enough.")
    assert plan_in_force(alice) == first
    assert Score.objects.filter(client__among=records_of(alice.pk)).count() == 1


def test_her_logins_see_it_all(join, alice, ali, signed, book, now):
    hers = give_login(ali)
    signed(ali, NOW - timedelta(days=3))
    book(ali, TOMORROW)
    join()
    assert list(own_clients(hers)) == [alice]
    assert list(own_clients(User.objects.get(email="alice@example.org"))) == [alice]
    page = visits_page(alice, NOW)
    assert (len(page.upcoming), len(page.past)) == (1, 1)
    assert Appointment.objects.visible_to(hers).count() == 2


def test_what_therapists_wrote_to_each_other_is_put_together_and_taken_apart(join, alice, ali, bea):
    TherapistsNote.objects.create(client=alice, text="Door ajar.")
    TherapistsNote.objects.create(client=ali, text="No perfume.")
    merge = join()
    assert TherapistsNote.objects.get(client=alice).text == "Door ajar.\n\nNo perfume."
    undo_merge(by=bea.user, now=NOW, merge=merge)
    assert TherapistsNote.objects.get(client=alice).text == "Door ajar."
    assert TherapistsNote.objects.get(client=ali).text == "No perfume."


def test_a_chain_of_merges_is_one_person(dana, alice, ali, signed, raised):
    third = ClientFactory(legal_name="Alice M.")
    notes = {signed(client, NOW - timedelta(days=n)).pk for n, client in enumerate((alice, ali, third), start=2)}
    raised(third)
    merge_clients(by=dana, now=NOW, kept=ali, gone=third)
    merge_clients(by=dana, now=NOW, kept=alice, gone=Client.objects.get(pk=ali.pk))
    for record in (alice, ali, third):
        assert {note.pk for note in signed_notes(record.pk)} == notes
        assert len(open_findings(record.pk)) == 1


def test_who_is_somebody_else_is_not_read_along(join, alice, signed):
    other = signed(ClientFactory(legal_name="Carla Nunes"), NOW - timedelta(days=5))
    join()
    assert other.pk not in {note.pk for note in signed_notes(alice.pk)}


# --- The record itself


def test_what_only_one_knows_is_kept_and_where_they_differ_the_choice_counts(join, alice, ali):
    Client.objects.filter(pk=ali.pk).update(alert="Rings twice.", pronouns="she/her", emergency_name="Rui")
    Client.objects.filter(pk=alice.pk).update(pronouns="they/them")
    join(from_gone=["name"])
    alice.refresh_from_db()
    assert (alice.legal_name, alice.email, alice.phone) == ("Ali Marques", "alice@example.org", "+351912345678")
    assert (alice.alert, alice.pronouns, alice.emergency_name) == ("Rings twice.", "they/them", "Rui")
    ali.refresh_from_db()
    assert ali.merged_into == alice
    assert ali.archived_at == NOW
    assert ali.legal_name == "Ali Marques"


def test_facts_that_belong_together_are_never_mixed(join, alice, ali):
    Client.objects.filter(pk=alice.pk).update(emergency_name="Rui")
    Client.objects.filter(pk=ali.pk).update(emergency_name="Ines", emergency_phone="+351960000000")
    join()
    alice.refresh_from_db()
    assert (alice.emergency_name, alice.emergency_phone) == ("Rui", "")


def test_the_history_says_who_and_that_it_was(join, alice, dana):
    merge = join()
    change = Change.objects.get(client_pk=alice.pk, what="people.merge")
    assert (change.by, change.what_pk, change.words) == (dana, merge.pk, "of two records")


# --- Refusals


def test_it_refuses_the_same_record_twice(join, alice):
    with pytest.raises(ValidationError, match="same record twice"):
        join(gone=alice)


def test_it_refuses_what_was_merged_already(join, alice, ali):
    join()
    with pytest.raises(ValidationError, match="merged into another one already"):
        join()
    with pytest.raises(ValidationError, match="merged into another one already"):
        join(kept=ali, gone=ClientFactory())
    assert Merge.objects.count() == 1


def test_it_refuses_to_keep_what_is_archived(join, alice, dana):
    archive_client(by=dana, now=NOW, client=alice)
    with pytest.raises(ValidationError, match="is archived"):
        join()


def test_it_refuses_two_who_have_a_visit_at_the_same_time(join, alice, ali, book, location, service, dana):
    tess = _another_therapist(location)
    book(alice, TOMORROW)
    book(ali, TOMORROW + timedelta(minutes=30), therapist=tess)
    with pytest.raises(ValidationError, match="Both have a visit on Fri 20 Nov"):
        join()
    ali.refresh_from_db()
    assert ali.merged_into is None


def _another_therapist(location: Location) -> Therapist:
    room = RoomFactory(location=location)
    tess = TherapistFactory(user__name="Tess Dupont", usual_room=room)
    for weekday in range(7):
        add_weekly_hours(
            by=None,
            now=BEFORE,
            therapist=tess,
            location=location,
            weekday=weekday,
            opens=time(6),
            closes=time(22),
            valid_from=date(2026, 1, 1),
        )
    return tess


def test_it_refuses_a_mother_and_her_child(join, alice, ali):
    give_client_login(by=None, now=BEFORE, client=ali, email="alice@example.org", relation="guardian")
    with pytest.raises(ValidationError, match="these are two people"):
        join()


# --- Reminders


@pytest.mark.usefixtures("now")
def test_a_reminder_of_a_moved_visit_goes_out_once_to_the_kept_record_under_its_consent(join, alice, ali, book):
    record_contact_consent(by=None, now=BEFORE, client=alice, channel="email", is_given=True, source="test")
    book(ali, TOMORROW)
    # Already written down for the record that goes, when the merge comes in between.
    prepare(NOW)
    assert Message.objects.get(kind="reminder").client == ali
    join()
    sweep(NOW)
    sweep(NOW + timedelta(minutes=1))
    assert [letter.to for letter in mail.outbox] == [["alice@example.org"]]


@pytest.mark.usefixtures("now")
def test_a_reminder_written_down_while_they_were_one_goes_to_whom_the_visit_is_of_after_the_undo(
    join, alice, ali, book, dana
):
    record_contact_consent(by=None, now=BEFORE, client=ali, channel="email", is_given=True, source="test")
    book(ali, TOMORROW)
    merge = join()
    prepare(NOW)
    assert Message.objects.get(kind="reminder").client == alice
    undo_merge(by=dana, now=NOW, merge=merge)
    sweep(NOW)
    assert [letter.to for letter in mail.outbox] == [["ali@example.org"]]


# --- Undoing


@pytest.mark.usefixtures("now")
@pytest.mark.parametrize(("browser", "reads_it"), [("as_dana", False), ("as_olga", False), ("as_bea", True)])
def test_the_page_says_how_much_each_record_holds_and_only_therapists_are_told_of_notes(
    request, browser, reads_it, alice, ali, book, signed
):
    signed(ali, LAST_MONTH)
    book(ali, TOMORROW)
    page = request.getfixturevalue(browser).get(merge_url(alice), {"with": ali.pk})
    kept, goes = (record["holds"] for record in page.context["records"])
    assert kept == ["no visits yet"]
    assert goes == ["1 visit, on 20 Oct 2026", "1 to come", *(["1 signed note"] if reads_it else [])]
    assert "1 visit, on 20 Oct 2026<br>1 to come" in page.content.decode()


def test_after_thirty_days_it_stays(join, dana):
    merge = join()
    with pytest.raises(ValidationError, match="could be undone until Saturday 19 December 2026"):
        undo_merge(by=dana, now=NOW + timedelta(days=31), merge=merge)
    undo_merge(by=dana, now=NOW + timedelta(days=30), merge=merge)


def test_it_is_undone_once(join, dana):
    merge = join()
    undo_merge(by=dana, now=NOW, merge=merge)
    with pytest.raises(ValidationError, match="undone already"):
        undo_merge(by=dana, now=NOW, merge=merge)


def test_of_a_chain_the_last_is_undone_first(join, dana, alice, ali):
    merge = join()
    third = ClientFactory(legal_name="Alice M.")
    later = merge_clients(by=dana, now=NOW, kept=third, gone=Client.objects.get(pk=alice.pk))
    with pytest.raises(ValidationError, match="Undo that first"):
        undo_merge(by=dana, now=NOW, merge=merge)
    undo_merge(by=dana, now=NOW, merge=later)
    undo_merge(by=dana, now=NOW, merge=merge)


def test_what_was_changed_meanwhile_stays_and_is_told(join, alice, ali, book, signed, dana, bea):
    Client.objects.filter(pk=ali.pk).update(alert="Rings twice.")
    moved, held = book(ali, TOMORROW), book(ali, TOMORROW + timedelta(hours=3))
    TherapistsNote.objects.create(client=ali, text="No perfume.")
    draft = fill_in(ali, now=LAST_MONTH)
    merge = join()
    alice.refresh_from_db()
    alice.alert = "Rings three times."
    alice.save()
    move_appointment(
        by=dana, now=NOW, appointment=Appointment.objects.get(pk=moved.pk), starts_at=TOMORROW + timedelta(hours=1)
    )
    for status in (Status.ARRIVED, Status.IN_SESSION):
        change_status(by=dana, now=held.starts_at, appointment=Appointment.objects.get(pk=held.pk), to=status)
    TherapistsNote.objects.filter(client=alice).update(text="No perfume, no candles.")
    submit(now=NOW, submission=draft, signed_name="Alice Marques")
    stays = undo_merge(by=dana, now=NOW, merge=merge)
    alice.refresh_from_db()
    moved.refresh_from_db()
    held.refresh_from_db()
    assert alice.alert == "Rings three times."
    assert (moved.client, held.client) == (ali, alice)
    assert TherapistsNote.objects.get(client=alice).text == "No perfume, no candles."
    told = {part.words: part.is_health for part in stays}
    assert len(told) == 4
    for word, is_health in (("Alert", False), ("12:00", False), ("note for therapists", True), ("sent in", True)):
        assert [healthy for words, healthy in told.items() if word in words] == [is_health]


@pytest.mark.parametrize(("browser", "reads_it"), [("as_dana", False), ("as_olga", False), ("as_bea", True)])
def test_what_stays_of_her_health_is_told_to_therapists_only(join, request, browser, reads_it, alice, ali, now):
    TherapistsNote.objects.create(client=ali, text="No perfume.")
    merge = join()
    TherapistsNote.objects.filter(client=alice).update(text="No perfume, no candles.")
    Client.objects.filter(pk=alice.pk).update(alert="Rings twice.")
    answer = request.getfixturevalue(browser).post(undo_url(merge), follow=True)
    told = " ".join(str(message) for message in answer.context["messages"])
    assert ("note for therapists" in told) is reads_it
    ali.refresh_from_db()
    assert ali.merged_into is None


def test_a_therapist_who_is_gone_is_not_given_back_and_that_is_told(join, alice, ali, bea, dana):
    tom = TherapistFactory(user__name="Tom Weiss")
    Client.objects.filter(pk=alice.pk).update(primary_therapist=tom)
    Client.objects.filter(pk=ali.pk).update(primary_therapist=bea)
    merge = join(from_gone=["therapist"])
    tom.delete()
    (stays,) = undo_merge(by=dana, now=NOW, merge=merge)
    assert stays.words == "Therapist stays as it is with Alice Marques: what stood there before is no longer kept."
    alice.refresh_from_db()
    assert alice.primary_therapist == bea


# --- What is written in the moment of a merge


def test_what_is_written_about_the_record_that_just_went_is_written_into_the_kept_one(join, alice, ali, bea, dana):
    join()
    update_client(by=dana, now=NOW, client=ali, pronouns="she/her")
    record_contact_consent(by=dana, now=NOW, client=ali, channel="text", is_given=True, source="on the phone")
    login = give_client_login(by=dana, now=NOW, client=ali, email="alice@example.net")
    write_therapists_note(by=bea.user, now=NOW, client=ali, text="Door ajar.", instead_of="")
    alice.refresh_from_db()
    assert alice.pronouns == "she/her"
    assert alice.contact_consents.get().channel == "text"
    assert list(own_clients(login)) == [alice]
    assert TherapistsNote.objects.get().client == alice
    assert invite(by=dana, now=NOW, client=ali)[0].client == alice
    assert begin(now=NOW, client=ali).client == alice
    ali.refresh_from_db()
    assert ali.pronouns == ""


def test_answers_of_the_record_that_went_give_the_kept_one_the_sign_in_and_the_wishes(join, alice, ali):
    begin(now=LAST_MONTH, client=alice)
    draft = fill_in(ali, now=LAST_MONTH, room_light="dark")
    Client.objects.filter(pk=alice.pk).update(email="alice@example.net")
    join()
    sent = submit(now=NOW, submission=draft, signed_name="Alice Marques")
    alice.refresh_from_db()
    assert sent.client == ali
    assert alice.light == "dark"
    assert list(own_clients(User.objects.get(email="alice@example.net"))) == [alice]
    assert not ClientAccess.objects.filter(client=ali).exists()


def test_the_page_that_stops_her_knows_her_next_visit_on_whichever_record(join, alice, ali, book, location):
    begin(now=LAST_MONTH, client=alice)
    draft = begin(now=LAST_MONTH, client=ali)
    book(alice, TOMORROW)
    Location.objects.filter(pk=location.pk).update(emergency_number="911")
    join()
    assert _emergency_number(draft, NOW) == "911"


def test_two_long_notes_that_were_put_together_can_still_be_edited(join, as_bea, alice, ali):
    for client in (alice, ali):
        TherapistsNote.objects.create(client=client, text=client.legal_name[0] * 1900)
    join()
    url = reverse("people:client-note", args=[alice.pk])
    kept = TherapistsNote.objects.get(client=alice).text
    assert len(kept) == 3802
    typed = {"text": f"{kept} And no perfume.", "instead_of": kept}
    assert as_bea.post(url, typed).status_code == 302
    assert TherapistsNote.objects.get(client=alice).text == typed["text"]


def test_who_edits_the_note_while_records_are_merged_is_shown_the_kept_one(join, alice, ali, bea):
    TherapistsNote.objects.create(client=alice, text="Door ajar.")
    form = NoteForm({"text": "No perfume.", "instead_of": ""}, client=ali)
    join()
    assert form.is_valid()
    with pytest.raises(NoteChanged):
        form.keep(by=bea.user, now=NOW)
    form.read_anew()
    assert form.kept == "Door ajar."
    assert TherapistsNote.objects.get().text == "Door ajar."


@dataclass(frozen=True)
class Side:
    """What one of the two records has, made up."""

    signed: int
    upcoming: int
    intake: str
    is_begun: bool
    is_asked: bool
    words: tuple[bool, ...]
    has_login: bool
    note: str
    plan: bool
    scores: int
    finding: bool
    clearance: bool
    facts: dict[str, str]


SIDES = st.builds(
    Side,
    signed=st.integers(0, 2),
    upcoming=st.integers(0, 2),
    intake=st.sampled_from(["", "sent", "reviewed", "worrying"]),
    is_begun=st.booleans(),
    is_asked=st.booleans(),
    words=st.lists(st.booleans(), max_size=3).map(tuple),
    has_login=st.booleans(),
    note=st.sampled_from(["", "Door ajar.", "No perfume."]),
    plan=st.booleans(),
    scores=st.integers(0, 2),
    finding=st.booleans(),
    clearance=st.booleans(),
    facts=st.dictionaries(
        st.sampled_from(["preferred_name", "pronouns", "address", "alert", "emergency_name", "physician_name"]),
        st.sampled_from(["", "Ana", "Zé"]),
    ),
)
# They are added to and never change.
ONLY_ADDED = {"audit.look", "audit.change", "people.merge"}


def every_row() -> dict[str, list[dict[str, Any]]]:
    """Return all rows of all tables but the histories."""
    models = [m for m in apps.get_models() if not hasattr(m, "pgh_tracked_model") and m._meta.app_label != "pghistory"]
    return {
        model._meta.label_lower: list(model.objects.order_by("pk").values())
        for model in models
        if model._meta.label_lower not in ONLY_ADDED and hasattr(model, "objects")
    }


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(ours=SIDES, theirs=SIDES, from_gone=st.sets(st.sampled_from(["name", "called", "email", "address", "alert"])))
def test_a_merge_shows_all_of_both_and_its_undo_leaves_every_table_as_before(
    alice, ali, bea, dana, service, location, book, signed, raised, ours, theirs, from_gone
):
    with transaction.atomic():
        for number, (client, side) in enumerate(((alice, ours), (ali, theirs))):
            _fill(client, side, 3 * number, bea, service, location, book, signed, raised)
        before = every_row()
        kept, gone = Client.objects.get(pk=alice.pk), Client.objects.get(pk=ali.pk)
        merge = merge_clients(by=dana, now=NOW, kept=kept, gone=gone, from_gone=from_gone)
        _see_all(Client.objects.get(pk=alice.pk), before)
        assert undo_merge(by=dana, now=NOW + timedelta(hours=1), merge=merge) == []
        assert every_row() == before
        transaction.set_rollback(True)


def _fill(client, side, hour, bea, service, location, book, signed, raised) -> None:
    Client.objects.filter(pk=client.pk).update(**side.facts)
    client.refresh_from_db()
    if side.has_login:
        give_client_login(by=None, now=BEFORE, client=client, email="family@example.org")
    for n, is_given in enumerate(side.words):
        at = LAST_MONTH + timedelta(days=2 * n, hours=hour)
        record_contact_consent(by=None, now=at, client=client, channel="text", is_given=is_given, source="test")
    if side.plan:
        plan_of(client, bea, service, now=LAST_MONTH + timedelta(hours=hour), starts_on=LAST_MONTH.date())
    _answer(client, side, LAST_MONTH + timedelta(hours=hour), bea)
    _treat(client, side, hour, bea, book, signed, raised)


def _answer(client, side, at, bea) -> None:
    if side.intake == "reviewed":
        reviewed_intake(client, bea.user, now=at)
    elif side.intake:
        send(client, now=at, **({"rf_change": "yes"} if side.intake == "worrying" else {}))
    if side.is_asked:
        invite(by=bea.user, now=NOW - timedelta(days=1), client=client)
    if side.is_begun:
        begin(now=NOW - timedelta(days=1), client=client)


def _treat(client, side, hour, bea, book, signed, raised) -> None:
    if side.finding:
        raised(client, rule="test_warn", effect="warn")
    if side.clearance:
        clearance_of(client, bea, now=LAST_MONTH)
    for n in range(side.signed):
        signed(client, NOW - timedelta(days=2 + n, hours=-hour))
    for n in range(side.upcoming):
        book(client, TOMORROW + timedelta(days=n, hours=hour))
    if side.note:
        TherapistsNote.objects.create(client=client, text=side.note)
    for n in range(side.scores):
        record_score(
            by=None, now=NOW, client=client, measure=Measure.MIGRAINE_DAYS, value=Decimal(n), on=date(2026, 11, 1 + n)
        )


def _see_all(kept: Client, before: dict[str, list[dict[str, Any]]]) -> None:
    """Everything of both is read by the kept record."""

    def keys(label: str, **facts: Any) -> set[int]:
        return {row["id"] for row in before[label] if all(row[name] == value for name, value in facts.items())}

    assert {visit.pk for visit in visits_of(records_of(kept.pk))} == keys("scheduling.appointment")
    assert {note.pk for note in signed_notes(kept.pk)} == keys("treatment.note", state="signed")
    assert {sent.pk for sent in answers_of(kept)} == keys("intake.submission") - keys(
        "intake.submission", state="draft"
    )
    assert {finding.pk for finding in open_findings(kept.pk)} == keys("intake.finding")
    assert {clearance.pk for clearance in clearances_of(kept.pk)} == keys("intake.clearance")
    assert {document.pk for document in documents_of(kept.pk)} == keys("intake.document")
    assert {plan.pk for plan in Plan.objects.filter(client__among=records_of(kept.pk))} == keys("plans.plan")
    page = plan_page(kept, NOW)
    assert {page.plan.pk if page.plan else None, *(plan.pk for plan in page.others)} - {None} == keys("plans.plan")
    assert {score.pk for score in Score.objects.filter(client__among=records_of(kept.pk))} == keys("plans.score")
    words = sorted(
        (row["at"], row["id"], row["is_given"]) for row in before["people.contactconsent"] if row["channel"] == "text"
    )
    assert has_contact_consent(kept, "text") == bool(words and words[-1][-1])
    assert set(ClientAccess.objects.filter(client=kept).values_list("user", flat=True)) == {
        row["user_id"] for row in before["people.clientaccess"]
    }
    for row in before["people.therapistsnote"]:
        assert row["text"] in kept.therapists_note.text
    for row in before["intake.invitation"]:
        assert row["used_at"] or row["revoked_at"] or Invitation.objects.get(pk=row["id"]).client == kept
    drafts = keys("intake.submission", state="draft")
    assert not drafts or Submission.objects.filter(pk__in=drafts, client=kept).exists()


def test_every_fact_that_is_kept_about_a_client_is_a_matter_of_the_merge():
    of_the_record = {"id", "created_at", "created_by", "archived_at", "merged_into"}
    matters = [name for matter in MATTERS for name in matter.fields]
    assert sorted(matters) == sorted({field.name for field in Client._meta.fields} - of_the_record)


# --- Through the pages


@pytest.mark.parametrize("browser", ["as_dana", "as_bea", "as_olga"])
def test_all_staff_merge_and_undo(browser, request, alice, ali, now):
    staff: Browser = request.getfixturevalue(browser)
    page = staff.get(merge_url(alice), {"with": ali.pk})
    assert page.status_code == 200
    done = staff.post(merge_url(alice), {"with": ali.pk, "name": "kept", "email": "gone"})
    assert done.status_code == 302
    assert done.url == reverse("desk:client", args=[alice.pk])
    ali.refresh_from_db()
    alice.refresh_from_db()
    assert ali.merged_into == alice
    assert alice.email == "ali@example.org"
    merge = Merge.objects.get()
    shown = staff.get(reverse("desk:client", args=[alice.pk])).content.decode()
    assert "until 19 December 2026" in shown
    assert undo_url(merge) in shown
    assert staff.post(undo_url(merge), follow=True).status_code == 200
    ali.refresh_from_db()
    assert ali.merged_into is None
    assert merges_to_undo(alice, now) == []


def test_clients_neither_merge_nor_undo(as_alice, alice, ali, join):
    assert as_alice.get(merge_url(alice), {"with": ali.pk}).status_code == 404
    assert as_alice.post(merge_url(alice), {"with": ali.pk}).status_code == 404
    assert as_alice.post(undo_url(join())).status_code == 404


def test_a_choice_left_out_is_asked_for_beside_its_field(as_dana, alice, ali):
    page = as_dana.post(merge_url(alice), {"with": ali.pk, "name": "kept"})
    assert page.status_code == 200
    assert "Choose which one is right." in page.content.decode()
    ali.refresh_from_db()
    assert ali.merged_into is None


def test_a_refusal_is_told_before_and_after_the_button(as_dana, alice, ali, book, location, now):
    book(alice, TOMORROW)
    book(ali, TOMORROW, therapist=_another_therapist(location))
    page = as_dana.get(merge_url(alice), {"with": ali.pk})
    assert "Both have a visit on Fri 20 Nov" in page.content.decode()
    assert "Make one record" not in page.content.decode()
    refused = as_dana.post(merge_url(alice), {"with": ali.pk, "name": "kept", "email": "kept"})
    assert refused.status_code == 409
    assert "Both have a visit on Fri 20 Nov" in refused.content.decode()


def test_the_front_desk_reads_no_health_of_either_and_therapists_the_counts(
    as_dana, as_bea, alice, ali, signed, raised, bea, service, now
):
    signed(ali, NOW - timedelta(days=3), response=CANARY)
    plan_of(ali, bea, service, now=LAST_MONTH, starts_on=LAST_MONTH.date())
    raised(ali, reason=CANARY)
    send(ali, now=NOW - timedelta(days=2), goals=CANARY)
    TherapistsNote.objects.create(client=ali, text=CANARY)
    seen = as_dana.get(merge_url(alice), {"with": ali.pk}).content.decode()
    assert "What therapists recorded stays with it." in seen
    for word in (CANARY, "signed note", "finding", "consent", "1 plan", "intake sent", "note for therapists"):
        assert word not in seen
    told = as_bea.get(merge_url(alice), {"with": ali.pk}).content.decode()
    for word in ("1 signed note", "1 plan", "1 intake sent in", "note for therapists"):
        assert word in told
    assert CANARY not in told


def test_without_the_other_record_it_offers_who_looks_alike_and_a_search(as_dana, alice):
    twin = ClientFactory(legal_name="Alice Marques", email="other@example.org")
    stranger = ClientFactory(legal_name="Zacarias Prado", born_on=None)
    page = as_dana.get(merge_url(alice)).content.decode()
    assert f"with={twin.pk}" in page
    assert f"with={stranger.pk}" not in page
    assert f"with={stranger.pk}" in as_dana.get(merge_url(alice), {"q": "zacar"}).content.decode()


def test_a_link_to_the_record_that_went_leads_to_the_kept_one(join, as_dana, as_bea, alice, ali):
    join()
    for browser in (as_dana, as_bea):
        assert browser.get(reverse("desk:client", args=[ali.pk])).url == reverse("desk:client", args=[alice.pk])
    assert as_bea.get(reverse("intake:findings", args=[ali.pk])).context["client"] == alice
    assert as_dana.get(reverse("people:client-edit", args=[ali.pk])).context["client"] == alice
    done = as_dana.get(merge_url(alice), {"with": ali.pk})
    assert done.url == reverse("desk:client", args=[alice.pk])


@pytest.mark.parametrize(
    ("nonsense", "status"),
    [("", 200), ("x", 200), ("-1", 200), ("0", 404), ("9" * 18, 404), ("9" * 5000, 200), ("²", 200)],
)
def test_nonsense_in_the_address_is_no_fault(as_dana, alice, nonsense, status):
    assert as_dana.get(merge_url(alice), {"with": nonsense}).status_code == status


def test_the_page_costs_the_same_however_much_there_is(
    as_bea, alice, ali, book, signed, now, django_assert_num_queries
):
    def add(day: int) -> None:
        book(ali, TOMORROW + timedelta(days=day))
        signed(ali, NOW - timedelta(days=2 + day))

    add(0)
    page = {"with": ali.pk}
    as_bea.get(merge_url(alice), page)
    with CaptureQueriesContext(connection) as few:
        as_bea.get(merge_url(alice), page)
    for day in range(1, 5):
        add(day)
    with django_assert_num_queries(len(few)):
        as_bea.get(merge_url(alice), page)


@pytest.mark.parametrize("page", ["desk:client", "audit:client-history"])
def test_a_page_costs_the_same_with_one_merge_to_undo_and_with_three(
    page, as_bea, alice, join, now, django_assert_num_queries
):
    url = reverse(page, args=[alice.pk])
    join()
    as_bea.get(url)
    with CaptureQueriesContext(connection) as few:
        as_bea.get(url)
    for name in ("Alicia Marques", "Alise Marques"):
        join(gone=ClientFactory(legal_name=name))
    with django_assert_num_queries(len(few)):
        as_bea.get(url)


def test_a_merge_is_offered_for_undoing_until_its_last_day_is_over(join, alice):
    join()
    last_moment = datetime(2026, 12, 19, 23, 59, tzinfo=UTC)
    assert [one.last_day for one in merges_to_undo(alice, last_moment)] == [date(2026, 12, 19)]
    assert merges_to_undo(alice, last_moment + timedelta(minutes=1)) == []


def test_two_dates_of_birth_stop_the_reader_and_want_a_choice(as_dana, alice, ali):
    Client.objects.filter(pk=ali.pk).update(born_on="1988-03-15")
    page = as_dana.get(merge_url(alice), {"with": ali.pk})
    assert "Two dates of birth: surely one person?" in page.content.decode()
    assert page.context["form"]["born"].value() is None
    others = {name: "kept" for name in page.context["form"].fields if name != "born"}
    assert list(as_dana.post(merge_url(alice), {"with": ali.pk} | others).context["form"].errors) == ["born"]
    as_dana.post(merge_url(alice), {"with": ali.pk, "born": "gone"} | others)
    alice.refresh_from_db()
    assert str(alice.born_on) == "1988-03-15"


def test_the_merge_page_says_which_word_on_messages_will_hold(as_dana, dana, alice, ali, now):
    for minutes, client, is_given in ((2, alice, True), (1, ali, False)):
        at = now - timedelta(minutes=minutes)
        record_contact_consent(by=dana, now=at, client=client, channel="text", is_given=is_given, source="in person")
    page = as_dana.get(merge_url(alice), {"with": ali.pk})
    text = page.content.decode()
    assert "yes (19 Nov 2026, 08:58, in person)" in text
    assert "no (19 Nov 2026, 08:59, in person)" in text
    assert [row.holds for row in page.context["words_of_two"]] == ["no will hold"]
