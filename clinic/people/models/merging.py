"""Two records of one person, made one."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.people.models.clients import Client
from clinic.people.models.logins import User


class Merge(models.Model):
    """The record `gone` was found to be the same person as `kept`: what moved, so that it can be moved back."""

    kept = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="merges")
    gone = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    # By the name of a step: what it needs to undo itself, keys only.
    moved = models.JSONField(default=dict)
    undone_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    undone_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("merge")
        constraints = [
            models.CheckConstraint(condition=~Q(kept=F("gone")), name="merge_is_of_two_records"),
            models.UniqueConstraint(
                fields=["gone"], condition=Q(undone_at__isnull=True), name="record_goes_into_one_other"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.gone_id} → {self.kept_id}"
