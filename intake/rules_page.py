"""What the owner's page of the rules shows, read once and returned as dataclasses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clinic.people.settings_page import SettingRow
from intake.answering import current_form
from intake.forms_rules import questions_of
from intake.models import Effect, RuleVersion
from intake.models_safety import RuleChange
from intake.questions import Question, form_of
from intake.reading import LOOKS, where_words
from intake.rule_book import OWN
from intake.rules import Rule, parse_rules

CHANGES_SHOWN = 20


@dataclass(frozen=True)
class RuleRow:
    """A rule in words."""

    code: str
    title: str
    effect: str
    look: str
    reason: str
    where: str
    asks: Sequence[str]
    source: str
    is_floor: bool
    is_own: bool


@dataclass(frozen=True)
class RulesPage:
    """The rules in force, and the versions that came by the owners' hands."""

    number: int
    published_at: datetime
    rows: Sequence[RuleRow]
    changes: Sequence[RuleChange]

    @property
    def floors(self) -> int:
        return sum(row.is_floor for row in self.rows)


def newest() -> RuleVersion:
    """Return the version in force."""
    return RuleVersion.objects.latest("number")


def rules_page() -> RulesPage:
    """Return the page; three queries."""
    version, questions = newest(), questions_of(form_of(current_form("en").pk))
    rows = [rule_row(rule, questions) for rule in parse_rules(version.rules, version=version.number)]
    changes = RuleChange.objects.filter(by__isnull=False).select_related("by", "version").order_by("-version__number")
    return RulesPage(version.number, version.published_at, rows, list(changes[:CHANGES_SHOWN]))


def rule_row(rule: Rule, questions: Mapping[str, Question]) -> RuleRow:
    """Put a rule into words, with the questions that it asks."""
    codes = dict.fromkeys(rule.when.questions()) if rule.when else {}
    effect = str(rule.effect.label)
    return RuleRow(
        code=rule.code,
        title=rule.title,
        effect=_("At most %(cap)d") % {"cap": rule.cap} if rule.effect is Effect.CAP else effect,
        look=LOOKS[rule.effect],
        reason=rule.reason,
        where=where_words(rule.applies_to),
        asks=[questions[code].text for code in codes if code in questions] if codes else [],
        source=rule.source,
        is_floor=rule.is_floor,
        is_own=rule.code.startswith(OWN),
    )


def _rules(now: datetime) -> SettingRow:
    version = newest()
    count = len(version.rules)
    words = ngettext("Version %(number)d, %(n)d rule", "Version %(number)d, %(n)d rules", count)
    return SettingRow(_("Safety rules"), words % {"number": version.number, "n": count}, reverse("intake:rules"))


SETTINGS = (gettext_lazy("Safety"), (_rules,))
