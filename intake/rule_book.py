"""The clinic's own hand on the rules: each change is a new version, with who, when and why.

Any rule may be made stricter. One that is floor can be neither loosened nor retired, by whoever, by whatever road; the
database refuses it as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from clinic.audit.services import record_change
from clinic.lib.times import local_date
from clinic.people.models import Client, User, clinic_zone
from intake.answering import current_form
from intake.checkin import check_in_step
from intake.findings import profile_on
from intake.models import Consent, Effect, RuleVersion, Submission
from intake.models_safety import RuleChange
from intake.questions import form_of
from intake.rules import (
    WITHDRAWN,
    Condition,
    Rule,
    RuleProblem,
    Scope,
    Window,
    current_rules,
    parse_rule,
    parse_rules,
    regions_meant,
)
from intake.safety import LADDER, fact_by, not_asked

Row = Mapping[str, Any]
LONGEST_WHY = 240
# What stands before the code of a rule that the clinic has added.
OWN = "own_"
NAMES_SHOWN = 50


class StaleRules(ValidationError):  # noqa: N818  # a sentence for the screen, not a fault
    """Somebody changed the rules after this page was opened. The page answers 409 and shows both."""


# --- What may be changed


def is_as_strict(old: Rule, new: Rule) -> bool:
    """Say whether a rule holds at least wherever and as firmly as it did: for the floor nothing less is taken."""
    return (
        new.is_floor >= old.is_floor
        and _effect_is_as_strict(old, new)
        and _asks_no_less(old.when, new.when)
        and _lasts_as_long(old.window, new.window)
        and _covers_all(old.applies_to, new.applies_to)
        and new.is_asked_at_visit == old.is_asked_at_visit
    )


def _effect_is_as_strict(old: Rule, new: Rule) -> bool:
    if old.effect is new.effect:
        return (new.cap or 0) <= (old.cap or 0) and new.consent == old.consent
    # “Clear” stands high, but is the one effect that a doctor's paper lifts: nothing becomes stricter by it.
    if old.effect not in LADDER or new.effect not in LADDER or new.effect is Effect.CLEAR:
        return False
    return LADDER.index(new.effect) > LADDER.index(old.effect)


def _asks_no_less(old: Condition | None, new: Condition | None) -> bool:
    """Say whether whatever met the old condition meets the new one: the same, or with figures that are met sooner."""
    if new is None or old is None:
        return new is None
    if (old.question, old.fact, old.operator, len(old.parts)) != (new.question, new.fact, new.operator, len(new.parts)):
        return False
    if not all(_asks_no_less(had, has) for had, has in zip(old.parts, new.parts, strict=True)):
        return False
    # A lower figure is reached sooner; below a higher one, and among more answers, there are more people.
    if old.operator == "at_least":
        return bool(new.value <= old.value)
    return bool(new.value >= old.value if old.operator in ("below", "includes") else new.value == old.value)


def _lasts_as_long(old: Window | None, new: Window | None) -> bool:
    if new is None or old is None:
        return new is None
    ends_later = new.last_day is None or (old.last_day is not None and new.last_day >= old.last_day)
    return new.since == old.since and new.first_day <= old.first_day and ends_later


def _covers_all(old: Sequence[Scope], new: Sequence[Scope]) -> bool:
    """Say whether every place of which the old rule spoke is one of the new rule's."""
    return not new or (bool(old) and all(any(_covers(has, had) for has in new) for had in old))


def _covers(wide: Scope, narrow: Scope) -> bool:
    lists = ("modalities", "techniques", "positions", "products")
    named = all(
        not getattr(wide, name) or (getattr(narrow, name) and getattr(wide, name) >= getattr(narrow, name))
        for name in lists
    )
    return (
        named
        and _covers_regions(wide, narrow)
        and wide.except_techniques <= narrow.except_techniques
        and wide.pressure_from <= narrow.pressure_from
    )


def _covers_regions(wide: Scope, narrow: Scope) -> bool:
    if not wide.regions and not wide.regions_from:
        return True
    if wide.regions_from or narrow.regions_from:
        return wide.regions_from == narrow.regions_from and wide.regions >= narrow.regions
    return bool(narrow.regions) and regions_meant(wide.regions) >= regions_meant(narrow.regions)


# --- Writing


def change_rule(*, by: User, now: datetime, seen: int, row: Row, why: str) -> RuleVersion:
    """Put a row in the place of the one with its code. `seen` is the number of the version that the page showed.

    Raises StaleRules; ValidationError for a row that cannot be read, or that would loosen the floor.
    """
    with transaction.atomic():
        newest = _newest(by, seen)
        old = _one_of(newest, str(row.get("code")))
        new = read(row)
        if old.is_floor and not is_as_strict(old, new):
            raise ValidationError(_("This rule is floor: it can be made stricter, never looser."))
        rows = [row if had["code"] == row["code"] else had for had in newest.rules]
        return _publish(newest, rows, RuleChange(by=by, at=now, act=RuleChange.Act.CHANGED, rule=new.code, why=why))


def add_rule(*, by: User, now: datetime, seen: int, row: Row, why: str) -> RuleVersion:
    """Add a rule of the clinic's own; its code is given here. Raises as `change_rule`."""
    with transaction.atomic():
        newest = _newest(by, seen)
        numbers = [int(had["code"].removeprefix(OWN)) for had in newest.rules if had["code"].startswith(OWN)]
        # A code is never given twice: findings of a retired rule keep its name.
        before = RuleChange.objects.filter(act=RuleChange.Act.ADDED).count()
        code = f"{OWN}{max([before, *numbers]) + 1}"
        new = as_asked({**row, "code": code})
        return _publish(
            newest, [*newest.rules, new], RuleChange(by=by, at=now, act=RuleChange.Act.ADDED, rule=code, why=why)
        )


def as_asked(row: Row) -> Row:
    """Mark a rule over what only a check-in asks: silence in the form holds nothing back."""
    rule = read(row)
    at_visit = {question.code for question in check_in_step().questions}
    at_visit -= set(form_of(current_form("en").pk).questions)
    is_at_visit = rule.when is not None and not at_visit.isdisjoint(rule.when.questions())
    return {**row, "is_asked_at_visit": True} if is_at_visit else row


def retire_rule(*, by: User, now: datetime, seen: int, code: str, why: str) -> RuleVersion:
    """Take a rule out; findings that it raised stay until a therapist closes them. Raises as `change_rule`."""
    with transaction.atomic():
        newest = _newest(by, seen)
        if _one_of(newest, code).is_floor:
            raise ValidationError(_("This rule is floor: it cannot be retired."))
        rows = [had for had in newest.rules if had["code"] != code]
        return _publish(newest, rows, RuleChange(by=by, at=now, act=RuleChange.Act.RETIRED, rule=code, why=why))


def _newest(by: User, seen: int) -> RuleVersion:
    """Lock the newest version; whoever waits for it finds a newer one."""
    if not by.is_owner:
        raise ValidationError(_("Only an owner changes the rules."))
    held = RuleVersion.objects.select_for_update().order_by("-number").first()
    newest = RuleVersion.objects.order_by("-number").first()
    if held is None or newest is None:
        raise RuleVersion.DoesNotExist("No safety rules are installed; run the migrations.")
    # Whoever waited holds the version before; a page may claim to have seen one that is still to come.
    if not held.number == newest.number == seen:
        change = RuleChange.objects.filter(version=newest).select_related("by").first()
        who = change.by.name if change and change.by else _("an update of the program")
        raise StaleRules(
            _("%(who)s changed the rules meanwhile: this is version %(number)d now. Nothing of yours is saved yet.")
            % {"who": who, "number": newest.number}
        )
    return newest


def _one_of(version: RuleVersion, code: str) -> Rule:
    row = next((row for row in version.rules if row["code"] == code), None)
    if row is None:
        raise ValidationError(_("There is no such rule any more."))
    return parse_rule(row)


def read(row: Row) -> Rule:
    """Read a row. Raises ValidationError."""
    try:
        return parse_rule(dict(row))
    except RuleProblem as problem:
        raise ValidationError(_("This rule cannot be read: %(problem)s") % {"problem": problem}) from None


def _publish(newest: RuleVersion, rows: list[Row], change: RuleChange) -> RuleVersion:
    change.why = " ".join(change.why.split())
    if not 1 <= len(change.why) <= LONGEST_WHY:
        raise ValidationError({"why": _("Say in a line why; it stands with the version for ever.")})
    if rows == newest.rules:
        raise ValidationError(_("Nothing was changed."))
    parse_rules(rows)
    change.version = RuleVersion.objects.create(number=newest.number + 1, rules=rows, published_at=change.at)
    change.save(force_insert=True)
    by, what, words = change.by_id, change.version, _("safety rules, a new version")
    record_change(by=by, client=None, what=what, words=words, now=change.at)
    return change.version


# --- Whom a change would affect


@dataclass(frozen=True)
class Affected:
    """Clients for whom a rule would say something else; the first of them by name, for whoever treats."""

    count: int
    clients: Sequence[Client]

    @property
    def more(self) -> int:
        return self.count - len(self.clients)


def affected_by(old: Rule | None, new: Rule | None, day: date, *, with_names: bool) -> Affected:
    """Return for whom `new` says something else than `old` about her newest answers, or alone holds back deep and neck
    work because she was never asked; five queries at most.
    """
    zone = clinic_zone()
    withdrawn = _withdrawn() if any(_reads_consents(rule) for rule in (old, new)) else {}

    codes = {rule.code for rule in (old, new) if rule}
    others = [rule for rule in current_rules()[1] if rule.code not in codes]

    def is_affected(sent: Submission) -> bool:
        profile = replace(
            profile_on(day, sent.client, sent.answers),
            answered_on=local_date(zone, sent.submitted_at or sent.saved_at),
            withdrawn=withdrawn.get(sent.client_id, frozenset()),
        )
        had, has = (fact_by(rule, profile, day) if rule else None for rule in (old, new))
        if had != has:
            return True
        held_back, holds_back = (bool(rule and not_asked([rule], profile, day)) for rule in (old, new))
        return held_back != holds_back and not not_asked(others, profile, day)

    clients = [sent.client for sent in _newest_answers() if is_affected(sent)]
    shown = sorted(clients, key=lambda client: client.name)[:NAMES_SHOWN] if with_names else []
    return Affected(len(clients), shown)


def _newest_answers() -> Iterator[Submission]:
    newest = Submission.objects.exclude(state=Submission.State.DRAFT).select_related("client")
    living = newest.filter(client__archived_at__isnull=True, client__merged_into__isnull=True)
    return living.order_by("client_id", "-submitted_at", "-pk").distinct("client_id").iterator(chunk_size=2000)


def _reads_consents(rule: Rule | None) -> bool:
    return rule is not None and rule.when is not None and any(leaf.fact == WITHDRAWN for leaf in rule.when.leaves())


def _withdrawn() -> dict[int, frozenset[str]]:
    """Return for each client the consents that were given once and no longer are."""
    signed: dict[int, dict[str, bool]] = defaultdict(dict)
    for client, code, revoked_at in Consent.objects.values_list("client", "code", "revoked_at"):
        signed[client][code] = signed[client].get(code, False) or revoked_at is None
    return {client: frozenset(code for code, holds in codes.items() if not holds) for client, codes in signed.items()}
