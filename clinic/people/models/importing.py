"""A file that somebody brought from elsewhere, and its rows: checked, then taken over whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import or_

from django.db import models
from django.utils.translation import gettext_lazy as _

from clinic.people.models.logins import User


class ImportQuerySet(models.QuerySet["Import"]):
    def without_content(self) -> ImportQuerySet:
        """Leave out what is large: the file and the keys of what was made."""
        return self.defer("content", "made", "keys")

    def that_brought(self, clients: Iterable[int]) -> ImportQuerySet:
        """Keep those that brought one of these clients here, and were not undone."""
        none = models.Q(pk__in=())
        any_of_them = reduce(or_, (models.Q(made__contains=[pk]) for pk in clients), none)
        return self.filter(any_of_them, kind="clients", state=Import.State.DONE)


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
    # The headers of those that are left out.
    left_columns = models.JSONField(default=list)
    # How the file writes dates, and whose numbers need no country code.
    day_first = models.BooleanField(default=True)
    region = models.CharField(max_length=2, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.UPLOADED)
    # What the check counted: all rows, and of them those of each fate.
    rows = models.PositiveIntegerField(default=0)
    new_count = models.PositiveIntegerField(default=0)
    doubt_count = models.PositiveIntegerField(default=0)
    here_count = models.PositiveIntegerField(default=0)
    wrong_count = models.PositiveIntegerField(default=0)
    # What has to be said of the file as a whole, in sentences.
    remarks = models.JSONField(default=list)
    # The keys of what was made, so that it can be undone; and by the other program's number of a client her key here.
    made = models.JSONField(default=list)
    keys = models.JSONField(default=dict)
    made_count = models.PositiveIntegerField(default=0)
    # How many rows were not taken over; they themselves stay only for a while.
    left_out_count = models.PositiveIntegerField(default=0)
    # What undoing left, by name.
    kept = models.JSONField(default=list)
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


class ImportRow(models.Model):
    """A row of a file as the check understood it: what would become of it, and why not.

    Rows go when they are taken over; those that were left out stay until they are forgotten.
    """

    class Fate(models.TextChoices):
        NEW = "new", _("new")
        DOUBTFUL = "doubtful", _("doubtful")
        HERE = "here", _("left out by themselves")
        WRONG = "wrong", _("with problems")

    file = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="lines")
    number = models.PositiveIntegerField()
    fate = models.CharField(max_length=10, choices=Fate.choices)
    # What the owner chose for a doubtful row.
    is_wanted = models.BooleanField(default=False)
    # By field: as it would stand here, and as the file has it. Of columns that are left out nothing is kept.
    stands = models.JSONField(default=dict)
    cells = models.JSONField(default=dict)
    # [[column, sentence]]: why it is not simply taken over.
    reasons = models.JSONField(default=list)
    # The key of the client who may be the same person; no foreign key, for it is no use of her record.
    alike_pk = models.BigIntegerField(null=True)

    class Meta:
        verbose_name = _("row of an import")
        constraints = [
            models.UniqueConstraint(fields=["file", "fate", "number"], name="import_row_stands_once"),
            models.CheckConstraint(
                condition=models.Q(fate__in=["new", "doubtful", "here", "wrong"]), name="import_row_fate_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file_id}: {self.number}"
