from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.people.models import Client, Service, Therapist, User


class Measure(models.TextChoices):
    """Outcome measures that may be shipped whole (domain: outcome measures)."""

    PAIN = "pain", _("Pain before a visit, 0 to 10")
    MIGRAINE_DAYS = "migraine_days", _("Migraine days in 28 days")
    HEADACHE_DAYS = "headache_days", _("Headache days in 28 days")


HIGHEST = {Measure.PAIN: 10, Measure.MIGRAINE_DAYS: 28, Measure.HEADACHE_DAYS: 28}
# Pain is read from the signed notes; what is counted in days is recorded as a score.
COUNTED = (Measure.MIGRAINE_DAYS, Measure.HEADACHE_DAYS)


class Cadence(models.IntegerChoices):
    """Weeks between the visits of a phase."""

    BASELINE = 0, _("Baseline diary, no visits")
    WEEKLY = 1, _("Every week")
    TWO_WEEKS = 2, _("Every two weeks")
    MONTHLY = 4, _("Every four weeks")


class PlanQuerySet(models.QuerySet["Plan"]):
    def in_force(self) -> PlanQuerySet:
        """Keep those that nobody has ended."""
        return self.filter(ended_at__isnull=True)


class Plan(models.Model):
    """What was agreed: goals, phases and cadence. One is in force per client; it never renews itself."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="plans")
    therapist = models.ForeignKey(Therapist, on_delete=models.PROTECT, related_name="plans")
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="+")
    starts_on = models.DateField(_("starts on"))
    agreed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    why = models.TextField(_("why this plan"), blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    ended_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    ending_reason = models.CharField(_("why it ended"), max_length=240, blank=True)

    objects = PlanQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client"], condition=Q(ended_at__isnull=True), name="plan_in_force_is_one_per_client"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True)
                | (Q(ended_at__gte=F("agreed_at"), ended_by__isnull=False) & ~Q(ending_reason="")),
                name="plan_is_ended_by_somebody_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.client_id} from {self.starts_on}"


class PlanPhase(models.Model):
    """A stretch of the plan with its cadence; `ends_on` is its last day."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="phases")
    position = models.PositiveSmallIntegerField()
    every_weeks = models.PositiveSmallIntegerField(_("visits come"), choices=Cadence.choices)
    visits = models.PositiveSmallIntegerField(_("visits"))
    starts_on = models.DateField()
    ends_on = models.DateField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "position"], name="plan_phase_has_its_own_place"),
            models.CheckConstraint(condition=Q(every_weeks__in=[0, 1, 2, 4]), name="plan_phase_cadence_is_known"),
            models.CheckConstraint(condition=Q(ends_on__gt=F("starts_on")), name="plan_phase_ends_after_it_starts"),
            models.CheckConstraint(
                condition=Q(every_weeks=0, visits=0) | Q(every_weeks__gt=0, visits__gte=1, visits__lte=52),
                name="plan_phase_has_visits_unless_it_is_the_baseline",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan_id}.{self.position} every {self.every_weeks}"


class Goal(models.Model):
    """A measure, where it stood, where it should be, and by when."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="goals")
    measure = models.CharField(_("measure"), max_length=20, choices=Measure.choices)
    baseline = models.DecimalField(_("baseline"), max_digits=5, decimal_places=1)
    target = models.DecimalField(_("target"), max_digits=5, decimal_places=1)
    due_on = models.DateField(_("by"))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan", "measure"], name="goal_is_one_per_measure"),
            models.CheckConstraint(condition=Q(measure__in=[str(m) for m in Measure]), name="goal_measure_is_known"),
            models.CheckConstraint(
                condition=Q(baseline__gte=0, baseline__lte=28, target__gte=0)
                & (~Q(measure="pain") | Q(baseline__lte=10)),
                name="goal_lies_within_its_measure",
            ),
            models.CheckConstraint(condition=Q(target__lt=F("baseline")), name="goal_is_below_where_it_started"),
        ]

    def __str__(self) -> str:
        return f"{self.plan_id} {self.measure} {self.baseline} → {self.target}"


class Score(models.Model):
    """One reading of a measure on one day. Rows are only ever added: a correction is a later row for the same day."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="scores")
    measure = models.CharField(_("measure"), max_length=20, choices=Measure.choices)
    value = models.DecimalField(_("value"), max_digits=5, decimal_places=1)
    on = models.DateField(_("on"))
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(measure__in=["migraine_days", "headache_days"]), name="score_measure_is_counted_in_days"
            ),
            models.CheckConstraint(condition=Q(value__gte=0, value__lte=28), name="score_is_0_to_28_days"),
        ]
        indexes = [
            # Serves the standing and the progress page: her readings of a measure in the order of days.
            models.Index(fields=["client", "measure", "on"], name="score_by_client"),
        ]

    def __str__(self) -> str:
        return f"{self.client_id} {self.measure} {self.value} {self.on}"
