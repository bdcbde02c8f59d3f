"""The catalogue: the ways of working, and the services that can be booked."""

from __future__ import annotations

import pghistory
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

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
