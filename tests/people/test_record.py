"""A client's record beside her contact details: word on messages, the therapists' note, the archive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from clinic.audit.models import Look
from clinic.people.models import Client, ContactConsent, TherapistsNote
from clinic.people.services import (
    NoteChanged,
    archive_client,
    bring_back_client,
    has_contact_consent,
    record_contact_consent,
    write_therapists_note,
)
from clinic.scheduling.models import Appointment, Status
from tests.factories import ClientFactory, ServiceFactory
from tests.plans.support import visit

SOON = datetime(2026, 11, 26, 13, 30, tzinfo=UTC)


def address(name: str, client: Client) -> str:
    return reverse(f"people:client-{name}", args=[client.pk])


def text(answer) -> str:
    return " ".join(unescape(answer.content.decode()).split())


# --- Messages


def test_the_desk_records_a_new_word_and_the_page_tells_the_earlier_ones(as_dana, dana, alice, now):
    record_contact_consent(
        by=None, now=now - timedelta(days=9), client=alice, channel="email", is_given=True, source="intake form"
    )
    sent = {"channel": "email", "word": "no", "source": "on the phone"}
    assert as_dana.post(address("consents", alice), sent).status_code == 302
    assert not has_contact_consent(alice, "email")
    page = text(as_dana.get(address("consents", alice)))
    latest = "Declined on Thu 19 Nov 2026, 09:00, on the phone, written by Dana Silva."
    assert page.index(latest) < page.index("Agreed on Tue 10 Nov 2026, 09:00, intake form, by the client.")
    assert "never asked" in page


@pytest.mark.parametrize("left_out", ["channel", "word", "source"])
def test_a_word_is_only_recorded_whole(as_dana, alice, left_out):
    sent = {"channel": "email", "word": "yes", "source": "in person"}
    sent.pop(left_out)
    assert left_out in as_dana.post(address("consents", alice), sent).context["form"].errors
    assert not ContactConsent.objects.exists()


@pytest.mark.parametrize(("channel", "lacking"), [("email", "e-mail address"), ("text", "phone number")])
def test_a_yes_needs_somewhere_to_write_to(as_dana, bea, channel, lacking):
    nobody = ClientFactory(email="", phone="")
    sent = {"channel": channel, "source": "in person"}
    page = as_dana.post(address("consents", nobody), sent | {"word": "yes"})
    assert lacking in page.context["form"].errors["channel"][0]
    assert as_dana.post(address("consents", nobody), sent | {"word": "no"}).status_code == 302


def test_the_page_costs_the_same_for_one_word_and_for_many(as_dana, dana, alice, now, django_assert_max_num_queries):
    def say() -> None:
        record_contact_consent(by=dana, now=now, client=alice, channel="email", is_given=True, source="in person")

    say()
    as_dana.get(address("consents", alice))
    with django_assert_max_num_queries(30) as one:
        as_dana.get(address("consents", alice))
    for _n in range(20):
        say()
    with django_assert_max_num_queries(len(one)):
        as_dana.get(address("consents", alice))


# --- The therapists' note


def test_therapists_write_a_note_and_only_they_see_it(as_bea, as_dana, as_olga, as_alice, alice):
    url = address("note", alice)
    assert as_bea.post(url, {"text": "Startles when touched from behind.\r\nSay so first."}).status_code == 302
    assert TherapistsNote.objects.get().text == "Startles when touched from behind.\nSay so first."
    chart = reverse("desk:client", args=[alice.pk])
    assert "Startles" in text(as_bea.get(chart))
    for browser in (as_dana, as_olga):
        assert browser.get(url).status_code == 404
        assert browser.post(url, {"text": "Read me."}).status_code == 404
        for page in (chart, address("edit", alice), address("consents", alice), reverse("people:client-list")):
            assert "Startles" not in text(browser.get(page))
    assert as_alice.get(url).status_code == 404
    assert Look.objects.filter(why="note for therapists", client_pk=alice.pk).exists()


def test_an_empty_note_removes_it_and_the_history_keeps_what_it_said(as_bea, bea, alice, now):
    write_therapists_note(by=bea.user, now=now, client=alice, text="Startles.", instead_of="")
    as_bea.post(address("note", alice), {"text": " ", "instead_of": "Startles."})
    assert not TherapistsNote.objects.exists()
    told = TherapistsNote.pgh_event_model.objects.order_by("pgh_id").values_list("pgh_label", "text")
    assert list(told) == [("insert", "Startles."), ("delete", "Startles.")]


def test_a_colleagues_note_is_shown_before_it_is_written_over(as_bea, bea, alice, now):
    write_therapists_note(by=bea.user, now=now, client=alice, text="Written meanwhile.", instead_of="")
    url = address("note", alice)
    page = as_bea.post(url, {"text": "Mine.", "instead_of": ""})
    assert "Written meanwhile." in text(page)
    assert "Mine." in text(page)
    assert TherapistsNote.objects.get().text == "Written meanwhile."
    anew = {"text": "Both.", "instead_of": page.context["form"]["instead_of"].value()}
    assert as_bea.post(url, anew).status_code == 302
    assert TherapistsNote.objects.get().text == "Both."


def test_a_note_is_refused_to_whoever_does_not_treat(dana, alice, now):
    with pytest.raises(ValidationError, match="therapist"):
        write_therapists_note(by=dana, now=now, client=alice, text="Hello.", instead_of="")


def test_of_two_who_write_at_once_the_second_is_told(bea, alice, now):
    write_therapists_note(by=bea.user, now=now, client=alice, text="First.", instead_of="")
    with pytest.raises(NoteChanged):
        write_therapists_note(by=bea.user, now=now, client=alice, text="Second.", instead_of="")


def test_a_note_that_is_too_long_or_cannot_be_written_stays_in_the_box(as_bea, alice):
    for typed in ("x" * 2001, "bell \x07"):
        page = as_bea.post(address("note", alice), {"text": typed})
        assert "text" in page.context["form"].errors
        assert page.context["form"]["text"].value() == typed
    assert not TherapistsNote.objects.exists()


# --- The archive


def test_an_archived_client_is_found_only_where_nobody_else_fits_and_can_be_brought_back(as_dana, dana, alice):
    def found() -> list[str]:
        page = as_dana.get("/clients/", {"q": "alice"}, follow=True).context
        return [client.legal_name for client in page["page"]] if "words" in page else [page["client"].legal_name]

    other = ClientFactory(legal_name="Alice Pinto", email="pinto@example.org")
    url = address("archive", alice)
    assert "Archive Alice Marques?" in text(as_dana.get(url))
    assert as_dana.post(url).status_code == 302
    alice.refresh_from_db()
    assert alice.archived_at is not None
    page = text(as_dana.get(reverse("desk:client", args=[alice.pk])))
    assert "Archived" in page
    assert "?client=" not in page
    assert found() == ["Alice Pinto"]
    archive_client(by=dana, now=SOON, client=other)
    assert set(found()) == {"Alice Marques", "Alice Pinto"}
    assert as_dana.post(address("bring-back", alice)).status_code == 302
    alice.refresh_from_db()
    assert alice.archived_at is None
    told = Client.pgh_event_model.objects.filter(pgh_obj=alice.pk, pgh_label="update").order_by("pgh_id")
    assert [(row.archived_at is None, row.pgh_context["by"]) for row in told] == [(False, dana.pk), (True, dana.pk)]


def test_nobody_is_archived_while_visits_are_to_come(as_dana, alice, bea, location):
    booked = visit(alice, bea, ServiceFactory(), location, SOON)
    words = "There is a visit to come, on Thu 26 Nov, 13:30. Cancel it first."
    assert words in text(as_dana.get(address("archive", alice)))
    answer = as_dana.post(address("archive", alice))
    assert answer.status_code == 409
    assert words in text(answer)
    alice.refresh_from_db()
    assert alice.archived_at is None
    Appointment.objects.filter(pk=booked.pk).update(status=Status.CANCELLED)
    assert as_dana.post(address("archive", alice)).status_code == 302


@pytest.mark.parametrize(("minutes", "is_archived"), [(1, False), (0, True), (-1, True)])
def test_a_hold_stands_against_archiving_until_it_has_run_out(dana, alice, bea, location, now, minutes, is_archived):
    visit(alice, bea, ServiceFactory(), location, SOON)
    Appointment.objects.update(status=Status.HELD, held_until=now + timedelta(minutes=minutes))
    if is_archived:
        assert archive_client(by=dana, now=now, client=alice).archived_at == now
    else:
        with pytest.raises(ValidationError, match="a visit to come"):
            archive_client(by=dana, now=now, client=alice)


def test_nobody_is_archived_from_the_table(dana, alice, bea, location, now):
    booked = visit(alice, bea, ServiceFactory(), location, SOON)
    Appointment.objects.filter(pk=booked.pk).update(status=Status.IN_SESSION)
    with pytest.raises(ValidationError):
        archive_client(by=dana, now=SOON + timedelta(days=1), client=alice)


def test_visits_of_the_past_are_no_reason_against_it(dana, alice, bea, location, now):
    visit(alice, bea, ServiceFactory(), location, SOON)
    assert archive_client(by=dana, now=SOON + timedelta(days=1), client=alice).archived_at


def test_archiving_twice_is_archiving_once(dana, alice, now):
    first = archive_client(by=dana, now=now, client=alice)
    assert archive_client(by=dana, now=now + timedelta(days=1), client=alice).archived_at == first.archived_at


def test_a_record_that_went_into_another_does_not_come_back_this_way(dana, alice, now):
    gone = ClientFactory(archived_at=now, merged_into=alice)
    with pytest.raises(ValidationError, match="merged"):
        bring_back_client(by=dana, now=now, client=gone)
