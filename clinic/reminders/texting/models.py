"""What people write back."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.people.models import Client, User


class ReplyQuerySet(models.QuerySet["Reply"]):
    def open(self) -> ReplyQuerySet:
        """Keep what nobody has seen to, and the house could not do by itself."""
        return self.filter(settled_at__isnull=True)


class Reply(models.Model):
    """A text that came in. Its words may touch her health: only therapists read them."""

    class Meaning(models.TextChoices):
        """What the house understood. The front desk reads this in place of the words."""

        YES = "yes", _("said yes")
        NO = "no", _("wants to cancel")
        CANCEL = "cancel", _("wants to cancel or move")
        STOP = "stop", _("wants no more texts")
        START = "start", _("wants texts again")
        OTHER = "other", _("wrote")

    class Answer(models.TextChoices):
        """What she is told at once, as templates/texts/answers/ has it."""

        CALL = "call", _("asked to call")
        LINK = "link", _("asked to answer by the link")
        STOPPED = "stopped", _("told that no more texts come")
        STARTED = "started", _("told that texts come again")
        UNWATCHED = "unwatched", _("told that nobody watches this line")

    provider_key = models.CharField(max_length=100, unique=True, help_text="So that what comes twice is taken once")
    number = models.CharField(_("phone"), max_length=20, help_text="As the provider gives it, mostly +351912345678")
    words = models.TextField(_("words"), max_length=1600)
    meaning = models.CharField(max_length=10, choices=Meaning.choices)
    at = models.DateTimeField()
    # Whom it is about, as far as the number tells: a family may share one, and a stranger may write.
    client = models.ForeignKey(Client, on_delete=models.CASCADE, null=True, related_name="replies")
    # What it answers: the text that went to this number last.
    message = models.ForeignKey("Message", on_delete=models.SET_NULL, null=True, related_name="replies")
    answer = models.CharField(max_length=10, choices=Answer.choices, blank=True)
    # Committed before the provider is called: an answer goes out at most once.
    answer_begun_at = models.DateTimeField(null=True)
    # Done by the house itself (by nobody), or by a person.
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)

    objects = ReplyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(meaning__in=["yes", "no", "cancel", "stop", "start", "other"]),
                name="reply_meaning_is_known",
            ),
            models.CheckConstraint(
                condition=Q(answer__in=["", "call", "link", "stopped", "started", "unwatched"]),
                name="reply_answer_is_known",
            ),
        ]
        indexes = [
            # Serves the page of replies, newest first.
            models.Index(fields=["-at", "-id"], name="reply_newest"),
            # Serves the number beside "Messages" on every page of the front desk.
            models.Index(fields=["at"], condition=Q(settled_at__isnull=True), name="reply_open"),
            # Serves how often a phone has written, and when it was last answered.
            models.Index(fields=["number", "-at"], name="reply_by_number"),
            # Serves the round that sends the answers.
            models.Index(
                fields=["at"], condition=Q(answer_begun_at__isnull=True) & ~Q(answer=""), name="reply_to_answer"
            ),
        ]
        verbose_name_plural = "replies"

    def __str__(self) -> str:
        return f"{self.meaning} {self.at:%Y-%m-%d %H:%M}"
