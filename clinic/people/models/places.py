"""Where the clinic works: locations, when they are open, and their rooms."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
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
    is_bookable_online = models.BooleanField(_("bookable online"), default=True)
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
