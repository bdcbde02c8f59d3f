"""Visits, which ones take the time, and the record of their steps."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.timezone import make_naive
from django.utils.translation import gettext_lazy as _

from clinic.lib.times import local_date
from clinic.people.models import Client, Location, Room, Service, Therapist, User
from clinic.people.records import records_of
from clinic.scheduling.models.hours import TimeOff
from clinic.scheduling.models.rebooking import lying_in, to_rebook
from clinic.scheduling.models.series import Series


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
PROMISED = (Status.BOOKED, Status.CONFIRMED)
UPCOMING = (Status.HELD, *PROMISED)
MOVABLE = (Status.REQUESTED, *UPCOMING)
NOT_BEGUN = (Status.REQUESTED, *UPCOMING, Status.ARRIVED)


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
        """Keep visits to come that lie in an absence, that new hours left out, or after their therapist's last day."""
        return self.movable(now).filter(pk__among=to_rebook(now))

    def lying_in(self, absences: Iterable[TimeOff], now: datetime) -> AppointmentQuerySet:
        """Keep visits to come that lie in one of these absences; not those put there later, with a reason."""
        return self.movable(now).filter(pk__among=lying_in((one.pk for one in absences), now))

    def with_people(self) -> AppointmentQuerySet:
        """Bring client, therapist, place and service along in the same query."""
        return self.select_related("client", "therapist__user", "room", "location", "service__modality")


class Appointment(models.Model):
    """One client, one therapist, one room, one stretch of time."""

    # Client and therapist have no index of their own: the ones below begin with them.
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="appointments", db_index=False)
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="+")
    therapist = models.ForeignKey(Therapist, on_delete=models.PROTECT, related_name="appointments", db_index=False)
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
    # When new hours left it out: it waits to be booked anew until it is moved, or meant to be there.
    left_out_at = models.DateTimeField(null=True, blank=True)
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
            # Serves the client's page: her visits, newest first; and the calendar, which asks whether she is new.
            models.Index(fields=["client", "-starts_at"], include=["status"], name="appointment_by_client"),
            # Serves each booking, which clears away holds that have run out: few of very many.
            models.Index(fields=["held_until"], condition=Q(status="held"), name="appointment_held"),
            # Serves the navigation, which counts what is to be booked anew.
            models.Index(fields=["starts_at"], condition=Q(left_out_at__isnull=False), name="appointment_left_out"),
            # Serves the navigation of each page at the desk, which counts the requests to answer.
            models.Index(fields=["starts_at"], condition=Q(status="requested"), name="appointment_requested"),
        ]

    def __str__(self) -> str:
        return f"{self.client_id} {self.starts_at:%Y-%m-%d %H:%M} {self.status}"

    def get_status_display(self) -> str:  # type: ignore[no-redef]  # Django adds its own only where there is none
        """Say the status in words. Django's own would put all of them into words to find one."""
        return str(Status(self.status).label)

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
    """Who changed an appointment's status or place, when and why. Rows are only ever added."""

    class Because(models.TextChoices):
        """On whose side the reason for a cancellation lies: only what the client cancels can be late."""

        CLIENT = "client", _("The client cancels")
        CLINIC = "clinic", _("The clinic cancels")
        MISTAKE = "mistake", _("Booked by mistake")

    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="status_changes")
    before = models.CharField(max_length=20, choices=Status.choices, blank=True)
    after = models.CharField(max_length=20, choices=Status.choices)
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    why = models.CharField(max_length=160, blank=True)
    because = models.CharField(max_length=10, choices=Because.choices, blank=True)
    # Where the visit was before, as `recording.place_of` writes it; NULL where it stayed.
    was: models.JSONField[dict[str, str | int | None] | None] = models.JSONField(null=True)
    # Steps that were taken at once and are taken back at once, as those of a series.
    batch = models.UUIDField(null=True)
    is_undo = models.BooleanField(default=False)

    class Meta:
        ordering = ["at", "pk"]
        indexes = [
            models.Index(fields=["batch"], condition=Q(batch__isnull=False), name="status_change_by_batch"),
            # Serves the messages, which ask each minute what was changed lately.
            models.Index(fields=["at"], name="status_change_lately"),
        ]

    def __str__(self) -> str:
        return f"{self.appointment_id} {self.before} → {self.after}"
