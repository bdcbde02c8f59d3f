"""What an owner asks of an import: bring a file, choose its columns, decide, take over, undo, give up.

What takes long is done by a worker (`working.py`); here it is only asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext as _
from phonenumbers import SUPPORTED_REGIONS

from clinic.audit.services import recorded
from clinic.people import tasks
from clinic.people.importing.checking import read_for
from clinic.people.importing.columns import Reads, guess_columns, not_recognised
from clinic.people.importing.forgetting import NOT_TAKEN_OVER
from clinic.people.importing.kinds import Kind, kinds
from clinic.people.importing.progress import begin_progress
from clinic.people.importing.table import Cell, Table
from clinic.people.importing.values import guess_day_first, is_ambiguous, text_of
from clinic.people.models import Import, ImportRow, User
from clinic.people.phones import phone_region

State = Import.State
# Where the month is written before the day.
MONTH_FIRST = frozenset({"US", "CA", "PH"})


@recorded
def start_import(*, by: User, now: datetime, kind: Kind, file_name: str, content: bytes) -> tuple[Import, bool]:
    """Keep a file and guess its columns. Return the import, and whether everything in it was recognised.

    Raises Unreadable with one sentence where the file is no table.
    """
    table = read_for(kind, content)
    columns = guess_columns(table, kind.fields, kind.seconds)
    region = phone_region() or ""
    dates = _cells(table, kind, columns, {Reads.DATE, Reads.MOMENT, Reads.WALL})
    day_first, is_sure = guess_day_first(dates, otherwise=region not in MONTH_FIRST)
    job = Import(
        kind=kind.slug,
        file_name=" ".join(file_name.replace("\0", "").split())[-200:] or _("unnamed"),
        content=content,
        columns=columns,
        day_first=day_first,
        region=region,
        rows=len(table.lines),
        by=by,
        at=now,
    )
    job.save()
    is_clear = is_sure or not any(map(is_ambiguous, dates))
    has_codes = bool(region) or all(_has_code(cell) for cell in _cells(table, kind, columns, {Reads.PHONE}))
    is_known = not not_recognised(columns, table, kind.ignored) and not kind.lacks(columns)
    return job, table.has_header and is_known and is_clear and has_codes


@recorded
def choose_columns(*, by: User, now: datetime, job: Import, columns: list[str], day_first: bool, region: str) -> Import:
    """Say which column is what, and have the file checked. Raises ValidationError where the choice cannot be."""
    kind = kinds[job.kind]
    chosen = [name for name in columns if name]
    if twice := {name for name in chosen if chosen.count(name) > 1}:
        labels = ", ".join(str(field.label) for field in kind.fields if field.name in twice)
        raise ValidationError(_("Chosen for two columns: %(fields)s.") % {"fields": labels})
    if lacking := kind.lacks(chosen):
        raise ValidationError(lacking)
    if region and region not in SUPPORTED_REGIONS:
        raise ValidationError(_("There is no such country."))
    job = _locked(job, NOT_TAKEN_OVER - {State.CHECKING})
    job.columns, job.day_first, job.region = columns, day_first, region
    return _ask(job, State.CHECKING, now)


@recorded
def decide(*, by: User, now: datetime, job: Import, wanted: Mapping[int, bool]) -> None:
    """Keep for doubtful rows, by number, whether they are to be taken over."""
    doubtful = _doubtful(_locked(job, {State.CHECKED}))
    for is_wanted in (True, False):
        numbers = [number for number, answer in wanted.items() if answer is is_wanted]
        doubtful.filter(number__in=numbers).update(is_wanted=is_wanted)


@recorded
def decide_all(*, by: User, now: datetime, job: Import, is_wanted: bool) -> None:
    """Keep one answer for all doubtful rows."""
    _doubtful(_locked(job, {State.CHECKED})).update(is_wanted=is_wanted)


@recorded
def take_over(*, by: User, now: datetime, job: Import, leaves_wrong: bool) -> Import:
    """Have a checked file taken over. Asked twice, it happens once."""
    free = _free(job)
    if free is None or free.state != State.CHECKED:
        return job
    if free.wrong_count and not leaves_wrong:
        words = _("Say that the rows with problems are to be left out, or put the file right first.")
        raise ValidationError({"leaves_wrong": words})
    if not free.new_count and not _doubtful(free).filter(is_wanted=True).exists():
        raise ValidationError(_("There is no row to take over."))
    free.by = by
    return _ask(free, State.WRITING, now)


@recorded
def undo_import(*, by: User, now: datetime, job: Import) -> Import:
    """Have an import taken back. Asked twice, it happens once."""
    free = _free(job)
    if free is None or free.state != State.DONE:
        return job
    free.undone_by = by
    return _ask(free, State.UNDOING, now)


@recorded
def forget_import(*, by: User, now: datetime, job: Import) -> None:
    """Give up a file that was not taken over; nothing of it stays."""
    # Also one that waits to be checked: a worker who is at it has the lock, and then this is refused.
    _locked(job, NOT_TAKEN_OVER).delete()


def ask_again(job: Import, *, now: datetime) -> None:
    """Wake a worker once more for what is under way; one who is at it is not disturbed."""
    with transaction.atomic():
        free = _free(job)
        if free is not None and free.is_at_work:
            _ask(free, State(free.state), now)


def _doubtful(job: Import) -> models.QuerySet[ImportRow]:
    return job.lines.filter(fate=ImportRow.Fate.DOUBTFUL)


def _free(job: Import) -> Import | None:
    """Return the import as it is now, locked, but for its content. None where a worker or another page has it."""
    free = Import.objects.select_for_update(of=("self",), skip_locked=True).select_related("by")
    return free.without_content().filter(pk=job.pk).first()


def _locked(job: Import, states: Collection[State]) -> Import:
    """Return the import as it is now, locked. Raises ValidationError where it is beyond that."""
    free = _free(job)
    if free is None or free.state not in states:
        raise ValidationError(_("Somebody has gone on with this import meanwhile."))
    return free


def _ask(job: Import, state: State, now: datetime) -> Import:
    job.state, job.asked_at, job.why_stopped = state, now, ""
    job.save(update_fields=["state", "asked_at", "why_stopped", "columns", "day_first", "region", "by", "undone_by"])
    begin_progress(job.pk)
    transaction.on_commit(lambda: tasks.go_on_with_import.delay(job.pk))
    return job


def _cells(table: Table, kind: Kind, columns: list[str], reads: set[Reads]) -> list[Cell]:
    wanted = {field.name for field in kind.fields if field.reads in reads}
    indexes = [index for index, name in enumerate(columns) if name in wanted]
    return [line.cells[index] for line in table.lines for index in indexes]


def _has_code(cell: Cell) -> bool:
    text = text_of(cell)
    return not text or text.startswith(("+", "00"))
