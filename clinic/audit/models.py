from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Look(models.Model):
    """Somebody opened something about a client. Rows are only ever added."""

    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    # Numbers, not foreign keys: this room does not know what it records, and the log outlives what it speaks of.
    client_pk = models.BigIntegerField()
    what = models.CharField(max_length=60, help_text="Model label, e.g. people.client")
    what_pk = models.BigIntegerField()
    why = models.CharField(max_length=120)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            # Serves the client's history page: newest first.
            models.Index(fields=["client_pk", "-at"], name="look_by_client_newest"),
            # Serves the search of clients before anything is typed: whom this member of staff had open last.
            models.Index(fields=["by", "-at"], name="look_by_whom_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.by_id} {self.what} {self.what_pk} {self.at:%Y-%m-%d %H:%M}"


class Change(models.Model):
    """Somebody changed something: which things, never their values. Rows are only ever added."""

    # Empty where nobody was signed in, as when a client answers by a private link.
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("by")
    )
    # Empty where it is about no client: staff, places, services, hours.
    client_pk = models.BigIntegerField(null=True)
    what = models.CharField(max_length=60, help_text="Model label, e.g. people.client")
    what_pk = models.BigIntegerField()
    words = models.CharField(max_length=200, help_text="What was done, e.g. changed: e-mail, phone")
    at = models.DateTimeField()

    class Meta:
        indexes = [
            # Serves the client's history page: newest first.
            models.Index(fields=["client_pk", "-at"], name="change_by_client_newest"),
            # Serves the history page of what is no client's: newest first.
            models.Index(fields=["what", "what_pk", "-at"], name="change_by_thing_newest"),
            # Serves the clinic's history page: newest first.
            models.Index(fields=["-at", "-id"], name="change_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.by_id} {self.what} {self.what_pk} {self.at:%Y-%m-%d %H:%M}"
