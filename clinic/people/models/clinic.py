"""The clinic itself, the pictures it shows, and the key that sets it up."""

from __future__ import annotations

import pghistory
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.lib.once import once


def first_languages() -> list[str]:
    """Return what a new clinic is written in."""
    return [settings.LANGUAGE_CODE]


class Picture(models.Model):
    """A logo or a portrait, re-encoded by us. In the database, so that it is backed up with it and every server has it.

    Whoever knows the digest sees it: what is kept here is meant to be shown.
    """

    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the content, in hexadecimal")
    content = models.BinaryField()
    media_type = models.CharField(max_length=20)
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    added_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.media_type} {self.width} × {self.height}"


@pghistory.track()
class Clinic(models.Model):
    """The one clinic of this installation."""

    class OnlineBooking(models.TextChoices):
        """Whether clients book by themselves, and what comes of it."""

        CLOSED = "closed", _("closed")
        REQUESTS = "requests", _("clients ask, the clinic answers")
        AT_ONCE = "at_once", _("clients book at once")

    name = models.CharField(_("name of the clinic"), max_length=120)
    logo = models.ForeignKey(
        Picture, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("logo")
    )
    letterhead = models.TextField(
        _("letterhead"), max_length=400, blank=True, help_text=_("The lines under the name on letters and prints.")
    )
    currency = models.CharField(
        _("currency"),
        max_length=3,
        validators=[RegexValidator(r"^[A-Z]{3}$", _("Three capital letters, as in EUR or USD."))],
    )
    language = models.CharField(_("language"), max_length=10, default="en")
    languages: ArrayField[list[str], list[str]] = ArrayField(
        models.CharField(max_length=10, choices=settings.LANGUAGES),
        default=first_languages,
        verbose_name=_("languages"),
        help_text=_("In these, clients are written to."),
    )
    emergency_number = models.CharField(_("emergency number"), max_length=20, default="112")
    cancellation_hours = models.PositiveSmallIntegerField(_("free cancellation until, hours before"), default=24)
    cancellation_policy = models.CharField(
        _("cancellation policy"),
        max_length=160,
        default="Please tell us 24 hours before if you cannot come.",
        help_text=_("One line; it stands in every message."),
    )
    late_fee_percent = models.PositiveSmallIntegerField(
        _("fee for late cancelling, % of the price"),
        default=0,
        help_text=_("Told to clients as a sum. 0 means that there is none."),
    )
    online_booking = models.CharField(
        _("online booking"), max_length=10, choices=OnlineBooking.choices, default=OnlineBooking.CLOSED
    )
    online_lead_hours = models.PositiveSmallIntegerField(_("at least so many hours ahead"), default=12)
    online_horizon_days = models.PositiveSmallIntegerField(_("at most so many days ahead"), default=60)
    online_most_visits = models.PositiveSmallIntegerField(_("most visits to come for one client"), default=4)
    online_cancel_hours = models.PositiveSmallIntegerField(_("cancelling online until, hours before"), default=2)
    online_move_hours = models.PositiveSmallIntegerField(_("moving online until, hours before"), default=24)
    waitlist_hold_minutes = models.PositiveSmallIntegerField(_("waitlist: a time is held for, minutes"), default=120)
    house_rules = models.TextField(
        _("house rules"), max_length=2000, blank=True, help_text=_("Lateness, payment, companions: shown when booking.")
    )
    privacy_notice = models.TextField(
        _("privacy notice"), max_length=4000, blank=True, help_text=_("What is kept about clients, why and how long.")
    )
    set_up_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="clinic_is_the_only_one"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="clinic_currency_is_three_letters"),
            models.CheckConstraint(
                condition=Q(languages__contains=[models.F("language")]), name="clinic_language_is_among_its_languages"
            ),
            models.CheckConstraint(
                condition=Q(online_booking__in=["closed", "requests", "at_once"]),
                name="clinic_online_booking_is_known",
            ),
            models.CheckConstraint(
                condition=Q(online_horizon_days__range=(1, 365), online_most_visits__range=(1, 104)),
                name="clinic_online_booking_has_its_bounds",
            ),
            models.CheckConstraint(
                condition=Q(waitlist_hold_minutes__range=(15, 1440)), name="clinic_waitlist_holds_15_minutes_to_a_day"
            ),
            models.CheckConstraint(condition=Q(late_fee_percent__lte=100), name="clinic_late_fee_is_at_most_the_price"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_bookable_online(self) -> bool:
        """Whether clients book, or ask, by themselves."""
        return self.online_booking != self.OnlineBooking.CLOSED

    def late_fee(self, price_minor: int) -> int:
        """Return what cancelling late costs of a price, both in minor units of the currency; a half is rounded up."""
        return (price_minor * self.late_fee_percent + 50) // 100


@once
def clinic_with_logo() -> Clinic | None:
    """Return the clinic with what is told of its logo, without the picture; None before it is set up."""
    return Clinic.objects.select_related("logo").defer("logo__content").first()


class SetUpToken(models.Model):
    """The one-time key to the set-up page, kept as a digest."""

    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"until {self.expires_at:%Y-%m-%d %H:%M}"
