"""A plan drafted from what she told us: which service suits her and why, and where her goals could start."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import floor

from django.utils.translation import gettext as _

from clinic.lib.times import local_date
from clinic.people.models import Client, Modality, Qualification, Service, User, clinic_zone
from intake.profile import IntakeProfile, profile_of
from intake.reading import version_words
from plans.models import Measure
from plans.ranking import Candidate, Fact, Suggestion, rank
from plans.safety import planning_verdict

# Domain: plans. What trials count as a response: half the days, or 30 % fewer from 15 headache days on.
USUAL_SHARE, CHRONIC_SHARE = Decimal("0.5"), Decimal("0.7")
CHRONIC_FROM = 15
MUCH_STRESS = 7
PATTERN_UP_TO = 2


@dataclass(frozen=True)
class Option:
    """A service that may be planned, with what speaks for and against it."""

    service: Service
    words: str


@dataclass(frozen=True)
class Refusal:
    """A modality that safety keeps out of a plan."""

    modality: Modality
    words: str


@dataclass(frozen=True)
class Draft:
    intake_on: date | None
    facts: tuple[Fact, ...]
    offered: tuple[Option, ...]
    refused: tuple[Refusal, ...]
    baselines: dict[Measure, Decimal]
    targets: dict[Measure, Decimal]
    # Which version of the safety rules refuses or limits.
    rules: str

    @property
    def facts_words(self) -> str:
        """What of her intake weighed."""
        return ", ".join(str(fact.label) for fact in self.facts)


def draft_for(client: Client, *, by: User, today: date) -> Draft:
    """Return a draft for this client and the services that this therapist may give."""
    profile = profile_of(client)
    facts = facts_of(profile) if profile else ()
    services = services_of(by, today)
    modalities = {service.modality_id: service.modality for service in services}
    verdicts = {m.slug: planning_verdict(client, m, today) for m in modalities.values()}
    ranked = rank([Candidate(m.slug, m.works_head_or_neck) for m in modalities.values()], facts, verdicts)
    by_slug = {modality.slug: modality for modality in modalities.values()}
    return Draft(
        intake_on=local_date(clinic_zone(), profile.sent_at) if profile else None,
        facts=facts,
        offered=tuple(
            Option(service, suggestion_words(suggestion))
            for suggestion in ranked
            if suggestion.verdict.allowed
            for service in services
            if service.modality.slug == suggestion.slug
        ),
        refused=tuple(
            Refusal(by_slug[suggestion.slug], " ".join(suggestion.verdict.reasons))
            for suggestion in ranked
            if not suggestion.verdict.allowed
        ),
        baselines=baselines_of(profile) if profile else {},
        targets=targets_of(profile) if profile else {},
        rules=version_words(number for verdict in verdicts.values() for number in verdict.versions),
    )


def services_of(therapist: User, today: date) -> list[Service]:
    """Return the services in whose modality this therapist holds a valid qualification."""
    held = Qualification.objects.valid_on(today).filter(therapist__user=therapist).values("modality")
    services = Service.objects.filter(modality__in=held, archived_at__isnull=True).select_related("modality")
    return list(services.order_by("modality", "minutes"))


def facts_of(profile: IntakeProfile) -> tuple[Fact, ...]:
    """Return what of her answers speaks for or against a modality. What she did not answer says nothing."""
    met = {
        Fact.TOUCH: profile.has_touch_sensitivity,
        # D: neck pain with the headache, or headache on most days, is read as chronic tension.
        Fact.TENSION: profile.has_neck_tension or (profile.headache_days or 0) >= CHRONIC_FROM,
        Fact.JAW: profile.clenches_jaw,
        # D: pain in one or two places and nowhere else is read as a pattern; touch-sensitive skin forbids to follow it.
        Fact.PATTERN: 1 <= len(profile.regions) <= PATTERN_UP_TO and not profile.has_touch_sensitivity,
        Fact.STRESS: (profile.stress or 0) >= MUCH_STRESS or profile.sleeps_badly,
        Fact.DECLINES: profile.declines_head_neck,
    }
    return tuple(fact for fact, is_met in met.items() if is_met)


def baselines_of(profile: IntakeProfile) -> dict[Measure, Decimal]:
    """Return where the measures stood when she answered."""
    answers = {
        Measure.PAIN: profile.pain_usual,
        Measure.MIGRAINE_DAYS: profile.migraine_days,
        Measure.HEADACHE_DAYS: profile.headache_days,
    }
    return {measure: Decimal(value) for measure, value in answers.items() if value is not None}


def targets_of(profile: IntakeProfile) -> dict[Measure, Decimal]:
    """Suggest a target for migraine days: what trials count as a response."""
    if not profile.migraine_days:
        return {}
    share = CHRONIC_SHARE if (profile.headache_days or 0) >= CHRONIC_FROM else USUAL_SHARE
    return {Measure.MIGRAINE_DAYS: Decimal(floor(profile.migraine_days * share))}


def suggestion_words(suggestion: Suggestion) -> str:
    """Say what speaks for and against, and what safety limits."""
    parts = []
    if suggestion.pros:
        parts.append(_("For: %(facts)s.") % {"facts": ", ".join(str(fact.label) for fact in suggestion.pros)})
    if suggestion.cons:
        parts.append(_("Against: %(facts)s.") % {"facts": ", ".join(str(fact.label) for fact in suggestion.cons)})
    if suggestion.verdict.caps:
        parts.append(_("At most pressure %(cap)s.") % {"cap": suggestion.verdict.cap})
    parts.extend(suggestion.verdict.warnings)
    return " ".join(parts) or _("Nothing in the intake speaks for or against it.")
