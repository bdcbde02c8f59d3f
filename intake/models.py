from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.people.models import Client, User
from intake.models_asking import IntakePolicy  # noqa: F401  # Django finds models here
from intake.models_clearing import Clearance, Document, Letter  # noqa: F401  # Django finds models here
from intake.models_safety import CheckIn, RuleChange, StaffAlert  # noqa: F401  # Django finds models here
from intake.signatures import path_of

# After so many wrong dates of birth the link is closed.
WRONG_ANSWERS_ALLOWED = 5


class FormVersion(models.Model):
    """One frozen version of the form: its steps and questions as data. Submissions render against it for ever."""

    number = models.PositiveIntegerField()
    language = models.CharField(max_length=10, default="en")
    content = models.JSONField(help_text="Steps, each with questions; see intake/questions.py for the shape")
    published_at = models.DateTimeField()
    # Who of the clinic changed what; nobody, where it came with the program.
    published_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    words = models.CharField(max_length=200, blank=True, help_text="What is new in it")

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


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self, now: datetime) -> InvitationQuerySet:
        """Keep the links that still lead to the form."""
        return self.filter(
            used_at__isnull=True, revoked_at__isnull=True, expires_at__gt=now, wrong_answers__lt=WRONG_ANSWERS_ALLOWED
        )


class Invitation(models.Model):
    """A private link to the intake form, bound to the person by her date of birth where it is known.

    The link carries `key`, signed with the installation's secret (intake/links.py): the database alone opens nothing.
    """

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="invitations")
    key = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField()
    # Nobody, where it was sent by itself before a visit.
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    expires_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    # Who took it back; nobody, where a newer link took its place.
    revoked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    wrong_answers = models.PositiveSmallIntegerField(default=0)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="invitation_ends_after_it_begins"),
        ]

    def __str__(self) -> str:
        return f"{self.client_id} until {self.expires_at:%Y-%m-%d}"

    def is_open(self, now: datetime) -> bool:
        """Say whether the link still leads to the form."""
        return (
            self.used_at is None
            and self.revoked_at is None
            and self.expires_at > now
            and self.wrong_answers < WRONG_ANSWERS_ALLOWED
        )


class SubmissionQuerySet(models.QuerySet["Submission"]):
    def to_review(self) -> SubmissionQuerySet:
        """Keep those that were sent and no therapist has reviewed."""
        return self.filter(state=Submission.State.SUBMITTED)

    def sent(self) -> SubmissionQuerySet:
        """Keep those that were sent, newest first."""
        return self.exclude(state=Submission.State.DRAFT).order_by("-submitted_at", "-pk")


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
    # Keeps two devices apart while the form is being filled in.
    written_on: models.JSONField[dict[str, str], dict[str, str]] = models.JSONField(
        default=dict, help_text="Question code → the open page that answered it last"
    )
    # What she had answered elsewhere when a tablet was handed over, which shows none of it: her link does.
    set_aside: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)
    # Who typed it in from paper; nobody, where she wrote it herself.
    entered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
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
            # Serves the chart and the gate: her newest answers.
            models.Index(fields=["client", "-submitted_at"], name="submission_by_client"),
        ]

    def __str__(self) -> str:
        return f"{self.client_id} {self.state}"


# The consent that a therapist records from paper.
GUARDIAN = "guardian"


class ConsentQuerySet(models.QuerySet["Consent"]):
    def in_force(self) -> ConsentQuerySet:
        """Keep what was not taken back, and what no newer one took the place of."""
        return self.filter(revoked_at__isnull=True)


class Consent(models.Model):
    """She read and signed this text, or revoked it later; or her guardian signed on paper, which a therapist saw."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="consents")
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, null=True, related_name="consents")
    code = models.CharField(max_length=40)
    # The words she saw, with their version: what was agreed must be readable for ever.
    text = models.TextField()
    version = models.PositiveSmallIntegerField()
    signed_name = models.CharField(max_length=160)
    # Lines of x, y, x, y… on a field of 600 by 200 (intake/signatures.py); empty where the name was typed.
    drawing: models.JSONField[list[list[int]], list[list[int]]] = models.JSONField(default=list, blank=True)
    signed_at = models.DateTimeField()
    ip_address = models.GenericIPAddressField(null=True)
    recorded_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", help_text="Who saw it signed on paper"
    )
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Who took it back or wrote down that she did; nobody where a newer form took its place",
    )

    objects = ConsentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client", "code"], condition=Q(revoked_at__isnull=True), name="consent_is_in_force_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.client_id} {self.code}"

    @property
    def title(self) -> str:
        """The line above the words she read."""
        return self.text.partition("\n")[0]

    @property
    def words(self) -> str:
        """The words she read, below their title."""
        return self.text.partition("\n\n")[2]

    @property
    def signature_path(self) -> str:
        """Her drawn signature as the path of an SVG; nothing where she typed her name."""
        return path_of(self.drawing)


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

    def unknown(self) -> FindingQuerySet:
        """Keep those that are open and that no therapist has acknowledged."""
        return self.open().filter(acknowledged_at__isnull=True)

    def urgent(self) -> FindingQuerySet:
        """Keep those that want a person today."""
        return self.filter(effect__in=[Effect.EMERGENCY, Effect.SAME_DAY])


class Finding(models.Model):
    """A rule met an answer. Only a named therapist closes it, with a reason; a later answer never does."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="findings")
    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, null=True, related_name="findings")
    rule_version = models.ForeignKey(RuleVersion, on_delete=models.PROTECT, related_name="findings")
    rule = models.CharField(max_length=60, help_text="Code of the rule in its version")
    effect = models.CharField(max_length=12, choices=Effect.choices)
    cap = models.PositiveSmallIntegerField(null=True, help_text="Highest pressure allowed, 1 to 5")
    # Where it holds, one of several scopes (intake/rules.py); empty means everywhere.
    applies_to: models.JSONField[list[dict[str, Any]], list[dict[str, Any]]] = models.JSONField(default=list)
    consent = models.CharField(max_length=40, blank=True, help_text="Code of the consent that lifts it")
    # The rule's own text, in the rules' language; safety.FindingFact.words puts it as it is read.
    reason = models.CharField(max_length=240)
    is_unsure = models.BooleanField(default=False, help_text="She was not sure; the reason is the rule's title")
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
        indexes = [
            # Serves the urgent rows of the worklist.
            models.Index(fields=["effect"], condition=Q(closed_at__isnull=True), name="finding_open_by_effect"),
            # Serves the review queue and its count on every page: what no therapist knows of yet.
            models.Index(
                fields=["client"],
                include=["effect", "submission"],
                condition=Q(closed_at__isnull=True, acknowledged_at__isnull=True),
                name="finding_unknown",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.client_id} {self.rule} {self.effect}"

    @property
    def is_urgent(self) -> bool:
        return self.effect in (Effect.EMERGENCY, Effect.SAME_DAY)
