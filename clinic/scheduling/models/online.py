"""What somebody at the desk must see to after a client booked, or tried to, by herself."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.people.models import Client, User
from clinic.people.records import records_of


class OnlineConcernQuerySet(models.QuerySet["OnlineConcern"]):
    def open(self) -> OnlineConcernQuerySet:
        """Keep what nobody has settled; that two records may be one person is settled once they are."""
        kept = self.filter(settled_at__isnull=True)
        is_one_by_now = Q(client__merged_into__isnull=False) | Q(client__merged__isnull=False)
        return kept.exclude(Q(kind=OnlineConcern.Kind.TWIN) & is_one_by_now)

    def call_first(self, client_pk: int) -> OnlineConcernQuerySet:
        """Keep why somebody must speak with this client before she books anything by herself."""
        return self.open().filter(client__among=records_of(client_pk), kind=OnlineConcern.Kind.CALL)


class OnlineConcern(models.Model):
    """Somebody must see to this client. Never why: the front desk reads it, and it may be about her health."""

    class Kind(models.TextChoices):
        CALL = "call", _("to be called before anything is booked")
        TWIN = "twin", _("may be known already")

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="online_concerns")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    objects = OnlineConcernQuerySet.as_manager()

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["call", "twin"]), name="online_concern_kind_is_known"),
            models.UniqueConstraint(
                fields=["client", "kind"], condition=Q(settled_at__isnull=True), name="online_concern_is_told_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.client_id} {self.kind}"
