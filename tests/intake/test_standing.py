"""The gate, the badges, the verdict and the profile: what the other rooms hear."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from clinic.people.models import Client, Location, Modality, Therapist, User
from clinic.scheduling.badges import badges_for
from clinic.scheduling.gates import PlannedVisit, review_needed
from clinic.scheduling.models import Appointment
from clinic.scheduling.services import add_weekly_hours, book_appointment
from intake import services
from intake.access import pending_for
from intake.models import Effect, Finding, FormVersion, RuleVersion, Submission
from intake.profile import profile_of
from intake.questions import FormProblem, parse_form
from intake.rules import parse_rules
from intake.safety import Planned
from intake.standing import gate, planned_visit
from tests.factories import BEFORE, ClientFactory, ServiceFactory, modality
from tests.intake.answers import fill_in, reviewed_intake, send

FRIDAY = date(2026, 11, 20)
SWEDISH = Planned("swedish", frozenset({"head_or_neck"}))


def visit(client: Client, slug: str = "swedish", day: date = FRIDAY) -> PlannedVisit:
    return PlannedVisit(client.pk, modality(slug).pk, day)


@pytest.fixture
def booked(alice: Client, bea: Therapist, location: Location, now: datetime) -> Callable[[], Appointment]:
    """Return a function that books Alice for tomorrow at ten."""
    add_weekly_hours(
        by=None,
        now=BEFORE,
        therapist=bea,
        location=location,
        weekday=FRIDAY.weekday(),
        opens=time(8),
        closes=time(18),
        valid_from=date(2026, 1, 1),
    )

    def book() -> Appointment:
        return book_appointment(
            by=bea.user,
            now=now,
            client=alice,
            service=ServiceFactory(modality=modality("swedish")),
            therapist=bea,
            location=location,
            starts_at=datetime(2026, 11, 20, 10, tzinfo=UTC),
        )

    return book


# --- The gate


def test_missing_unread_and_old_answers_need_a_review(alice: Client, bea: Therapist, now: datetime) -> None:
    assert gate([visit(alice)]) == [True]
    sent = send(alice, now=now)
    assert gate([visit(alice)]) == [True]
    services.review(by=bea.user, now=now, submission=sent)
    assert gate([visit(alice)]) == [False]
    assert gate([visit(alice, day=FRIDAY + timedelta(days=400))]) == [True]


def test_answers_being_given_again_do_not_undo_those_that_were_read(
    alice: Client, bea: Therapist, now: datetime
) -> None:
    reviewed_intake(alice, bea.user, now=now)
    fill_in(alice, now=now + timedelta(hours=1))
    assert gate([visit(alice)]) == [False]


def test_a_finding_that_stops_the_visit_keeps_the_gate_shut_until_closed(
    alice: Client, bea: Therapist, now: datetime
) -> None:
    reviewed_intake(alice, bea.user, now=now, illness="yes")
    assert gate([visit(alice)]) == [True]
    services.close_finding(by=bea.user, now=now, finding=Finding.objects.get(), reason="Well again.")
    assert gate([visit(alice)]) == [False]


def test_a_finding_of_one_modality_leaves_the_others_open(alice: Client, bea: Therapist, now: datetime) -> None:
    reviewed_intake(alice, bea.user, now=now, skull_pressure="yes")
    assert gate([visit(alice, "craniosacral"), visit(alice, "reflexology")]) == [True, False]


def test_an_urgent_answer_shuts_it_before_the_form_is_sent(alice: Client, bea: Therapist, now: datetime) -> None:
    reviewed_intake(alice, bea.user, now=now)
    fill_in(alice, now=now + timedelta(hours=1), rf_sudden="yes")
    assert gate([visit(alice)]) == [True]


def test_it_costs_the_same_for_a_series_and_for_many_clients(
    alice: Client, bea: Therapist, now: datetime, django_assert_num_queries: Callable[[int], object]
) -> None:
    clients = [alice, *ClientFactory.create_batch(9)]
    for client in clients:
        send(client, now=now, illness="yes")
    visits = [visit(client, day=FRIDAY + timedelta(weeks=week)) for client in clients for week in range(10)]
    # Unread answers say enough.
    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        assert gate(visits) == [True] * 100
    for client in clients:
        reviewed_intake(client, bea.user, now=now + timedelta(minutes=1))
    with django_assert_num_queries(5):  # type: ignore[attr-defined]
        assert len(gate(visits)) == 100


def test_many_check_ins_are_read_and_judged_at_once(
    alice: Client,
    bea: Therapist,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: Callable[[int], object],
) -> None:
    clients = [alice, *ClientFactory.create_batch(4)]
    for client in clients:
        reviewed_intake(client, bea.user, now=now)
    visits = [visit(client) for client in clients]
    assert gate(visits) == [False] * 5
    said = {(client.pk, FRIDAY): ({"illness": "yes"},) for client in clients}
    monkeypatch.setattr("intake.standing.said_on_days", lambda _clients, _days: said)
    # The rules are read once, in place of the check-ins.
    with django_assert_num_queries(5):  # type: ignore[attr-defined]
        assert gate(visits) == [True] * 5


def test_the_gate_is_asked_by_bookings_and_a_review_opens_visits_to_come(
    alice: Client, bea: Therapist, now: datetime, booked: Callable[[], Appointment]
) -> None:
    appointment = booked()
    assert appointment.review_needed
    reviewed_intake(alice, bea.user, now=now)
    appointment.refresh_from_db()
    assert not appointment.review_needed
    assert review_needed([visit(alice)]) == [False]


def test_an_urgent_answer_marks_visits_to_come(
    alice: Client, bea: Therapist, now: datetime, booked: Callable[[], Appointment]
) -> None:
    reviewed_intake(alice, bea.user, now=now)
    appointment = booked()
    assert not appointment.review_needed
    fill_in(alice, now=now, clot="yes")
    appointment.refresh_from_db()
    assert appointment.review_needed


# --- Badges


def test_badges_tell_the_state_and_never_the_answers(
    alice: Client, bea: Therapist, dana: User, alice_user: User, now: datetime, booked: Callable[[], Appointment]
) -> None:
    appointment = booked()

    def words(user: User) -> list[str]:
        return [
            badge.words for badge in badges_for(user, [appointment])[appointment.pk] if "reminder" not in badge.words
        ]

    assert "intake missing" in words(dana)
    invitation, _token = services.invite(by=dana, now=now, client=alice)
    assert "intake form sent" in words(dana)
    services.open_invitation(now=now, invitation=invitation, born_on=date(1988, 3, 14))
    assert "intake form opened" in words(dana)
    sent = send(alice, now=now)
    assert "needs review" in words(dana)
    services.review(by=bea.user, now=now, submission=sent)
    assert "intake done" in words(bea.user)
    assert not {"intake missing", "needs review", "intake done"} & set(words(alice_user))


# --- The verdict


def test_before_she_has_answered_deep_and_neck_work_is_held_back(alice: Client) -> None:
    neck = Planned("swedish", regions=frozenset({"neck_posterior_upper"}), pressure=2)
    assert services.verdict_for(alice, neck, FRIDAY).blocked
    assert services.verdict_for(alice, Planned("swedish", regions=frozenset({"lumbar"}), pressure=2), FRIDAY).allowed


def test_what_is_answered_at_the_visit_counts_for_that_visit(alice: Client, bea: Therapist, now: datetime) -> None:
    reviewed_intake(alice, bea.user, now=now)
    assert services.verdict_for(alice, SWEDISH, FRIDAY).cap == 5
    assert services.verdict_for(alice, SWEDISH, FRIDAY, today={"attack_today": "yes"}).cap == 2
    assert services.verdict_for(alice, SWEDISH, FRIDAY, today={"neck_artery_signs": "yes"}).blocked
    assert services.verdict_for(alice, SWEDISH, FRIDAY, today={"neck_artery_signs": "no"}).allowed


def test_an_attack_on_the_day_of_the_answers_is_over_the_next_day(alice: Client, bea: Therapist, now: datetime) -> None:
    reviewed_intake(alice, bea.user, now=now, attack_today="yes")
    assert services.verdict_for(alice, SWEDISH, now.date()).cap == 2
    assert services.verdict_for(alice, SWEDISH, FRIDAY).cap == 5


def test_the_traits_of_a_modality_are_those_of_its_row(db: None) -> None:
    deep = planned_visit(Modality.objects.get(slug="deep_tissue"))
    assert "deep" in deep.traits
    assert planned_visit(Modality.objects.get(slug="reflexology")).traits == frozenset()


def test_a_minor_needs_her_guardian(now: datetime, clinic: object, bea: Therapist) -> None:
    mia = ClientFactory(legal_name="Mia Costa", born_on=date(2010, 5, 1))
    send(mia, now=now)
    assert [finding.rule for finding in services.open_findings(mia.pk)] == ["guardian"]
    assert services.verdict_for(mia, SWEDISH, FRIDAY).blocked


def test_findings_come_most_severe_first(alice: Client, now: datetime) -> None:
    fill_in(alice, now=now, pregnant="yes", pregnant_20="no", rf_position="yes", clot="yes")
    draft = Submission.objects.get()
    services.submit(now=now, submission=draft, signed_name="Alice")
    effects = [finding.effect for finding in services.open_findings(alice.pk)]
    assert effects == [Effect.SAME_DAY, Effect.CLEAR, Effect.CLEAR, Effect.WARN]


# --- The profile


def test_the_profile_gives_typed_values(alice: Client, now: datetime) -> None:
    assert profile_of(alice) is None
    send(alice, now=now)
    profile = profile_of(alice)
    assert profile is not None
    assert (profile.headache_days, profile.migraine_days, profile.attacks) == (9, 6, 4)
    assert profile.trigger_words == ("Stress", "Missed meal")
    assert profile.has_neck_tension
    assert profile.clenches_jaw
    assert not profile.declines_head_neck
    assert profile.pressure_wanted == 2
    assert profile.worry is None


# --- Waiting forms


def test_a_form_waits_from_the_invitation_until_it_is_sent(
    alice: Client, alice_user: User, carl: User, dana: User, now: datetime
) -> None:
    assert pending_for(alice_user, now) == []
    services.invite(by=dana, now=now, client=alice)
    assert [pending.is_started for pending in pending_for(alice_user, now)] == [False]
    assert pending_for(carl, now) == []
    fill_in(alice, now=now)
    assert [pending.is_started for pending in pending_for(alice_user, now)] == [True]
    services.submit(now=now, submission=Submission.objects.get(), signed_name="Alice")
    assert pending_for(alice_user, now) == []


# --- What the database itself refuses


def test_the_first_versions_can_be_read(db: None) -> None:
    form = parse_form(FormVersion.objects.get(number=1).content)
    assert len(form.steps) == 9
    assert len(parse_rules(RuleVersion.objects.get(number=1).rules)) > 70


def one_step(*questions: dict[str, str], **more: str) -> dict[str, object]:
    return {"steps": [{"code": "a", "title": "A", "intro": "", "questions": list(questions), **more}]}


TEXT = {"code": "q", "text": "Q", "kind": "text"}


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"steps": [], "colour": 1},
        one_step(TEXT | {"kind": "riddle"}),
        one_step(TEXT | {"kind": "choice"}),
        one_step(TEXT | {"kind": "number"}),
        one_step(TEXT | {"kind": "consent"}),
        one_step(TEXT | {"shown_if": "z"}),
        one_step(TEXT | {"mood": "calm"}),
        one_step(TEXT, TEXT),
        one_step(TEXT, mood="calm"),
    ],
)
def test_a_form_that_cannot_be_read_is_refused(content: dict[str, object]) -> None:
    assert parse_form(one_step(TEXT)).questions["q"].text == "Q"
    with pytest.raises(FormProblem):
        parse_form(content)


def test_a_finding_cannot_be_closed_by_nobody(alice: Client, now: datetime) -> None:
    send(alice, now=now, illness="yes")
    with pytest.raises(IntegrityError, match="finding_is_closed_by_somebody_for_a_reason"), transaction.atomic():
        Finding.objects.update(closed_at=now)


def test_a_second_draft_is_refused(alice: Client, now: datetime) -> None:
    draft = services.begin(now=now, client=alice)
    with pytest.raises(IntegrityError, match="submission_draft_is_one_per_client"), transaction.atomic():
        Submission.objects.create(client=alice, form_version=draft.form_version, started_at=now, saved_at=now)


def test_answers_without_an_end_are_refused_by_the_service_too(alice: Client, now: datetime) -> None:
    draft = services.begin(now=now, client=alice)
    for answer in ("x" * 2001, "a\0b", 7, ["x"]):
        with pytest.raises(ValidationError):
            services.save_step(now=now, submission=draft, step=8, answers={"goals": answer}, is_complete=False)
