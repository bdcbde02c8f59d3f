"""The rule of a series."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.people.models import Client, Location, Service, Therapist, User


class Series(models.Model):
    """A rule in local time. Its occurrences are rows of Appointment; the rule stays so that it can be continued."""

    class Every(models.IntegerChoices):
        WEEK = 1, _("week")
        TWO_WEEKS = 2, _("2 weeks")
        FOUR_WEEKS = 4, _("4 weeks")

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="series")
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="+")
    therapist = models.ForeignKey(Therapist, on_delete=models.PROTECT, related_name="+")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+")
    first_on = models.DateField(_("first visit"))
    at_time = models.TimeField(_("time"))
    every_weeks = models.PositiveSmallIntegerField(_("every"), choices=Every.choices)
    count = models.PositiveSmallIntegerField(_("visits"))
    # The series whose visits end where these begin; whoever is continued needs no warning that it ends.
    continues = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="continued_by")
    idempotency_key = models.UUIDField(null=True, blank=True, unique=True)
    # Of all that the form said: the same key with other wishes is another form.
    wishes_digest = models.CharField(max_length=64)
    booked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    booked_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = _("series")
        constraints = [
            models.CheckConstraint(condition=Q(every_weeks__in=[1, 2, 4]), name="series_comes_every_1_2_or_4_weeks"),
            models.CheckConstraint(condition=Q(count__gte=1, count__lte=104), name="series_has_1_to_104_visits"),
        ]

    def __str__(self) -> str:
        return f"{self.client_id} from {self.first_on} every {self.every_weeks} weeks × {self.count}"
