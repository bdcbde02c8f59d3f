"""The note through HTTP, with and without script."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.forms.models import model_to_dict
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic.audit.models import Look
from clinic.people.models import Client, Role, Therapist, User
from clinic.people.worklist import counts_for, worklists
from clinic.scheduling.badges import badges_for
from clinic.scheduling.models import Appointment, Status
from sessions.models import Note
from sessions.services import EDITABLE, lift_mark, place_mark, remove_block, save_note, sign_note
from tests.factories import TherapistFactory, modality
from tests.sessions.conftest import Book, Raise, Record, Start

HTMX = {"HX-Request": "true"}
CHECK = {"phase": "interictal", "is_different": "no", "pain_before": "4", "consent_given": "on"}
BLOCK = {
    "modality": "myofascial",
    "region": "thoracic_upper",
    "side": "both",
    "pressure": "2",
    "minutes": "12",
    "details-technique": "cross_hand",
    "details-hold_seconds": "120",
    "details-release": "full",
}


def text_of(note: Note, **changed: Any) -> dict[str, Any]:
    """Return what the note's form sends."""
    kept = {name: value for name, value in model_to_dict(note, fields=EDITABLE).items() if value not in (None, False)}
    return kept | {"revision": note.revision} | changed


def url(name: str, *args: int) -> str:
    return reverse(f"treatment:{name}", args=args)


# --- Who comes here


@pytest.fixture
def everywhere(draft: Note, book: Book, record: Record, now: datetime) -> list[str]:
    """Return every page of the room."""
    other = book(now + timedelta(hours=2))
    block = record(draft)
    mark = draft.marks.create(region="temple", side="left", kind="tender")
    return [
        url("note-list"),
        url("start", other.pk),
        url("note", draft.pk),
        url("sign", draft.pk),
        url("addendum-add", draft.pk),
        url("block-add", draft.pk),
        url("block-remove", draft.pk, block.pk),
        url("mark-add", draft.pk),
        url("mark-remove", draft.pk, mark.pk),
    ]


@pytest.mark.parametrize("who", ["as_dana", "as_olga", "as_alice", "as_carl"])
def test_nobody_but_therapists_finds_a_note(
    who: str, everywhere: list[str], draft: Note, request: pytest.FixtureRequest
) -> None:
    browser: Browser = request.getfixturevalue(who)
    for page in everywhere:
        assert browser.get(page).status_code in (404, 405), page
        assert browser.post(page, text_of(draft)).status_code in (404, 405), page
    draft.refresh_from_db()
    assert draft.revision == 1


def test_whoever_is_not_signed_in_is_asked_to(everywhere: list[str], client: Browser) -> None:
    for page in everywhere:
        answer = client.post(page)
        assert answer.status_code == 405 or answer.url.startswith("/login/"), page


def test_who_is_signed_out_meanwhile_comes_back_to_the_page_that_was_open(draft: Note, client: Browser) -> None:
    note = url("note", draft.pk)
    asked = client.post(url("sign", draft.pk), headers={"Referer": f"http://testserver{note}"})
    assert asked.url == f"/login/?next={note}"


def test_another_therapist_reads_but_does_not_write(draft: Note, signed_in: Any) -> None:
    eva = TherapistFactory(user__name="Eva Marin")
    browser = signed_in(eva.user)
    page = browser.get(url("note", draft.pk))
    assert "Draft by Bea Lindqvist" in page.text
    assert 'id="note-form"' not in page.text
    assert browser.post(url("note", draft.pk), text_of(draft, response="Mine.")).status_code == 404
    assert browser.post(url("sign", draft.pk), text_of(draft)).status_code == 404


def test_each_opening_is_logged(draft: Note, as_bea: Browser, bea: Therapist, alice: Client) -> None:
    as_bea.get(url("note", draft.pk))
    look = Look.objects.get(what="treatment.note")
    assert (look.by, look.client_pk, look.what_pk) == (bea.user, alice.pk, draft.pk)


# --- Starting


def test_the_check_shows_what_is_in_force(
    visit: Appointment, calm: None, raise_finding: Raise, as_bea: Browser
) -> None:
    raise_finding("cap", "Botulinum toxin, day 5.", cap=2)
    page = as_bea.get(url("start", visit.pk)).text
    assert "Cap 2" in page
    assert "Botulinum toxin, day 5." in page
    assert not Note.objects.exists()


def test_the_check_says_that_no_intake_is_filled_in(visit: Appointment, as_bea: Browser) -> None:
    assert "not filled in: deep and neck work is held back" in as_bea.get(url("start", visit.pk)).text


def test_a_calm_check_leads_to_the_note(visit: Appointment, calm: None, as_bea: Browser) -> None:
    answer = as_bea.post(url("start", visit.pk), CHECK)
    note = Note.objects.get()
    assert answer.url == url("note", note.pk)
    assert (note.is_usual, note.consent_given, note.pain_before) == (True, True, 4)
    assert as_bea.get(url("start", visit.pk)).url == url("note", note.pk)


def test_an_empty_check_says_what_is_missing(visit: Appointment, calm: None, as_bea: Browser) -> None:
    answer = as_bea.post(url("start", visit.pk), {})
    assert set(answer.context["form"].errors) == {"phase", "is_different", "pain_before", "consent_given"}
    assert not Note.objects.exists()


def test_different_from_the_usual_asks_the_neck_artery_questions(
    visit: Appointment, calm: None, as_bea: Browser
) -> None:
    different = CHECK | {"is_different": "yes"}
    asked = as_bea.post(url("start", visit.pk), different)
    assert set(asked.context["form"].errors) == {"neck_artery"}
    assert "n-later" not in asked.text
    none = as_bea.post(url("start", visit.pk), different | {"none_of_these": "on"})
    assert none.status_code == 302
    assert not Note.objects.get().is_usual


def test_a_neurological_sign_shows_the_emergency_words_and_starts_nothing(
    visit: Appointment, calm: None, as_bea: Browser
) -> None:
    answer = as_bea.post(url("start", visit.pk), CHECK | {"is_different": "yes", "neck_artery": ["double_vision"]})
    assert answer.status_code == 409
    assert 'href="tel:112"' in answer.text
    assert "nobody is watching" in answer.text
    assert not Note.objects.exists()


def test_the_number_to_call_is_that_of_the_visits_location(visit: Appointment, calm: None, as_bea: Browser) -> None:
    visit.location.emergency_number = "999"
    visit.location.save(update_fields=["emergency_number"])
    answer = as_bea.post(url("start", visit.pk), CHECK | {"is_different": "yes", "neck_artery": ["double_vision"]})
    assert 'href="tel:999"' in answer.text


def test_a_refused_start_says_why_and_keeps_the_answers(
    visit: Appointment, calm: None, raise_finding: Raise, as_bea: Browser
) -> None:
    raise_finding("block", "Fever since yesterday.")
    answer = as_bea.post(url("start", visit.pk), CHECK)
    assert answer.status_code == 409
    assert "No session today. Fever since yesterday." in answer.text
    assert "to put right" not in answer.text
    assert answer.context["form"]["pain_before"].value() == "4"


# --- Writing


def test_the_note_shows_who_what_and_what_is_in_force(
    draft: Note, record: Record, raise_finding: Raise, as_bea: Browser
) -> None:
    raise_finding("cap", "Botulinum toxin, day 5.", cap=2)
    record(draft)
    page = as_bea.get(url("note", draft.pk)).text
    for words in ("Alice Marques", "Between attacks", "Cap 2", "front of the neck", "Upper back", "cross-hand", "Dim"):
        assert words in page, words
    assert "style=" not in page


def test_saving_by_its_button_keeps_everything(draft: Note, as_bea: Browser) -> None:
    answer = as_bea.post(url("note", draft.pk), text_of(draft, response="Lighter.", pain_after="1", is_drowsy="on"))
    assert answer.url == url("note", draft.pk)
    draft.refresh_from_db()
    assert (draft.response, draft.pain_after, draft.is_drowsy, draft.revision) == ("Lighter.", 1, True, 2)


def test_autosave_answers_with_the_time_and_the_new_revision(draft: Note, as_bea: Browser) -> None:
    answer = as_bea.post(url("note", draft.pk), text_of(draft, response="Lighter."), headers=HTMX)
    assert "Saved 09:00" in answer.text
    assert re.search(r'name="revision" value="2"[^>]*hx-swap-oob="true"', answer.text)
    assert "<html" not in answer.text


def test_autosave_brings_the_head_up_to_date(draft: Note, as_bea: Browser) -> None:
    answer = as_bea.post(url("note", draft.pk), text_of(draft, phase="attack", pain_before="7"), headers=HTMX)
    assert re.search(r'id="today" hx-swap-oob="true".*Attack</b>, pain 7 of 10', answer.text, re.DOTALL)


def test_a_mark_beside_text_that_cannot_be_saved_leaves_the_body_map_in_place(draft: Note, as_bea: Browser) -> None:
    mark = {"mark-region": "temple", "mark-side": "left", "mark-kind": "tender"}
    answer = as_bea.post(url("mark-add", draft.pk), text_of(draft, pain_after="11", **mark), headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (422, "#saved")


def test_the_next_mark_begins_as_the_last_one(draft: Note, as_bea: Browser) -> None:
    mark = {"mark-region": "temple", "mark-side": "left", "mark-kind": "avoid"}
    answer = as_bea.post(url("mark-add", draft.pk), text_of(draft, **mark), headers=HTMX)
    assert '<option value="avoid" selected>' in answer.text


def test_autosave_says_what_cannot_be_saved(draft: Note, as_bea: Browser) -> None:
    answer = as_bea.post(url("note", draft.pk), text_of(draft, pain_after="11"), headers=HTMX)
    assert answer.status_code == 422
    assert "Not saved" in answer.text
    assert "#id_pain_after" in answer.text


def test_what_cannot_be_saved_is_shown_with_everything_typed(draft: Note, as_bea: Browser) -> None:
    answer = as_bea.post(url("note", draft.pk), text_of(draft, pain_after="11", response="Long text."))
    assert answer.status_code == 422
    assert "Long text." in answer.text


def test_two_tabs_lose_nothing(draft: Note, as_bea: Browser, bea: Therapist, now: datetime) -> None:
    save_note(by=bea.user, now=now, note=draft, revision=1, response="From the tablet.", home_care="Walk.")
    mine = text_of(draft, response="From the desk.")
    told = as_bea.post(url("note", draft.pk), mine, headers=HTMX)
    assert told.status_code == 409
    assert "Saved elsewhere" in told.text
    both = as_bea.post(url("note", draft.pk), mine)
    assert both.status_code == 409
    assert "From the tablet." in both.text
    assert "From the desk." in both.text
    assert "Walk." in both.text
    together = mine | {"response": "From the tablet. From the desk.", "home_care": "Walk.", "revision": 2}
    assert as_bea.post(url("note", draft.pk), together).status_code == 302
    draft.refresh_from_db()
    assert (draft.response, draft.home_care) == ("From the tablet. From the desk.", "Walk.")


# --- Blocks and marks


def test_adding_a_block_without_script_saves_the_text_on_the_way(draft: Note, as_bea: Browser) -> None:
    answer = as_bea.post(url("note", draft.pk), text_of(draft, response="So far.", add="myofascial"))
    assert answer.url == url("block-add", draft.pk) + "?modality=myofascial"
    draft.refresh_from_db()
    assert draft.response == "So far."
    assert "Held, seconds" in as_bea.get(answer.url).text
    added = as_bea.post(url("block-add", draft.pk), BLOCK)
    assert added.url == url("note", draft.pk) + "#treatment"
    block = draft.blocks.get()
    assert (block.modality.slug, block.technique, block.minutes) == ("myofascial", "cross_hand", 12)
    assert block.details == {"hold_seconds": 120, "release": "full"}


def test_adding_a_block_with_script_swaps_the_blocks(draft: Note, as_bea: Browser) -> None:
    answer = as_bea.post(url("block-add", draft.pk), BLOCK, headers=HTMX)
    assert answer.headers["HX-Retarget"] == "#blocks"
    assert "cross-hand, held 120 s, release full" in answer.text
    assert "<html" not in answer.text


def test_adding_a_block_with_script_on_the_page_of_its_own_leads_back_to_the_note(draft: Note, as_bea: Browser) -> None:
    here = f"http://testserver{url('block-add', draft.pk)}?modality=myofascial"
    answer = as_bea.post(url("block-add", draft.pk), BLOCK, headers=HTMX | {"HX-Current-URL": here})
    assert answer.headers["HX-Redirect"] == url("note", draft.pk) + "#treatment"
    assert draft.blocks.count() == 1


def test_the_fields_are_those_of_the_modality(draft: Note, as_bea: Browser) -> None:
    page = as_bea.get(url("block-add", draft.pk) + "?modality=neuromuscular", headers=HTMX).text
    assert "Usual headache felt?" in page
    assert 'name="details-hold_seconds"' in page
    page = as_bea.get(url("block-add", draft.pk) + "?modality=reflexology", headers=HTMX).text
    assert 'value="foot"' in page
    assert 'value="temple"' not in page


def test_an_unfinished_block_says_what_is_missing(draft: Note, as_bea: Browser) -> None:
    answer = as_bea.post(url("block-add", draft.pk), {"modality": "neuromuscular"}, headers=HTMX)
    assert answer.status_code == 422
    assert {"region", "side", "pressure", "minutes"} <= set(answer.context["form"].errors)
    assert set(answer.context["opened"].details.errors) == {"technique", "muscle", "point"}


def test_keys_above_the_cap_are_locked_with_the_reason_below(
    draft: Note, raise_finding: Raise, as_bea: Browser
) -> None:
    raise_finding("cap", "Botulinum toxin, day 5.", cap=2, applies_to=[{"regions": ["upper_trapezius"]}])
    here = {**BLOCK, "region": "upper_trapezius", "look": "1"}
    page = as_bea.post(url("block-add", draft.pk), here, headers=HTMX)
    assert re.findall(r'id="id_pressure_(\d)"[^>]*disabled', page.text) == ["3", "4", "5"]
    assert "Botulinum toxin, day 5." in page.text
    assert "Not added yet" not in page.text
    elsewhere = as_bea.post(url("block-add", draft.pk), {**BLOCK, "look": "1"}, headers=HTMX)
    assert "disabled" not in elsewhere.text
    above = as_bea.post(url("block-add", draft.pk), {**here, "above": "1"}, headers=HTMX)
    assert "disabled" not in above.text
    assert 'name="override_reason"' in above.text
    assert not draft.blocks.exists()


def test_above_the_cap_is_recorded_with_its_reason(draft: Note, raise_finding: Raise, as_bea: Browser) -> None:
    raise_finding("cap", "Botulinum toxin, day 5.", cap=2)
    firm = {**BLOCK, "pressure": "3"}
    refused = as_bea.post(url("block-add", draft.pk), firm)
    assert refused.status_code == 422
    assert "Say why." in refused.text
    assert as_bea.post(url("block-add", draft.pk), {**firm, "override_reason": "Her doctor agreed."}).status_code == 302
    assert "Reason: Her doctor agreed." in as_bea.get(url("note", draft.pk)).text


def test_what_is_forbidden_can_only_be_written_down_as_a_deviation(
    draft: Note, raise_finding: Raise, as_bea: Browser
) -> None:
    raise_finding("block", "Wound.", applies_to=[{"regions": ["thoracic_upper"]}])
    refused = as_bea.post(url("block-add", draft.pk), BLOCK)
    assert refused.status_code == 422
    assert "Not to be done." in refused.text
    assert not any(key.is_locked for key in refused.context["opened"].keys)
    done = {**BLOCK, "is_deviation": "on", "override_reason": "Seen only afterwards."}
    assert as_bea.post(url("block-add", draft.pk), done).status_code == 302
    assert "Deviation" in as_bea.get(url("note", draft.pk)).text


def test_a_block_is_taken_out_and_the_text_is_kept(draft: Note, record: Record, as_bea: Browser) -> None:
    block = record(draft)
    as_bea.post(url("block-remove", draft.pk, block.pk), text_of(draft, response="Kept."))
    draft.refresh_from_db()
    assert not draft.blocks.exists()
    assert draft.response == "Kept."


def test_marks_are_placed_and_lifted_by_name(draft: Note, as_bea: Browser) -> None:
    mark = {"mark-region": "temple", "mark-side": "left", "mark-kind": "tender"}
    as_bea.post(url("mark-add", draft.pk), text_of(draft, response="Kept.", **mark))
    page = as_bea.get(url("note", draft.pk)).text
    assert "Temple</b>, left: tender" in page
    assert page.count("mark--tender") >= 2
    draft.refresh_from_db()
    assert draft.response == "Kept."
    as_bea.post(url("mark-remove", draft.pk, draft.marks.get().pk), text_of(draft), headers=HTMX)
    assert not draft.marks.exists()


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_an_unfinished_mark_says_what_is_missing(draft: Note, as_bea: Browser, headers: dict[str, str]) -> None:
    answer = as_bea.post(url("mark-add", draft.pk), text_of(draft, **{"mark-region": "vertex"}), headers=headers)
    assert answer.status_code == 422
    assert set(answer.context["mark_form"].errors) == {"side", "kind"}


def test_another_notes_block_is_not_found_here(
    draft: Note, record: Record, book: Book, start: Start, now: datetime, as_bea: Browser
) -> None:
    other = start(book(now + timedelta(hours=2)))
    block = record(other)
    assert as_bea.post(url("block-remove", draft.pk, block.pk), text_of(draft)).status_code == 404
    assert other.blocks.exists()


# --- Signing


def test_signing_shows_what_is_missing_with_links(draft: Note, as_bea: Browser) -> None:
    answer = as_bea.post(url("sign", draft.pk), text_of(draft, response=""))
    assert answer.status_code == 422
    assert 'href="#id_pain_after"' in answer.text
    assert 'href="#treatment"' in answer.text


def test_signing_saves_shows_the_whole_and_freezes_once_confirmed(
    finished: Note, as_bea: Browser, now: datetime
) -> None:
    shown = as_bea.post(url("sign", finished.pk), text_of(finished, response="The last words."))
    assert "The last words." in shown.text
    finished.refresh_from_db()
    assert not finished.is_signed
    as_bea.post(url("sign", finished.pk), {"shown": shown.context["shown"]})
    finished.refresh_from_db()
    assert finished.is_signed
    assert Appointment.objects.get(pk=finished.appointment_id).status == Status.COMPLETED
    page = as_bea.get(url("note", finished.pk)).text
    assert finished.digest[:12] in page
    assert 'id="note-form"' not in page


def test_it_signs_only_what_was_shown(finished: Note, as_bea: Browser, bea: Therapist, now: datetime) -> None:
    shown = preview_of(finished, as_bea)
    save_note(by=bea.user, now=now, note=finished, revision=finished.revision, response="Written elsewhere since.")
    answer = as_bea.post(url("sign", finished.pk), {"shown": shown})
    assert answer.status_code == 409
    assert "has changed since it was shown" in answer.text
    assert "Written elsewhere since." in answer.text
    finished.refresh_from_db()
    assert not finished.is_signed
    as_bea.post(url("sign", finished.pk), {"shown": answer.context["shown"]})
    finished.refresh_from_db()
    assert finished.is_signed


@pytest.mark.parametrize("what", ["block added", "block removed", "mark placed", "mark lifted"])
def test_a_block_or_mark_written_after_the_preview_is_not_signed_unseen(
    what: str, finished: Note, record: Record, as_bea: Browser, bea: Therapist, now: datetime
) -> None:
    common: dict[str, Any] = {"by": bea.user, "now": now, "note": finished}
    mark = place_mark(**common, region="temple", side="left", kind="tender")
    second = record(finished, minutes=5)
    shown = preview_of(finished, as_bea)
    if what == "block added":
        record(finished, minutes=7)
    elif what == "block removed":
        remove_block(**common, block=second)
    elif what == "mark placed":
        place_mark(**common, region="brow", side="left", kind="tender")
    else:
        lift_mark(**common, mark=mark)
    assert as_bea.post(url("sign", finished.pk), {"shown": shown}).status_code == 409
    finished.refresh_from_db()
    assert not finished.is_signed


def preview_of(note: Note, browser: Browser) -> str:
    """Return what the preview carries of what it shows."""
    shown: str = browser.post(url("sign", note.pk), text_of(note)).context["shown"]
    return shown


def test_addenda_follow_a_signed_note(signed: Note, as_bea: Browser) -> None:
    as_bea.post(url("addendum-add", signed.pk), {"text": "She called: sore, gone next day."})
    assert "She called: sore, gone next day." in as_bea.get(url("note", signed.pk)).text
    assert as_bea.post(url("addendum-add", signed.pk), {"text": " "}).status_code == 422


# --- Open work, badges, many notes


def test_the_list_holds_this_therapists_drafts(draft: Note, as_bea: Browser, signed_in: Any) -> None:
    assert "Alice Marques" in as_bea.get(url("note-list")).text
    eva = TherapistFactory()
    assert "Every note is signed." in signed_in(eva.user).get(url("note-list")).text


def test_drafts_are_open_work_for_their_therapist_only(
    draft: Note, bea: Therapist, dana: User, olga: User, now: datetime
) -> None:
    assert counts_for(bea.user, now)["notes"] == 1
    assert counts_for(dana, now)["notes"] == counts_for(olga, now)["notes"] == 0
    (row,) = worklists["notes"].rows(bea.user, now + timedelta(days=1))
    assert (row.title, row.verb, row.url, row.is_urgent) == ("Alice Marques", "Finish", url("note", draft.pk), True)
    assert worklists["notes"].rows(dana, now) == []


def test_badges_say_draft_or_signed_to_staff(
    finished: Note, visit: Appointment, bea: Therapist, dana: User, alice_user: User, now: datetime
) -> None:
    words = {badge.words for badge in badges_for(dana, [visit])[visit.pk]}
    assert "note in draft" in words
    sign_note(by=bea.user, now=now, note=finished)
    words = {badge.words for badge in badges_for(dana, [visit])[visit.pk]}
    assert "note signed" in words
    assert "note signed" not in {badge.words for badge in badges_for(alice_user, [visit])[visit.pk]}


def test_a_client_with_many_notes_costs_no_more_queries(
    book: Book, calm: None, start: Start, record: Record, as_bea: Browser, bea: Therapist, now: datetime
) -> None:
    def visits(count: int, first_day: int) -> Note:
        for day in range(first_day, first_day + count):
            moment = now + timedelta(days=day)
            note = start(book(moment), now=moment)
            record(note, now=moment)
            done = save_note(by=bea.user, now=moment, note=note, revision=1, pain_after=1)
            sign_note(by=bea.user, now=moment, note=done)
        return start(book(now + timedelta(days=first_day + count)), now=now + timedelta(days=first_day + count))

    def queries(note: Note) -> int:
        as_bea.get(url("note", note.pk))
        with CaptureQueriesContext(
            connection,
        ) as captured:
            as_bea.get(url("note", note.pk))
        return len(captured)

    few = queries(visits(1, 0))
    many = queries(visits(6, 2))
    assert many == few < 40


def test_an_owner_who_treats_reads_notes_too(draft: Note, signed_in: Any, olga: User) -> None:
    assert signed_in(olga).get(url("note", draft.pk)).status_code == 404
    olga.roles = [Role.OWNER, Role.THERAPIST]
    olga.save()
    assert signed_in(olga).get(url("note", draft.pk)).status_code == 200


def test_the_modalities_offered_are_the_therapists_own(
    book: Book, calm: None, bea: Therapist, start: Start, now: datetime, as_bea: Browser
) -> None:
    bea.qualifications.exclude(modality__slug__in=["myofascial", "swedish"]).delete()
    note = start(book(now))
    page = as_bea.get(url("note", note.pk))
    assert [found.slug for found in page.context["modalities"]] == ["myofascial", "swedish"]
    assert modality("swedish").name in page.text
