"""Every address × who comes × what she gets.

A room adds a line to DOORS for each of its addresses; the first test fails when one is missing. An answer is a status,
or `in` where the visitor is sent to sign in first. The columns are nobody (not signed in), Carl (another client's
login), Alice (the client in question), Dana (front desk), Bea (therapist), Olga (owner). A POST carries only what
`sends` names: what counts here is who gets through the door. 409 and 422 are refusals behind it, 405 is a method that
does not exist. HEAD is answered as GET, and neither writes anything but who looked; PUT, PATCH and DELETE are nowhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client as Browser
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from clinic.people.models import Client, Clinic, Import, Location, Picture, Therapist, User
from clinic.people.services import invite_staff
from clinic.people.services.merging import merge_clients
from clinic.reminders import links
from clinic.reminders.models import Message, Reply
from clinic.scheduling.matching import Match
from clinic.scheduling.models import Appointment, Offer, OnlineConcern, Status
from clinic.scheduling.offer_links import token_for
from clinic.scheduling.online import mark as mark_online
from clinic.scheduling.services import add_time_off, add_weekly_hours, book_appointment, change_status
from clinic.scheduling.waitlist import Wished, add_wish, offer_time
from intake.checkin import token_for as check_in_token
from intake.models import Finding, RuleVersion
from intake.own_questions import OwnConsent, OwnQuestion, add_consent, add_question
from intake.questions import Kind
from intake.services import current_form, invite, submit
from sessions.services import add_block, place_mark, start_note
from tests.factories import BEFORE, ClientFactory, ServiceFactory, modality
from tests.intake.answers import clearance_of, fill_in
from tests.plans.support import plan_of

WEEK = timedelta(weeks=1)
VISITORS = ("nobody", "carl", "alice", "dana", "bea", "olga")

# Columns:  nobody carl alice dana bea olga
ONLY_POST = "405 405 405 405 405 405"
ONLY_GET = ONLY_POST
EVERYBODY = "200 200 200 200 200 200"
EVERYBODY_ON = "302 302 302 302 302 302"
FOR_STRANGERS = "200 302 302 302 302 302"
STAFF = "in 404 404 200 200 200"
STAFF_DONE = "in 404 404 302 302 302"
THERAPISTS = "in 404 404 404 200 404"
OWNERS = "in 404 404 404 404 200"
OWNERS_DONE = "in 404 404 404 404 302"
# No link has been opened in this browser: who has signed in makes no difference.
NO_FORM_OPEN = "410 410 410 410 410 410"
FORBIDDEN = "403 403 403 403 403 403"


@dataclass(frozen=True)
class Door:
    """What each visitor gets at an address; `at` names what in the World the address is about."""

    get: str
    post: str
    at: str = ""
    sends: Mapping[str, str] = field(default_factory=dict)


DOORS: Mapping[str, Door] = {
    # public
    "home": Door("302 302 302 302 302 302", ONLY_GET),
    "livez": Door(EVERYBODY, ONLY_GET),
    "healthz": Door("503 503 503 503 503 503", ONLY_GET),  # a test run has no worker and no beat
    "theme": Door(ONLY_POST, "400 400 400 400 400 400"),
    # booking online; without a time in the address, everybody is led back to choose one
    "booking:services": Door(EVERYBODY, ONLY_GET),
    "booking:times": Door(EVERYBODY, ONLY_GET, at="service"),
    "booking:hold": Door(ONLY_POST, EVERYBODY, at="service"),
    "booking:wait": Door(ONLY_POST, EVERYBODY_ON, at="service"),
    "booking:who": Door(EVERYBODY_ON, EVERYBODY_ON, at="service"),
    "booking:code": Door(EVERYBODY_ON, EVERYBODY_ON, at="service"),
    "booking:you": Door(EVERYBODY_ON, EVERYBODY_ON, at="service"),
    # Alice's visit is neither held nor to come.
    "booking:held": Door("in 404 200 404 404 404", "in 404 200 404 404 404", at="visit"),
    "booking:give-up": Door(ONLY_POST, "in 404 302 404 404 404", at="visit"),
    "booking:done": Door("in 404 302 404 404 404", ONLY_GET, at="visit"),
    "booking:calendar-file": Door("in 404 404 404 404 404", ONLY_GET, at="visit"),
    # Whoever holds the link answers, and is led back to it.
    "booking:offer": Door(EVERYBODY, "302 302 302 302 302 302", at="offer_link"),
    # The link of a message is exchanged for a key in the session; without one, each page says that it has run out.
    "booking:visit-link": Door(EVERYBODY_ON, ONLY_GET, at="visit_link"),
    "booking:visit-link-move": Door(EVERYBODY_ON, ONLY_GET, at="visit_link"),
    "booking:visit-link-cancel": Door(EVERYBODY_ON, ONLY_GET, at="visit_link"),
    "booking:visit": Door(NO_FORM_OPEN, NO_FORM_OPEN),
    "booking:visit-move": Door(NO_FORM_OPEN, NO_FORM_OPEN),
    "booking:visit-cancel": Door(NO_FORM_OPEN, NO_FORM_OPEN),
    "booking:from-online": Door("in 404 404 200 404 200", ONLY_GET),
    "booking:settle": Door(ONLY_POST, "in 404 404 302 404 302", at="concern"),
    # sign-in
    "account_login": Door(FOR_STRANGERS, FOR_STRANGERS),
    "account_logout": Door("302 200 200 200 200 200", "302 302 302 302 302 302"),
    "account_inactive": Door(EVERYBODY, ONLY_GET),
    "account_signup": Door(FOR_STRANGERS, FOR_STRANGERS),
    "account_request_login_code": Door(FOR_STRANGERS, FOR_STRANGERS),
    "account_confirm_login_code": Door("302 302 302 302 302 302", "302 302 302 302 302 302"),
    "account_reset_password": Door(EVERYBODY, EVERYBODY),
    "account_reset_password_done": Door(EVERYBODY, ONLY_GET),
    "account_reset_password_from_key": Door(EVERYBODY, EVERYBODY, at="reset"),
    "account_reset_password_from_key_done": Door(EVERYBODY, ONLY_GET),
    # people
    "people:setup": Door("404 404 404 404 404 404", "404 404 404 404 404 404", at="setup"),
    "people:picture": Door(EVERYBODY, ONLY_GET, at="picture"),
    "people:client-list": Door(STAFF, ONLY_GET),
    "people:client-merge": Door(STAFF, STAFF, at="client"),
    "people:merge-undo": Door(ONLY_POST, STAFF_DONE, at="merge"),
    "people:client-search": Door(STAFF, ONLY_GET),
    "people:client-new": Door(STAFF, STAFF),
    "people:client-edit": Door(STAFF, STAFF, at="client"),
    "people:client-consents": Door(STAFF, STAFF, at="client"),
    "people:client-note": Door(THERAPISTS, "in 404 404 404 302 404", at="client"),
    # She has visits to come.
    "people:client-archive": Door(STAFF, "in 404 404 409 409 409", at="client"),
    "people:client-bring-back": Door(ONLY_POST, STAFF_DONE, at="client"),
    "people:settings": Door(OWNERS, ONLY_GET),
    "people:clinic-edit": Door(OWNERS, OWNERS),
    "people:clinic-logo": Door(OWNERS, OWNERS),
    "people:booking-edit": Door(OWNERS, OWNERS),
    "people:location-list": Door(OWNERS, ONLY_GET),
    "people:location-new": Door(OWNERS, OWNERS),
    "people:location": Door(OWNERS, ONLY_GET, at="location"),
    "people:location-edit": Door(OWNERS, OWNERS, at="location"),
    "people:location-hours": Door(OWNERS, OWNERS_DONE, at="location"),
    "people:location-archive": Door(ONLY_POST, OWNERS_DONE, at="location"),
    "people:location-bring-back": Door(ONLY_POST, OWNERS_DONE, at="location"),
    "people:room-new": Door(OWNERS, OWNERS, at="location"),
    "people:room-edit": Door(OWNERS, OWNERS, at="room"),
    "people:room-archive": Door(ONLY_POST, OWNERS_DONE, at="room"),
    "people:room-bring-back": Door(ONLY_POST, OWNERS_DONE, at="room"),
    "people:service-list": Door(OWNERS, ONLY_GET),
    "people:service-new": Door(OWNERS, OWNERS),
    "people:service-edit": Door(OWNERS, OWNERS, at="service"),
    "people:service-archive": Door(ONLY_POST, OWNERS_DONE, at="service"),
    "people:service-bring-back": Door(ONLY_POST, OWNERS_DONE, at="service"),
    "people:modality-new": Door(OWNERS, OWNERS),
    "people:modality": Door(OWNERS, OWNERS, at="modality"),
    "people:modality-archive": Door(ONLY_POST, OWNERS_DONE, at="modality"),
    "people:modality-bring-back": Door(ONLY_POST, OWNERS_DONE, at="modality"),
    "people:import-list": Door(OWNERS, ONLY_GET),
    "people:import-new": Door(OWNERS, OWNERS, at="kind"),
    "people:import": Door(OWNERS, ONLY_GET, at="import"),
    "people:import-columns": Door(OWNERS, OWNERS, at="import"),
    "people:import-progress": Door(OWNERS, ONLY_GET, at="import"),
    "people:import-decide": Door(ONLY_POST, OWNERS_DONE, at="import"),
    "people:import-take-over": Door(ONLY_POST, OWNERS_DONE, at="import"),
    "people:import-undo": Door(ONLY_POST, OWNERS_DONE, at="import"),
    "people:import-wake": Door(ONLY_POST, OWNERS_DONE, at="import"),
    "people:import-forget": Door(ONLY_POST, OWNERS_DONE, at="import"),
    "people:import-left-out": Door(OWNERS, ONLY_GET, at="import"),
    "people:export": Door(OWNERS, ONLY_GET, at="kind"),
    "people:invitation": Door("404 404 404 404 404 404", ONLY_GET, at="setup"),
    "people:invitation-accept": Door("404 404 404 404 404 404", "404 404 404 404 404 404"),
    "people:staff-list": Door(OWNERS, ONLY_GET),
    "people:staff-invite": Door(OWNERS, OWNERS),
    "people:invitation-again": Door(ONLY_POST, OWNERS_DONE, at="staff_invitation"),
    "people:invitation-withdraw": Door(ONLY_POST, OWNERS_DONE, at="staff_invitation"),
    "people:staff-member": Door(OWNERS, OWNERS, at="member"),
    "people:staff-deactivate": Door(OWNERS, OWNERS_DONE, at="member"),
    "people:staff-reactivate": Door(ONLY_POST, OWNERS_DONE, at="member"),
    # Bea is bookable already.
    "people:staff-bookable": Door("in 404 404 404 404 404", "in 404 404 404 404 404", at="member"),
    "people:therapist": Door(OWNERS, OWNERS, at="therapist"),
    "people:therapist-profile": Door(OWNERS, OWNERS_DONE, at="therapist", sends={"biography": "Quiet hands."}),
    "people:therapist-leave": Door(OWNERS, OWNERS, at="therapist"),
    "people:therapist-bring-back": Door(ONLY_POST, OWNERS_DONE, at="therapist"),
    "people:therapist-clients": Door("in 404 404 200 404 200", "in 404 404 200 404 200", at="therapist"),
    "people:my-profile": Door(THERAPISTS, "in 404 404 404 302 404", sends={"biography": "Quiet hands."}),
    "audit:client-history": Door("in 404 404 404 200 200", ONLY_GET, at="client"),
    "audit:client-looks": Door("in 404 404 404 200 200", ONLY_GET, at="client"),
    "audit:record-history": Door(OWNERS, ONLY_GET, at="record"),
    "audit:clinic-history": Door(OWNERS, ONLY_GET),
    # desk
    "desk:day": Door(STAFF, ONLY_GET),
    "desk:day-visits": Door(STAFF, ONLY_GET),
    "desk:visit-place": Door(ONLY_POST, "in 404 404 409 409 409", at="visit"),
    "desk:visit-length": Door(STAFF, STAFF, at="visit"),
    "desk:my-day": Door(THERAPISTS, ONLY_GET),
    "desk:client": Door(STAFF, ONLY_GET, at="client"),
    "desk:appointment": Door(STAFF, ONLY_GET, at="visit"),
    # scheduling
    "scheduling:appointment-new": Door(STAFF, STAFF),
    "scheduling:free-times": Door("in 404 404 422 422 422", ONLY_GET),
    "scheduling:appointment-status": Door(ONLY_POST, STAFF_DONE, at="visit", sends={"to": "no_show"}),
    "scheduling:appointment-cancel": Door(STAFF, STAFF, at="visit"),
    # What was done last was done by somebody else, or is no day and time: the day says so.
    "scheduling:appointment-undo": Door(ONLY_POST, STAFF_DONE, at="visit"),
    "scheduling:appointment-again": Door(ONLY_POST, STAFF_DONE, at="visit"),
    # She has arrived: the visit is moved no more, and the day says so.
    "scheduling:appointment-move": Door(STAFF_DONE, STAFF, at="visit"),
    "scheduling:appointment-service": Door(STAFF, STAFF, at="visit"),
    # It waits for nothing: the day says where it is.
    "scheduling:appointment-keep": Door(STAFF_DONE, STAFF_DONE, at="visit"),
    "scheduling:series-new": Door(STAFF, STAFF),
    "scheduling:series-ending": Door(STAFF, ONLY_GET),
    # A visit of no series is moved and cancelled by itself.
    "scheduling:series-change": Door(STAFF_DONE, STAFF_DONE, at="visit"),
    "scheduling:series-cancel": Door(STAFF_DONE, STAFF_DONE, at="visit"),
    "scheduling:visits-to-rebook": Door("in 404 404 200 404 200", "in 404 404 200 404 200"),
    "scheduling:therapist-visits": Door("in 404 404 200 404 200", "in 404 404 200 404 200", at="therapist"),
    "scheduling:therapist-hours": Door(STAFF, ONLY_GET, at="therapist"),
    "scheduling:therapist-hours-change": Door("in 404 404 404 200 200", "in 404 404 404 200 200", at="therapist"),
    "scheduling:therapist-time-off": Door(STAFF, STAFF, at="therapist"),
    "scheduling:my-hours": Door("in 404 404 404 302 404", ONLY_GET),
    "scheduling:time-off-list": Door("in 404 404 200 404 200", ONLY_GET),
    "scheduling:closures": Door(OWNERS, OWNERS),
    "scheduling:absence": Door(STAFF, ONLY_GET, at="absence"),
    "scheduling:absence-remove": Door(ONLY_POST, STAFF_DONE, at="absence"),
    "scheduling:waitlist": Door(STAFF, ONLY_GET),
    "scheduling:wish-new": Door(STAFF, STAFF),
    "scheduling:wish-edit": Door(STAFF, STAFF, at="wish"),
    "scheduling:wish-remove": Door(ONLY_POST, STAFF_DONE, at="wish"),
    "scheduling:wish-hear": Door(ONLY_POST, STAFF_DONE, at="wish"),
    "scheduling:offer-answer": Door(ONLY_POST, STAFF_DONE, at="offer"),
    "scheduling:calendar-feed": Door("404 404 404 404 404 404", ONLY_GET, at="setup"),
    "scheduling:my-calendar": Door(THERAPISTS, THERAPISTS),
    "scheduling:client-calendar": Door("in 404 200 404 404 404", "in 404 200 404 404 404", at="client_pk"),
    # reminders
    "reminders:message-list": Door(STAFF, ONLY_GET),
    "reminders:how-they-go": Door(OWNERS, ONLY_GET),
    "reminders:message-try-again": Door(ONLY_POST, STAFF_DONE, at="message"),
    "reminders:message-settle": Door(ONLY_POST, STAFF_DONE, at="message"),
    "reminders:reply-list": Door(STAFF, ONLY_GET),
    "reminders:reply": Door(THERAPISTS, ONLY_GET, at="reply"),
    "reminders:reply-settle": Door(ONLY_POST, STAFF_DONE, at="reply"),
    # Only the example clinic has a mailbox.
    "demo:mailbox": Door("in 404 404 404 404 404", ONLY_GET),
    "demo:mail": Door("in 404 404 404 404 404", ONLY_GET, at="letter"),
    "demo:write-back": Door(ONLY_POST, "in 404 404 404 404 404"),
    # Whoever calls without the provider's signature.
    "reminders:text-incoming": Door(ONLY_POST, FORBIDDEN),
    "reminders:text-receipt": Door(ONLY_POST, FORBIDDEN, at="text"),
    "reminders:policy": Door(OWNERS, OWNERS),
    "reminders:wording": Door(OWNERS, OWNERS, at="wording"),
    "reminders:service-policy": Door(OWNERS, OWNERS_DONE, at="service"),
    "reminders:client-policy": Door(STAFF, STAFF_DONE, at="client"),
    # intake, hers
    "intake:open": Door(EVERYBODY, EVERYBODY, at="invitation"),
    "intake:own": Door("in 404 200 404 404 404", "in 404 302 404 404 404", at="client_pk"),
    "intake:step": Door(NO_FORM_OPEN, NO_FORM_OPEN, at="step"),
    "intake:step-save": Door(ONLY_POST, NO_FORM_OPEN, at="step"),
    "intake:stop": Door(NO_FORM_OPEN, ONLY_GET),
    "intake:sent": Door("404 404 404 404 404 404", ONLY_GET),
    # Whoever holds the link of today's visit, or the tablet.
    "intake:checkin": Door("200 200 200 404 200 404", "200 200 200 404 200 404", at="check_in"),
    "intake:checkin-hand-over": Door(STAFF, STAFF_DONE, at="visit"),
    # intake, the clinic's
    "intake:invite": Door(ONLY_POST, STAFF_DONE, at="client"),
    "intake:settings": Door(OWNERS, OWNERS),
    "intake:preview": Door(OWNERS, ONLY_GET, at="step"),
    "intake:own-question-new": Door(OWNERS, OWNERS),
    "intake:own-question": Door(OWNERS, OWNERS, at="own_question"),
    "intake:own-consent-new": Door(OWNERS, OWNERS),
    "intake:own-consent": Door(OWNERS, OWNERS, at="own_words_to_sign"),
    "intake:own-move": Door(ONLY_POST, OWNERS_DONE, at="own_question"),
    "intake:own-withdraw": Door(ONLY_POST, OWNERS_DONE, at="own_question"),
    "intake:paper-sheet": Door(STAFF, ONLY_GET, at="client"),
    "intake:paper": Door(THERAPISTS, "in 404 404 404 302 404", at="client"),
    "intake:paper-step": Door("in 404 404 404 302 404", "in 404 404 404 302 404", at="paper_step"),
    "intake:hand-over": Door(STAFF, STAFF_DONE, at="client"),
    "intake:tablet": Door("404 404 404 404 404 404", ONLY_GET),
    "intake:take-back": Door(ONLY_POST, STAFF_DONE, at="client"),
    "intake:findings": Door(THERAPISTS, ONLY_GET, at="client"),
    "intake:rules": Door(OWNERS, ONLY_GET),
    "intake:rule-new": Door(OWNERS, OWNERS),
    "intake:rule": Door(OWNERS, OWNERS, at="rule"),
    "intake:rule-retire": Door(ONLY_POST, OWNERS_DONE, at="rule"),
    "intake:crisis": Door(ONLY_POST, "in 404 404 404 302 404", at="client"),
    "intake:guardian-consent": Door(ONLY_POST, THERAPISTS, at="client"),
    "intake:consents": Door(THERAPISTS, ONLY_GET, at="client"),
    "intake:consent-take-back": Door(THERAPISTS, "in 404 404 404 302 404", at="consent"),
    "intake:clearances": Door(THERAPISTS, ONLY_GET, at="client"),
    "intake:clearance-new": Door(THERAPISTS, THERAPISTS, at="client"),
    "intake:letter-new": Door(THERAPISTS, THERAPISTS, at="client"),
    "intake:document-add": Door(ONLY_POST, THERAPISTS, at="client"),
    "intake:clearance-revoke": Door(ONLY_POST, THERAPISTS, at="clearance"),
    "intake:document": Door(THERAPISTS, ONLY_GET, at="document"),
    # A clearance rests on it.
    "intake:document-remove": Door(ONLY_POST, "in 404 404 404 302 404", at="document"),
    "intake:review-list": Door(THERAPISTS, ONLY_GET),
    "intake:review": Door(THERAPISTS, ONLY_GET, at="submission"),
    "intake:answers-use": Door(THERAPISTS, "in 404 404 404 302 404", at="submission"),
    "intake:answers-pdf": Door(THERAPISTS, ONLY_GET, at="submission"),
    "intake:answers-json": Door(THERAPISTS, ONLY_GET, at="submission"),
    "intake:own-answers": Door("in 404 200 404 404 404", ONLY_GET, at="client_pk"),
    "intake:own-pdf": Door("in 404 200 404 404 404", ONLY_GET, at="own_submission"),
    "intake:own-json": Door("in 404 200 404 404 404", ONLY_GET, at="own_submission"),
    "intake:review-done": Door(ONLY_POST, "in 404 404 404 409 404", at="submission"),
    # Without a word of what the page showed.
    "intake:finding-acknowledge": Door(ONLY_POST, "in 404 404 404 409 404", at="finding"),
    "intake:finding-close": Door(ONLY_POST, THERAPISTS, at="finding"),
    # sessions
    "treatment:note-list": Door(THERAPISTS, ONLY_GET),
    "treatment:start": Door(THERAPISTS, THERAPISTS, at="visit"),
    "treatment:note": Door(THERAPISTS, "in 404 404 404 422 404", at="note"),
    "treatment:sign": Door(ONLY_POST, "in 404 404 404 422 404", at="note"),
    "treatment:addendum-add": Door(ONLY_POST, "in 404 404 404 422 404", at="note"),
    "treatment:block-add": Door(THERAPISTS, "in 404 404 404 422 404", at="note"),
    "treatment:block-remove": Door(ONLY_POST, "in 404 404 404 422 404", at="block"),
    "treatment:mark-add": Door(ONLY_POST, "in 404 404 404 422 404", at="note"),
    "treatment:mark-remove": Door(ONLY_POST, "in 404 404 404 422 404", at="mark"),
    # plans
    "plans:plan": Door(THERAPISTS, ONLY_GET, at="client"),
    "plans:plan-new": Door(THERAPISTS, THERAPISTS, at="client"),
    "plans:plan-end": Door(THERAPISTS, THERAPISTS, at="client"),
    "plans:progress": Door(THERAPISTS, ONLY_GET, at="client"),
    "plans:score-new": Door(THERAPISTS, THERAPISTS, at="client"),
    # portal
    "portal:home": Door("in 200 200 200 200 200", ONLY_GET),
    "portal:visits": Door("in 200 200 200 200 200", ONLY_GET),
    "portal:visit-cancel": Door("in 404 409 404 404 404", "in 404 409 404 404 404", at="visit"),
    "portal:visit-move": Door("in 404 409 404 404 404", "in 404 409 404 404 404", at="visit"),
    "portal:choose": Door(ONLY_POST, "in 404 302 404 404 404", at="client_pk"),
    "portal:agreed": Door("in 404 200 404 404 404", ONLY_GET, at="client_pk"),
    "portal:take-back": Door("in 404 200 404 404 404", "in 404 302 404 404 404", at="own_consent"),
    "portal:plan": Door("in 404 200 404 404 404", ONLY_GET, at="client_pk"),
}

# What no table can hold, each with its reason.
LEFT_OUT: Mapping[str, str] = {}


@dataclass(frozen=True)
class World:
    """Alice with one of everything, and the keys under which each thing is addressed."""

    keys: Mapping[str, Mapping[str, Any]]
    visitors: Mapping[str, User | None]


@pytest.fixture
def visit_at(alice: Client, bea: Therapist, location: Location, dana: User, now: datetime):
    for weekday in range(7):
        add_weekly_hours(
            by=None,
            now=BEFORE,
            therapist=bea,
            location=location,
            weekday=weekday,
            opens=time(8),
            closes=time(20),
            valid_from=date(2026, 1, 1),
        )
    service = ServiceFactory(buffer_after=0)

    def arrived(starts_at: datetime) -> Appointment:
        visit = book_appointment(
            by=dana,
            now=now,
            client=alice,
            service=service,
            therapist=bea,
            location=location,
            starts_at=starts_at,
        )
        return change_status(by=dana, now=now, appointment=visit, to=Status.ARRIVED)

    return arrived


@pytest.fixture
def world(db, now, alice, alice_user, bea, dana, olga, carl, visit_at) -> World:
    submission = submit(now=now, submission=fill_in(alice, now=now), signed_name="Alice Marques")
    privacy = submission.consents.get(code="privacy")
    _invitation, token = invite(by=dana, now=now, client=alice)
    with_own_words(olga, now=now)
    note = start_note(
        by=bea.user,
        now=now,
        appointment=visit_at(now),
        phase="interictal",
        is_usual=True,
        consent_given=True,
        pain_before=4,
    )
    block = add_block(
        by=bea.user,
        now=now,
        note=note,
        modality=modality("myofascial"),
        region="thoracic_upper",
        side="both",
        technique="cross_hand",
        pressure=2,
        minutes=10,
        details={},
    )
    mark = place_mark(by=bea.user, now=now, note=note, region="thoracic_upper", side="left", kind="tension")
    finding = Finding.objects.create(
        client=alice,
        rule_version=RuleVersion.objects.latest("number"),
        rule="test_warn",
        effect="warn",
        reason="Told in the form.",
        raised_at=now,
    )
    clearance = clearance_of(alice, bea, now=now)
    visit = visit_at(now + timedelta(hours=2))
    plan_of(alice, bea, visit.service, now=now, starts_on=now.date())
    merge = merge_clients(by=dana, now=now, kept=alice, gone=ClientFactory(legal_name="Ali Marques"))
    message = Message.objects.create(
        kind="booking",
        subject_pk=visit.pk,
        client=alice,
        channel="email",
        about_at=visit.starts_at,
        due_at=now,
        useless_after=visit.starts_at,
        state=Message.State.FAILED,
        created_at=now,
    )
    asked, _token = invite_staff(by=olga, now=now, email="eva@example.org", name="Eva Brandt", roles=["therapist"])
    ends = now + WEEK
    offer = offer_to(alice, visit, now=now)
    Clinic.objects.update(online_booking=Clinic.OnlineBooking.AT_ONCE)
    keys = {
        "": {},
        "client": {"pk": alice.pk},
        "merge": {"pk": merge.pk},
        "client_pk": {"client_pk": alice.pk},
        "record": {"kind": "therapist", "pk": bea.pk},
        "visit": {"pk": visit.pk},
        "location": {"pk": visit.location_id},
        "room": {"pk": visit.room_id},
        "service": {"pk": visit.service_id},
        "modality": {"pk": visit.service.modality_id},
        "note": {"pk": note.pk},
        "block": {"pk": note.pk, "block_pk": block.pk},
        "mark": {"pk": note.pk, "mark_pk": mark.pk},
        "submission": {"pk": submission.pk},
        "own_submission": {"client_pk": alice.pk, "pk": submission.pk},
        "finding": {"pk": finding.pk},
        "consent": {"pk": privacy.pk},
        "own_consent": {"client_pk": alice.pk, "pk": privacy.pk},
        "clearance": {"pk": clearance.pk},
        "document": {"pk": clearance.document_id},
        "message": {"pk": message.pk},
        "text": {"key": uuid4()},
        "letter": {"name": "00000000000000000000-00000000.mail"},
        "reply": {"pk": reply_of(alice, now=now).pk},
        "concern": {"pk": mark_online(alice, OnlineConcern.Kind.CALL, by=alice_user, now=now).pk},
        "wish": {"pk": offer.wish_id},
        "offer": {"pk": offer.pk},
        "offer_link": {"token": token_for(offer)},
        "wording": {"kind": "reminder", "channel": "text", "language": "en"},
        "visit_link": {"token": links.token_for(message)},
        "invitation": {"token": token},
        "step": {"number": 1},
        "rule": {"code": "osteoporosis"},
        "paper_step": {"pk": alice.pk, "number": 1},
        "own_question": {"code": "own_1"},
        "own_words_to_sign": {"code": "own_2"},
        "check_in": {"token": check_in_token(visit)},
        "picture": {"digest": picture_of(b"a wave", now=now).digest},
        "setup": {"token": "guess"},
        "kind": {"kind": "clients"},
        "import": {"pk": an_import(olga, now).pk},
        "staff_invitation": {"pk": asked.pk},
        "member": {"pk": bea.user.pk},
        "therapist": {"pk": bea.pk},
        "absence": {"pk": add_time_off(by=olga, now=now, therapist=bea, starts_at=ends, ends_at=ends + WEEK).pk},
        "reset": {"uidb36": "1", "key": "guess"},
    }
    visitors = {"nobody": None, "carl": carl, "alice": alice_user, "dana": dana, "bea": bea.user, "olga": olga}
    return World(keys, visitors)


def offer_to(client: Client, visit: Appointment, *, now: datetime) -> Offer:
    """Return an offer of tomorrow at this time, made of a wish on the waitlist."""
    wish = add_wish(by=None, now=now, client=client, wished=Wished([visit.service]))
    match = Match(visit.service, visit.therapist, visit.location, now + timedelta(days=1))
    return offer_time(by=None, now=now, wish=wish, match=match)


def with_own_words(olga: User, *, now: datetime) -> None:
    """Let the form ask something of the clinic's own."""
    facts = {"by": olga, "now": now, "language": "en"}
    step, asked = "headaches", OwnQuestion("Which floor?", Kind.TEXT)
    version = add_question(**facts, based_on=current_form("en").pk, step=step, question=asked)
    add_consent(**facts, based_on=version.pk, consent=OwnConsent("Photos", "You agree to photos."))


def reply_of(client: Client, *, now: datetime) -> Reply:
    """Return what Alice's phone wrote."""
    return Reply.objects.create(
        provider_key="SM1", number="+351912345678", words="hello", meaning=Reply.Meaning.OTHER, at=now, client=client
    )


def picture_of(content: bytes, *, now: datetime) -> Picture:
    digest = hashlib.sha256(content).hexdigest()
    return Picture.objects.create(
        digest=digest, content=content, media_type="image/webp", width=1, height=1, added_at=now
    )


def an_import(olga: User, now: datetime) -> Import:
    """Return a file that has been checked and waits to be taken over."""
    content = b"Legal name\nEva Reis\n"
    return Import.objects.create(
        kind="clients",
        file_name="people.csv",
        content=content,
        columns=["legal_name"],
        state="checked",
        new_count=1,
        by=olga,
        at=now,
    )


def names_of_addresses(resolver: URLResolver, namespace: str = "") -> Iterator[str]:
    """Yield the full name of every address, as reverse() takes it."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from names_of_addresses(entry, inner)
        elif isinstance(entry, URLPattern):
            yield f"{namespace}{entry.name}" if entry.name else f"unnamed: {entry.pattern}"


def answer_in_words(answer: HttpResponse) -> str:
    if answer.status_code == 302 and answer["Location"].startswith("/login/?next="):
        return "in"
    return str(answer.status_code)


def test_every_address_has_its_line():
    names = sorted(names_of_addresses(get_resolver()))
    assert len(names) == len(set(names))
    assert set(names) == {*DOORS, *LEFT_OUT}


def part_of(name: str) -> str:
    return name.rpartition(":")[0] or "outside"


@pytest.mark.parametrize("part", sorted({part_of(name) for name in DOORS}))
def test_each_door_opens_for_whom_it_should(part: str, world: World):
    surprises = []
    for name, door in DOORS.items():
        if part_of(name) == part:
            url = reverse(name, kwargs=world.keys[door.at])
            surprises += surprises_at(url, "get", door.get, {}, world)
            surprises += surprises_at(url, "head", door.get, {}, world)
            surprises += surprises_at(url, "post", door.post, door.sends, world)
    assert not surprises, "\n" + "\n".join(surprises)


# What the form itself is made of, and the page on which staff unlock it.
OPEN_ON_A_TABLET = {"account_login", "people:picture", "theme"}
OPEN_ON_A_TABLET |= {"intake:step", "intake:step-save", "intake:stop", "intake:tablet"}


def test_a_tablet_that_was_handed_over_opens_no_other_door(world: World):
    tablet = Browser()
    tablet.force_login(world.visitors["dana"])
    tablet.post(reverse("intake:hand-over", args=[world.keys["client"]["pk"]]))
    places = {name: reverse(name, kwargs=world.keys[door.at]) for name, door in DOORS.items()}
    assert tablet.get(places["intake:step"]).status_code == 200
    for name in sorted({*places} - OPEN_ON_A_TABLET):
        place = places[name]
        for answer in (tablet.get(place), tablet.post(place)):
            assert (answer.status_code, answer["Location"]) == (302, places["intake:tablet"]), name
            assert not answer.content
    assert tablet.get("/no/such/page/").headers["Location"] == places["intake:tablet"]


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_no_door_knows_methods_that_no_form_sends(method: str, world: World):
    found = {
        f"{name}: {visitor} gets {words}"
        for name, door in DOORS.items()
        for visitor in ("nobody", "olga")
        if (words := knock(method, reverse(name, kwargs=world.keys[door.at]), {}, world.visitors[visitor])) != "405"
    }
    assert not found, "\n" + "\n".join(sorted(found))


def test_a_page_that_wrote_while_it_is_read_would_be_noticed(world: World):
    before = rows_written()
    Client.objects.filter(pk=world.keys["client"]["pk"]).update(alert="Rings twice.")
    assert "people_client" in changed_since(before)


def surprises_at(url: str, method: str, expected: str, sent: Mapping[str, str], world: World) -> list[str]:
    """Return in words who gets something else than was expected."""
    found = {visitor: knock(method, url, sent, user) for visitor, user in world.visitors.items()}
    return [
        f"{method.upper()} {url}: {visitor} gets {found[visitor]}, not {due}"
        for visitor, due in zip(VISITORS, expected.split(), strict=True)
        if found[visitor] != due
    ]


def knock(method: str, url: str, sent: Mapping[str, str], user: User | None) -> str:
    """Try one door as one visitor, and leave the world as it was. What only reads, and has written, is told."""
    browser = Browser(raise_request_exception=False)
    with transaction.atomic():
        if user is not None:
            browser.force_login(user)
        before = rows_written()
        answer = answer_in_words(getattr(browser, method)(url, sent))
        written = changed_since(before) - WRITTEN_BY_READING if method in {"get", "head"} else set()
        transaction.set_rollback(True)
    return " and writes ".join([answer, *sorted(written)])


# Who looked at what and who took a list along, and what a browser is told once.
WRITTEN_BY_READING = {"audit_look", "audit_change", "django_session"}


def rows_written() -> dict[str, int]:
    """Return how many rows of each table this transaction has added, changed or removed so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables")
        return dict(cursor.fetchall())


def changed_since(before: Mapping[str, int]) -> set[str]:
    return {table for table, count in rows_written().items() if count != before.get(table, 0)}
