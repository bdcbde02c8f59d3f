"""A file that somebody brought from elsewhere: read, checked, then taken over whole or not at all."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from clinic.people.models.logins import User


class ImportQuerySet(models.QuerySet["Import"]):
    def without_content(self) -> ImportQuerySet:
        """Leave out what is large: the file and the lists."""
        return self.defer("content", "made", "keys", "findings_csv")


class Import(models.Model):
    """One file and what became of it."""

    class State(models.TextChoices):
        UPLOADED = "uploaded", _("waiting for its columns")
        CHECKING = "checking", _("being checked")
        CHECKED = "checked", _("checked")
        WRITING = "writing", _("being taken over")
        DONE = "done", _("taken over")
        FAILED = "failed", _("stopped")
        UNDOING = "undoing", _("being undone")
        UNDONE = "undone", _("undone")

    kind = models.CharField(_("what it holds"), max_length=20)
    file_name = models.CharField(_("file"), max_length=200)
    # The file itself goes when it has been taken over or given up.
    content = models.BinaryField(null=True)
    # For each column of the file our field; empty for one that is left out.
    columns = models.JSONField(default=list)
    # How the file writes dates, and whose numbers need no country code.
    day_first = models.BooleanField(default=True)
    region = models.CharField(max_length=2, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.UPLOADED)
    # What the dry run counted: all rows, and of them those that are new, doubtful, here already, or wrong.
    rows = models.PositiveIntegerField(default=0)
    new_count = models.PositiveIntegerField(default=0)
    doubt_count = models.PositiveIntegerField(default=0)
    here_count = models.PositiveIntegerField(default=0)
    problem_row_count = models.PositiveIntegerField(default=0)
    # A row may have several.
    problem_count = models.PositiveIntegerField(default=0)
    # [[row, column, sentence]], the first few; all of them as a compressed CSV.
    problems = models.JSONField(default=list)
    doubts = models.JSONField(default=list)
    findings_csv = models.BinaryField(null=True)
    # The digest of which rows those were.
    digest = models.CharField(max_length=64, blank=True)
    # What has to be said of the file as a whole, in sentences.
    remarks = models.JSONField(default=list)
    # What the owner chose for the doubtful rows.
    takes_doubtful = models.BooleanField(default=False)
    # The keys of what was made, so that it can be undone; and by the other program's number of a client her key here.
    made = models.JSONField(default=list)
    keys = models.JSONField(default=dict)
    made_count = models.PositiveIntegerField(default=0)
    # What undoing left, by name; and how many it could only archive.
    kept = models.JSONField(default=list)
    archived_count = models.PositiveIntegerField(default=0)
    why_stopped = models.CharField(max_length=300, blank=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    # When the work that is under way was asked for.
    asked_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    objects = ImportQuerySet.as_manager()

    class Meta:
        verbose_name = _("import")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    state__in=[
                        "uploaded", "checking", "checked", "writing", "done", "failed", "undoing", "undone",
                    ]
                ),
                name="import_state_is_known",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_at_work(self) -> bool:
        """Whether a worker has it, or is about to."""
        return self.state in {self.State.CHECKING, self.State.WRITING, self.State.UNDOING}

    def waited(self, now: datetime) -> float:
        """Return for how many seconds the work has been asked for."""
        return (now - self.asked_at).total_seconds() if self.asked_at else 0.0
