"""When the clinic asks for the form by itself."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class IntakePolicy(models.Model):
    """When the form is asked for by itself. One row; whoever presses a button asks whenever she likes."""

    asks_by_itself = models.BooleanField(
        _("Send the form by itself"),
        default=True,
        help_text=_("After a first booking, and before a visit for which the answers would be over a year old."),
    )
    days_ahead = models.PositiveSmallIntegerField(
        _("Ask again so many days before the visit"),
        default=14,
        help_text=_("Where the last answers would be over a year old by then."),
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="intake_policy_is_the_only_one"),
            models.CheckConstraint(
                condition=Q(days_ahead__range=(3, 60)), name="intake_policy_asks_again_3_to_60_days_ahead"
            ),
        ]

    def __str__(self) -> str:
        return "by itself" if self.asks_by_itself else "by hand"
