"""The shape of a safety rule as data: a condition, an effect from the closed list, where it applies, reason, source.

A row that cannot be read raises RuleProblem: an unreadable safety rule must never load. Rows live in intake/versions/.

Condition:  {"question": code, "is": "yes"}                    yes / no / not sure, or not asked
            {"question": code, "includes": [value, …]}         one of these was chosen
            {"question": code, "lacks": [value, …]}            none of these was chosen, or nothing
            {"question": code, "at_least": n}                  a number
            {"question": code, "below": n}                     a smaller number, or none
            {"fact": "age", "below": n}                        age on the day; unknown counts as below
            {"fact": "withdrawn", "includes": [code, …]}       a consent that was given once and no longer is
            {"all": [condition, …]}, {"any": [condition, …]}
            absent: the rule holds for everyone
Scope:      modalities (slugs, or what they do: deep, static_compression, head_or_neck), techniques, regions (codes or
            groups), pressure_from, positions, products, except_techniques, regions_from (a question whose answer names
            the regions). Every part given must meet; a rule with several scopes applies where any of them does.
Window:     {"since": code, "first_day": n, "last_day": m}     days counted from a dated answer; or for good
            {"since": "answer", "last_day": m}                 days counted from the day of the answers
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import Any

from clinic.lib.body import GROUPS, Group, Region
from intake.models import Effect, RuleVersion

TECHNIQUES = frozenset(
    {"static_compression", "tapotement", "friction", "traction", "stretch", "elbow", "pincer", "chest_compression"}
)
POSITIONS = frozenset({"prone", "supine", "side", "seated"})
PRODUCTS = frozenset({"percussion_device", "aroma", "oil", "heat", "cold"})
AGE, WITHDRAWN = "age", "withdrawn"
# The parts of a scope that are lists, with the words they may hold; a clinic may add modalities of its own.
LISTS: dict[str, frozenset[str]] = {
    "modalities": frozenset(),
    "techniques": TECHNIQUES,
    "except_techniques": TECHNIQUES,
    "regions": frozenset(Region) | frozenset(Group),
    "positions": POSITIONS,
    "products": PRODUCTS,
}
SINCE_ANSWER = "answer"
# The question that no form asks: a therapist marks words that she has read.
CRISIS = "crisis"


class RuleProblem(ValueError):  # noqa: N818  # it is read by whoever publishes a version
    """A row of rules cannot be read; its version must not be published."""


@dataclass(frozen=True)
class Condition:
    """One node of a condition: a question or fact with one operator, or several nodes joined."""

    question: str = ""
    fact: str = ""
    operator: str = ""
    value: Any = None
    parts: tuple[Condition, ...] = ()

    def leaves(self) -> Iterator[Condition]:
        """Yield every condition that joins no others."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()

    def questions(self) -> Iterator[str]:
        """Yield the code of every question it asks."""
        return (leaf.question for leaf in self.leaves() if leaf.question)


@dataclass(frozen=True)
class Scope:
    """Where a rule applies; an empty part means any."""

    modalities: frozenset[str] = frozenset()
    techniques: frozenset[str] = frozenset()
    except_techniques: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    regions_from: str = ""
    pressure_from: int = 0
    positions: frozenset[str] = frozenset()
    products: frozenset[str] = frozenset()

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON keeps it, without its empty parts."""
        found = {part.name: getattr(self, part.name) for part in fields(self)}
        return {
            name: sorted(value) if isinstance(value, frozenset) else value for name, value in found.items() if value
        }


@dataclass(frozen=True)
class Window:
    """The days on which a rule holds, counted from a dated answer or from the day of the answers."""

    since: str
    first_day: int = 0
    last_day: int | None = None


@dataclass(frozen=True)
class Rule:
    """One row."""

    code: str
    title: str
    effect: Effect
    reason: str
    source: str
    when: Condition | None = None
    applies_to: tuple[Scope, ...] = field(default=())
    cap: int | None = None
    consent: str = ""
    window: Window | None = None
    is_floor: bool = False
    # Asked at each visit instead of in the form: silence in the form holds nothing back.
    is_asked_at_visit: bool = False
    # The number of the version in which it stands; no part of the row.
    version: int = 0


def current_rules() -> tuple[int, tuple[Rule, ...]]:
    """Return the key of the newest version, and its rules."""
    version = RuleVersion.objects.order_by("-number").values_list("pk", flat=True).first()
    if version is None:
        raise RuleVersion.DoesNotExist("No safety rules are installed; run the migrations.")
    return version, rules_of(version)


@lru_cache(maxsize=8)
def rules_of(version_pk: int) -> tuple[Rule, ...]:
    """Return the rules of a version. It is frozen, so each process reads it once."""
    version = RuleVersion.objects.get(pk=version_pk)
    return parse_rules(version.rules, version=version.number)


def parse_rules(rows: Any, *, version: int = 0) -> tuple[Rule, ...]:
    """Read the rows of a version. Raises RuleProblem when one of them cannot be read."""
    if not isinstance(rows, list) or not rows:
        raise RuleProblem("A version is a list of rules.")
    rules = tuple(replace(parse_rule(row), version=version) for row in rows)
    if len({rule.code for rule in rules}) != len(rules):
        raise RuleProblem("A rule's code stands twice.")
    return rules


def parse_rule(row: Any) -> Rule:
    """Read one row. Raises RuleProblem."""
    if not isinstance(row, dict):
        raise RuleProblem("A rule is an object.")
    code = row.get("code", "?")
    unknown = set(row) - {part.name for part in fields(Rule) if part.name != "version"}
    if unknown:
        raise RuleProblem(f"{code}: unknown {', '.join(sorted(unknown))}.")
    try:
        rule = Rule(
            **{
                **row,
                "effect": Effect(row["effect"]),
                "when": parse_condition(row["when"]) if "when" in row else None,
                "applies_to": tuple(parse_scope(scope) for scope in row.get("applies_to", ())),
                "window": Window(**row["window"]) if "window" in row else None,
            }
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise RuleProblem(f"{code}: {problem}") from None
    _check_rule(rule)
    return rule


def _check_rule(rule: Rule) -> None:
    missing = [name for name in ("code", "title", "reason", "source") if not getattr(rule, name)]
    if missing:
        raise RuleProblem(f"{rule.code}: without {', '.join(missing)}.")
    if (rule.effect is Effect.CAP) != (rule.cap in range(1, 6)):
        raise RuleProblem(f"{rule.code}: a cap has a pressure from 1 to 5, and only a cap has.")
    if (rule.effect is Effect.CONSENT) != bool(rule.consent):
        raise RuleProblem(f"{rule.code}: a consent is named by its code, and only there.")
    names_products = bool(rule.applies_to) and all(scope.products for scope in rule.applies_to)
    if rule.effect is Effect.NO_PRODUCT and not names_products:
        raise RuleProblem(f"{rule.code}: names no product.")


def parse_condition(row: Any) -> Condition:
    """Read a condition. Raises RuleProblem for an unknown operator."""
    if not isinstance(row, dict):
        raise RuleProblem("a condition is an object")
    if set(row) in ({"all"}, {"any"}):
        operator, parts = next(iter(row.items()))
        if not isinstance(parts, list) or not parts:
            raise RuleProblem(f"{operator} joins at least one condition")
        return Condition(operator=operator, parts=tuple(parse_condition(part) for part in parts))
    return _parse_leaf(row)


def _parse_leaf(row: dict[str, Any]) -> Condition:
    rest = dict(row)
    question, fact = rest.pop("question", ""), rest.pop("fact", "")
    if len(rest) != 1 or bool(question) == bool(fact):
        raise RuleProblem("a condition asks one question or one fact with one operator")
    operator, value = next(iter(rest.items()))
    match operator:
        case "is" if question and value == "yes":
            pass
        case "includes" | "lacks" if question and isinstance(value, list) and value:
            value = frozenset(value)
        case "includes" if fact == WITHDRAWN and isinstance(value, list) and value:
            value = frozenset(value)
        case "at_least" if question and isinstance(value, int):
            pass
        case "below" if (question or fact == AGE) and isinstance(value, int):
            pass
        case _:
            raise RuleProblem(f"cannot read the operator {operator!r} with {value!r}")
    return Condition(question=question, fact=fact, operator=operator, value=value)


def parse_scope(row: Any) -> Scope:
    """Read a scope. Raises RuleProblem for a word that no plan could carry."""
    if not isinstance(row, dict) or set(row) - {part.name for part in fields(Scope)}:
        raise RuleProblem(f"cannot read the scope {row!r}")
    lists: dict[str, frozenset[str]] = {name: frozenset(row[name]) for name in LISTS if isinstance(row.get(name), list)}
    regions_from, pressure_from = row.get("regions_from", ""), row.get("pressure_from", 0)
    if set(row) - set(lists) - {"regions_from", "pressure_from"} or not isinstance(regions_from, str):
        raise RuleProblem(f"cannot read the scope {row!r}")
    if pressure_from not in range(6):
        raise RuleProblem("a pressure is 1 to 5")
    for name, known in LISTS.items():
        if known and lists.get(name, frozenset()) - known:
            raise RuleProblem(f"unknown {name}: {', '.join(sorted(lists[name] - known))}")
    return Scope(**lists, regions_from=regions_from, pressure_from=pressure_from)


def regions_meant(words: frozenset[str]) -> frozenset[str]:
    """Return the regions that codes and group words mean."""
    return frozenset(
        str(region) for word in words for region in (GROUPS[Group(word)] if word in set(Group) else {Region(word)})
    )
