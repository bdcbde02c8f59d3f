"""What other people write about a client: documents that came, letters that went, and the clearances they give."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.people.models import Client, User

if TYPE_CHECKING:
    from intake.models import Finding

LONGEST_FILE_NAME = 120


class Document(models.Model):
    """A file about a client, kept by clinic/lib/files.py under a random name. Neither row nor file ever changes."""

    class Kind(models.TextChoices):
        CAME = "came", _("came in")
        LETTER = "letter", _("our letter")

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="documents")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=LONGEST_FILE_NAME, help_text="What people call it; never a path")
    media_type = models.CharField(max_length=20)
    size = models.PositiveIntegerField(help_text="Bytes")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the content, in hexadecimal")
    file = models.CharField(max_length=40, unique=True)
    added_at = models.DateTimeField()
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["came", "letter"]), name="document_kind_is_known"),
            models.CheckConstraint(
                condition=Q(media_type__in=["application/pdf", "image/jpeg", "image/png", "image/heic"]),
                name="document_is_of_a_type_that_is_taken",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Letter(models.Model):
    """A clearance was asked for: whom, about which findings, and the letter as it went."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="letters")
    findings: models.ManyToManyField[Finding, models.Model] = models.ManyToManyField(
        "intake.Finding", related_name="letters"
    )
    to_name = models.CharField(max_length=160)
    to_contact = models.TextField(max_length=300, blank=True)
    document = models.OneToOneField(Document, on_delete=models.PROTECT, related_name="letter")
    # Whether her consent to write to her doctor was on record; without it she carries the letter herself.
    has_consent = models.BooleanField()
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.client_id} to a doctor"


class Clearance(models.Model):
    """A doctor allows, in writing, what some findings hold back: which work, where, how firm, on which days.

    It speaks only of findings as they were known when it was recorded: one that has grown since is not covered.
    """

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="clearances")
    findings: models.ManyToManyField[Finding, models.Model] = models.ManyToManyField(
        "intake.Finding", related_name="clearances"
    )
    clinician = models.CharField(max_length=160)
    given_on = models.DateField()
    # Empty means any way of working, and the whole body.
    modalities: ArrayField[list[str], list[str]] = ArrayField(models.CharField(max_length=50), default=list)
    regions: ArrayField[list[str], list[str]] = ArrayField(models.CharField(max_length=40), default=list)
    pressure_up_to = models.PositiveSmallIntegerField()
    starts_on = models.DateField()
    ends_on = models.DateField()
    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="clearances")
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    revoking_reason = models.CharField(max_length=240, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="clearance_ends_after_it_starts"),
            models.CheckConstraint(
                condition=Q(starts_on__gte=F("given_on")), name="clearance_starts_not_before_it_is_given"
            ),
            models.CheckConstraint(
                condition=Q(pressure_up_to__gte=1, pressure_up_to__lte=5), name="clearance_has_a_pressure"
            ),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True) | (Q(revoked_by__isnull=False) & ~Q(revoking_reason="")),
                name="clearance_is_revoked_by_somebody_for_a_reason",
            ),
        ]
        indexes = [
            # Serves the worklist: those that end soon.
            models.Index(fields=["ends_on"], condition=Q(revoked_at__isnull=True), name="clearance_ending"),
        ]

    def __str__(self) -> str:
        return f"{self.client_id} until {self.ends_on}"

    def is_in_force(self, day: date) -> bool:
        """Say whether it counts on `day`."""
        return self.revoked_at is None and self.starts_on <= day <= self.ends_on
