from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.lib import body
from clinic.people.models import Client, Modality, Therapist, User
from clinic.scheduling.models import Appointment


class Phase(models.TextChoices):
    """Where she is in the course of an attack today."""

    INTERICTAL = "interictal", _("between attacks")
    PRODROME = "prodrome", _("early signs")
    AURA = "aura", _("aura")
    ATTACK = "attack", _("attack")
    POSTDROME = "postdrome", _("after an attack")


class Pressure(models.IntegerChoices):
    HOLD = 1, _("hold")
    LIGHT = 2, _("light")
    MODERATE = 3, _("moderate")
    FIRM = 4, _("firm")
    DEEP = 5, _("deep")


class Side(models.TextChoices):
    """Where a block works: the sides of the body map, and both at once."""

    LEFT = "left", _("left")
    RIGHT = "right", _("right")
    BOTH = "both", _("both")
    MIDDLE = "middle", _("middle")


class Position(models.TextChoices):
    """How she lies, in the safety rules' words."""

    PRONE = "prone", _("face down")
    SUPINE = "supine", _("face up")
    SIDE = "side", _("on the side")
    SEATED = "seated", _("seated")


class Product(models.TextChoices):
    """What is used besides hands, in the safety rules' words. None is an answer; an empty list is none yet."""

    NONE = "none", _("none")
    OIL = "oil", _("oil")
    AROMA = "aroma", _("scented oil")
    HEAT = "heat", _("warm compress")
    COLD = "cold", _("cool towel")
    PERCUSSION = "percussion_device", _("percussion device")


def none_stands_alone(products: list[str]) -> None:
    """Refuse “none” beside a product."""
    if Product.NONE in products and len(products) > 1:
        raise ValidationError(_("Either none, or what was used."))


def zero_to_ten(verbose_name: Any) -> models.PositiveSmallIntegerField[int | None, int | None]:
    """Return a nullable 0–10 rating column."""
    return models.PositiveSmallIntegerField(verbose_name, null=True, blank=True, validators=[MaxValueValidator(10)])


class NoteQuerySet(models.QuerySet["Note"]):
    def drafts_of(self, user: User) -> NoteQuerySet:
        """Keep the notes that this therapist has still to finish, oldest first."""
        return self.filter(state=Note.State.DRAFT, therapist__user=user).order_by("started_at")

    def signed(self) -> NoteQuerySet:
        """Keep the signed ones."""
        return self.filter(state=Note.State.SIGNED)

    def with_people(self) -> NoteQuerySet:
        """Bring client, therapist and visit along in the same query."""
        return self.select_related(
            "client",
            "therapist__user",
            "signed_by",
            "appointment__location",
            "appointment__room",
            "appointment__service__modality",
        )


class Note(models.Model):
    """The session note. Once signed, the database refuses every change to it; addenda follow."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        SIGNED = "signed", _("signed")

    appointment = models.OneToOneField(Appointment, on_delete=models.PROTECT, related_name="note")
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="notes")
    therapist = models.ForeignKey(Therapist, on_delete=models.PROTECT, related_name="notes")
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    # Counts saves; a save that saw an older number is refused, so that two tabs lose nothing.
    revision = models.PositiveIntegerField(default=1)
    started_at = models.DateTimeField()
    saved_at = models.DateTimeField()

    # Before: asked in under 20 seconds.
    phase = models.CharField(_("today"), max_length=12, choices=Phase.choices)
    is_usual = models.BooleanField(_("any headache or neck pain today is the usual kind"))
    consent_given = models.BooleanField(_("agreed to today's session"))
    is_sedated = models.BooleanField(_("a sedative or strong painkiller just taken"), default=False)
    pain_before = zero_to_ten(_("pain before, 0 to 10"))
    acute_medicine = models.CharField(_("acute medicine in the last 24 hours"), max_length=160, blank=True)
    sleep = models.CharField(_("sleep"), max_length=120, blank=True)
    stress = zero_to_ten(_("stress, 0 to 10"))
    since_last = models.TextField(_("since last time"), blank=True)
    noticed = models.TextField(
        _("noticed"), blank=True, help_text=_("Posture, range of motion, palpation, touch tolerance, skin.")
    )

    # During, beside the blocks.
    position = models.CharField(_("position"), max_length=10, choices=Position.choices, blank=True)
    products: ArrayField[list[str], list[str]] = ArrayField(
        models.CharField(max_length=20, choices=Product.choices),
        verbose_name=_("products"),
        default=list,
        blank=True,
        validators=[none_stands_alone],
    )
    environment = models.CharField(
        _("room as used"), max_length=120, blank=True, help_text=_("Light, sound, temperature; table angle.")
    )
    pressure_feedback = models.CharField(_("said about the pressure"), max_length=240, blank=True)

    # After.
    pain_after = zero_to_ten(_("pain after, 0 to 10"))
    response = models.TextField(_("response"), blank=True)
    adverse_response = models.CharField(
        _("adverse response"),
        max_length=240,
        blank=True,
        help_text=_("What, how strong, when it began, how long it lasted, what you did."),
    )
    is_drowsy = models.BooleanField(_("drowsy: told not to drive"), default=False)

    # Plan.
    assessment = models.TextField(_("against the goals"), blank=True, help_text=_("No diagnosis."))
    home_care = models.TextField(_("home care given"), blank=True, help_text=_("What, how long, how often."))
    referral = models.CharField(_("referral"), max_length=160, blank=True)
    next_in_weeks = models.PositiveSmallIntegerField(
        _("next visit in, weeks"), null=True, blank=True, validators=[MaxValueValidator(52)]
    )

    signed_at = models.DateTimeField(null=True)
    signed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    # The note as signed, in canonical form (JSON, sorted keys, UTF-8), and its place in the clinic's one chain:
    # digest = sha256(previous digest + canonical bytes). The client's key is not in it: a merge moves nothing signed.
    canonical = models.BinaryField(null=True)
    chain_position = models.PositiveBigIntegerField(null=True, unique=True)
    previous_digest = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64, blank=True)

    objects = NoteQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=["draft", "signed"]), name="note_state_is_known"),
            models.CheckConstraint(condition=Q(phase__in=[str(p) for p in Phase]), name="note_phase_is_known"),
            models.CheckConstraint(
                condition=Q(position__in=["", *(str(p) for p in Position)]), name="note_position_is_known"
            ),
            models.CheckConstraint(
                condition=Q(products__contained_by=[str(p) for p in Product]), name="note_products_are_known"
            ),
            models.CheckConstraint(
                condition=Q(pain_before__isnull=True) | Q(pain_before__lte=10), name="note_pain_before_is_0_to_10"
            ),
            models.CheckConstraint(
                condition=Q(pain_after__isnull=True) | Q(pain_after__lte=10), name="note_pain_after_is_0_to_10"
            ),
            models.CheckConstraint(condition=Q(stress__isnull=True) | Q(stress__lte=10), name="note_stress_is_0_to_10"),
            models.CheckConstraint(
                condition=Q(state="draft")
                | (
                    Q(
                        signed_at__isnull=False,
                        signed_by__isnull=False,
                        canonical__isnull=False,
                        chain_position__isnull=False,
                    )
                    & ~Q(digest="")
                ),
                name="note_signed_is_complete",
            ),
        ]
        indexes = [
            # Serves the client's timeline: her notes, newest first.
            models.Index(fields=["client", "-started_at"], name="note_by_client"),
            # Serves the therapist's list of notes to finish, and its count beside the navigation.
            models.Index(fields=["therapist", "started_at"], condition=Q(state="draft"), name="note_to_finish"),
        ]

    def __str__(self) -> str:
        return f"{self.client_id} {self.started_at:%Y-%m-%d} {self.state}"

    @property
    def is_signed(self) -> bool:
        return self.state == self.State.SIGNED

    @property
    def booked_minutes(self) -> int:
        """How long the visit was booked for."""
        return int((self.appointment.ends_at - self.appointment.starts_at).total_seconds() // 60)


class Block(models.Model):
    """One stretch of treatment: modality, region, side, technique, pressure, minutes, and what the modality adds."""

    note = models.ForeignKey(Note, on_delete=models.CASCADE, related_name="blocks")
    position = models.PositiveSmallIntegerField()
    modality = models.ForeignKey(Modality, on_delete=models.PROTECT, related_name="+")
    region = models.CharField(_("region"), max_length=40, choices=body.REGION_CHOICES)
    side = models.CharField(_("side"), max_length=6, choices=Side.choices)
    technique = models.CharField(_("technique"), max_length=60, blank=True)
    pressure = models.PositiveSmallIntegerField(_("pressure"), choices=Pressure.choices)
    minutes = models.PositiveSmallIntegerField(_("minutes"))
    # Validated by the modality's own form in sessions/modalities/<slug>/.
    details: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)
    # The safety rules' words that were passed over, why, by whom and when. A deviation is a block that a rule forbids:
    # it may not be planned, but what was done is written down truthfully.
    passed_over: models.JSONField[list[str], list[str]] = models.JSONField(default=list, blank=True)
    is_deviation = models.BooleanField(_("deviation"), default=False)
    override_reason = models.CharField(_("reason"), max_length=240, blank=True)
    override_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    override_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["note", "position"], name="block_has_its_own_place", deferrable=models.Deferrable.DEFERRED
            ),
            models.CheckConstraint(condition=Q(pressure__gte=1, pressure__lte=5), name="block_pressure_is_1_to_5"),
            models.CheckConstraint(condition=Q(minutes__gte=1, minutes__lte=240), name="block_lasts_1_to_240_minutes"),
            models.CheckConstraint(condition=Q(side__in=[str(s) for s in Side]), name="block_side_is_known"),
            models.CheckConstraint(
                condition=Q(is_deviation=False) | ~Q(override_reason=""), name="block_deviation_says_why"
            ),
            models.CheckConstraint(
                condition=Q(override_reason="") | Q(override_by__isnull=False, override_at__isnull=False),
                name="block_override_names_who_and_when",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.note_id}.{self.position} {self.region}"


class BodyMark(models.Model):
    """One mark on the body map. The drawing and the list show the same rows."""

    class Kind(models.TextChoices):
        TENDER = "tender", _("tender")
        TRIGGER_ACTIVE = "trigger_active", _("trigger point, active")
        TRIGGER_LATENT = "trigger_latent", _("trigger point, latent")
        TENSION = "tension", _("tension")
        AVOID = "avoid", _("avoid")

    note = models.ForeignKey(Note, on_delete=models.CASCADE, related_name="marks")
    region = models.CharField(_("region"), max_length=40, choices=body.REGION_CHOICES)
    side = models.CharField(_("side"), max_length=6, choices=body.SIDE_CHOICES)
    kind = models.CharField(_("what"), max_length=20, choices=Kind.choices)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["tender", "trigger_active", "trigger_latent", "tension", "avoid"]),
                name="body_mark_kind_is_known",
            ),
            models.CheckConstraint(condition=Q(side__in=[str(s) for s in body.SIDES]), name="body_mark_side_is_known"),
            models.UniqueConstraint(fields=["note", "region", "side", "kind"], name="body_mark_is_made_once"),
        ]

    def __str__(self) -> str:
        return f"{self.note_id} {self.region} {self.kind}"


class Addendum(models.Model):
    """A dated addition to a signed note."""

    note = models.ForeignKey(Note, on_delete=models.PROTECT, related_name="addenda")
    text = models.TextField(_("addendum"))
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = _("addenda")
        ordering = ["at", "pk"]
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="addendum_says_something")]

    def __str__(self) -> str:
        return f"{self.note_id} {self.at:%Y-%m-%d}"
