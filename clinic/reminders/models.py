from __future__ import annotations

from datetime import datetime

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.people.models import Client, ContactConsent, User
from clinic.reminders.models_policy import MessagePolicy, PolicyOverride, Wording

__all__ = ["Message", "MessagePolicy", "MessageQuerySet", "PolicyOverride", "Reply", "Wording"]


class MessageQuerySet(models.QuerySet["Message"]):
    def due(self, now: datetime) -> MessageQuerySet:
        """Keep what may be claimed, found by the index of what is open."""
        return self.free(now).filter(is_open=True)

    def free(self, now: datetime) -> MessageQuerySet:
        """Keep the same of a few that are known by their keys: to look through all that is open would take longer.

        It is waiting and due, or claimed by a worker whose lease ended before the sending.
        """
        waiting = Q(state__in=[Message.State.WAITING, Message.State.RETRY], due_at__lte=now)
        return self.filter(waiting | Q(state=Message.State.CLAIMED, lease_until__lt=now))

    def stuck(self, now: datetime) -> MessageQuerySet:
        """Keep those whose sender was never heard of again: they may or may not have gone out."""
        return self.filter(state=Message.State.SENDING, lease_until__lt=now, is_open=True)

    def needing_a_person(self) -> MessageQuerySet:
        """Keep what the machine cannot mend by itself and nobody has seen to."""
        return self.filter(is_trouble=True)


class Message(models.Model):
    """One message to one client, or to one of the staff: the outbox.

    Made by the sweep under a unique key, so it can exist only once.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        CLAIMED = "claimed", _("claimed")
        SENDING = "sending", _("being sent")
        SENT = "sent", _("sent")
        RETRY = "retry", _("will be tried again")
        FAILED = "failed", _("failed")
        UNCERTAIN = "uncertain", _("uncertain")
        MISSED = "missed", _("missed")
        DROPPED = "dropped", _("no longer needed")

    kind = models.CharField(max_length=40, help_text="Name of a registered reminder kind")
    # What it is about, by number only: kinds of upper rooms speak of things this room does not know.
    subject_pk = models.BigIntegerField()
    client = models.ForeignKey(Client, on_delete=models.CASCADE, null=True, related_name="messages")
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="messages", db_index=False)
    channel = models.CharField(max_length=10, choices=ContactConsent.Channel.choices)
    # The place in the list of offsets (0 = first), not its length: changing 48 h to 47 h never sends twice.
    slot = models.PositiveSmallIntegerField(default=0)
    # The moment the subject is about (the start of the visit); a moved visit is a new key.
    about_at = models.DateTimeField()
    due_at = models.DateTimeField()
    useless_after = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    # Indexes ask these and not the state itself: so a message is claimed and begun without touching any of them.
    is_open = models.GeneratedField(
        expression=Q(state__in=["waiting", "retry", "claimed", "sending"]),  # type: ignore[arg-type]  # as documented
        output_field=models.BooleanField(),
        db_persist=True,
    )
    is_trouble = models.GeneratedField(
        expression=Q(state__in=["failed", "uncertain"], settled_at__isnull=True),  # type: ignore[arg-type]
        output_field=models.BooleanField(),
        db_persist=True,
    )
    claimed_by = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    # When the provider last answered, or ought to have.
    tried_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    # When the provider told that it had arrived.
    delivered_at = models.DateTimeField(null=True)
    # By which links, and webhooks that give our own key back, find it.
    key = models.UUIDField(unique=True, editable=False, db_default=RandomUUID())
    # By which the provider's webhooks find it; nothing where it gives none.
    provider_key = models.CharField(max_length=200, blank=True, default="", db_default="")
    problem = models.CharField(max_length=160, blank=True)
    # A person phoned instead (by whom), or its use was over before anybody had to (by nobody).
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    # The last person who had a failed or uncertain one sent again.
    tried_again_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    created_at = models.DateTimeField()

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            # Begins with what the badges of a day ask for.
            models.UniqueConstraint(
                fields=["kind", "subject_pk", "channel", "slot", "about_at", "user"],
                nulls_distinct=False,
                name="message_exists_once",
            ),
            models.CheckConstraint(
                condition=Q(client__isnull=False, user__isnull=True) | Q(client__isnull=True, user__isnull=False),
                name="message_is_to_a_client_or_to_one_of_the_staff",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "waiting",
                        "claimed",
                        "sending",
                        "sent",
                        "retry",
                        "failed",
                        "uncertain",
                        "missed",
                        "dropped",
                    ]
                ),
                name="message_state_is_known",
            ),
            models.CheckConstraint(condition=Q(channel__in=["email", "text"]), name="message_channel_is_known"),
            models.CheckConstraint(
                condition=~Q(state="sent") | Q(sent_at__isnull=False), name="message_sent_has_its_time"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["claimed", "sending"]) | Q(claimed_by__isnull=False, lease_until__isnull=False),
                name="message_in_hand_has_an_owner_and_a_lease",
            ),
        ]
        indexes = [
            # Serves the sweep: only what is still open, soonest first.
            models.Index(
                fields=["due_at"],
                condition=Q(is_open=True),
                name="message_open_by_due",
            ),
            # Serves the number beside "Messages" on every page of the front desk.
            models.Index(
                fields=["client"],
                condition=Q(is_trouble=True),
                name="message_needs_a_person",
            ),
            # Serves the list of messages: newest first.
            models.Index(fields=["-due_at", "-id"], name="message_newest"),
            # Serves receipts.
            models.Index(fields=["provider_key"], condition=~Q(provider_key=""), name="message_by_provider_key"),
            # Serves the question since when a channel has sent nothing.
            models.Index(fields=["channel", "-sent_at"], condition=Q(sent_at__isnull=False), name="message_last_sent"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_pk} {self.channel} {self.state}"

    @property
    def whom(self) -> Client | User:
        """To whom it goes: a client, or one of the staff."""
        if self.client is not None:
            return self.client
        assert self.user is not None, "message_is_to_a_client_or_to_one_of_the_staff"  # noqa: S101  # for mypy
        return self.user


# What people write back is a model of this room as well; it speaks of Message.
from clinic.reminders.texting.models import Reply  # noqa: E402
