"""Who treats, and what she or he may give."""

from __future__ import annotations

from datetime import date

import pghistory
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.lib.prepared import Given
from clinic.people.models.catalogue import Modality
from clinic.people.models.clinic import Picture
from clinic.people.models.logins import User
from clinic.people.models.places import Location, Room

# Between them lies the last day of every licence and certificate; near the calendar's own end nothing can be reckoned.
FIRST_END, LAST_END = date(2000, 1, 1), date(2199, 12, 31)


def refuse_far_day(day: date) -> None:
    """Refuse the last day of a licence or certificate that can only be a slip."""
    if not FIRST_END <= day <= LAST_END:
        raise ValidationError(_("This day lies too far away; is the year right?"))


class TherapistQuerySet(models.QuerySet["Therapist"]):
    def here_on(self, day: date | Given) -> TherapistQuerySet:
        """Keep those who have not left, and will not have by this day; the last day is still one of theirs."""
        return self.filter(Q(leaves_on__isnull=True) | Q(leaves_on__gte=day), archived_at__isnull=True)


@pghistory.track()
class Therapist(models.Model):
    class Colour(models.TextChoices):
        """How the calendar tells therapists apart, beside their names."""

        MOSS = "moss", _("moss")
        SEA = "sea", _("sea")
        SKY = "sky", _("sky")
        IRIS = "iris", _("iris")
        PLUM = "plum", _("plum")
        ROSE = "rose", _("rose")
        CLAY = "clay", _("clay")
        SAND = "sand", _("sand")

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="therapist")
    licence_number = models.CharField(_("licence number"), max_length=40, blank=True)
    licence_expires_on = models.DateField(_("licence valid until"), null=True, blank=True, validators=[refuse_far_day])
    colour = models.CharField(_("colour"), max_length=10, choices=Colour.choices, default=Colour.MOSS)
    biography = models.TextField(
        _("biography"),
        max_length=1500,
        validators=[MaxLengthValidator(1500)],
        blank=True,
        help_text=_("For the booking page, in the therapist's own words."),
    )
    photo = models.ForeignKey(
        Picture, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("photo")
    )
    locations = models.ManyToManyField(Location, blank=True, related_name="therapists", verbose_name=_("locations"))
    usual_room = models.ForeignKey(Room, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    modalities: models.ManyToManyField[Modality, Qualification] = models.ManyToManyField(
        Modality, through="Qualification", related_name="therapists"
    )
    is_shown_online = models.BooleanField(_("shown when booking online"), default=True)
    # Her last day, while it is to come: nothing is booked after it, and then she is archived.
    leaves_on = models.DateField(_("last day"), null=True, blank=True, validators=[refuse_far_day])
    archived_at = models.DateTimeField(null=True, blank=True)

    objects = TherapistQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(colour__in=["moss", "sea", "sky", "iris", "plum", "rose", "clay", "sand"]),
                name="therapist_colour_is_known",
            ),
            models.CheckConstraint(
                condition=Q(licence_expires_on__isnull=True) | Q(licence_expires_on__range=(FIRST_END, LAST_END)),
                name="therapist_licence_ends_on_a_day_that_can_be",
            ),
            models.CheckConstraint(
                condition=Q(leaves_on__isnull=True) | Q(leaves_on__range=(FIRST_END, LAST_END)),
                name="therapist_leaves_on_a_day_that_can_be",
            ),
        ]

    def __str__(self) -> str:
        return self.user.name


@pghistory.track(pghistory.InsertEvent(), pghistory.DeleteEvent())
class TherapistLocation(Therapist.locations.through):  # type: ignore[misc,name-defined]  # Django makes it at run time
    """A therapist works at this location: the rows of `Therapist.locations`, for the change history."""

    class Meta:
        proxy = True


class QualificationQuerySet(models.QuerySet["Qualification"]):
    def valid_on(self, day: date | Given) -> QualificationQuerySet:
        """Keep those that are valid on this day, its last one included."""
        return self.filter(Q(expires_on__isnull=True) | Q(expires_on__gte=day))


@pghistory.track()
class Qualification(models.Model):
    """A therapist may give this modality; booking offers nobody else."""

    therapist = models.ForeignKey(Therapist, on_delete=models.CASCADE, related_name="qualifications")
    modality = models.ForeignKey(Modality, on_delete=models.PROTECT, related_name="qualifications")
    certificate = models.CharField(_("certificate"), max_length=120, blank=True)
    expires_on = models.DateField(_("valid until"), null=True, blank=True, validators=[refuse_far_day])

    objects = QualificationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["therapist", "modality"], name="qualification_is_held_once"),
            models.CheckConstraint(
                condition=Q(expires_on__isnull=True) | Q(expires_on__range=(FIRST_END, LAST_END)),
                name="qualification_ends_on_a_day_that_can_be",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.therapist}: {self.modality}"
