from __future__ import annotations

from datetime import date
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, available_timezones

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField


def validate_time_zone(name: str) -> None:
    """Refuse a name that the time zone database does not know."""
    if name not in available_timezones():
        raise ValidationError(
            _("There is no time zone called “%(name)s”; a known one is Europe/Lisbon."), params={"name": name}
        )


class Clinic(models.Model):
    """The one clinic of this installation."""

    name = models.CharField(_("name of the clinic"), max_length=120)
    currency = models.CharField(
        _("currency"),
        max_length=3,
        validators=[RegexValidator(r"^[A-Z]{3}$", _("Three capital letters, as in EUR or USD."))],
    )
    language = models.CharField(_("language"), max_length=10, default="en")
    emergency_number = models.CharField(_("emergency number"), max_length=20, default="112")
    cancellation_hours = models.PositiveSmallIntegerField(_("free cancellation until, hours before"), default=24)
    cancellation_policy = models.CharField(
        _("cancellation policy"),
        max_length=160,
        default="Please tell us 24 hours before if you cannot come.",
        help_text=_("One line; it stands in every message."),
    )
    set_up_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="clinic_is_the_only_one"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="clinic_currency_is_three_letters"),
        ]

    def __str__(self) -> str:
        return self.name


class SetUpToken(models.Model):
    """The one-time key to the set-up page, kept as a digest."""

    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"until {self.expires_at:%Y-%m-%d %H:%M}"


class Role(models.TextChoices):
    OWNER = "owner", _("owner")
    THERAPIST = "therapist", _("therapist")
    FRONT_DESK = "front_desk", _("front desk")


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a login; without a password it can sign in only by a code in the mail."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A login. Staff have roles; a client's login has none and reaches clients through ClientAccess."""

    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=120)
    roles: ArrayField[list[str], list[str]] = ArrayField(
        models.CharField(max_length=20, choices=Role.choices), default=list, blank=True, verbose_name=_("roles")
    )
    is_active = models.BooleanField(_("may sign in"), default=True)
    joined_at = models.DateTimeField(_("since"), auto_now_add=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_is_unique_in_any_case"),
            models.CheckConstraint(
                condition=Q(roles__contained_by=[str(r) for r in Role]), name="user_roles_are_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_owner(self) -> bool:
        return Role.OWNER in self.roles

    @property
    def is_therapist(self) -> bool:
        return Role.THERAPIST in self.roles

    @property
    def is_front_desk(self) -> bool:
        return Role.FRONT_DESK in self.roles

    @property
    def is_staff_member(self) -> bool:
        return bool(self.roles)

    @property
    def first_name(self) -> str:
        return self.name.split()[0] if self.name else ""


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
    def css_class(self) -> str:
        """The class that carries its colour and stripe."""
        return f"mod-{self.code.lower()}"


class Location(models.Model):
    name = models.CharField(_("name"), max_length=80, unique=True)
    address = models.CharField(_("address"), max_length=240, blank=True)
    directions = models.TextField(_("how to find us"), blank=True)
    phone = PhoneNumberField(_("phone"), blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, validators=[validate_time_zone])
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


def clinic_zone() -> ZoneInfo:
    """Return the zone of the clinic's first location that is in use, for what happens at none of them."""
    first = Location.objects.order_by(F("archived_at").asc(nulls_first=True), "pk").first()
    return first.zone if first else ZoneInfo("UTC")


class Room(models.Model):
    class Feature(models.TextChoices):
        QUIET = "quiet", _("quiet")
        ADJUSTABLE_TABLE = "adjustable_table", _("adjustable table")
        DIMMABLE = "dimmable", _("dimmable light")

    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="rooms")
    name = models.CharField(_("name"), max_length=40)
    features: ArrayField[list[str], list[str]] = ArrayField(
        models.CharField(max_length=20, choices=Feature.choices), default=list, blank=True, verbose_name=_("features")
    )
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["location", "name"]
        constraints = [
            models.UniqueConstraint(fields=["location", "name"], name="room_name_is_unique_in_its_location"),
            models.CheckConstraint(
                condition=Q(features__contained_by=["quiet", "adjustable_table", "dimmable"]),
                name="room_features_are_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Therapist(models.Model):
    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="therapist")
    licence_number = models.CharField(_("licence number"), max_length=40, blank=True)
    licence_expires_on = models.DateField(_("licence valid until"), null=True, blank=True)
    usual_room = models.ForeignKey(Room, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    modalities: models.ManyToManyField[Modality, Qualification] = models.ManyToManyField(
        Modality, through="Qualification", related_name="therapists"
    )
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.user.name


class QualificationQuerySet(models.QuerySet["Qualification"]):
    def valid_on(self, day: date) -> QualificationQuerySet:
        """Keep those that are valid on this day, its last one included."""
        return self.filter(Q(expires_on__isnull=True) | Q(expires_on__gte=day))


class Qualification(models.Model):
    """A therapist may give this modality; booking offers nobody else."""

    therapist = models.ForeignKey(Therapist, on_delete=models.CASCADE, related_name="qualifications")
    modality = models.ForeignKey(Modality, on_delete=models.PROTECT, related_name="qualifications")
    certificate = models.CharField(_("certificate"), max_length=120, blank=True)
    expires_on = models.DateField(_("valid until"), null=True, blank=True)

    objects = QualificationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["therapist", "modality"], name="qualification_is_held_once"),
        ]

    def __str__(self) -> str:
        return f"{self.therapist}: {self.modality}"


class Service(models.Model):
    """What is booked: a modality of a given length at a price."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    modality = models.ForeignKey(Modality, on_delete=models.PROTECT, related_name="services")
    minutes = models.PositiveSmallIntegerField(_("minutes"), validators=[MinValueValidator(5)])
    buffer_before = models.PositiveSmallIntegerField(_("buffer before, minutes"), default=0)
    buffer_after = models.PositiveSmallIntegerField(_("buffer after, minutes"), default=15)
    price_minor = models.PositiveIntegerField(_("price in minor units"))
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


# In a search, fewer digits occur in everybody's number.
FEWEST_DIGITS = 3


class ClientQuerySet(models.QuerySet["Client"]):
    def active(self) -> ClientQuerySet:
        """Keep those who are not archived."""
        return self.filter(archived_at__isnull=True)

    def visible_to(self, user: User) -> ClientQuerySet:
        """Keep those whom this login may see: staff see all, a client's login only its own."""
        if user.is_staff_member:
            return self
        return self.filter(accesses__user=user)

    def matching(self, words: str) -> ClientQuerySet:
        """Keep those in whose names, e-mail or phone every typed word occurs, with or without its accents."""
        found = self
        # PostgreSQL keeps no NUL in its texts, and refuses to compare with one.
        for word in words.replace("\0", " ").split():
            hit = (
                Q(legal_name__unaccent__icontains=word)
                | Q(preferred_name__unaccent__icontains=word)
                | Q(email__icontains=word)
            )
            digits = "".join(c for c in word if c.isdigit())
            if len(digits) >= FEWEST_DIGITS:
                hit |= Q(phone__contains=digits)
            found = found.filter(hit)
        return found

    def alike(
        self, *, legal_name: str = "", born_on: date | None = None, email: str = "", phone: str = ""
    ) -> ClientQuerySet:
        """Keep those who may be the same person: same e-mail, same phone, or same name and date of birth."""
        same = Q(pk__in=[])
        if email:
            same |= Q(email__iexact=email)
        if phone:
            same |= Q(phone=phone)
        if legal_name and born_on:
            same |= Q(legal_name__unaccent__iexact=legal_name, born_on=born_on)
        return self.filter(same)


class Client(models.Model):
    """A person who is treated. Complete without a login."""

    legal_name = models.CharField(_("full name"), max_length=160)
    preferred_name = models.CharField(_("called"), max_length=80, blank=True)
    pronouns = models.CharField(_("pronouns"), max_length=40, blank=True)
    born_on = models.DateField(_("date of birth"), null=True, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    phone = PhoneNumberField(_("phone"), blank=True)
    language = models.CharField(_("language"), max_length=10, default="en")
    primary_therapist = models.ForeignKey(
        Therapist, on_delete=models.SET_NULL, null=True, blank=True, related_name="clients", verbose_name=_("therapist")
    )
    alert = models.CharField(
        _("alert for the front desk"), max_length=120, blank=True, help_text=_("Never anything about health.")
    )
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    archived_at = models.DateTimeField(null=True, blank=True)

    objects = ClientQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(legal_name=""), name="client_has_a_name"),
            models.CheckConstraint(
                condition=Q(born_on__isnull=True) | Q(born_on__gte=date(1900, 1, 1)), name="client_was_born_since_1900"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name to speak her by: what she is called, with her family name where it is known."""
        if not self.preferred_name:
            return self.legal_name
        family = self.legal_name.split()[-1] if " " in self.legal_name else ""
        return self.preferred_name if self.preferred_name.endswith(family) else f"{self.preferred_name} {family}"

    @property
    def called(self) -> str:
        """How a message greets her."""
        return self.preferred_name or self.legal_name.split()[0]

    def age_on(self, day: date) -> int | None:
        """Return full years on `day`; a birthday on 29 February counts on 1 March in other years. None if unknown."""
        if self.born_on is None:
            return None
        return day.year - self.born_on.year - ((day.month, day.day) < (self.born_on.month, self.born_on.day))


class ContactConsent(models.Model):
    """She agreed, or no longer agrees, to be written to by this channel. The latest row counts; none ever changes."""

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
