"""How she is on the day of her visit: asked before it, by a link, on a tablet at the desk, or by her therapist.

What she answers holds for that visit. What wants a doctor becomes a finding at once; the therapist sees the rest as
answers already given, and confirms them. The front desk sees only that it was done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from clinic.audit.services import record_change
from clinic.lib.body import Group, Region, regions_in
from clinic.lib.times import local_date
from clinic.people.models import User
from clinic.people.services import lock_client
from clinic.scheduling.models import NOT_BEGUN, Appointment
from clinic.scheduling.services import refresh_review_needed
from intake.answering import checked_step, current_form
from intake.findings import facts_of_visit, for_a_doctor
from intake.models import Effect
from intake.models_safety import CheckIn
from intake.questions import NO, UNSURE, YES, Answer, Answers, Kind, Option, Question, Step, form_of
from intake.reading import AnswerRow, answer_row
from intake.safety import URGENT
from intake.services import raise_and_record
from intake.today import NONE, NeckArtery, neck_artery_answers, said_on, says_something, strictest
from intake.wall import today_at

_signer = Signer(sep=".", salt="intake.checkin")

# --- What is asked


def check_in_step(language: str = "en") -> Step:
    """Return the questions of a check-in, in the reader's language; places by their names in the form."""
    signs = [Option(str(sign.value), str(sign.label)) for sign in NeckArtery]
    signs += [Option(NONE, _("None of these")), Option(UNSURE, _("Not sure about one of them"))]
    return Step(
        number=1,
        code="check_in",
        title=_("How are you today?"),
        intro=_("A minute before your visit. Your therapist reads it; the front desk sees only that it is done."),
        questions=(
            _asked("rf_change", _("Is today’s headache or neck pain different from your usual?")),
            Question(
                "neck_artery",
                _("Because it is different: do you have any of these?"),
                Kind.CHOICES,
                options=tuple(signs),
                is_required=True,
                shown_if="rf_change",
            ),
            _asked("attack_today", _("Have you an attack now, or has one begun today?")),
            _asked("aura_now", _("Is there aura now: flickering, blind spots, tingling, trouble finding words?")),
            _asked("aura_alarming", _("Is it new, over an hour long, or with weakness?"), shown_if="aura_now"),
            _asked("tender_today", _("Does touch hurt today, such as brushing your hair?")),
            replace(_tender_regions(language), is_required=False, shown_if="tender_today"),
            _asked("illness", _("Have you a fever, or anything that others could catch?")),
            _asked("sedative", _("Have you just taken a sedative or a strong painkiller?")),
            _asked(
                "new_event",
                _("Anything new since your last visit: an accident, an operation, a new medicine, pregnancy?"),
            ),
            Question("new_event_what", _("What was it?"), Kind.TEXT, is_long=True, shown_if="new_event"),
        ),
    )


def _asked(code: str, text: str, *, shown_if: str = "") -> Question:
    return Question(code, text, Kind.YES_NO_UNSURE, is_required=True, shown_if=shown_if)


def _tender_regions(language: str) -> Question:
    """Return the question where it hurts, as the form words it; or with the therapists' words where it has none."""
    known = form_of(current_form(language).pk).questions.get("tender_regions")
    shown = [region for region in Region if region in regions_in(Group.HEAD) | regions_in(Group.NECK)]
    options = tuple(Option(str(region.value), str(region.label)) for region in shown)
    return known or Question("tender_regions", _("Where?"), Kind.REGIONS, options=options)


# --- The link


def token_for(appointment: Appointment) -> str:
    """Return the token of a visit's check-in; it opens on its day only, and tells nothing but when the visit is."""
    return _signer.sign(str(appointment.pk))


def visit_of(token: str) -> Appointment | None:
    """Return the visit of a token, or None; `may_check_in` says whether it is open."""
    try:
        pk = int(_signer.unsign(token))
    except (BadSignature, ValueError):
        return None
    return Appointment.objects.filter(pk=pk).with_people().first()


def may_check_in(appointment: Appointment, now: datetime) -> bool:
    """Say whether she may say how she is: on the day of the visit, until its session begins."""
    is_today = local_date(appointment.location.zone, appointment.starts_at) == local_date(
        appointment.location.zone, now
    )
    return is_today and appointment.status in NOT_BEGUN and appointment.ends_at > now


def address_of(appointment: Appointment) -> str:
    """Return the path of a visit's check-in, for her own device or one that is handed over."""
    return reverse("intake:checkin", args=[token_for(appointment)])


def whole_address_of(appointment: Appointment) -> str:
    """Return the same for a message."""
    return str(settings.SITE_URL) + address_of(appointment)


# --- Answering


@dataclass(frozen=True)
class Told:
    """What she is to do now: nothing where `is_urgent` is false."""

    is_urgent: bool
    is_emergency: bool


class CheckInClosed(ValidationError):  # noqa: N818  # a sentence for the client, not a fault
    """It is not the day of the visit, or its session has begun, or there is none any more."""


@transaction.atomic
def check_in(
    *, by: User | None, now: datetime, appointment: Appointment, answers: Mapping[str, Answer], is_whole: bool = True
) -> Told:
    """Keep how she is today, beside what she said before; what wants a doctor becomes a finding at once.

    What a therapist answers, going through it with her, holds in place of all that was said that day before.

    What is urgent becomes one however late it comes, and whatever else is missing; `is_whole` is false where some of
    what was typed could not be read. Where nothing is urgent, raises CheckInClosed, or ValidationError with a sentence
    per question, and keeps nothing.
    """
    lock_client(appointment.client_id)
    visit = Appointment.objects.select_for_update(no_key=True, of=("self",)).with_people().get(pk=appointment.pk)
    step, day = check_in_step(visit.client.language), local_date(visit.location.zone, now)
    answers = _as_ticked(step, answers)
    given = _by_the_rules(checked_step(step, answers, today_at(now), is_complete=False))
    facts = for_a_doctor(facts_of_visit(visit.client, given, day))
    effects = {fact.effect for fact in facts}
    problem = _problem(visit, step, answers, is_whole=is_whole, now=now)
    if problem and not effects & URGENT:
        raise problem
    if not problem:
        _keep(visit, given, day, by=by, now=now)
        record_change(by=by.pk if by else None, client=visit.client_id, what=visit, words=_("checked in"), now=now)
    raise_and_record(facts, by=by, now=now, client=visit.client, words=_("answer at check-in"))
    refresh_review_needed(client=visit.client, now=now)
    return Told(is_urgent=bool(effects & URGENT), is_emergency=Effect.EMERGENCY in effects)


def _problem(
    visit: Appointment, step: Step, answers: Mapping[str, Answer], *, is_whole: bool, now: datetime
) -> ValidationError | None:
    """Return why these answers are not kept as a check-in, or None."""
    if not may_check_in(visit, now):
        return CheckInClosed(_("This visit can no longer be checked in. Please speak to us."))
    try:
        checked_step(step, answers, today_at(now), is_complete=True)
    except ValidationError as missing:
        return missing
    return None if is_whole else ValidationError(_("Please look at the answers that could not be read."))


def _as_ticked(step: Step, answers: Mapping[str, Answer]) -> Answers:
    """Return the answers with yes above whatever was ticked below a no: a sign counts wherever it stands."""
    said = dict(answers)
    for question in step.questions:
        if question.shown_if and says_something(answers.get(question.code)):
            said[question.shown_if] = YES
    return said


def _keep(visit: Appointment, answers: Answers, day: date, *, by: User | None, now: datetime) -> None:
    """Add what was said; sent twice, it is one check-in."""
    confirmed_by = by if by and by.is_therapist else None
    last = CheckIn.objects.filter(appointment=visit).order_by("answered_at", "pk").last()
    if last is None or (last.answers, last.confirmed_by) != (answers, confirmed_by):
        CheckIn.objects.create(appointment=visit, day=day, answers=answers, answered_at=now, confirmed_by=confirmed_by)


def _by_the_rules(given: Answers) -> Answers:
    """Add what the signs mean in the rules' codes: no, where nothing is different."""
    signs = given.get("neck_artery", [])
    return given | neck_artery_answers(signs if isinstance(signs, list) else [])


# --- Reading, for her therapist


@dataclass(frozen=True)
class CheckedIn:
    """What holds of what was said at check-in: those that are no plain no in words, and where to answer anew."""

    at: datetime
    answers: Answers
    rows: Sequence[AnswerRow]
    again: str


def checked_in(appointment: Appointment) -> CheckedIn | None:
    """Return what was said at the check-in of a visit, the strictest of each question, or None; two queries."""
    last = CheckIn.objects.filter(appointment=appointment).order_by("answered_at", "pk").last()
    if last is None:
        return None
    answers = strictest(said_on(appointment.client_id, last.day))
    rows = [
        answer_row(question, answers[question.code], None)
        for question in check_in_step(appointment.client.language).questions
        if answers.get(question.code, NO) != NO
    ]
    return CheckedIn(last.answered_at, answers, rows, address_of(appointment))


def open_address_of(appointment: Appointment | None, now: datetime) -> str:
    """Return the path of a check-in that waits for her; nothing before its day, and once it is done."""
    if appointment is None or not may_check_in(appointment, now):
        return ""
    is_done = CheckIn.objects.filter(appointment=appointment).exists()
    return "" if is_done else address_of(appointment)
