"""Where the clinic works, and what can be booked there."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

from clinic.lib.once import once
from clinic.lib.times import zone_names


def validate_time_zone(name: str) -> None:
    """Refuse a name that the time zone database does not know."""
    if name not in zone_names():
        raise ValidationError(
            _("There is no time zone called “%(name)s”; a known one is Europe/Lisbon."), params={"name": name}
        )


# How the slugs of the clinic's own modalities begin.
OWN = "own-"


@pghistory.track()
class Modality(models.Model):
    """A way of working. The rows of the domain's table come by migration; a clinic can add its own."""

    slug = models.SlugField(_("folder under sessions/modalities"), unique=True)
    name = models.CharField(_("name"), max_length=80, unique=True)
    code = models.CharField(_("two-letter code"), max_length=2, unique=True, validators=[RegexValidator(r"^[A-Z]{2}$")])
    shortest_minutes = models.PositiveSmallIntegerField(_("shortest, minutes"), null=True, blank=True)
    longest_minutes = models.PositiveSmallIntegerField(_("longest, minutes"), null=True, blank=True)
    focus = models.CharField(_("focus"), max_length=160, blank=True)
    ideal_for = models.CharField(_("ideal for"), max_length=160, blank=True)
    consideration = models.CharField(_("to tell the client"), max_length=160, blank=True)
    # Safety attributes: what the rules need to know of a modality. The strictest are the defaults.
    is_deep = models.BooleanField(_("works deep"), default=True)
    uses_static_compression = models.BooleanField(_("holds static compression"), default=True)
    works_head_or_neck = models.BooleanField(_("works at head or neck"), default=True)
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True)

    class Meta:
        verbose_name_plural = _("modalities")
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(shortest_minutes__isnull=True, longest_minutes__isnull=True)
                | Q(shortest_minutes__gt=0, longest_minutes__gte=F("shortest_minutes")),
                name="modality_range_is_in_order",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_own(self) -> bool:
        """Whether the clinic added it. No folder under sessions/modalities can be called so: it has the common form."""
        return self.slug.startswith(OWN)

    @property
    def css_class(self) -> str:
        """The class that carries its colour and stripe."""
        return f"mod-{self.code.lower()}"


@pghistory.track()
class Location(models.Model):
    name = models.CharField(_("name"), max_length=80)
    address = models.CharField(_("address"), max_length=240, blank=True)
    directions = models.TextField(
        _("how to find us"),
        max_length=1000,
        blank=True,
        help_text=_("Stop, entrance, stairs: as you would tell a client."),
    )
    phone = PhoneNumberField(_("phone"), blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, validators=[validate_time_zone])
    emergency_number = models.CharField(
        _("emergency number"), max_length=20, blank=True, help_text=_("Where it is not the clinic's.")
    )
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="location_name_is_unique_in_any_case",
                violation_error_message=_("Another location has this name; look among the archived ones too."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


@pghistory.track()
class OpeningHours(models.Model):
    """A location is open on this weekday from … to …; a day with a pause has two rows, a closed one none."""

    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="opening_hours")
    weekday = models.PositiveSmallIntegerField(_("weekday"), help_text="0 is Monday, as in datetime")
    opens = models.TimeField(_("opens"))
    closes = models.TimeField(_("closes"))

    class Meta:
        ordering = ["location", "weekday", "opens"]
        constraints = [
            models.CheckConstraint(condition=Q(weekday__lte=6), name="opening_weekday_is_one_of_seven"),
            models.CheckConstraint(condition=Q(closes__gt=F("opens")), name="opening_ends_after_it_begins"),
            models.UniqueConstraint(fields=["location", "weekday", "opens"], name="opening_begins_once"),
        ]

    def __str__(self) -> str:
        return f"{self.weekday}: {self.opens:%H:%M}–{self.closes:%H:%M}"


@once
def clinic_zone() -> ZoneInfo:
    """Return the zone of the clinic's first location that is in use, for what happens at none of them."""
    first = Location.objects.order_by(F("archived_at").asc(nulls_first=True), "pk").first()
    return first.zone if first else ZoneInfo("UTC")


@pghistory.track()
class Room(models.Model):
    class Feature(models.TextChoices):
        QUIET = "quiet", _("quiet")
        ADJUSTABLE_TABLE = "adjustable_table", _("adjustable table")
        DIMMABLE = "dimmable", _("dimmable light")
        STEP_FREE = "step_free", _("without steps")
        SCENT_FREE = "scent_free", _("free of scents")

    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="rooms")
    name = models.CharField(_("name"), max_length=40)
    features: ArrayField[list[str], list[str]] = ArrayField(
        models.CharField(max_length=20, choices=Feature.choices), default=list, blank=True, verbose_name=_("features")
    )
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["location", "name"]
        constraints = [
            models.UniqueConstraint(
                "location",
                Lower("name"),
                name="room_name_is_unique_in_its_location_in_any_case",
                violation_error_message=_("Another room here has this name; look among the archived ones too."),
            ),
            models.CheckConstraint(
                condition=Q(
                    features__contained_by=["quiet", "adjustable_table", "dimmable", "step_free", "scent_free"]
                ),
                name="room_features_are_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class Service(models.Model):
    """What is booked: a modality of a given length at a price. Another length is another service."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    modality = models.ForeignKey(Modality, on_delete=models.PROTECT, related_name="services")
    minutes = models.PositiveSmallIntegerField(_("minutes"), validators=[MinValueValidator(5)])
    buffer_before = models.PositiveSmallIntegerField(_("buffer before, minutes"), default=0)
    buffer_after = models.PositiveSmallIntegerField(_("buffer after, minutes"), default=15)
    description = models.TextField(_("description"), max_length=600, blank=True)
    price_minor = models.PositiveIntegerField(_("price"))
    is_bookable_online = models.BooleanField(_("bookable online"), default=True)
    is_open_to_new_clients = models.BooleanField(_("open to new clients"), default=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["modality", "minutes"]
        constraints = [
            models.CheckConstraint(
                condition=Q(minutes__gte=5, minutes__lte=480), name="service_lasts_5_to_480_minutes"
            ),
        ]

    def __str__(self) -> str:
        return self.name
