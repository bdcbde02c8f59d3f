from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.people.models import Client, User


class FormVersion(models.Model):
    """One frozen version of the intake form: its steps and questions as data. Submissions render against it for ever."""

    number = models.PositiveIntegerField()
    language = models.CharField(max_length=10, default="en")
    content = models.JSONField(help_text="Steps, each with questions; see intake/questions.py for the shape")
    published_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["number", "language"], name="form_version_has_one_text_per_language"),
        ]

    def __str__(self) -> str:
        return f"{self.number} ({self.language})"


class RuleVersion(models.Model):
    """One frozen version of the safety rules; a finding names the version that raised it."""

    number = models.PositiveIntegerField(unique=True)
    rules = models.JSONField(help_text="Rows; see intake/rules.py for the shape")
    published_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.number}"


class Invitation(models.Model):
    """A private link to the intake form, kept as a digest, bound to the person by her date of birth where it is known."""

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="invitations")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    expires_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    wrong_answers = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="invitation_ends_after_it_begins"),
        ]

    def __str__(self) -> str:
        return f"{self.client_id} until {self.expires_at:%Y-%m-%d}"


class SubmissionQuerySet(models.QuerySet["Submission"]):
    def to_review(self) -> SubmissionQuerySet:
        """Keep those that were sent and no therapist has reviewed."""
        return self.filter(state=Submission.State.SUBMITTED)


class Submission(models.Model):
    """What a client told us, as she told it. After it is sent it never changes; reviewing adds who and when."""

    class State(models.TextChoices):
        DRAFT = "draft", _("being filled in")
        SUBMITTED = "submitted", _("to review")
        REVIEWED = "reviewed", _("reviewed")

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="submissions")
    form_version = models.ForeignKey(FormVersion, on_delete=models.PROTECT, related_name="submissions")
    invitation = models.ForeignKey(Invitation, on_delete=models.PROTECT, null=True, related_name="submissions")
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    answers: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(
        default=dict, help_text="Question code → answer"
    )
    started_at = models.DateTimeField()
    saved_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True)
    reviewed_at = models.DateTimeField(null=True)
    reviewed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    objects = SubmissionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["draft", "submitted", "reviewed"]), name="submission_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(submitted_at__isnull=False), name="submission_sent_has_its_time"
            ),
            models.CheckConstraint(
                condition=~Q(state="reviewed") | Q(reviewed_at__isnull=False, reviewed_by__isnull=False),
                name="submission_reviewed_names_who_and_when",
            ),
            models.UniqueConstraint(
                fields=["client"], condition=Q(state="draft"), name="submission_draft_is_one_per_client"
            ),
        ]
        indexes = [
            # Serves the review queue.
            models.Index(fields=["submitted_at"], condition=Q(state="submitted"), name="submission_to_review"),
        ]

    def __str__(self) -> str:
        return f"{self.client_id} {self.state}"


class Consent(models.Model):
    """She read and signed this text, or revoked it later."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="consents")
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, null=True, related_name="consents")
    code = models.CharField(max_length=40)
    # The words she saw, with their version: what was agreed must be readable for ever.
    text = models.TextField()
    version = models.PositiveSmallIntegerField()
    signed_name = models.CharField(max_length=160)
    signed_at = models.DateTimeField()
    ip_address = models.GenericIPAddressField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client", "code"], condition=Q(revoked_at__isnull=True), name="consent_is_in_force_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.client_id} {self.code}"


class Effect(models.TextChoices):
    """The closed list of what a safety rule can do (domain: safety rules)."""

    BLOCK = "block", _("Not to be planned or started")
    CLEAR = "clear", _("Not before a clearance")
    CAP = "cap", _("Pressure limited")
    WARN = "warn", _("Warning")
    POSTPONE = "postpone", _("Not today")
    SAME_DAY = "same_day", _("Medical contact today")
    EMERGENCY = "emergency", _("Emergency")
    NO_PRODUCT = "no_product", _("Product not offered")
    CONSENT = "consent", _("Consent needed")
    LETTER = "letter", _("Letter to the physician")


class FindingQuerySet(models.QuerySet["Finding"]):
    def open(self) -> FindingQuerySet:
        """Keep those that no therapist has closed."""
        return self.filter(closed_at__isnull=True)


class Finding(models.Model):
    """A rule met an answer. Only a named therapist closes it, with a reason; a later answer never does."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="findings")
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, null=True, related_name="findings")
    rule_version = models.ForeignKey(RuleVersion, on_delete=models.PROTECT, related_name="findings")
    rule = models.CharField(max_length=60, help_text="Code of the rule in its version")
    effect = models.CharField(max_length=12, choices=Effect.choices)
    cap = models.PositiveSmallIntegerField(null=True, help_text="Highest pressure allowed, 1 to 5")
    # Where it holds, as codes; empty means everywhere.
    modalities: models.JSONField[list[str], list[str]] = models.JSONField(default=list)
    regions: models.JSONField[list[str], list[str]] = models.JSONField(default=list)
    reason = models.CharField(max_length=240)
    starts_on = models.DateField(null=True)
    ends_on = models.DateField(null=True)
    raised_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    closing_reason = models.CharField(max_length=240, blank=True)

    objects = FindingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(effect__in=[str(e) for e in Effect]), name="finding_effect_is_known"),
            models.CheckConstraint(
                condition=~Q(effect="cap") | Q(cap__gte=1, cap__lte=5), name="finding_cap_is_a_pressure"
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True) | (Q(closed_by__isnull=False) & ~Q(closing_reason="")),
                name="finding_is_closed_by_somebody_for_a_reason",
            ),
            models.UniqueConstraint(
                fields=["client", "rule"], condition=Q(closed_at__isnull=True), name="finding_is_open_once_per_rule"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.client_id} {self.rule} {self.effect}"
