"""When a therapist works, and when somebody or something is away."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from clinic.people.models import Location, Room, Therapist

# Weeks are told apart by counting from this Monday.
FIRST_MONDAY = date(2000, 1, 3)


def monday_of(day: date) -> date:
    """Return the Monday of the week in which the day lies."""
    return day - timedelta(days=day.weekday())


def _on_one_day(field: str) -> Func:
    """Put a time of day on one and the same day: PostgreSQL has ranges of timestamps, but none of times."""
    return Func(F(field), template="DATE '2000-01-03' + %(expressions)s::time")


def _kind_of_week() -> Func:
    """Tell the two kinds of weeks apart, 0 and 1; NULL for hours of every week, which are in both."""
    return Func(
        F("anchor_week"),
        template="mod((%(expressions)s::date - DATE '2000-01-03') / 7, 2)",
        output_field=models.IntegerField(),
    )


class WeeklyHours(models.Model):
    """A therapist works here on this weekday, by the location's wall clock: every week, or every other one."""

    class Weekday(models.IntegerChoices):
        MONDAY = 0, _("Monday")
        TUESDAY = 1, _("Tuesday")
        WEDNESDAY = 2, _("Wednesday")
        THURSDAY = 3, _("Thursday")
        FRIDAY = 4, _("Friday")
        SATURDAY = 5, _("Saturday")
        SUNDAY = 6, _("Sunday")

    therapist = models.ForeignKey(Therapist, on_delete=models.CASCADE, related_name="weekly_hours")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+")
    weekday = models.PositiveSmallIntegerField(choices=Weekday.choices)
    opens = models.TimeField(_("from"))
    closes = models.TimeField(_("until"))
    # The Monday of one of the weeks that count, where only every other week does.
    anchor_week = models.DateField(_("every other week, as in the week of"), null=True, blank=True)
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid until"), null=True, blank=True)

    class Meta:
        ordering = ["weekday", "opens"]
        constraints = [
            models.CheckConstraint(condition=Q(closes__gt=F("opens")), name="weekly_hours_close_after_they_open"),
            models.CheckConstraint(condition=Q(weekday__lte=6), name="weekly_hours_weekday_is_known"),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("valid_from")),
                name="weekly_hours_end_after_they_begin",
            ),
            models.CheckConstraint(
                condition=Q(anchor_week__isnull=True) | Q(anchor_week__gte=FIRST_MONDAY, anchor_week__iso_week_day=1),
                name="weekly_hours_anchor_is_a_monday",
            ),
            ExclusionConstraint(
                name="therapist_works_once_at_a_time",
                expressions=[
                    ("therapist", RangeOperators.EQUAL),
                    ("weekday", RangeOperators.EQUAL),
                    (Func(_on_one_day("opens"), _on_one_day("closes"), function="tsrange"), RangeOperators.OVERLAPS),
                    (
                        Func(F("valid_from"), F("valid_until"), Value("[]"), function="daterange"),
                        RangeOperators.OVERLAPS,
                    ),
                    (
                        Func(
                            Coalesce(_kind_of_week(), 0),
                            Coalesce(_kind_of_week(), 1),
                            Value("[]"),
                            function="int4range",
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                violation_error_message=_("This therapist already works then."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.therapist_id} {self.get_weekday_display()} {self.opens:%H:%M}–{self.closes:%H:%M}"

    def clean(self) -> None:
        """Refuse what runs backwards before the database is asked about overlaps: it knows no such ranges."""
        if self.closes <= self.opens:
            raise ValidationError({"closes": _("The end comes after the beginning, on the same day.")})
        if self.valid_until is not None and self.valid_until < self.valid_from:
            raise ValidationError({"valid_until": _("The last day comes after the first.")})


class TimeOffQuerySet(models.QuerySet["TimeOff"]):
    def to_come(self, now: datetime) -> TimeOffQuerySet:
        """Keep absences that are not over."""
        return self.filter(ends_at__gt=now)

    def with_names(self) -> TimeOffQuerySet:
        """Bring along whose they are."""
        return self.select_related("therapist__user", "location", "room__location")


class TimeOff(models.Model):
    """An absence: a therapist is away, or, without one, a location or a room is closed.

    A holiday of the whole clinic has a row for each location: its day begins by the clock on each wall.
    """

    therapist = models.ForeignKey(Therapist, on_delete=models.CASCADE, null=True, blank=True, related_name="time_off")
    location = models.ForeignKey(Location, on_delete=models.CASCADE, null=True, blank=True, related_name="closures")
    room = models.ForeignKey(Room, on_delete=models.CASCADE, null=True, blank=True, related_name="closures")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(_("shown as"), max_length=60, blank=True)
    # With the whole clinic; a location that is added later is closed then too.
    is_clinics = models.BooleanField(default=False)
    # A visit that is put into it later, with a reason, is meant to be there. None: before this was kept.
    entered_at = models.DateTimeField(null=True)

    objects = TimeOffQuerySet.as_manager()

    class Meta:
        ordering = ["starts_at", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="time_off_ends_after_it_starts"),
            models.CheckConstraint(
                condition=Q(room__isnull=True) & (Q(therapist__isnull=False) | Q(location__isnull=False))
                | Q(room__isnull=False, therapist__isnull=True, location__isnull=True),
                name="time_off_is_somebodys_or_some_places",
            ),
            models.CheckConstraint(
                condition=Q(is_clinics=False) | Q(location__isnull=False, therapist__isnull=True),
                name="only_locations_close_with_the_clinic",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d}–{self.ends_at:%Y-%m-%d} {self.reason}"

    @property
    def place_zone(self) -> ZoneInfo | None:
        """The zone of what is closed; None where a therapist is away, wherever that is."""
        place = self.location or (self.room.location if self.room else None)
        return place.zone if place else None
