"""A file that somebody brought from elsewhere: read, checked, then taken over whole or not at all."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from clinic.people.models.logins import User


class Import(models.Model):
    """One file and what became of it."""

    class State(models.TextChoices):
        UPLOADED = "uploaded", _("waiting for its columns")
        CHECKING = "checking", _("being checked")
        CHECKED = "checked", _("checked")
        WRITING = "writing", _("being taken over")
        DONE = "done", _("taken over")
        FAILED = "failed", _("stopped")
        UNDONE = "undone", _("undone")

    kind = models.CharField(_("what it holds"), max_length=20)
    file_name = models.CharField(_("file"), max_length=200)
    # The file itself goes when it has been taken over or given up.
    content = models.BinaryField(null=True)
    # Column of the file → our field; empty for one that is left out.
    mapping = models.JSONField(default=dict)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.UPLOADED)
    rows = models.PositiveIntegerField(default=0)
    # [{"row": 3, "column": "Birth date", "problem": "…"}], the first few hundred, and how many there are in all.
    problems = models.JSONField(default=list)
    problem_count = models.PositiveIntegerField(default=0)
    # By model: the keys of what was made, so that it can be undone.
    made = models.JSONField(default=dict)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    state__in=["uploaded", "checking", "checked", "writing", "done", "failed", "undone"]
                ),
                name="import_state_is_known",
            ),
        ]

    def __str__(self) -> str:
        return self.file_name
