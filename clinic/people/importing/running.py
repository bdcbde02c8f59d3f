"""The life of an import: uploaded, its columns chosen, checked, taken over whole or not at all, perhaps undone.

What takes long runs in a worker, in one transaction that holds the lock of the import's row. A worker that dies lets go
of the lock and of everything it wrote; the task comes back and begins anew. Whoever finds the lock taken leaves it to
the one who has it, so two workers never do the same. How far it is stands in the cache, outside the transaction.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime, timedelta

from celery.exceptions import SoftTimeLimitExceeded
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import DatabaseError, OperationalError, connection, transaction
from django.utils.translation import gettext as _
from phonenumbers import SUPPORTED_REGIONS
from psycopg.errors import LockNotAvailable
from redis import RedisError

from clinic.audit.services import because, record_change, recorded
from clinic.people.importing.checking import (
    MOST_SHOWN,
    Findings,
    as_csv,
    check_rows,
    doubts_of,
    first_names,
    problems_of,
    read_for,
    table_of,
)
from clinic.people.importing.columns import Reads, guess_columns, is_recognised
from clinic.people.importing.kinds import Kind, Work, kinds
from clinic.people.importing.table import Cell, Table
from clinic.people.importing.values import guess_day_first, is_ambiguous, text_of
from clinic.people.models import Import, User
from clinic.people.phones import phone_region

logger = logging.getLogger(__name__)
State = Import.State
# A file that nobody took over holds names and birthdays: it does not stay.
FORGOTTEN_AFTER = timedelta(days=7)
PROGRESS_LASTS = 600
SILENCE_SECONDS = 20
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
    dates = list(_cells(table, kind, columns, {Reads.DATE, Reads.MOMENT, Reads.WALL}))
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
    is_known = is_recognised(columns, table, kind.ignored) and not kind.lacks(columns)
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
    job = _locked(job, {State.UPLOADED, State.CHECKED, State.FAILED})
    job.columns, job.day_first, job.region = columns, day_first, region
    return _ask(job, State.CHECKING, now)


@recorded
def take_over(*, by: User, now: datetime, job: Import, takes_doubtful: bool, leaves_wrong: bool) -> Import:
    """Have a checked file taken over. Asked twice, it happens once."""
    free = _free(job)
    if free is None or free.state != State.CHECKED:
        return job
    job = free
    if job.problem_count and not leaves_wrong:
        raise ValidationError(_("Say that the rows with problems are to be left out, or put the file right first."))
    if not job.new_count + (job.doubt_count if takes_doubtful else 0):
        raise ValidationError(_("There is no row to take over."))
    job.takes_doubtful, job.by = takes_doubtful, by
    return _ask(job, State.WRITING, now)


@recorded
def undo_import(*, by: User, now: datetime, job: Import) -> Import:
    """Have an import taken back. Asked twice, it happens once."""
    free = _free(job)
    if free is None or free.state != State.DONE:
        return job
    job = free
    job.undone_by = by
    return _ask(job, State.UNDOING, now)


@recorded
def forget_import(*, by: User, now: datetime, job: Import) -> None:
    """Give up a file that was not taken over; nothing of it stays."""
    # Also one that waits to be checked: a worker who is at it has the lock, and then this is refused.
    _locked(job, {State.UPLOADED, State.CHECKING, State.CHECKED, State.FAILED}).delete()


def forget_old_imports(now: datetime) -> None:
    """Remove the files that nobody took over; one that a worker is at waits for the next time."""
    states = [State.UPLOADED, State.CHECKING, State.CHECKED, State.FAILED]
    old = Import.objects.filter(state__in=states, at__lt=now - FORGOTTEN_AFTER)
    with transaction.atomic():
        free = old.select_for_update(skip_locked=True).values_list("pk", flat=True)
        Import.objects.filter(pk__in=list(free)).delete()


def ask_again(job: Import, *, now: datetime) -> None:
    """Wake a worker once more for what is under way; one who is at it is not disturbed."""
    with transaction.atomic():
        free = _free(job)
        if free is not None and free.is_at_work:
            _ask(free, State(free.state), now)


def progress_of(job: Import) -> float:
    """Return how far the work is, 0 to 1; 0 where nobody knows."""
    return _told(job)[0]


def is_silent(job: Import, now: datetime) -> bool:
    """Say whether nothing has been heard of the work for a while: it waits for a worker, or its worker has died."""
    heard = _told(job)[1] or (job.asked_at.timestamp() if job.asked_at else 0.0)
    return now.timestamp() - heard > SILENCE_SECONDS


def _told(job: Import) -> tuple[float, float]:
    """Return the share that is done and when that was said, as seconds since 1970."""
    with suppress(RedisError):
        share, at = cache.get(_progress_key(job), (0.0, 0.0))
        return float(share), float(at)
    return 0.0, 0.0


def go_on(job_pk: int, now: datetime) -> None:
    """Do what an import waits for: check it, write it, or take it back. Called by the task, as often as it likes."""
    try:
        with transaction.atomic():
            waiting = _taken_by_this_worker(job_pk)
            if waiting is not None and waiting.is_at_work:
                _STEPS[State(waiting.state)](job=waiting, by=waiting.undone_by or waiting.by, now=now)
    except ValidationError as refused:
        _stop(job_pk, " ".join(refused.messages))
    except DatabaseError:
        logger.exception("Import %d stopped.", job_pk)
        _stop(job_pk, _("Somebody else was writing at the same time. Please try again."))
    except SoftTimeLimitExceeded:
        _stop(job_pk, _("This took longer than it may. Please try again when less is going on, or split the file."))
    except Exception as fault:  # noqa: BLE001 -- whatever it is, the import must not stand still for ever
        # Only where it happened: the fault's own words may quote the file.
        where = "".join(traceback.format_tb(fault.__traceback__))
        logger.error("Import %d stopped by %s:\n%s", job_pk, type(fault).__name__, where)  # noqa: TRY400 -- see above
        _stop(job_pk, _("Something in this file is not understood, by a fault of this program. Nothing was changed."))


def _taken_by_this_worker(job_pk: int) -> Import | None:
    """Lock the import until the transaction ends. None where another worker has it.

    A page holds the lock for a moment only, and is waited for.
    """
    found = Import.objects.select_for_update(of=("self",)).select_related("by", "undone_by").filter(pk=job_pk)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', '5s', true)")
            job = found.first()
            cursor.execute("SELECT set_config('lock_timeout', '0', true)")
            return job
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            return None
        raise


@recorded
def _check(*, job: Import, by: User, now: datetime) -> None:
    kind = kinds[job.kind]
    table = table_of(job, kind)
    _keep_findings(job, check_rows(job, kind, table, _work(job, by, now)), table)


@recorded
def _write(*, job: Import, by: User, now: datetime) -> None:
    """Write what was checked: all of it, or nothing where the clinic has changed meanwhile."""
    kind = kinds[job.kind]
    _be_the_only_writer(kind)
    table = table_of(job, kind)
    work = _work(job, by, now)
    found = check_rows(job, kind, table, _half(work, 0))
    if found.digest != job.digest:
        _keep_findings(job, found, table)
        job.why_stopped = _("Something here has changed since the file was checked. Please look at the figures again.")
        job.save(update_fields=["why_stopped"])
        return
    rows = sorted(found.new + (found.doubtful if job.takes_doubtful else []), key=lambda row: row.number)
    with because(_("import of %(file)s") % {"file": job.file_name}):
        made = kind.write(rows, _half(work, 0.5))
    job.made, job.keys, job.made_count = made.pks, made.keys, len(made.pks)
    job.state, job.done_at, job.content, job.findings_csv = State.DONE, now, None, None
    job.problems, job.doubts, job.remarks, job.why_stopped = [], [], [], ""
    job.save()
    _tell(job, by, now, _("done: %(count)d %(what)s taken over") % {"count": job.made_count, "what": kind.words})


def _be_the_only_writer(kind: Kind) -> None:
    """Let nobody else write this kind until the transaction ends: two files checked at once may hold the same people.

    Raises ValidationError where somebody does.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"import of {kind.slug}"])
        (is_alone,) = cursor.fetchone()
    if not is_alone:
        raise ValidationError(
            _("Another file with %(what)s is just being taken over. Please try again in a few minutes."),
            params={"what": kind.words},
        )


@recorded
def _undo(*, job: Import, by: User, now: datetime) -> None:
    kind = kinds[job.kind]
    with because(_("import of %(file)s undone") % {"file": job.file_name}):
        undone = kind.undo(job, _work(job, by, now))
    job.kept, job.archived_count = undone.kept, undone.archived
    job.state, job.undone_at, job.made, job.keys = State.UNDONE, now, [], {}
    job.save()
    gone = job.made_count - len(undone.kept)
    _tell(job, by, now, _("undone: %(count)d %(what)s taken back") % {"count": gone, "what": kind.words})


_STEPS: dict[State, Callable[..., None]] = {State.CHECKING: _check, State.WRITING: _write, State.UNDOING: _undo}


def _keep_findings(job: Import, found: Findings, table: Table) -> None:
    problems, doubts = problems_of(found, job, table), doubts_of(found)
    job.rows = len(table.lines)
    job.new_count, job.doubt_count, job.here_count, job.problem_row_count = found.counts
    job.digest = found.digest
    job.problem_count = len(problems)
    job.problems, job.doubts = problems[:MOST_SHOWN], doubts[:MOST_SHOWN]
    job.remarks = [*table.remarks, *first_names(found)]
    left_out = [(row.number, "", row.left_out) for row in found.left_out]
    job.findings_csv = as_csv([*problems, *doubts, *left_out])
    job.state, job.why_stopped = State.CHECKED, ""
    job.save(
        update_fields=[
            "rows", "new_count", "doubt_count", "here_count", "problem_row_count", "problem_count", "problems",
            "doubts", "remarks", "findings_csv", "digest", "state", "why_stopped",
        ]
    )  # fmt: skip


def _stop(job_pk: int, words: str) -> None:
    """Say on the page why the work stopped. Nothing of it was written."""
    with transaction.atomic():
        job = Import.objects.select_for_update().without_content().filter(pk=job_pk).first()
        if job is None:
            return
        job.state = {State.WRITING: State.CHECKED, State.UNDOING: State.DONE}.get(State(job.state), State.FAILED)
        job.why_stopped = words[:300]
        job.save(update_fields=["state", "why_stopped"])


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
    from clinic.people.tasks import go_on_with_import

    job.state, job.asked_at, job.why_stopped = state, now, ""
    job.save(
        update_fields=[
            "state", "asked_at", "why_stopped", "columns", "day_first", "region", "takes_doubtful", "by", "undone_by",
        ]
    )  # fmt: skip
    with suppress(RedisError):
        cache.delete(_progress_key(job))
    transaction.on_commit(lambda: go_on_with_import.delay(job.pk))
    return job


def _cells(table: Table, kind: Kind, columns: list[str], reads: set[Reads]) -> list[Cell]:
    wanted = {field.name for field in kind.fields if field.reads in reads}
    indexes = [index for index, name in enumerate(columns) if name in wanted]
    return [line.cells[index] for line in table.lines for index in indexes]


def _has_code(cell: Cell) -> bool:
    text = text_of(cell)
    return not text or text.startswith(("+", "00"))


def _work(job: Import, by: User, now: datetime) -> Work:
    def progress(share: float) -> None:
        with suppress(RedisError):
            cache.set(_progress_key(job), (min(1.0, share), time.time()), PROGRESS_LASTS)

    return Work(by=by, now=now, file_name=job.file_name, progress=progress)


def _half(work: Work, begins: float) -> Work:
    """Return work whose progress fills one half of the bar."""
    return Work(work.by, work.now, work.file_name, lambda share: work.progress(begins + share / 2))


def _progress_key(job: Import) -> str:
    return f"import-progress:{job.pk}"


def _tell(job: Import, by: User, now: datetime, words: str) -> None:
    record_change(by=by.pk, client=None, what=job, words=words[:200], now=now)
