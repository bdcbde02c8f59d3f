from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from clinic.audit.models import Change
from clinic.people.models import Client, Therapist, User
from clinic.scheduling.models import Appointment, Status, StatusChange
from sessions import reading
from sessions.models import BodyMark, Note
from sessions.pages import is_other_way_round
from sessions.services import (
    EDITABLE,
    NotToday,
    StaleNote,
    add_addendum,
    missing_in,
    place_mark,
    remove_block,
    save_note,
    sign_note,
)
from tests.factories import TherapistFactory, modality
from tests.sessions.conftest import Book, Raise, Record, Start

# --- Starting


def test_starting_puts_the_visit_in_session(visit: Appointment, calm: None, start: Start) -> None:
    note = start(visit)
    visit.refresh_from_db()
    assert visit.status == Status.IN_SESSION
    assert (note.state, note.revision, note.phase, note.pain_before) == ("draft", 1, "interictal", 4)


def test_starting_a_booked_visit_also_records_that_she_arrived(
    book: Book, now: datetime, calm: None, start: Start
) -> None:
    visit = book(now)
    start(visit)
    after = StatusChange.objects.filter(appointment=visit).values_list("after", flat=True)
    assert list(after) == ["booked", "arrived", "in_session"]


def test_started_twice_it_is_one_note(visit: Appointment, calm: None, start: Start) -> None:
    assert start(visit) == start(visit)
    assert Note.objects.count() == 1


@pytest.mark.parametrize("effect", ["block", "clear", "postpone", "same_day", "emergency"])
def test_it_refuses_to_start_while_an_absolute_finding_is_open(
    visit: Appointment, calm: None, start: Start, raise_finding: Raise, effect: str
) -> None:
    raise_finding(effect, "Fever since yesterday.")
    with pytest.raises(NotToday, match="Fever since yesterday") as refused:
        start(visit)
    assert refused.value.is_emergency is (effect == "emergency")
    visit.refresh_from_db()
    assert visit.status == Status.ARRIVED
    assert not Note.objects.exists()


def test_a_finding_for_one_region_does_not_stop_the_session(
    visit: Appointment, calm: None, start: Start, raise_finding: Raise
) -> None:
    raise_finding("block", "Skin.", applies_to=[{"regions": ["foot"]}])
    assert start(visit).pk


def test_a_closed_or_expired_finding_does_not_stop_the_session(
    visit: Appointment, calm: None, start: Start, raise_finding: Raise, bea: Therapist, now: datetime
) -> None:
    raise_finding("block", rule="one", closed_at=now, closed_by=bea.user, closing_reason="Over.")
    raise_finding("block", rule="two", ends_on=(now - timedelta(days=1)).date())
    assert start(visit).pk


def test_it_refuses_to_start_during_an_aura(visit: Appointment, calm: None, start: Start) -> None:
    with pytest.raises(NotToday, match="Aura") as refused:
        start(visit, phase="aura")
    assert not refused.value.is_emergency


def test_it_refuses_to_start_with_alcohol_or_drugs(visit: Appointment, calm: None, start: Start) -> None:
    with pytest.raises(NotToday, match="Alcohol"):
        start(visit, is_intoxicated=True)


@pytest.mark.parametrize(
    ("sign", "is_emergency"),
    [
        ("double_vision", True),
        ("slurred_speech", True),
        ("swallowing", True),
        ("faintness", True),
        ("unsteadiness", True),
        ("numb_face", True),
        ("eyelid", True),
        ("ear_pulse", True),
        ("one_sided_pain", False),
        ("injury_or_infection", False),
        ("connective_tissue", False),
    ],
)
def test_neck_artery_signs_stop_the_session_and_neurological_ones_are_an_emergency(
    visit: Appointment, calm: None, start: Start, sign: str, is_emergency: bool
) -> None:
    with pytest.raises(NotToday) as refused:
        start(visit, is_usual=False, neck_artery=[sign])
    assert refused.value.is_emergency is is_emergency


def test_it_refuses_to_start_without_her_agreement(visit: Appointment, calm: None, start: Start) -> None:
    with pytest.raises(NotToday, match="agreement"):
        start(visit, consent_given=False)


def test_only_the_therapist_of_the_visit_starts_it(
    visit: Appointment, calm: None, start: Start, bea: Therapist
) -> None:
    other = TherapistFactory(user__name="Eva Marin")
    with pytest.raises(NotToday, match="This visit is with Bea Lindqvist"):
        start(visit, by=other.user)


# --- Writing


def test_saving_counts_revisions_and_keeps_the_time(draft: Note, bea: Therapist, now: datetime) -> None:
    later = now + timedelta(minutes=20)
    saved = save_note(by=bea.user, now=later, note=draft, revision=1, response="Lighter.")
    assert (saved.revision, saved.saved_at, saved.response) == (2, later, "Lighter.")
    unchanged = save_note(by=bea.user, now=later, note=draft, revision=2, response="Lighter.")
    assert unchanged.revision == 2


def test_a_save_that_saw_an_older_text_is_refused_and_shows_the_newer(
    draft: Note, bea: Therapist, now: datetime
) -> None:
    save_note(by=bea.user, now=now, note=draft, revision=1, response="From the tablet.")
    with pytest.raises(StaleNote) as stale:
        save_note(by=bea.user, now=now, note=draft, revision=1, response="From the desk.")
    assert stale.value.current.response == "From the tablet."
    assert Note.objects.get(pk=draft.pk).response == "From the tablet."


def test_the_same_text_sent_again_is_no_conflict(draft: Note, bea: Therapist, now: datetime) -> None:
    save_note(by=bea.user, now=now, note=draft, revision=1, response="Lighter.")
    again = save_note(by=bea.user, now=now, note=draft, revision=1, response="Lighter.")
    assert again.revision == 2


@pytest.mark.parametrize(
    ("field", "value"), [("pain_after", 11), ("stress", 11), ("next_in_weeks", 53), ("phase", "x")]
)
def test_it_refuses_what_is_out_of_range(draft: Note, bea: Therapist, now: datetime, field: str, value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        save_note(by=bea.user, now=now, note=draft, revision=1, **{field: value})
    assert set(refused.value.message_dict) == {field}


@pytest.mark.parametrize("field", ["state", "is_usual", "consent_given", "client", "digest"])
def test_what_was_answered_at_the_start_is_not_written_over(
    draft: Note, bea: Therapist, now: datetime, field: str
) -> None:
    assert field not in EDITABLE
    with pytest.raises(TypeError, match=field):
        save_note(by=bea.user, now=now, note=draft, revision=1, **{field: False})


def test_nobody_else_writes_in_her_note(draft: Note, olga: User, now: datetime) -> None:
    with pytest.raises(ValidationError, match="Only Bea Lindqvist writes"):
        save_note(by=olga, now=now, note=draft, revision=1, response="?")


# --- Blocks and marks


def test_blocks_stay_in_their_order_and_close_the_gap(
    draft: Note, record: Record, bea: Therapist, now: datetime
) -> None:
    first, second, third = (record(draft, minutes=minutes) for minutes in (10, 11, 12))
    assert [first.position, second.position, third.position] == [1, 2, 3]
    remove_block(by=bea.user, now=now, note=draft, block=first)
    assert list(draft.blocks.values_list("position", "minutes")) == [(1, 11), (2, 12)]
    assert record(draft).position == 3


def test_the_modalitys_own_form_checks_the_details(draft: Note, record: Record) -> None:
    with pytest.raises(ValidationError) as refused:
        record(draft, details={"hold_seconds": 20})
    assert set(refused.value.message_dict) == {"hold_seconds"}
    with pytest.raises(ValidationError) as refused:
        record(draft, technique="hammering")
    assert set(refused.value.message_dict) == {"technique"}


def test_details_that_the_form_does_not_know_are_left_out(draft: Note, record: Record) -> None:
    assert record(draft, details={"release": "full", "smuggled": "x"}).details == {"release": "full"}


@pytest.mark.parametrize(("field", "value"), [("pressure", 0), ("pressure", 6), ("minutes", 0), ("minutes", 241)])
def test_the_database_too_keeps_a_block_within_its_limits(draft: Note, record: Record, field: str, value: int) -> None:
    block = record(draft)
    setattr(block, field, value)
    with pytest.raises(IntegrityError), transaction.atomic():
        block.save()


def test_a_trigger_point_is_marked_on_the_body_map(draft: Note, record: Record) -> None:
    record(
        draft,
        "neuromuscular",
        region="upper_trapezius",
        side="left",
        technique="static_compression",
        details={"muscle": "upper_trapezius", "point": "latent"},
    )
    assert list(draft.marks.values_list("region", "side", "kind")) == [("upper_trapezius", "left", "trigger_latent")]


def test_a_mark_made_twice_is_one(draft: Note, bea: Therapist, now: datetime) -> None:
    for _again in range(2):
        place_mark(by=bea.user, now=now, note=draft, region="temple", side="left", kind="tender")
    assert draft.marks.count() == 1


@pytest.mark.parametrize(
    ("region", "side", "kind"),
    [("temple", "middle", "tender"), ("vertex", "left", "tender"), ("temple", "left", "hot")],
)
def test_it_refuses_a_mark_that_cannot_be(
    draft: Note, bea: Therapist, now: datetime, region: str, side: str, kind: str
) -> None:
    with pytest.raises(ValidationError):
        place_mark(by=bea.user, now=now, note=draft, region=region, side=side, kind=kind)
    assert not draft.marks.exists()


@pytest.mark.parametrize(
    ("regions", "is_other_way_round"),
    [
        (["clavicle_pectoral", "neck_lateral", "suboccipital"], False),
        (["suboccipital", "clavicle_pectoral"], True),
        (["thoracic_upper", "occiput", "scm"], True),
        (["suboccipital", "occiput"], False),
        ([], False),
    ],
)
def test_it_minds_the_order_of_the_protocol(
    draft: Note, record: Record, regions: list[str], is_other_way_round: bool
) -> None:
    for region in regions:
        record(draft, "neck_shoulder", region=region, side="middle" if region == "sternum" else "both",
               technique="kneading", pressure=1)  # fmt: skip
    assert is_other_way_round_of(draft) is is_other_way_round


def test_the_order_matters_in_the_protocol_only(draft: Note, record: Record) -> None:
    for region in ("suboccipital", "clavicle_pectoral"):
        record(draft, "swedish", region=region, technique="effleurage", pressure=1)
    assert not is_other_way_round_of(draft)


def is_other_way_round_of(note: Note) -> bool:
    return is_other_way_round(list(note.blocks.select_related("modality")))


# --- Signing


def test_signing_links_the_note_and_completes_the_visit(signed: Note, bea: Therapist, now: datetime) -> None:
    signed.refresh_from_db()
    assert (signed.state, signed.signed_by, signed.signed_at) == ("signed", bea.user, now)
    assert (signed.chain_position, signed.previous_digest, len(signed.digest)) == (1, "", 64)
    assert signed.appointment.status == Status.COMPLETED


def test_it_says_what_is_missing_before_a_signature(draft: Note, bea: Therapist, now: datetime) -> None:
    assert [lack.field for lack in missing_in(draft)] == ["blocks", "pain_after"]
    with pytest.raises(ValidationError, match="Pain after"):
        sign_note(by=bea.user, now=now, note=draft)
    draft.refresh_from_db()
    assert not draft.is_signed


def test_a_session_without_treatment_is_signed_with_its_reason(draft: Note, bea: Therapist, now: datetime) -> None:
    saved = save_note(by=bea.user, now=now, note=draft, revision=1, pain_after=4, response="She felt unwell and left.")
    assert sign_note(by=bea.user, now=now, note=saved).is_signed


def test_an_addendum_follows_a_signature_only(signed: Note, bea: Therapist, now: datetime) -> None:
    addendum = add_addendum(by=bea.user, now=now, note=signed, text="  She called: sore, gone next day. ")
    assert addendum.text == "She called: sore, gone next day."


def test_the_clients_history_tells_who_started_signed_and_added(signed: Note, bea: Therapist, now: datetime) -> None:
    add_addendum(by=bea.user, now=now, note=signed, text="She called.")
    told = Change.objects.filter(what="treatment.note", what_pk=signed.pk).order_by("pk")
    assert [(change.by, change.client_pk) for change in told] == [(bea.user, signed.client_id)] * 3
    assert [change.words for change in told] == ["begun", "signed", "got an addendum"]


def test_a_draft_takes_no_addendum(draft: Note, bea: Therapist, now: datetime) -> None:
    with pytest.raises(ValidationError, match="draft"):
        add_addendum(by=bea.user, now=now, note=draft, text="Later.")


def test_an_addendum_says_something(signed: Note, bea: Therapist, now: datetime) -> None:
    with pytest.raises(ValidationError):
        add_addendum(by=bea.user, now=now, note=signed, text="   ")


# --- Reading


def test_other_rooms_read_signed_notes_as_facts(signed: Note, alice: Client, now: datetime) -> None:
    (read,) = reading.signed_notes(alice.pk)
    assert (read.on, read.modalities, read.pain_before, read.pain_after) == (now.date(), ("MF",), 4, 2)
    assert (read.minutes, read.regions) == (10, ("Upper back",))
    assert reading.last_note(alice.pk) == read


def test_drafts_are_not_read_by_other_rooms(draft: Note, alice: Client) -> None:
    assert reading.signed_notes(alice.pk) == []
    assert reading.last_note(alice.pk) is None


def test_the_mark_kinds_are_those_of_the_model() -> None:
    assert set(BodyMark.Kind.values) == {"tender", "trigger_active", "trigger_latent", "tension", "avoid"}


def test_a_clinics_own_modality_is_recorded_with_the_common_form(draft: Note, record: Record, bea: Therapist) -> None:
    own = type(modality("swedish")).objects.create(slug="hot_stones", name="Hot stones", code="HS")
    bea.qualifications.create(modality=own)
    block = record(draft, "hot_stones", technique="stones along the spine", pressure=1)
    assert (block.modality, block.technique, block.details) == (own, "stones along the spine", {})
