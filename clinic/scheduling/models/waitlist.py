"""Who waits for a time, and the times that were offered."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Count, Exists, F, Func, OuterRef, Q, Value
from django.utils.translation import gettext_lazy as _

from clinic.people.models import Client, Location, Service, Therapist, User
from clinic.people.records import records_beside
from clinic.scheduling.models.appointments import Appointment, Status
from clinic.scheduling.models.hours import WeeklyHours, monday_of
from clinic.scheduling.models.online import OnlineConcern

# Who enters a wish looks herself whether something is free; only then is it offered by itself.
SETTLING = timedelta(minutes=10)
# More offers than these within a day are a nuisance; after so many without a word somebody asks her first.
MOST_A_DAY, MOST_SILENCES = 2, 2
SILENCES = Count("offers", filter=Q(offers__answer="none", offers__offered_at__gte=F("heard_at")))


def _days_modulo_two_weeks(monday: date) -> Func:
    """Return 0 where hours of every other week are of this week."""
    apart = "MOD(%(expressions)s, 14)"
    return Func(F("anchor_week"), Value(monday), template=apart, arg_joiner=" - ", output_field=models.IntegerField())


class WishQuerySet(models.QuerySet["Wish"]):
    def kept(self) -> WishQuerySet:
        """Keep those that nobody has ended, in the order in which times are offered: urgent first, then by waiting."""
        hers = self.filter(ended_at__isnull=True, client__archived_at__isnull=True)
        return hers.order_by("-is_urgent", "added_at", "pk")

    def waiting(self, today: date) -> WishQuerySet:
        """Keep those whose days are not over."""
        return self.kept().filter(Q(last_on__isnull=True) | Q(last_on__gte=today))

    def could_come(self, day: date, location: Location) -> WishQuerySet:
        """Keep those who could come to this place on that day, where one they wish for works then, by her hours.

        Who is offered a time just now has it.
        """
        weekday = Q(weekdays=[]) | Q(weekdays__contains=[day.weekday()])
        since, until = Q(first_on__isnull=True) | Q(first_on__lte=day), Q(last_on__isnull=True) | Q(last_on__gte=day)
        here = Q(locations__isnull=True) | Q(locations=location)
        hours = WeeklyHours.objects.filter(location=location, weekday=day.weekday(), valid_from__lte=day)
        hours = hours.annotate(apart=_days_modulo_two_weeks(monday_of(day))).filter(Q(anchor_week=None) | Q(apart=0))
        works = hours.filter(Q(valid_until__isnull=True) | Q(valid_until__gte=day)).values("therapist")
        with_whom = Q(therapists__isnull=True) | Q(therapists__in=works)
        offered = Offer.objects.open().filter(wish=OuterRef("pk"))
        return self.kept().filter(weekday, since, until, here, with_whom).exclude(Exists(offered)).distinct()

    def offerable(self, now: datetime) -> WishQuerySet:
        """Keep those to whom a time may be offered by itself."""
        counted = self.annotate(
            silences=SILENCES,
            open_offers=Count("offers", filter=Q(offers__answer="")),
            lately=Count("offers", filter=Q(offers__offered_at__gt=now - timedelta(days=1))),
        )
        settled = counted.filter(added_at__lte=now - SETTLING, open_offers=0)
        not_tired = settled.filter(lately__lt=MOST_A_DAY, silences__lt=MOST_SILENCES)
        to_call = OnlineConcern.objects.filter(kind=OnlineConcern.Kind.CALL, settled_at__isnull=True)
        return not_tired.exclude(Exists(to_call.filter(client__among=records_beside(OuterRef("client")))))

    def silent(self) -> WishQuerySet:
        """Keep those who let so many offers run out that somebody should ask them first."""
        return self.annotate(silences=SILENCES).filter(silences__gte=MOST_SILENCES)

    def with_all(self) -> WishQuerySet:
        """Bring along whose wish it is and what is wished for: four queries, however many there are."""
        related = self.select_related("client__primary_therapist")
        return related.prefetch_related("services__modality", "therapists__user", "locations")


class Wish(models.Model):
    """A client waits for a time to become free. What is left open is all the same to her."""

    class Ending(models.TextChoices):
        BOOKED = "booked", _("booked")
        REMOVED = "removed", _("removed")

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="wishes")
    services = models.ManyToManyField(Service, related_name="+", verbose_name=_("services"))
    therapists = models.ManyToManyField(Therapist, blank=True, related_name="+", verbose_name=_("therapists"))
    locations = models.ManyToManyField(Location, blank=True, related_name="+", verbose_name=_("locations"))
    weekdays: ArrayField[list[int], list[int]] = ArrayField(
        models.PositiveSmallIntegerField(choices=WeeklyHours.Weekday.choices),
        default=list,
        blank=True,
        verbose_name=_("weekdays"),
    )
    # The whole visit lies between them, by the wall clock of the place.
    not_before = models.TimeField(_("from"), null=True, blank=True)
    not_after = models.TimeField(_("until"), null=True, blank=True)
    first_on = models.DateField(_("from the day"), null=True, blank=True)
    last_on = models.DateField(_("to the day"), null=True, blank=True)
    is_urgent = models.BooleanField(_("urgent"), default=False)
    note = models.CharField(_("note for the desk"), max_length=160, blank=True, help_text=_("Nothing about health."))
    added_at = models.DateTimeField()
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    # When she last said anything: after too many offers without an answer somebody asks her first.
    heard_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    ending = models.CharField(max_length=10, choices=Ending.choices, blank=True)

    objects = WishQuerySet.as_manager()

    class Meta:
        verbose_name = _("wish")
        verbose_name_plural = _("wishes")
        constraints = [
            models.CheckConstraint(
                condition=Q(weekdays__contained_by=list(range(7))), name="wish_weekdays_are_of_the_week"
            ),
            models.CheckConstraint(
                condition=Q(not_before__isnull=True) | Q(not_after__isnull=True) | Q(not_after__gt=F("not_before")),
                name="wish_times_are_in_order",
            ),
            models.CheckConstraint(
                condition=Q(first_on__isnull=True) | Q(last_on__isnull=True) | Q(last_on__gte=F("first_on")),
                name="wish_days_are_in_order",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ending="")
                | Q(ended_at__isnull=False, ending__in=["booked", "removed"]),
                name="wish_that_ended_says_how",
            ),
        ]
        indexes = [
            # Serves the list and the sweep: only those that wait, in order.
            models.Index(
                fields=["-is_urgent", "added_at"], condition=Q(ended_at__isnull=True), name="wish_waiting_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.client_id} since {self.added_at:%Y-%m-%d}"

    def clean(self) -> None:
        """Refuse what can never be met."""
        if self.not_before and self.not_after and self.not_after <= self.not_before:
            raise ValidationError({"not_after": _("The end comes after the beginning.")})
        if self.first_on and self.last_on and self.last_on < self.first_on:
            raise ValidationError({"last_on": _("The last day comes after the first.")})


class OfferQuerySet(models.QuerySet["Offer"]):
    def open(self) -> OfferQuerySet:
        """Keep those that nobody has answered; some may have run out a moment ago."""
        return self.filter(answer="")

    def still_held(self, now: datetime) -> OfferQuerySet:
        """Keep open ones whose time is still held for her."""
        return self.open().filter(appointment__status=Status.HELD, appointment__held_until__gt=now)

    def with_all(self) -> OfferQuerySet:
        """Bring along the visit that is held, and whom it is for."""
        return self.select_related(
            "wish", "appointment__client", "appointment__therapist__user", "appointment__room",
            "appointment__location", "appointment__service__modality",
        )  # fmt: skip


class Offer(models.Model):
    """A time that became free and is held for her who waits, until she answers or it runs out.

    The hold is the visit itself: what its status says holds, and the answer follows it.
    """

    class Answer(models.TextChoices):
        ACCEPTED = "accepted", _("accepted")
        DECLINED = "declined", _("declined")
        NONE = "none", _("not answered")

    wish = models.ForeignKey(Wish, on_delete=models.PROTECT, related_name="offers")
    appointment = models.OneToOneField(Appointment, on_delete=models.PROTECT, related_name="offer")
    # What the mailed link carries, signed.
    key = models.UUIDField(unique=True, default=uuid4)
    offered_at = models.DateTimeField()
    answer = models.CharField(max_length=10, choices=Answer.choices, blank=True)
    answered_at = models.DateTimeField(null=True)
    # None: she herself, by her link; or nobody, and it ran out.
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    objects = OfferQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["wish"], condition=Q(answer=""), name="wish_has_one_open_offer"),
            models.CheckConstraint(
                condition=Q(answer="", answered_at__isnull=True)
                | Q(answer__in=["accepted", "declined", "none"], answered_at__isnull=False),
                name="offer_answer_has_its_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.wish_id} → {self.appointment_id} {self.answer}"
