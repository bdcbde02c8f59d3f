"""Who is treated, how she may be written to, and who may sign in for her."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pghistory
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import Case, F, Q, When
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

from clinic.audit.kinds import newest_first
from clinic.people.models.logins import User
from clinic.people.models.searching import Typed, as_typed, closeness, nearly_occurs, occurs
from clinic.people.models.therapists import Therapist


def spoken_name(legal_name: str, preferred_name: str) -> str:
    """Return the name to speak her by: what she is called, with her family name where it is known."""
    if not preferred_name:
        return legal_name
    family = legal_name.rsplit(maxsplit=1)[-1] if " " in legal_name else ""
    return preferred_name if preferred_name.endswith(family) else f"{preferred_name} {family}"


class ClientQuerySet(models.QuerySet["Client"]):
    def active(self) -> ClientQuerySet:
        """Keep those who are not archived."""
        return self.filter(archived_at__isnull=True)

    def visible_to(self, user: User) -> ClientQuerySet:
        """Keep those whom this login may see: staff see all, a client's login only its own."""
        if user.is_staff_member:
            return self
        return self.filter(accesses__user=user)

    def matching(self, typed: str) -> ClientQuerySet:
        """Keep those in whose names, e-mail or phones every typed word occurs, with or without its accents.

        A date among them is the day of birth.
        """
        return self._each(as_typed(typed), occurs)

    def resembling(self, typed: str) -> ClientQuerySet:
        """Keep those whom `matching` keeps, and those in whose names a typed word stands with one typo."""
        return self._each(as_typed(typed), nearly_occurs)

    def _each(self, typed: Typed, stands: Callable[[str], Q]) -> ClientQuerySet:
        found = self.filter(born_on__in=typed.born) if typed.born else self
        for word in typed.words:
            found = found.filter(stands(word))
        return found

    def best_first(self, typed: str) -> ClientQuerySet:
        """Put those first who are most likely meant."""
        told = as_typed(typed)
        likelihood: list[Any] = [closeness(told)] if told.words else []
        if len(told.born) > 1:
            likelihood.append(Case(When(born_on=told.born[0], then=0), default=1))
        return self.order_by(*likelihood, "legal_name", "pk")

    def newest_first(self) -> ClientQuerySet:
        """Put those first who were added last."""
        return self.order_by("-created_at", "-pk")


@pghistory.track(meta=newest_first("client"))
class Client(models.Model):
    """A person who is treated. Complete without a login. Nothing here is about health: all staff read it."""

    class Light(models.TextChoices):
        DARK = "dark", _("dark")
        DIM = "dim", _("dim")
        NORMAL = "normal", _("normal")

    class Sound(models.TextChoices):
        SILENCE = "silence", _("silence")
        QUIET = "quiet", _("quiet music")

    class Scent(models.TextChoices):
        NONE = "none", _("none")
        LIGHT = "light", _("a little")

    class Temperature(models.TextChoices):
        COOL = "cool", _("cool")
        NORMAL = "normal", _("normal")
        WARM = "warm", _("warm")

    class Talk(models.TextChoices):
        LITTLE = "little", _("as little as possible")
        SOME = "some", _("some")

    class TableAngle(models.TextChoices):
        FLAT = "flat", _("flat")
        RAISED = "raised", _("head raised")

    legal_name = models.CharField(_("full name"), max_length=160)
    preferred_name = models.CharField(_("called"), max_length=80, blank=True)
    pronouns = models.CharField(_("pronouns"), max_length=40, blank=True)
    born_on = models.DateField(_("date of birth"), null=True, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    phone = PhoneNumberField(_("phone"), blank=True)
    other_phone = PhoneNumberField(_("other phone"), blank=True)
    # A text field holds only its form to its length; the service and the import are held to it by the validator.
    address = models.TextField(_("address"), max_length=300, validators=[MaxLengthValidator(300)], blank=True)
    language = models.CharField(_("language"), max_length=10, default="en")
    emergency_name = models.CharField(_("emergency contact"), max_length=160, blank=True)
    emergency_relation = models.CharField(
        _("relation"), max_length=60, blank=True, help_text=_("Partner, mother, neighbour.")
    )
    emergency_phone = PhoneNumberField(_("emergency contact's phone"), blank=True)
    physician_name = models.CharField(_("referring physician"), max_length=160, blank=True)
    physician_contact = models.TextField(
        _("physician's practice"),
        max_length=300,
        validators=[MaxLengthValidator(300)],
        blank=True,
        help_text=_("Practice, address, phone."),
    )
    guardian_name = models.CharField(_("guardian"), max_length=160, blank=True, help_text=_("Required when under 18."))
    guardian_relation = models.CharField(_("guardian's relation"), max_length=60, blank=True)
    guardian_phone = PhoneNumberField(_("guardian's phone"), blank=True)
    guardian_email = models.EmailField(_("guardian's e-mail"), blank=True)
    light = models.CharField(_("light in the room"), max_length=10, choices=Light.choices, blank=True)
    sound = models.CharField(_("sound"), max_length=10, choices=Sound.choices, blank=True)
    scent = models.CharField(_("scent"), max_length=10, choices=Scent.choices, blank=True)
    temperature = models.CharField(_("temperature"), max_length=10, choices=Temperature.choices, blank=True)
    talk = models.CharField(_("talk"), max_length=10, choices=Talk.choices, blank=True)
    table_angle = models.CharField(_("on the table"), max_length=10, choices=TableAngle.choices, blank=True)
    primary_therapist = models.ForeignKey(
        Therapist, on_delete=models.SET_NULL, null=True, blank=True, related_name="clients", verbose_name=_("therapist")
    )
    alert = models.CharField(
        _("alert for the front desk"), max_length=120, blank=True, help_text=_("Never anything about health.")
    )
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    archived_at = models.DateTimeField(null=True, blank=True)
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="merged", verbose_name=_("merged into")
    )

    objects = ClientQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | ~Q(merged_into=F("pk")),
                name="client_is_not_merged_into_herself",
            ),
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | Q(archived_at__isnull=False), name="merged_client_is_archived"
            ),
            models.CheckConstraint(
                condition=Q(light__in=["", "dark", "dim", "normal"], sound__in=["", "silence", "quiet"])
                & Q(scent__in=["", "none", "light"], temperature__in=["", "cool", "normal", "warm"])
                & Q(talk__in=["", "little", "some"], table_angle__in=["", "flat", "raised"]),
                name="client_wishes_for_the_room_are_known",
            ),
            models.CheckConstraint(condition=~Q(legal_name=""), name="client_has_a_name"),
            models.CheckConstraint(
                condition=Q(born_on__isnull=True) | Q(born_on__gte=date(1900, 1, 1)), name="client_was_born_since_1900"
            ),
        ]
        # Serves the search by date of birth, and who may be the same person.
        indexes = [models.Index(fields=["born_on"], name="client_born_on")]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return spoken_name(self.legal_name, self.preferred_name)

    @property
    def called(self) -> str:
        """How a message greets her."""
        return self.preferred_name or self.legal_name.split()[0]

    def age_on(self, day: date) -> int | None:
        """Return full years on `day`; a birthday on 29 February counts on 1 March in other years. None if unknown."""
        if self.born_on is None:
            return None
        return day.year - self.born_on.year - ((day.month, day.day) < (self.born_on.month, self.born_on.day))

    @property
    def room_wishes(self) -> tuple[str, ...]:
        """How she likes the room, each with its question: “Light in the room: Dim”."""
        fields = ((field, getattr(self, field.name)) for field in self._meta.fields if field.name in ROOM_WISHES)
        return tuple(
            f"{capfirst(str(field.verbose_name))}: {capfirst(str(ROOM_WISHES[field.name](wish).label))}"
            for field, wish in fields
            if wish
        )


# What she may wish of the room, on her record and on the forms that ask.
ROOM_WISHES: Mapping[str, type[models.TextChoices]] = {
    "light": Client.Light,
    "sound": Client.Sound,
    "scent": Client.Scent,
    "temperature": Client.Temperature,
    "talk": Client.Talk,
    "table_angle": Client.TableAngle,
}


@pghistory.track(meta=newest_first("therapists_note"))
class TherapistsNote(models.Model):
    """What therapists tell each other about a client; it may touch her health, so it stands apart from the record."""

    client = models.OneToOneField(Client, on_delete=models.PROTECT, related_name="therapists_note")
    text = models.TextField(_("note for therapists"), max_length=10_000)

    def __str__(self) -> str:
        return f"note on {self.client_id}"


class ContactConsent(models.Model):
    """She agreed, or no longer agrees, to be written to by this channel. The latest row counts; none ever changes.

    It goes only with a client whom an import brought, when that is undone.
    """

    class Channel(models.TextChoices):
        EMAIL = "email", _("e-mail")
        TEXT = "text", _("text message")

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="contact_consents")
    channel = models.CharField(max_length=10, choices=Channel.choices)
    is_given = models.BooleanField()
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    source = models.CharField(max_length=80, help_text="Where she said so: intake form, on the phone, settings page")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(channel__in=["email", "text"]), name="contact_consent_channel_is_known"),
        ]
        indexes = [
            # Serves `has_contact_consent`: the latest word on one channel.
            models.Index(fields=["client", "channel", "-at"], name="contact_consent_latest"),
        ]

    def __str__(self) -> str:
        return f"{self.client_id} {self.channel} {self.is_given}"


@pghistory.track(meta=newest_first("client_access"))
class ClientAccess(models.Model):
    """This login may act for this client."""

    class Relation(models.TextChoices):
        SELF = "self", _("herself or himself")
        GUARDIAN = "guardian", _("guardian")

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="client_accesses")
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="accesses")
    relation = models.CharField(max_length=10, choices=Relation.choices, default=Relation.SELF)
    granted_at = models.DateTimeField()

    class Meta:
        verbose_name = _("sign-in")
        constraints = [
            models.UniqueConstraint(fields=["user", "client"], name="client_access_is_given_once"),
            models.CheckConstraint(
                condition=Q(relation__in=["self", "guardian"]), name="client_access_relation_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} → {self.client_id}"
