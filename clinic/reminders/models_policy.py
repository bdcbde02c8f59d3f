"""When, by which channels and in which words the clinic writes."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, IntegerField, Q
from django.utils.translation import gettext_lazy as _

from clinic.people.models import Client, ContactConsent, Service

MOST_OFFSETS = 5
Channel = ContactConsent.Channel


def both_channels() -> list[str]:
    """Return what a clinic writes by unless it says otherwise; without her consent by none of them."""
    return [Channel.EMAIL.value, Channel.TEXT.value]


def _as_many(one: str, other: str) -> Q:
    """Hold where two lists are equally long."""

    def cardinality(name: str) -> Func:
        return Func(F(name), function="cardinality", output_field=IntegerField())

    return Q(models.lookups.Exact(cardinality(one), cardinality(other)))


class MessagePolicy(models.Model):
    """When and how the clinic writes. One row."""

    channels: ArrayField[list[str], list[str]] = ArrayField(
        models.CharField(max_length=10, choices=Channel.choices), default=both_channels, verbose_name=_("written by")
    )
    offsets_minutes: ArrayField[list[int], list[int]] = ArrayField(
        models.PositiveIntegerField(),
        size=MOST_OFFSETS,
        default=list,
        blank=True,
        verbose_name=_("reminders, minutes before"),
    )
    # By which the outbox knows each of them, beside it in the list: it stays when 48 h become 47 h.
    offset_slots: ArrayField[list[int], list[int]] = ArrayField(
        models.PositiveSmallIntegerField(), default=list, blank=True
    )
    # What was due before this moment was the business of the list before.
    offsets_since = models.DateTimeField(null=True, blank=True)
    quiet_from = models.TimeField(_("quiet from"))
    quiet_until = models.TimeField(_("quiet until"))
    recall_weeks = models.PositiveSmallIntegerField(_("weeks without a visit"), null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="message_policy_is_the_only_one"),
            models.CheckConstraint(
                condition=Q(channels__contained_by=["email", "text"]) & ~Q(channels=[]),
                name="message_policy_writes_by_known_channels",
            ),
            models.CheckConstraint(
                condition=_as_many("offsets_minutes", "offset_slots"), name="message_policy_knows_each_of_its_reminders"
            ),
            models.CheckConstraint(
                condition=Q(recall_weeks__isnull=True) | Q(recall_weeks__range=(2, 104)),
                name="message_policy_recalls_after_2_to_104_weeks",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.offsets_minutes} before, quiet {self.quiet_from:%H:%M}–{self.quiet_until:%H:%M}"


class PolicyOverride(models.Model):
    """What holds for one service, or for one client, in place of what the clinic says. NULL is as above."""

    service = models.OneToOneField(
        Service, on_delete=models.CASCADE, null=True, blank=True, related_name="message_override"
    )
    client = models.OneToOneField(
        Client, on_delete=models.CASCADE, null=True, blank=True, related_name="message_override"
    )
    channels: ArrayField[list[str] | None, list[str] | None] = ArrayField(
        models.CharField(max_length=10, choices=Channel.choices), null=True, blank=True
    )
    offsets_minutes: ArrayField[list[int] | None, list[int] | None] = ArrayField(
        models.PositiveIntegerField(), size=MOST_OFFSETS, null=True, blank=True
    )
    offset_slots: ArrayField[list[int], list[int]] = ArrayField(
        models.PositiveSmallIntegerField(), default=list, blank=True
    )
    offsets_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(service__isnull=False, client__isnull=True) | Q(service__isnull=True, client__isnull=False),
                name="policy_override_is_of_a_service_or_a_client",
            ),
            models.CheckConstraint(
                condition=Q(channels__isnull=True) | (Q(channels__contained_by=["email", "text"]) & ~Q(channels=[])),
                name="policy_override_writes_by_known_channels",
            ),
            models.CheckConstraint(
                condition=Q(offsets_minutes__isnull=True) | _as_many("offsets_minutes", "offset_slots"),
                name="policy_override_knows_each_of_its_reminders",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service_id or self.client_id}: {self.offsets_minutes} by {self.channels}"


class Wording(models.Model):
    """The clinic's own words for one kind of message, by one channel, in one language."""

    kind = models.CharField(max_length=40)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES)
    # A text message has none.
    subject = models.CharField(_("subject"), max_length=120, blank=True)
    text = models.TextField(_("words"), max_length=2000)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "channel", "language"], name="wording_is_said_once"),
            models.CheckConstraint(condition=Q(channel__in=["email", "text"]), name="wording_channel_is_known"),
            models.CheckConstraint(condition=~Q(text=""), name="wording_says_something"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.channel} {self.language}"
