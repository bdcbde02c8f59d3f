"""The safety net, pure: answers and rules make findings; findings and a plan make a verdict. No database here.

Only "no" clears. "Not sure" counts as yes with the effect one step milder, never below a warning. What was not asked
holds back deep and neck work until it is asked.
"""

from __future__ import annotations

from calendar import isleap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import IntEnum

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from clinic.lib.body import Group
from intake.cover import ClearanceFact, cleared_up_to
from intake.models import Effect
from intake.questions import NO, UNSURE, YES, Answer
from intake.rules import AGE, SINCE_ANSWER, WITHDRAWN, Condition, Rule, Scope, regions_meant

HIGHEST_PRESSURE = 5
# D: what a milder "not before a clearance" still allows.
CAP_WHEN_MILDER = 2

# From mild to strict; "one step milder" goes down this line. The others (product, consent, letter) have no milder form.
LADDER = (
    Effect.WARN,
    Effect.CAP,
    Effect.CLEAR,
    Effect.BLOCK,
    Effect.POSTPONE,
    Effect.SAME_DAY,
    Effect.EMERGENCY,
)
URGENT = frozenset({Effect.SAME_DAY, Effect.EMERGENCY})
# What stops the work of which it speaks, until a consent on record lifts it; a cap or a warning is passed over.
STOPPING = frozenset({Effect.BLOCK, Effect.CLEAR, Effect.POSTPONE, Effect.SAME_DAY, Effect.EMERGENCY, Effect.CONSENT})

NOT_ASKED_RULE = "not_asked"
NOT_ASKED = gettext_noop("Not every safety question has been answered: no deep work and no neck work until it is.")
# D: work at pressure 4 and 5 is deep, whatever the modality is called.
DEEP_AND_NECK = (
    Scope(modalities=frozenset({"deep"})),
    Scope(pressure_from=4),
    Scope(regions=frozenset({str(Group.NECK)})),
)


class Truth(IntEnum):
    """How far a condition is met; joined by the smallest (all) or the largest (any)."""

    NO = 0
    NOT_ASKED = 1
    UNSURE = 2
    YES = 3


@dataclass(frozen=True)
class SafetyProfile:
    """What the rules look at: her answers, the day she gave them, her age (None if unknown), what she took back."""

    answers: Mapping[str, Answer]
    answered_on: date
    age: int | None
    born_on: date | None = None
    # The codes of consents that were given once and no longer are.
    withdrawn: frozenset[str] = frozenset()


@dataclass(frozen=True)
class FindingFact:
    """A rule met an answer: what follows, where, from when to when. How it is worded makes it no other fact."""

    rule: str
    effect: Effect
    # As the rule has it; after “not sure” the rule's title. What is read is `words`.
    reason: str = field(compare=False)
    cap: int | None = None
    applies_to: tuple[Scope, ...] = ()
    consent: str = ""
    starts_on: date | None = None
    ends_on: date | None = None
    is_unsure: bool = field(default=False, compare=False)
    # The number of the rules' version that speaks.
    version: int = field(default=0, compare=False)
    # The key of the finding that says so, where one is kept: clearances name it.
    finding: int | None = field(default=None, compare=False)

    @property
    def words(self) -> str:
        """The reason as it is read, in the reader's language as far as it is ours."""
        if self.is_unsure:
            return _("Not sure about this: %(title)s.") % {"title": self.reason}
        return _(NOT_ASKED) if self.rule == NOT_ASKED_RULE else self.reason

    def holds_on(self, day: date) -> bool:
        """Say whether `day` lies within its days."""
        return (self.starts_on is None or self.starts_on <= day) and (self.ends_on is None or day <= self.ends_on)

    def is_in_force(self, day: date, consents: frozenset[str]) -> bool:
        """Say whether it holds on `day` and no consent on record lifts it."""
        return self.holds_on(day) and not (self.effect is Effect.CONSENT and self.consent in consents)


@dataclass(frozen=True)
class Planned:
    """What is asked about. Regions and techniques left empty, or pressure None, are not decided yet (a booking)."""

    modality: str
    traits: frozenset[str] = frozenset()
    techniques: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    pressure: int | None = None
    position: str = ""
    products: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Verdict:
    """The answer: may it be done, how firmly, and what must be known.

    `cap` is the highest pressure without an override, `hard_cap` the highest even with one. A cap and a warning may be
    passed over in the session with a reason; what stops may not.
    """

    stops: tuple[FindingFact, ...] = ()
    caps: tuple[FindingFact, ...] = ()
    warns: tuple[FindingFact, ...] = ()
    cap: int = HIGHEST_PRESSURE
    hard_cap: int = HIGHEST_PRESSURE
    refused_products: frozenset[str] = frozenset()

    @property
    def allowed(self) -> bool:
        return not self.stops

    @property
    def blocked(self) -> bool:
        return bool(self.stops)

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(fact.words for fact in self.warns)

    @property
    def versions(self) -> frozenset[int]:
        """The versions of the rules that stop, hold down or warn."""
        return frozenset(fact.version for fact in (*self.stops, *self.caps, *self.warns))

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is stopped or held down, most severe first."""
        return tuple(dict.fromkeys(fact.words for fact in (*self.stops, *self.caps)))


def evaluate(rules: Iterable[Rule], profile: SafetyProfile, day: date) -> list[FindingFact]:
    """Return what the answers raise, for `day` and later; what is over before `day` is left out."""
    rules = tuple(rules)
    raised = [fact for rule in rules if rule.when and (fact := raise_fact(rule, profile, day))]
    unasked = not_asked(rules, profile, day)
    return [*raised, unasked] if unasked else raised


def everyone(rules: Iterable[Rule]) -> list[FindingFact]:
    """Return the rules that hold for everybody, whatever she answers."""
    return [_fact(rule, rule.effect, rule.cap, rule.applies_to) for rule in rules if rule.when is None]


def fact_by(rule: Rule, profile: SafetyProfile, day: date) -> FindingFact | None:
    """Return what one rule says of somebody: what it says of everybody, or what it makes of her answers, or None."""
    return next(iter(everyone([rule])), None) or raise_fact(rule, profile, day)


def raise_fact(rule: Rule, profile: SafetyProfile, day: date) -> FindingFact | None:
    """Return what one rule makes of the answers, or None."""
    if rule.when is None:
        return None
    truth = truth_of(rule.when, profile)
    if truth <= Truth.NOT_ASKED:
        return None
    starts_on, ends_on, is_dated = _window(rule, profile)
    if not is_dated:
        truth = min(truth, Truth.UNSURE)
    if ends_on is not None and ends_on < day:
        return None
    scopes = tuple(_resolved(scope, profile) for scope in rule.applies_to)
    fact = replace(_fact(rule, rule.effect, rule.cap, scopes), starts_on=starts_on, ends_on=ends_on)
    if truth is Truth.YES:
        return fact
    effect, cap = milder(rule.effect, rule.cap)
    return replace(fact, effect=effect, cap=cap, reason=rule.title, is_unsure=True)


def _window(rule: Rule, profile: SafetyProfile) -> tuple[date | None, date | None, bool]:
    """Return first and last day of a rule, and whether they are known."""
    if rule.window is None:
        return None, _last_day_below(rule.when, profile.born_on), True
    if rule.window.since == SINCE_ANSWER:
        since = profile.answered_on
    else:
        answer = profile.answers.get(rule.window.since)
        if not isinstance(answer, str):
            return None, None, False
        since = date.fromisoformat(answer)
    last = rule.window.last_day
    return since + timedelta(rule.window.first_day), None if last is None else since + timedelta(last), True


def _last_day_below(condition: Condition | None, born_on: date | None) -> date | None:
    """Return the day before the birthday that ends what holds below an age; None for every other condition."""
    if condition is None or condition.fact != AGE or born_on is None:
        return None
    year = born_on.year + condition.value
    is_leap_day = (born_on.month, born_on.day) == (2, 29)
    birthday = date(year, 3, 1) if is_leap_day and not isleap(year) else born_on.replace(year=year)
    return birthday - timedelta(1)


def _resolved(scope: Scope, profile: SafetyProfile) -> Scope:
    """Put the regions that she named into a scope; where she named none, it holds everywhere."""
    if not scope.regions_from:
        return scope
    return replace(scope, regions=_chosen(profile.answers.get(scope.regions_from)), regions_from="")


def _chosen(answer: Answer | None) -> frozenset[str]:
    if isinstance(answer, list):
        return frozenset(str(value) for value in answer)
    return frozenset() if answer is None else frozenset({str(answer)})


def _fact(rule: Rule, effect: Effect, cap: int | None, scopes: tuple[Scope, ...]) -> FindingFact:
    return FindingFact(
        rule=rule.code,
        effect=effect,
        cap=cap,
        reason=rule.reason,
        applies_to=scopes,
        consent=rule.consent,
        version=rule.version,
    )


def not_asked(rules: Iterable[Rule], profile: SafetyProfile, day: date) -> FindingFact | None:
    """Return what holds back deep and neck work while a safety question is unanswered."""
    rules = tuple(rules)
    unasked = any(
        truth_of(rule.when, profile) is Truth.NOT_ASKED
        for rule in rules
        if rule.when and not rule.is_asked_at_visit and rule.effect not in (Effect.LETTER, Effect.NO_PRODUCT)
    )
    if not unasked:
        return None
    return FindingFact(
        rule=NOT_ASKED_RULE,
        effect=Effect.BLOCK,
        reason=NOT_ASKED,
        applies_to=DEEP_AND_NECK,
        version=max(rule.version for rule in rules),
    )


def truth_of(condition: Condition, profile: SafetyProfile) -> Truth:
    """Return how far the answers meet a condition."""
    if condition.operator == "all":
        return min(truth_of(part, profile) for part in condition.parts)
    if condition.operator == "any":
        return max(truth_of(part, profile) for part in condition.parts)
    answer = profile.answers.get(condition.question)
    if condition.operator == "is":
        return {YES: Truth.YES, UNSURE: Truth.UNSURE, NO: Truth.NO}.get(str(answer), Truth.NOT_ASKED)
    match condition.operator:
        case "includes":
            has = profile.withdrawn if condition.fact == WITHDRAWN else _chosen(answer)
            is_met = bool(has & condition.value)
        case "lacks":
            is_met = not _chosen(answer) & condition.value
        case "at_least":
            is_met = isinstance(answer, int) and answer >= condition.value
        case _:  # "below": the parser knows no other
            number = profile.age if condition.fact == AGE else answer
            is_met = not isinstance(number, int) or number < condition.value
    return Truth.YES if is_met else Truth.NO


def milder(effect: Effect, cap: int | None) -> tuple[Effect, int | None]:
    """Return the effect one step milder, and its cap; a warning stays a warning."""
    if effect not in LADDER or effect is Effect.WARN:
        return effect, cap
    lower = LADDER[LADDER.index(effect) - 1]
    return lower, CAP_WHEN_MILDER if lower is Effect.CAP else None


def merged(old: FindingFact, new: FindingFact, day: date) -> FindingFact:
    """Join an open finding with what new answers raise by the same rule: never milder, never smaller, never shorter."""
    if old.ends_on is not None and old.ends_on < day:
        return new
    strictest = max(old, new, key=severity)
    scopes = (
        () if not old.applies_to or not new.applies_to else tuple(dict.fromkeys((*old.applies_to, *new.applies_to)))
    )
    starts = [fact.starts_on for fact in (old, new) if fact.starts_on]
    ends = [fact.ends_on for fact in (old, new) if fact.ends_on]
    return replace(
        strictest,
        applies_to=scopes,
        starts_on=min(starts) if len(starts) == 2 else None,  # noqa: PLR2004  # both are dated
        ends_on=max(ends) if len(ends) == 2 else None,  # noqa: PLR2004
    )


def severity(fact: FindingFact) -> tuple[int, int]:
    """Return a key that grows with how severe a finding is."""
    rank = LADDER.index(fact.effect) if fact.effect in LADDER else 0
    return rank, -(fact.cap or 0)


def may(
    planned: Planned,
    findings: Iterable[FindingFact],
    day: date,
    *,
    consents: frozenset[str] = frozenset(),
    clearances: Sequence[ClearanceFact] = (),
) -> Verdict:
    """Answer whether `planned` may be done on `day`, given the findings, consents and clearances in force."""
    verdict = Verdict()
    for fact in findings:
        scopes = [scope for scope in fact.applies_to or (Scope(),) if _meets(scope, planned)]
        if scopes and fact.is_in_force(day, consents):
            untouched = min(_untouched_pressure(scope) for scope in scopes)
            if fact.effect is Effect.CLEAR and clearances:
                untouched = min(_cleared_pressure(fact, scope, planned, day, clearances) for scope in scopes)
            if untouched < HIGHEST_PRESSURE:
                verdict = _joined(verdict, fact, scopes, planned, untouched)
    return replace(
        verdict,
        stops=tuple(sorted(verdict.stops, key=severity, reverse=True)),
        cap=min(verdict.cap, verdict.hard_cap),
    )


def _joined(verdict: Verdict, fact: FindingFact, scopes: Sequence[Scope], planned: Planned, untouched: int) -> Verdict:
    """Add what one finding that holds says about the plan; up to the pressure `untouched` it says nothing."""
    match fact.effect:
        case Effect.NO_PRODUCT:
            products = frozenset[str]().union(*(scope.products for scope in scopes))
            stops = (*verdict.stops, fact) if products & planned.products else verdict.stops
            return replace(verdict, stops=stops, refused_products=verdict.refused_products | products)
        case Effect.CAP:
            cap = max(fact.cap or 1, untouched)
            return replace(verdict, caps=(*verdict.caps, fact), cap=min(verdict.cap, cap))
        case Effect.WARN:
            is_meant = (planned.pressure or 0) > untouched or not untouched
            return replace(verdict, warns=(*verdict.warns, fact)) if is_meant else verdict
        case Effect.LETTER:
            return verdict
    hard_cap = min(verdict.hard_cap, untouched)
    if not untouched or (planned.pressure or 0) > untouched:
        return replace(verdict, stops=(*verdict.stops, fact), hard_cap=hard_cap)
    return replace(verdict, caps=(*verdict.caps, fact), hard_cap=hard_cap)


def _untouched_pressure(scope: Scope) -> int:
    """Return the highest pressure of which a scope does not speak."""
    return max(scope.pressure_from - 1, 0)


def _cleared_pressure(
    fact: FindingFact, scope: Scope, planned: Planned, day: date, clearances: Sequence[ClearanceFact]
) -> int:
    """Return the same where clearances open some of what the scope holds back."""
    return max(_untouched_pressure(scope), cleared_up_to(fact, scope, planned, day, clearances))


def _meets(scope: Scope, planned: Planned) -> bool:
    """Say whether a scope speaks of this plan, pressure aside."""
    return (
        (not scope.modalities or bool(scope.modalities & ({planned.modality} | planned.traits)))
        and (not scope.techniques or bool(scope.techniques & planned.techniques))
        and not scope.except_techniques & planned.techniques
        and (not scope.regions or bool(regions_meant(scope.regions) & planned.regions))
        and (not scope.positions or planned.position in scope.positions)
        and (not scope.products or bool(scope.products & planned.products) or not planned.products)
    )
