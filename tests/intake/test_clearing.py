"""Clearances, letters and documents: what therapists do with them, and that nobody else ever sees them."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser
from django.urls import reverse

from clinic.audit.models import Change, Look
from clinic.desk.force import force_of
from clinic.lib.body import GROUPS, Group
from clinic.lib.files import read_file
from clinic.people.models import Client, Therapist, User
from clinic.people.worklist import worklists
from intake import services
from intake.clearing import record_clearance, revoke_clearance, waiting_for_clearance, write_letter
from intake.documents import add_document, documents_of, file_name, remove_document
from intake.models import Consent, Finding
from intake.models_clearing import Clearance, Document, Letter
from intake.safety import Planned
from tests.factories import ClientFactory
from tests.intake.answers import reviewed_intake, send
from tests.lib.test_uploads import PDF, picture
from tests.pdfs import words_on

TODAY = date(2026, 11, 19)
NECK = Planned(modality="swedish", regions=frozenset({"neck_posterior_upper"}), pressure=2)
HEAD = Planned(modality="swedish", regions=frozenset({"temple"}), pressure=2)


@pytest.fixture
def finding(alice: Client, now: datetime) -> Finding:
    """Alice's headaches depend on position: head and neck wait for a clearance."""
    send(alice, now=now, rf_position="yes", physician="yes")
    return Finding.objects.get(rule="red_flag_07")


@pytest.fixture
def paper(alice: Client, bea: Therapist, now: datetime) -> Document:
    return add_document(by=bea.user, now=now, client=alice, name="Dr Lemaire.pdf", content=PDF)


@pytest.fixture
def record(alice: Client, bea: Therapist, finding: Finding, paper: Document, now: datetime) -> Callable[..., Clearance]:
    """Return a function that records a clearance for the neck."""

    def clear(**scope: Any) -> Clearance:
        said: dict[str, Any] = {
            "by": bea.user, "now": now, "client": alice, "findings": [finding], "clinician": "Dr Lemaire",
            "given_on": TODAY, "starts_on": TODAY, "ends_on": TODAY + timedelta(days=90), "pressure_up_to": 3,
            "document": paper, "regions": ["neck_posterior_upper"],
        }  # fmt: skip
        return record_clearance(**(said | scope))

    return clear


def may_be_done(client: Client, planned: Planned, day: date = TODAY) -> bool:
    return services.verdict_for(client, planned, day).allowed


# --- What it opens


def test_it_opens_what_it_names_from_the_moment_it_is_recorded(
    alice: Client, record: Callable[..., Clearance], finding: Finding
) -> None:
    assert not may_be_done(alice, NECK)
    record()
    assert may_be_done(alice, NECK)
    assert not may_be_done(alice, HEAD)
    assert not may_be_done(alice, NECK, TODAY + timedelta(days=91))
    finding.refresh_from_db()
    assert finding.acknowledged_at is not None


def test_a_finding_that_has_grown_since_is_not_covered_any_more(
    alice: Client, bea: Therapist, paper: Document, now: datetime
) -> None:
    send(alice, now=now, neck_injury="yes", neck_injury_on="2026-11-01")
    hurt = Finding.objects.get(rule="neck_injury")
    scope = {"pressure_up_to": 5, "starts_on": TODAY, "ends_on": TODAY + timedelta(days=90)}
    record_clearance(
        by=bea.user, now=now, client=alice, findings=[hurt], clinician="Dr Lemaire", given_on=TODAY, document=paper,
        **scope,
    )  # fmt: skip
    assert may_be_done(alice, NECK)
    later = now + timedelta(hours=1)
    send(alice, now=later, neck_injury="yes", neck_injury_on="2026-11-18")
    assert not may_be_done(alice, NECK)
    hurt.refresh_from_db()
    services.acknowledge_finding(by=bea.user, now=later, finding=hurt)
    assert not may_be_done(alice, NECK), "to know of it clears nothing"
    record_clearance(
        by=bea.user, now=later, client=alice, findings=[hurt], clinician="Dr Lemaire", given_on=TODAY, document=paper,
        **scope,
    )  # fmt: skip
    assert may_be_done(alice, NECK), "the same again, of what is known now, is no repetition"


def test_a_finding_that_was_closed_and_came_again_is_not_covered(
    alice: Client, bea: Therapist, finding: Finding, record: Callable[..., Clearance], now: datetime
) -> None:
    record()
    services.close_finding(by=bea.user, now=now, finding=finding, reason="Gone.")
    send(alice, now=now + timedelta(days=1), rf_position="yes")
    assert not may_be_done(alice, NECK)


def test_taken_back_it_opens_nothing_from_that_moment(
    alice: Client, bea: Therapist, record: Callable[..., Clearance], now: datetime
) -> None:
    clearance = record()
    revoke_clearance(by=bea.user, now=now, clearance=clearance, reason="Her doctor called.")
    assert not may_be_done(alice, NECK)
    with pytest.raises(ValidationError, match="taken this clearance back meanwhile"):
        revoke_clearance(by=bea.user, now=now, clearance=clearance, reason="Again.")


def test_sent_twice_it_is_recorded_once(record: Callable[..., Clearance]) -> None:
    assert record() == record()
    assert Clearance.objects.count() == 1


@pytest.mark.parametrize(
    ("scope", "field"),
    [
        ({"findings": []}, "findings"),
        ({"clinician": "  "}, "clinician"),
        ({"given_on": TODAY + timedelta(days=1), "starts_on": TODAY + timedelta(days=1)}, "given_on"),
        ({"starts_on": TODAY - timedelta(days=1)}, "starts_on"),
        ({"ends_on": TODAY - timedelta(days=1)}, "ends_on"),
        ({"given_on": date(2026, 1, 1), "starts_on": date(2026, 1, 1), "ends_on": date(2026, 2, 1)}, "ends_on"),
        ({"pressure_up_to": 6}, "pressure_up_to"),
        ({"regions": ["tail"]}, "regions"),
        ({"modalities": ["alchemy"]}, "modalities"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(
    record: Callable[..., Clearance], scope: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        record(**scope)
    assert list(refused.value.message_dict) == [field]
    assert not Clearance.objects.exists()


def test_neither_another_clients_paper_nor_her_finding_is_taken(
    bea: Therapist, record: Callable[..., Clearance], finding: Finding, now: datetime
) -> None:
    other = ClientFactory()
    send(other, now=now, rf_position="yes")
    theirs = Finding.objects.exclude(client=finding.client_id).get(rule="red_flag_07")
    with pytest.raises(ValidationError, match="Choose what the doctor has judged"):
        record(findings=[finding, theirs])
    document = add_document(by=bea.user, now=now, client=other, name="x.pdf", content=PDF)
    with pytest.raises(ValidationError, match="about somebody else"):
        record(document=document)


def test_what_blocks_is_not_among_what_a_clearance_can_open(alice: Client, now: datetime) -> None:
    send(alice, now=now, rf_position="yes", illness="yes", rf_optic="yes")
    assert [finding.rule for finding in waiting_for_clearance(alice.pk)] == ["red_flag_07"]


# --- The worklist


@pytest.mark.parametrize(("days", "is_told"), [(60, False), (21, True), (0, True)])
def test_a_clearance_near_its_end_is_open_work(
    bea: Therapist, dana: User, record: Callable[..., Clearance], now: datetime, days: int, is_told: bool
) -> None:
    record(ends_on=TODAY + timedelta(days=days))
    rows = worklists["clearances"].rows(bea.user, now)
    assert [row.title for row in rows] == (["Alice Marques"] if is_told else [])
    assert list(worklists["clearances"].rows(dana, now)) == []


def test_it_is_no_longer_once_a_longer_one_or_a_closing_takes_its_place(
    bea: Therapist, finding: Finding, record: Callable[..., Clearance], now: datetime
) -> None:
    record(ends_on=TODAY + timedelta(days=3))
    longer = record(ends_on=TODAY + timedelta(days=90))
    assert list(worklists["clearances"].rows(bea.user, now)) == []
    revoke_clearance(by=bea.user, now=now, clearance=longer, reason="A mistake.")
    assert len(worklists["clearances"].rows(bea.user, now)) == 1
    services.close_finding(by=bea.user, now=now, finding=finding, reason="Gone.")
    assert list(worklists["clearances"].rows(bea.user, now)) == []


# --- The letter


def test_the_letter_says_who_and_what_is_asked_and_nothing_else(
    alice: Client, bea: Therapist, finding: Finding, now: datetime
) -> None:
    send(alice, now=now, rf_position="yes", rf_cancer="yes", goals="Zebrafinch", physician="yes")
    letter = write_letter(by=bea.user, now=now, client=alice, findings=[finding], to_name="Dr Lemaire")
    words = words_on(read_file(letter.document.file))
    for expected in ("Alice Marques", "Dear Dr Lemaire", "depends on position", "head, neck", "Bea Lindqvist"):
        assert expected in words
    assert "Alice Marques has agreed that we write to you." in words
    assert "cancer" not in words.lower()
    assert "Zebrafinch" not in words


def test_without_her_consent_the_letter_is_hers_to_carry(
    as_bea: Browser, alice: Client, bea: Therapist, finding: Finding, now: datetime
) -> None:
    Consent.objects.filter(code="physician").update(revoked_at=now)
    page = as_bea.get(reverse("intake:letter-new", args=[alice.pk])).text
    assert "She has not agreed that we write to her doctor." in page
    letter = write_letter(by=bea.user, now=now, client=alice, findings=[finding], to_name="Dr Lemaire")
    assert not letter.has_consent
    assert "Alice Marques brings you this letter in person." in words_on(read_file(letter.document.file))


def test_a_letter_sent_twice_is_written_once_and_its_copy_stays(
    as_bea: Browser, bea: Therapist, alice: Client, finding: Finding, now: datetime
) -> None:
    typed = {"findings": [finding.pk], "to_name": "Dr Lemaire", "to_contact": "Rua 1\r\nLisboa"}
    for _ in range(2):
        assert as_bea.post(reverse("intake:letter-new", args=[alice.pk]), typed).status_code == 302
    copy = Letter.objects.get().document
    response = as_bea.get(reverse("intake:document", args=[copy.pk]))
    assert response.content.startswith(b"%PDF-")
    as_bea.post(reverse("intake:document-remove", args=[copy.pk]))
    with pytest.raises(ValidationError, match="Copies of letters are kept"):
        remove_document(by=bea.user, now=now, document=copy)


# --- Through the pages


def typed_for(finding: Finding, **changed: Any) -> dict[str, Any]:
    return {
        "findings": [finding.pk], "clinician": "Dr Lemaire", "given_on": "2026-11-18", "where": "some",
        "regions": ["neck_posterior_upper"], "pressure_up_to": "3", "starts_on": "2026-11-19",
        "ends_on": "2027-02-28", "file": SimpleUploadedFile("Brief.pdf", PDF, "text/html"), **changed,
    }  # fmt: skip


def test_a_clearance_is_recorded_with_its_paper_on_one_page(as_bea: Browser, alice: Client, finding: Finding) -> None:
    new = reverse("intake:clearance-new", args=[alice.pk])
    assert "Depends on position" in as_bea.get(new).text
    response = as_bea.post(new, typed_for(finding))
    assert response.headers["Location"] == reverse("intake:clearances", args=[alice.pk])
    clearance = Clearance.objects.get()
    assert (clearance.document.name, clearance.document.media_type) == ("Brief.pdf", "application/pdf")
    page = as_bea.get(reverse("intake:clearances", args=[alice.pk])).text
    assert "any way of working · Back of the neck, upper · pressure up to 3" in page
    findings = as_bea.get(reverse("intake:findings", args=[alice.pk])).text
    assert "Dr Lemaire, 19 Nov 2026 to 28 Feb 2027" in findings
    assert may_be_done(alice, NECK)


def test_the_paper_and_all_that_was_typed_outlive_a_mistake_beside_them(
    as_bea: Browser, alice: Client, finding: Finding
) -> None:
    new = reverse("intake:clearance-new", args=[alice.pk])
    page = as_bea.post(new, typed_for(finding, ends_on="2026-11-31"))
    assert "Please write a date that exists." in page.text
    kept = Document.objects.get()
    assert f'<option value="{kept.pk}" selected>' in page.text
    assert 'value="Dr Lemaire"' in page.text
    assert not Clearance.objects.exists()
    again = typed_for(finding, document=str(kept.pk))
    del again["file"]
    assert as_bea.post(new, again).status_code == 302
    assert Clearance.objects.get().document == kept


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"file": SimpleUploadedFile("a.pdf", b"<html>")}, "Only a PDF, a JPEG, a PNG or a HEIC is taken"),
        ({"file": ""}, "Without the paper a clearance does not count; add it."),
        ({"regions": []}, "Choose the regions that the doctor names."),
        ({"findings": []}, "Choose at least one."),
        ({"ends_on": "2026-11-01"}, "It ends before it begins."),
        ({"clinician": "x" * 200}, "at most 160 characters"),
        ({"pressure_up_to": "9"}, "Select a valid choice"),
    ],
)
def test_a_refusal_stands_beside_its_field(
    as_bea: Browser, alice: Client, finding: Finding, changed: dict[str, Any], sentence: str
) -> None:
    page = as_bea.post(reverse("intake:clearance-new", args=[alice.pk]), typed_for(finding, **changed)).text
    assert sentence in page
    assert not Clearance.objects.exists()


def test_a_document_is_handed_out_so_that_it_runs_nowhere_and_the_look_is_logged(
    as_bea: Browser, bea: Therapist, paper: Document
) -> None:
    response = as_bea.get(reverse("intake:document", args=[paper.pk]))
    assert response.content == PDF
    assert response.headers["Content-Disposition"] == 'attachment; filename="Dr Lemaire.pdf"'
    assert response.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "private, no-store"
    look = Look.objects.get(what="intake.document")
    assert (look.by, look.what_pk) == (bea.user, paper.pk)


def test_a_document_goes_with_its_file_unless_a_clearance_rests_on_it(
    as_bea: Browser,
    alice: Client,
    record: Callable[..., Clearance],
    paper: Document,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    record()
    as_bea.post(reverse("intake:document-add", args=[alice.pk]), {"file": SimpleUploadedFile("p.jpg", picture("JPEG"))})
    photo = documents_of(alice.pk).get(media_type="image/jpeg")
    with django_capture_on_commit_callbacks(execute=True):
        for document in (photo, paper):
            as_bea.post(reverse("intake:document-remove", args=[document.pk]))
    assert list(documents_of(alice.pk)) == [paper]
    assert not Path(settings.FILES_FOLDER, photo.file).exists()
    assert Path(settings.FILES_FOLDER, paper.file).exists()
    page = as_bea.get(reverse("intake:clearances", args=[alice.pk])).text
    assert "Dr Lemaire.pdf" in page


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\letters\\Brief.exe", "Brief.pdf"),
        ('a"\r\nX: y.pdf', 'a"X: y.pdf'),
        ("", "document.pdf"),
        ("\u202efdp.exe", "fdp.pdf"),
        ("é" * 300 + ".pdf", "é" * 116 + ".pdf"),
    ],
)
def test_a_file_is_called_by_its_plain_name_and_its_true_ending(name: str, expected: str) -> None:
    assert file_name(name, "application/pdf") == expected


def test_a_full_disk_is_one_sentence_and_loses_nothing_that_was_typed(
    as_bea: Browser, alice: Client, finding: Finding, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    page = as_bea.post(reverse("intake:clearance-new", args=[alice.pk]), typed_for(finding)).text
    assert "There is no room left for files." in page
    assert 'value="Dr Lemaire"' in page
    assert not Document.objects.exists()
    assert not Clearance.objects.exists()


def test_a_file_that_is_gone_is_told_and_breaks_no_page(as_bea: Browser, paper: Document) -> None:
    Path(settings.FILES_FOLDER, paper.file).unlink()
    page = as_bea.get(reverse("intake:document", args=[paper.pk]), follow=True).text
    assert "This file is not on the disk" in page


def test_what_a_clearance_opens_no_longer_stops_everything_on_the_chart(
    as_bea: Browser, alice: Client, bea: Therapist, paper: Document, now: datetime
) -> None:
    reviewed_intake(alice, bea.user, now=now, pressure_uncontrolled="yes", pressure_crisis="no")
    [held] = waiting_for_clearance(alice.pk)
    assert force_of(alice.pk, TODAY).kind == "stop"
    record_clearance(
        by=bea.user, now=now, client=alice, findings=[held], clinician="Dr Lemaire", given_on=TODAY, starts_on=TODAY,
        ends_on=TODAY, pressure_up_to=3, document=paper,
    )  # fmt: skip
    assert force_of(alice.pk, TODAY).kind == "todo"
    assert force_of(alice.pk, TODAY).alerts.rows == ()
    assert force_of(alice.pk, TODAY + timedelta(days=1)).kind == "stop"


# --- Who


@pytest.mark.parametrize("who", ["as_dana", "as_olga", "as_alice", "as_carl"])
def test_only_therapists_reach_clearances_letters_and_documents(
    who: str, request: pytest.FixtureRequest, alice: Client, record: Callable[..., Clearance], paper: Document
) -> None:
    browser: Browser = request.getfixturevalue(who)
    clearance = record()
    doors = [
        ("get", "intake:clearances", alice.pk),
        ("get", "intake:clearance-new", alice.pk),
        ("post", "intake:clearance-new", alice.pk),
        ("get", "intake:letter-new", alice.pk),
        ("post", "intake:letter-new", alice.pk),
        ("post", "intake:document-add", alice.pk),
        ("post", "intake:clearance-revoke", clearance.pk),
        ("get", "intake:document", paper.pk),
        ("post", "intake:document-remove", paper.pk),
    ]
    for method, name, pk in doors:
        assert getattr(browser, method)(reverse(name, args=[pk])).status_code == 404, name
    assert not Look.objects.filter(what__startswith="intake").exists()


def test_the_services_refuse_whoever_is_no_therapist(
    dana: User, olga: User, alice: Client, record: Callable[..., Clearance], finding: Finding, now: datetime
) -> None:
    clearance = record()
    for user in (dana, olga):
        for act in (
            lambda user=user: record(by=user),
            lambda user=user: revoke_clearance(by=user, now=now, clearance=clearance, reason="No."),
            lambda user=user: write_letter(by=user, now=now, client=alice, findings=[finding], to_name="Dr Lemaire"),
            lambda user=user: add_document(by=user, now=now, client=alice, name="x.pdf", content=PDF),
            lambda user=user: remove_document(by=user, now=now, document=clearance.document),
        ):
            with pytest.raises(ValidationError, match="Only a therapist"):
                act()


def test_the_front_desk_reads_of_it_in_the_history_only_that_the_record_was_changed(
    as_dana: Browser, alice: Client, bea: Therapist, record: Callable[..., Clearance], now: datetime
) -> None:
    record(clinician="Dr Zebrafinch")
    assert Change.objects.filter(client_pk=alice.pk, what="intake.clearance").exists()
    for name in ("audit:client-history", "desk:client"):
        page = as_dana.get(reverse(name, args=[alice.pk])).text
        assert "Zebrafinch" not in page
        assert "clearance" not in page.lower()


def test_it_also_counts_for_records_that_were_made_one(
    bea: Therapist, alice: Client, record: Callable[..., Clearance], dana: User, now: datetime
) -> None:
    from clinic.people.services.merging import merge_clients

    record()
    kept = ClientFactory(legal_name="Alicia Marques")
    merge_clients(by=dana, now=now, kept=kept, gone=alice, from_gone=set())
    assert may_be_done(kept, NECK)
    assert not may_be_done(kept, HEAD)


def test_the_page_costs_the_same_for_one_clearance_and_for_ten(
    as_bea: Browser, alice: Client, record: Callable[..., Clearance], django_assert_max_num_queries: Callable[..., Any]
) -> None:
    def queries() -> int:
        with django_assert_max_num_queries(40) as counted:
            as_bea.get(reverse("intake:clearances", args=[alice.pk]))
        return len(counted)

    record(modalities=["swedish"])
    queries()
    one = queries()
    for n in range(9):
        record(modalities=["swedish"], ends_on=TODAY + timedelta(days=n))
    assert queries() == one


def test_booking_asks_for_a_therapist_until_the_clearance_is_there(
    bea: Therapist, alice: Client, paper: Document, now: datetime
) -> None:
    from clinic.scheduling.gates import PlannedVisit
    from intake.standing import gate
    from tests.factories import modality

    reviewed_intake(alice, bea.user, now=now, pressure_uncontrolled="yes", pressure_crisis="no")
    visit = PlannedVisit(client_pk=alice.pk, modality_pk=modality("swedish").pk, day=TODAY)
    assert gate([visit]) == [True]
    record_clearance(
        by=bea.user, now=now, client=alice, findings=list(waiting_for_clearance(alice.pk)), clinician="Dr Lemaire",
        given_on=TODAY, starts_on=TODAY, ends_on=TODAY, pressure_up_to=3, document=paper,
    )  # fmt: skip
    assert gate([visit]) == [False]


def test_a_whole_part_of_the_body_is_chosen_by_one_word(as_bea: Browser, alice: Client, finding: Finding) -> None:
    as_bea.post(reverse("intake:clearance-new", args=[alice.pk]), typed_for(finding, regions=["neck"]))
    assert set(Clearance.objects.get().regions) == {str(region) for region in GROUPS[Group.NECK]}
    page = as_bea.get(reverse("intake:clearances", args=[alice.pk])).text
    assert "any way of working · neck · pressure up to 3" in page
    assert may_be_done(alice, NECK)
    assert not may_be_done(alice, HEAD)


def test_for_the_whole_body_no_region_is_kept(as_bea: Browser, alice: Client, finding: Finding) -> None:
    as_bea.post(reverse("intake:clearance-new", args=[alice.pk]), typed_for(finding, where="everywhere"))
    assert Clearance.objects.get().regions == []
    assert may_be_done(alice, HEAD)
