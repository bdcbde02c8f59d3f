"""Findings as rows: raised from answers, read back as the facts that `safety` reasons about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime

from django.db.models import F, Q

from clinic.people.models import Client
from clinic.people.records import records_beside, records_of
from clinic.people.services import lock_client
from intake.alerts import alert, wants_a_person_now, was_told_today
from intake.cover import ClearanceFact
from intake.medicines import with_medicine_days
from intake.models import GUARDIAN, Consent, Effect, Finding, Submission
from intake.questions import Answer
from intake.rules import Rule, current_rules, parse_scope
from intake.safety import (
    URGENT,
    FindingFact,
    Planned,
    SafetyProfile,
    Verdict,
    evaluate,
    everyone,
    may,
    merged,
    raise_fact,
    severity,
)
from intake.today import said_on
from intake.wall import today_at


def facts_of(submission: Submission, day: date) -> list[FindingFact]:
    """Return what a client's answers raise by the rules of today."""
    answered_on = day if submission.submitted_at is None else today_at(submission.submitted_at)
    # While she is answering nothing is signed yet.
    withdrawn = withdrawn_by(submission.client_id) if submission.submitted_at else frozenset[str]()
    profile = replace(profile_on(day, submission.client, submission.answers), answered_on=answered_on)
    return evaluate(current_rules()[1], replace(profile, withdrawn=withdrawn), day)


def profile_on(day: date, client: Client, answers: Mapping[str, Answer]) -> SafetyProfile:
    """Return what the rules look at: the answers of a day, beside her age on it."""
    return SafetyProfile(
        answers=with_medicine_days(answers), answered_on=day, age=client.age_on(day), born_on=client.born_on
    )


def withdrawn_by(client_pk: int) -> frozenset[str]:
    """Return the codes of the consents that were given once and no longer are; one query."""
    signed = Consent.objects.filter(client__among=records_of(client_pk)).values_list("code", "revoked_at")
    in_force = {code for code, revoked_at in signed if revoked_at is None}
    return frozenset(code for code, _revoked_at in signed) - in_force


def fact_of(finding: Finding) -> FindingFact:
    """Return a finding as `safety` reasons about it."""
    return FindingFact(
        rule=finding.rule,
        effect=Effect(finding.effect),
        reason=finding.reason,
        cap=finding.cap,
        applies_to=tuple(parse_scope(scope) for scope in finding.applies_to),
        consent=finding.consent,
        starts_on=finding.starts_on,
        ends_on=finding.ends_on,
        is_unsure=finding.is_unsure,
        version=finding.rule_version.number,
        finding=finding.pk,
    )


def raise_findings(
    client_pk: int, facts: Iterable[FindingFact], *, now: datetime, submission: Submission | None = None
) -> list[Finding]:
    """Open a finding per fact. One open by the same rule grows where the answer is more severe; it never shrinks.

    Without a submission the answers were given at a visit: what is urgent, said again on another day, wants a person
    again, whoever knew of it before. Return the findings that now say so.
    """
    # Two devices may send at the same moment.
    lock_client(client_pk)
    version, _rules = current_rules()
    if submission is not None:
        facts = not_settled(submission, facts, today_at(now))
    held = Finding.objects.open().filter(client__among=records_of(client_pk)).select_related("rule_version")
    is_open = {finding.rule: finding for finding in held}
    saying = []
    for fact in facts:
        finding = is_open.get(fact.rule) or Finding(client_id=client_pk, rule=fact.rule, raised_at=now)
        saying.append(finding)
        if finding.pk:
            old = fact_of(finding)
            is_said_anew = submission is None and wants_a_person_now(fact) and not was_told_today(finding, now)
            fact = merged(old, fact, today_at(now))  # noqa: PLW2901  # the same fact, grown
            if fact == old and not is_said_anew:
                continue
        _write(finding, fact, submission, version)
        alert(finding, now)
    return saying


def not_settled(submission: Submission, facts: Iterable[FindingFact], day: date) -> list[FindingFact]:
    """Leave out what a therapist has already closed for these very answers, unless it is more severe by now."""
    closed = Finding.objects.filter(submission=submission, closed_at__isnull=False).select_related("rule_version")
    settled = {finding.rule: fact_of(finding) for finding in closed.order_by("closed_at")}
    return [
        fact
        for fact in facts
        if fact.rule not in settled or merged(settled[fact.rule], fact, day) != settled[fact.rule]
    ]


def _write(finding: Finding, fact: FindingFact, submission: Submission | None, version: int) -> None:
    finding.submission, finding.rule_version_id = submission or finding.submission, version
    finding.effect, finding.cap, finding.consent = fact.effect, fact.cap, fact.consent
    finding.reason, finding.is_unsure = fact.reason, fact.is_unsure
    finding.applies_to = [scope.as_data() for scope in fact.applies_to]
    finding.starts_on, finding.ends_on = fact.starts_on, fact.ends_on
    # Who knew of the milder one does not know of this one yet.
    finding.acknowledged_at = finding.acknowledged_by = None
    finding.save()


def open_findings(client_pk: int) -> list[Finding]:
    """Return what is in force for a client, most severe first."""
    hers = Finding.objects.open().filter(client__among=records_of(client_pk))
    found = hers.select_related("rule_version", "acknowledged_by")
    return sorted(found.order_by("raised_at", "pk"), key=lambda finding: severity(fact_of(finding)), reverse=True)


def findings_in_force(client_pk: int, day: date) -> list[Finding]:
    """Return what holds for a client on a day, most severe first, without what a consent on record lifts."""
    consents = consents_of([client_pk]).get(client_pk, frozenset())
    return [finding for finding in open_findings(client_pk) if fact_of(finding).is_in_force(day, consents)]


def guardian_rule() -> Rule | None:
    """Return the rule that a guardian's consent lifts, if the clinic's rules have one."""
    return next((rule for rule in current_rules()[1] if rule.consent == GUARDIAN), None)


def needs_guardian(client: Client, day: date) -> bool:
    """Say whether she is, or was when she answered, under age or of unknown age: a guardian must agree."""
    rule = guardian_rule()
    if rule is not None and raise_fact(rule, SafetyProfile({}, day, client.age_on(day)), day):
        return True
    held = Finding.objects.open().filter(client__among=records_of(client.pk), consent=GUARDIAN)
    return held.filter(Q(ends_on__isnull=True) | Q(ends_on__gte=day)).exists()


def open_facts(client_pks: Collection[int]) -> Mapping[int, list[FindingFact]]:
    """Return the facts in force per client; one query."""
    found: dict[int, list[FindingFact]] = defaultdict(list)
    for finding, records in open_by_record(client_pks):
        for record in records:
            found[record].append(fact_of(finding))
    return found


def open_by_record(client_pks: Collection[int]) -> list[tuple[Finding, list[int]]]:
    """Return what is in force for these clients, each with the keys of all records of its client; one query."""
    held = Finding.objects.open().filter(client__among=records_of(*client_pks)).select_related("rule_version")
    found = held.annotate(records=records_beside()).order_by("pk")
    return [(finding, finding.records) for finding in found]  # type: ignore[attr-defined]  # annotated


def consents_of(client_pks: Collection[int]) -> Mapping[int, frozenset[str]]:
    """Return the codes of the consents in force per client; one query."""
    found: dict[int, set[str]] = defaultdict(set)
    in_force = Consent.objects.filter(client__among=records_of(*client_pks), revoked_at__isnull=True)
    for records, code in in_force.annotate(records=records_beside()).values_list("records", "code"):
        for record in records:
            found[record].add(code)
    return {client_pk: frozenset(codes) for client_pk, codes in found.items()}


def clearances_over(facts: Iterable[FindingFact]) -> list[ClearanceFact]:
    """Return what doctors have allowed of what is held back; at most one query.

    A clearance speaks of a finding as it was known when it was recorded, not of what has become of it since.
    """
    held_back = [fact.finding for fact in facts if fact.effect is Effect.CLEAR and fact.finding]
    if not held_back:
        return []
    covered = Finding.objects.filter(
        pk__in=held_back, clearances__revoked_at__isnull=True, acknowledged_at__lte=F("clearances__recorded_at")
    )
    scopes = covered.order_by("pk", "clearances").values_list(
        "pk",
        "clearances__pressure_up_to",
        "clearances__starts_on",
        "clearances__ends_on",
        "clearances__modalities",
        "clearances__regions",
    )
    return [
        ClearanceFact(finding, up_to, starts_on, ends_on, frozenset(modalities), frozenset(regions))
        for finding, up_to, starts_on, ends_on, modalities, regions in scopes
    ]


def facts_of_visit(client: Client, answers: Mapping[str, Answer], day: date) -> list[FindingFact]:
    """Return what was answered at a visit, by the rules' question codes (attack_today, sedative …), raises."""
    return raised_by(current_rules()[1], profile_on(day, client, answers))


def for_a_doctor(facts: Iterable[FindingFact]) -> list[FindingFact]:
    """Return what does not end with the day it was answered on: what is urgent, and what waits for a clearance."""
    lasting = {
        rule.code
        for rule in current_rules()[1]
        if rule.window is None and (rule.effect in URGENT or rule.effect is Effect.CLEAR)
    }
    return [fact for fact in facts if fact.effect in URGENT or fact.rule in lasting]


def raised_by(rules: Iterable[Rule], profile: SafetyProfile) -> list[FindingFact]:
    """Return what the rules that ask for any of these answers make of them; what is not among them was not asked."""
    asked = (rule for rule in rules if rule.when and set(rule.when.questions()) & set(profile.answers))
    return [fact for rule in asked if (fact := raise_fact(rule, profile, profile.answered_on))]


def verdict_for(client: Client, planned: Planned, day: date, *, today: Mapping[str, Answer] | None = None) -> Verdict:
    """Answer whether `planned` may be done for this client on `day`.

    `today` holds what was answered at the visit, in place of what she said when she checked in; of that the strictest
    counts. Until she has sent
    her answers, nothing counts as asked.
    """
    rules = current_rules()[1]
    facts = [*open_facts([client.pk]).get(client.pk, ()), *everyone(rules)]
    if not Submission.objects.filter(client__among=records_of(client.pk)).sent().exists():
        facts += evaluate(rules, profile_on(day, client, {}), day)
    confirmed = dict(today or {})
    said = [answers | confirmed for answers in said_on(client.pk, day)] or [confirmed]
    facts += dict.fromkeys(fact for answers in said for fact in facts_of_visit(client, answers, day))
    consents = consents_of([client.pk]).get(client.pk, frozenset())
    return may(planned, facts, day, consents=consents, clearances=clearances_over(facts))
