from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils.timezone import make_naive
from django.utils.translation import gettext_lazy as _

from clinic.lib.times import local_date
from clinic.people.models import Client, Location, Room, Service, Therapist, User
from clinic.people.records import records_of

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
        ]

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d}–{self.ends_at:%Y-%m-%d} {self.reason}"

    @property
    def place_zone(self) -> ZoneInfo | None:
        """The zone of what is closed; None where a therapist is away, wherever that is."""
        place = self.location or (self.room.location if self.room else None)
        return place.zone if place else None


class Status(models.TextChoices):
    REQUESTED = "requested", _("requested")
    HELD = "held", _("held")
    BOOKED = "booked", _("booked")
    CONFIRMED = "confirmed", _("confirmed")
    ARRIVED = "arrived", _("arrived")
    IN_SESSION = "in_session", _("in session")
    COMPLETED = "completed", _("completed")
    CANCELLED = "cancelled", _("cancelled")
    LATE_CANCELLED = "late_cancelled", _("cancelled late")
    NO_SHOW = "no_show", _("did not come")


# Those that take the therapist's and the room's time. Requests compete, they do not hold.
TAKING = (Status.HELD, Status.BOOKED, Status.CONFIRMED, Status.ARRIVED, Status.IN_SESSION, Status.COMPLETED)
UPCOMING = (Status.HELD, Status.BOOKED, Status.CONFIRMED)
MOVABLE = (Status.REQUESTED, *UPCOMING)
NOT_BEGUN = (Status.REQUESTED, *UPCOMING, Status.ARRIVED)


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


# No visit is longer: it can begin so long before an absence that it reaches into. The start is what the index knows.
LONGEST_VISIT = timedelta(hours=8)


def _lies_in(absences: QuerySet[TimeOff]) -> Q:
    """Return the condition that a visit lies in one of these absences: the therapist's, the location's, the room's."""
    hers = Q(location__isnull=True) | Q(location=F("therapist__appointments__location"))
    closed = Q(therapist__isnull=True)
    return (
        Q(pk__in=_met(absences, "therapist", hers))
        | Q(pk__in=_met(absences, "location", closed))
        | Q(pk__in=_met(absences, "room", closed))
    )


def _met(absences: QuerySet[TimeOff], whose: str, which: Q) -> QuerySet[TimeOff, Any]:
    """Return the keys of the visits that meet these absences of a therapist, a location or a room.

    Left out are those that were booked or moved there after the absence was entered, with a reason.
    """
    visit = f"{whose}__appointments"
    placed = Q(before="") | Q(before=F("after")) | Q(before=Status.CONFIRMED, after=Status.BOOKED)
    steps = StatusChange.objects.filter(placed, appointment=OuterRef(f"{visit}__pk"), at__gte=OuterRef("entered_at"))
    meets = {
        f"{visit}__starts_at__gt": F("starts_at") - LONGEST_VISIT,
        f"{visit}__starts_at__lt": F("ends_at"),
        f"{visit}__ends_at__gt": F("starts_at"),
    }
    not_meant = Q(**{f"{visit}__override_reason": ""}) | ~Exists(steps)
    found: QuerySet[TimeOff, Any] = absences.order_by().filter(which, not_meant, **meets).values(f"{visit}__pk")
    return found


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    def visible_to(self, user: User) -> AppointmentQuerySet:
        """Keep what this login may see: staff see all, a client's login only its own, on whichever of her records."""
        if user.is_staff_member:
            return self
        own = Client.objects.visible_to(user).values_list("pk", flat=True)
        return self.filter(client__among=records_of(*own))

    def taking_time(self) -> AppointmentQuerySet:
        """Keep those that take the therapist's and the room's time."""
        return self.filter(status__in=TAKING)

    def between(self, start: datetime, end: datetime) -> AppointmentQuerySet:
        """Keep those that start in [start, end)."""
        return self.filter(starts_at__gte=start, starts_at__lt=end)

    def upcoming(self, now: datetime) -> AppointmentQuerySet:
        """Keep visits still to come, soonest first."""
        return self.filter(starts_at__gte=now, status__in=UPCOMING).order_by("starts_at")

    def not_begun(self, now: datetime) -> AppointmentQuerySet:
        """Keep visits whose session is still to come: also one that waits, or is a little late."""
        return self.filter(ends_at__gt=now, status__in=NOT_BEGUN)

    def movable(self, now: datetime) -> AppointmentQuerySet:
        """Keep visits to come that may still be moved, soonest first; a hold that has run out is none."""
        kept = self.filter(starts_at__gte=now, status__in=MOVABLE).exclude(status=Status.HELD, held_until__lte=now)
        return kept.order_by("starts_at", "pk")

    def to_rebook(self, now: datetime) -> AppointmentQuerySet:
        """Keep visits to come with a therapist who has left, or that lie in an absence."""
        has_left = Q(therapist__archived_at__isnull=False)
        return self.movable(now).filter(has_left | _lies_in(TimeOff.objects.to_come(now)))

    def in_absence(self, absences: QuerySet[TimeOff]) -> AppointmentQuerySet:
        """Keep visits that lie in one of these absences; not those that were put there later, with a reason."""
        return self.filter(_lies_in(absences))

    def with_people(self) -> AppointmentQuerySet:
        """Bring client, therapist, place and service along in the same query."""
        return self.select_related("client", "therapist__user", "room", "location", "service__modality")


class Appointment(models.Model):
    """One client, one therapist, one room, one stretch of time."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="appointments")
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="+")
    therapist = models.ForeignKey(Therapist, on_delete=models.PROTECT, related_name="appointments")
    room = models.ForeignKey(Room, on_delete=models.PROTECT, related_name="appointments")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="appointments")
    series = models.ForeignKey(Series, on_delete=models.PROTECT, null=True, blank=True, related_name="appointments")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    # The visit with its buffers. Plain columns: PostgreSQL refuses `timestamptz - interval` in a generated one.
    occupied_from = models.DateTimeField()
    occupied_until = models.DateTimeField()
    occupied = models.GeneratedField(
        expression=Func(F("occupied_from"), F("occupied_until"), Value("[)"), function="tstzrange"),
        output_field=DateTimeRangeField(),
        db_persist=True,
    )
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.BOOKED)
    held_until = models.DateTimeField(null=True, blank=True)
    review_needed = models.BooleanField(_("needs therapist review"), default=False)
    # Why staff booked outside the rules (outside hours, over a break); empty where no rule was passed over.
    override_reason = models.CharField(max_length=160, blank=True)
    idempotency_key = models.UUIDField(null=True, blank=True, unique=True)
    booked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    booked_at = models.DateTimeField()

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=[str(s) for s in Status]), name="appointment_status_is_known"
            ),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="appointment_ends_after_it_starts"),
            models.CheckConstraint(
                condition=Q(occupied_from__lte=F("starts_at"), occupied_until__gte=F("ends_at")),
                name="appointment_lies_within_its_buffers",
            ),
            models.CheckConstraint(
                condition=~Q(status="held") | Q(held_until__isnull=False), name="appointment_hold_has_an_end"
            ),
            ExclusionConstraint(
                name="therapist_is_in_one_place_at_a_time",
                expressions=[("occupied", RangeOperators.OVERLAPS), ("therapist", RangeOperators.EQUAL)],
                condition=Q(status__in=[str(s) for s in TAKING]),
                violation_error_message=_("The therapist has another visit then."),
            ),
            ExclusionConstraint(
                name="room_takes_one_visit_at_a_time",
                expressions=[("occupied", RangeOperators.OVERLAPS), ("room", RangeOperators.EQUAL)],
                condition=Q(status__in=[str(s) for s in TAKING]),
                violation_error_message=_("The room is taken then."),
            ),
            ExclusionConstraint(
                name="client_has_one_visit_at_a_time",
                expressions=[
                    (Func(F("starts_at"), F("ends_at"), Value("[)"), function="tstzrange"), RangeOperators.OVERLAPS),
                    ("client", RangeOperators.EQUAL),
                ],
                condition=Q(status__in=[str(s) for s in TAKING]),
                violation_error_message=_("The client has another visit then."),
            ),
        ]
        indexes = [
            # Serves the day page and the reminder sweep: what starts in a stretch of time.
            models.Index(fields=["starts_at"], name="appointment_by_start"),
            # Serves her absences, and the page of one therapist: her visits in a stretch of time.
            models.Index(fields=["therapist", "starts_at"], name="appointment_by_therapist"),
            # Serves the client's page: her visits, newest first.
            models.Index(fields=["client", "-starts_at"], name="appointment_by_client"),
        ]

    def __str__(self) -> str:
        return f"{self.client_id} {self.starts_at:%Y-%m-%d %H:%M} {self.status}"

    @property
    def local_start(self) -> datetime:
        """The start as the wall of its location shows it: without a zone, so that no template turns it into another."""
        return make_naive(self.starts_at, self.location.zone)

    @property
    def minutes(self) -> int:
        """How long it takes as it was booked; its service may have another length by now."""
        return round((self.ends_at - self.starts_at).total_seconds() / 60)

    def is_today(self, now: datetime) -> bool:
        """Tell whether it begins on the day that the wall of its location shows at `now`."""
        return self.local_start.date() == local_date(self.location.zone, now)

    @property
    def local_end(self) -> datetime:
        """The end as the wall of its location shows it."""
        return make_naive(self.ends_at, self.location.zone)


class StatusChange(models.Model):
    """Who changed an appointment's status, when and why. Rows are only ever added."""

    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="status_changes")
    before = models.CharField(max_length=20, choices=Status.choices, blank=True)
    after = models.CharField(max_length=20, choices=Status.choices)
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    why = models.CharField(max_length=160, blank=True)

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.appointment_id} {self.before} → {self.after}"
