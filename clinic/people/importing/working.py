"""What a worker does for an import: check it, take it over whole or not at all, take it back.

It runs in one transaction that holds the lock of the import's row. A worker that dies lets go of the lock and of
everything it wrote; the task comes back and begins anew. Whoever finds the lock taken leaves it to the one who has it,
so two workers never do the same.
"""

from __future__ import annotations

import logging
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from celery.exceptions import SoftTimeLimitExceeded
from django.core.exceptions import ValidationError
from django.db import DatabaseError, OperationalError, connection, transaction
from django.utils.translation import gettext as _
from psycopg.errors import LockNotAvailable

from clinic.audit.services import because, record_change, recorded
from clinic.people.importing.checking import check_rows, is_as_kept, keep_rows, table_of
from clinic.people.importing.kinds import Kind, Row, Work, counted, kinds
from clinic.people.importing.progress import tell_progress
from clinic.people.importing.table import Table
from clinic.people.models import Import, ImportRow, User

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

logger = logging.getLogger(__name__)
State = Import.State
Fate = ImportRow.Fate


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
    _keep_findings(job, kind, check_rows(job, kind, table, _work(job, by, now, 0, 1)), table)


@recorded
def _write(*, job: Import, by: User, now: datetime) -> None:
    """Write what was checked: all of it, or nothing where the clinic has changed meanwhile."""
    kind = kinds[job.kind]
    _be_the_only_writer(kind)
    table = table_of(job, kind)
    rows = check_rows(job, kind, table, _work(job, by, now, 0, 0.5))
    if not is_as_kept(rows, job):
        _keep_findings(job, kind, rows, table)
        job.why_stopped = _("Something here has changed since the file was checked. Please look at the figures again.")
        job.save(update_fields=["why_stopped"])
        return
    to_write = job.lines.filter(fate=Fate.NEW) | job.lines.filter(fate=Fate.DOUBTFUL, is_wanted=True)
    numbers = set(to_write.values_list("number", flat=True))
    with because(_("import of %(file)s") % {"file": job.file_name}):
        made = kind.write([row for row in rows if row.number in numbers], _work(job, by, now, 0.5, 1))
    to_write.delete()
    job.made, job.keys, job.made_count = made.pks, made.keys, len(made.pks)
    job.left_out_count = len(rows) - len(numbers)
    job.state, job.done_at, job.content, job.remarks, job.why_stopped = State.DONE, now, None, [], ""
    job.save()
    _tell(job, by, now, kind.taken_over, len(made.pks))


def _be_the_only_writer(kind: Kind) -> None:
    """Let nobody else write this kind until the transaction ends: two files checked at once may hold the same people.

    Raises ValidationError where somebody does.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"import of {kind.slug}"])
        (is_alone,) = cursor.fetchone()
    if not is_alone:
        raise ValidationError(
            _("Another file of this kind is just being taken over. Please try again in a few minutes.")
        )


@recorded
def _undo(*, job: Import, by: User, now: datetime) -> None:
    kind = kinds[job.kind]
    with because(_("import of %(file)s undone") % {"file": job.file_name}):
        job.kept = kind.undo(job, _work(job, by, now, 0, 1))
    job.state, job.undone_at, job.made, job.keys = State.UNDONE, now, [], {}
    job.save()
    _tell(job, by, now, kind.taken_back, job.made_count - len(job.kept))


_STEPS: dict[State, Callable[..., None]] = {State.CHECKING: _check, State.WRITING: _write, State.UNDOING: _undo}


def _keep_findings(job: Import, kind: Kind, rows: list[Row], table: Table) -> None:
    keep_rows(job, kind, rows, table)
    count = Counter(row.fate for row in rows)
    job.rows, job.remarks = len(rows), list(table.remarks)
    job.new_count, job.doubt_count = count[Fate.NEW], count[Fate.DOUBTFUL]
    job.here_count, job.wrong_count = count[Fate.HERE], count[Fate.WRONG]
    job.left_columns = [header for header, name in zip(table.header, job.columns, strict=True) if not name]
    job.state, job.why_stopped = State.CHECKED, ""
    job.save(
        update_fields=[
            "rows", "remarks", "new_count", "doubt_count", "here_count", "wrong_count", "left_columns", "state",
            "why_stopped",
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


def _work(job: Import, by: User, now: datetime, begins: float, ends: float) -> Work:
    """Return work whose progress fills this part of the bar."""
    return Work(by, now, job.file_name, lambda share: tell_progress(job.pk, begins + share * (ends - begins)))


def _tell(job: Import, by: User, now: datetime, words: StrOrPromise, count: int) -> None:
    record_change(by=by.pk, client=None, what=job, words=str(words % counted(count))[:200], now=now)
