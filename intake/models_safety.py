"""What happened to the rules, whom an urgent finding alerted, and how somebody is on the day of her visit."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.people.models import User
from clinic.scheduling.models import Appointment


class RuleChange(models.Model):
    """Why there is a version of the rules: what one owner did to one rule. By nobody: it came with the program.

    Everybody who has sent answers is then evaluated anew, in the order of the clients' keys.
    """

    class Act(models.TextChoices):
        CHANGED = "changed", _("changed")
        ADDED = "added", _("added")
        RETIRED = "retired", _("retired")

    version = models.OneToOneField("intake.RuleVersion", on_delete=models.PROTECT, related_name="change")
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    act = models.CharField(max_length=8, choices=Act.choices, blank=True)
    rule = models.CharField(max_length=60, blank=True, help_text="Code of the rule")
    why = models.CharField(max_length=240, blank=True)
    evaluated_up_to = models.BigIntegerField(default=0, help_text="Key of the last client evaluated anew")
    evaluated_at = models.DateTimeField(null=True, help_text="When everybody had been")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(by__isnull=True) | (~Q(why="") & ~Q(rule="") & Q(act__in=["changed", "added", "retired"])),
                name="rule_change_says_what_and_why",
            ),
        ]
        indexes = [
            models.Index(fields=["version"], condition=Q(evaluated_at__isnull=True), name="rule_change_to_evaluate"),
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.act}"


class StaffAlert(models.Model):
    """A finding wants a person today, and the clinic is told: once on each day on which it is said anew, or grows."""

    finding = models.ForeignKey("intake.Finding", on_delete=models.PROTECT, related_name="alerts")
    effect = models.CharField(max_length=12, help_text="What the finding was when it was told")
    raised_at = models.DateTimeField()
    day = models.DateField(help_text="The day at the clinic on which it was said")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["finding", "effect", "day"], name="staff_alert_is_raised_once_a_day"),
        ]
        # Serves the sweep, each minute.
        indexes = [models.Index(fields=["raised_at"], name="staff_alert_by_time")]

    def __str__(self) -> str:
        return f"{self.finding_id}"


class CheckIn(models.Model):
    """How she is on the day of a visit, each time she says it: only a therapist takes back what was said."""

    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="check_ins")
    day = models.DateField(help_text="The day of the visit at its place")
    answers: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(
        default=dict, help_text="Question code of the rules → answer"
    )
    answered_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="The therapist who went through it with her: it holds in place of all that was said that day before",
    )

    class Meta:
        indexes = [models.Index(fields=["day"], name="check_in_by_day")]

    def __str__(self) -> str:
        return f"{self.appointment_id}"
