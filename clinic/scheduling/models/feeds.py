"""Private addresses at which other calendars read visits."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from clinic.people.models import Client, User


class CalendarFeed(models.Model):
    """Whoever knows the address reads these visits: a therapist's own, or a client's for whom this login acts.

    It ends with the login, with what the login may see, or when it is taken back. Only a digest of the address is kept.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="calendar_feeds")
    # None: the visits that this user gives as a therapist.
    client = models.ForeignKey(Client, on_delete=models.CASCADE, null=True, related_name="calendar_feeds")
    digest = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "client"],
                condition=Q(revoked_at__isnull=True),
                nulls_distinct=False,
                name="calendar_feed_has_one_address",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.client_id or 'own'} since {self.made_at:%Y-%m-%d}"
