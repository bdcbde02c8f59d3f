"""What the review and the findings page show, read once and returned as dataclasses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from django.db.models import F
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.lib.body import Group, Region, regions_in
from clinic.people.models import Modality
from clinic.people.records import records_of
from intake.findings import fact_of
from intake.models import GUARDIAN, Consent, Effect, Finding
from intake.models_clearing import Clearance
from intake.questions import ANSWER_WORDS, MONTHS_WORDS, NO, Answer, Kind, Medicine, Question
from intake.rules import Scope, parse_scope, rules_of
from intake.safety import NOT_ASKED_RULE, STOPPING
from intake.seeing import seen_of

STOP, CAP, TELL = "stop", "cap", "tell"
LOOKS = dict.fromkeys(STOPPING, STOP) | {
    Effect.NO_PRODUCT: STOP,
    Effect.CAP: CAP,
    Effect.WARN: CAP,
    Effect.LETTER: TELL,
}


@dataclass(frozen=True)
class AnswerRow:
    """One question with its answer in words; `before` where the last answers said something else."""

    code: str
    text: str
    answer: str
    before: str | None
    stands_out: bool


@dataclass(frozen=True)
class FindingRow:
    """A finding with what its rule says about itself."""

    finding: Finding
    effect: str
    look: str
    title: str
    words: str
    where: str
    days: str
    source: str
    is_floor: bool
    # What doctors have allowed of it, those that end last first.
    clearances: Sequence[str] = ()

    @property
    def seen(self) -> str:
        """What a page has shown of it, for whoever decides there."""
        return seen_of(self.finding)


def answer_row(question: Question, answer: Answer, before: dict[str, Answer] | None) -> AnswerRow:
    """Put an answer into words, beside the one before where it was another."""
    was = None
    if before is not None and before.get(question.code) != answer:
        was = answer_words(question, before[question.code]) if question.code in before else _("not answered")
    is_safety = question.kind is Kind.YES_NO_UNSURE
    return AnswerRow(
        code=question.code,
        text=question.text,
        answer=answer_words(question, answer),
        before=was,
        stands_out=is_safety and answer != NO,
    )


def answer_words(question: Question, answer: Answer) -> str:
    """Say an answer as the page says it."""
    match question.kind:
        case Kind.YES_NO | Kind.YES_NO_UNSURE | Kind.CONSENT:
            return str(ANSWER_WORDS.get(str(answer), answer))
        case Kind.CHOICE | Kind.CHOICES | Kind.REGIONS | Kind.MEDICINES:
            return _chosen_words(question, answer if isinstance(answer, list) else [str(answer)])
        case Kind.DATE:
            return date_format(date.fromisoformat(str(answer)), "D j M Y")
        case Kind.NUMBER if question.look == "scale":
            return _("%(value)s of 10") % {"value": answer}
        case Kind.NUMBER if question.unit:
            return f"{answer} {question.unit}"
    return str(answer)


def _chosen_words(question: Question, chosen: Sequence[str | Medicine]) -> str:
    labels = {option.value: option.label for option in question.options}
    between = "; " if question.kind is Kind.MEDICINES else ", "
    return between.join(
        _medicine_words(question, labels, one) if isinstance(one, dict) else labels.get(one, one) for one in chosen
    )


def _medicine_words(question: Question, labels: Mapping[str, str], line: Medicine) -> str:
    """Say one line of medicine: its kind and name, on how many days, for how long."""
    kind, name, days = labels.get(str(line.get("class"))), line.get("name"), line.get("days")
    parts = (
        f"{kind} ({name})" if kind and name else kind or name,
        None if days is None else f"{days} {question.unit}",
        MONTHS_WORDS.get(str(line.get("months"))),
    )
    return ", ".join(str(part) for part in parts if part)


def finding_rows(findings: Iterable[Finding]) -> list[FindingRow]:
    """Put findings into words, each with the clearances that cover it; at most two queries."""
    findings = list(findings)
    cleared = clearance_words([finding.pk for finding in findings if finding.effect == Effect.CLEAR])
    return [replace(finding_row(finding), clearances=cleared.get(finding.pk, ())) for finding in findings]


def clearance_words(finding_pks: Collection[int]) -> Mapping[int, Sequence[str]]:
    """Say what doctors have allowed of these findings, as they were known then; at most two queries."""
    if not finding_pks:
        return {}
    covering = Clearance.objects.filter(
        findings__in=finding_pks, revoked_at__isnull=True, findings__acknowledged_at__lte=F("recorded_at")
    ).annotate(about=F("findings"))
    found: dict[int, list[str]] = defaultdict(list)
    told = list(covering.order_by("-ends_on", "-pk"))
    names = modality_names(slug for clearance in told for slug in clearance.modalities)
    for clearance in told:
        words = {
            "clinician": clearance.clinician,
            "first": date_format(clearance.starts_on, "j M Y"),
            "last": date_format(clearance.ends_on, "j M Y"),
            "scope": scope_words(clearance, names),
        }
        found[clearance.about].append(_("%(clinician)s, %(first)s to %(last)s: %(scope)s") % words)
    return found


def modality_names(slugs: Iterable[str]) -> Mapping[str, str]:
    """Return what ways of working are called; no query for none."""
    wanted = set(slugs)
    return dict(Modality.objects.filter(slug__in=wanted).values_list("slug", "name")) if wanted else {}


def scope_words(clearance: Clearance, names: Mapping[str, str]) -> str:
    """Say what a clearance opens: which work, where, how firmly."""
    work = ", ".join(names.get(slug, slug) for slug in clearance.modalities)
    return _("%(work)s · %(where)s · pressure up to %(pressure)d") % {
        "work": work or _("any way of working"),
        "where": region_words(clearance.regions) or _("the whole body"),
        "pressure": clearance.pressure_up_to,
    }


def region_words(regions: Collection[str]) -> str:
    """Name regions; head and neck by one word where all of each is meant."""
    left, words = set(regions), []
    for group in (Group.HEAD, Group.NECK):
        if regions_in(group) <= left:
            words.append(str(group.label))
            left -= regions_in(group)
    return ", ".join([*words, *(str(region.label) for region in Region if region in left)])


def finding_row(finding: Finding) -> FindingRow:
    """Put a finding into words, with the title and source that its rule had in its version."""
    rule = next((rule for rule in rules_of(finding.rule_version_id) if rule.code == finding.rule), None)
    unasked = finding.rule == NOT_ASKED_RULE
    return FindingRow(
        finding=finding,
        effect=effect_words(finding),
        look=LOOKS[Effect(finding.effect)],
        title=rule.title if rule else _("Not every safety question is answered") if unasked else finding.rule,
        words=fact_of(finding).words,
        where=where_words(parse_scope(scope) for scope in finding.applies_to),
        days=days_words(finding.starts_on, finding.ends_on),
        source=rule.source if rule else "",
        is_floor=rule.is_floor if rule else unasked,
    )


def version_words(numbers: Iterable[int]) -> str:
    """Name the versions of the rules that speak on a page; nothing where none does."""
    named = ", ".join(str(number) for number in sorted(set(numbers)))
    return _("rules, version %(number)s") % {"number": named} if named else ""


def effect_words(finding: Finding) -> str:
    """Name the effect in a word or two."""
    if finding.effect == Effect.CAP:
        return _("At most %(cap)d") % {"cap": finding.cap or 1}
    return str(Effect(finding.effect).label)


def where_words(scopes: Iterable[Scope]) -> str:
    """Name the regions that a finding speaks of; nothing where it speaks of none in particular."""
    labels = {str(member): str(member.label) for member in (*Group, *Region)}
    named = sorted({region for scope in scopes for region in scope.regions}, key=list(labels).index)
    return ", ".join(labels[region] for region in named)


def days_words(starts_on: date | None, ends_on: date | None) -> str:
    """Say on which days a finding holds; nothing where it holds until it is closed."""
    first, last = (day and date_format(day, "D j M") for day in (starts_on, ends_on))
    if first and last:
        return first if first == last else _("%(first)s to %(last)s") % {"first": first, "last": last}
    if last:
        return _("until %(last)s") % {"last": last}
    return _("from %(first)s") % {"first": first} if first else ""


def guardian_consent(client_pk: int) -> Consent | None:
    """Return the guardian's consent in force."""
    signed = Consent.objects.filter(client__among=records_of(client_pk), code=GUARDIAN, revoked_at__isnull=True)
    return signed.select_related("recorded_by").order_by("-signed_at", "-pk").first()


def closed_findings(client_pk: int) -> list[FindingRow]:
    """Return what was in force once, the last closed first."""
    closed = Finding.objects.filter(client__among=records_of(client_pk), closed_at__isnull=False)
    return finding_rows(closed.select_related("closed_by", "rule_version").order_by("-closed_at"))
