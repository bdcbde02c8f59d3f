"""Making two records of one person one, and taking that back. Nothing signed moves: see `clinic.people.merging`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from django.core.exceptions import ValidationError
from django.db import OperationalError, connection
from django.db.models import Field, QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from psycopg.errors import DeadlockDetected, LockNotAvailable

from clinic.audit.services import because, record_change, recorded
from clinic.lib.times import day_bounds, local_date
from clinic.people.merging import MATTERS, Fate, Matter, Moved, Pair, Part, merge_steps
from clinic.people.models import Client, ClientAccess, Merge, User, clinic_zone
from clinic.people.services.clients import lock_records

P = ParamSpec("P")
R = TypeVar("R")

UNDO_WITHIN = timedelta(days=30)
LOCK_TIMEOUT = timedelta(seconds=3)
FROM_KEPT, FROM_GONE = "kept", "gone"


def _in_time(service: Callable[P, R]) -> Callable[P, R]:
    """Wait only a little for whoever works with one of the records, and say so where that was not enough."""

    @wraps(service)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return service(*args, **kwargs)
        except OperationalError as error:
            if isinstance(error.__cause__, (LockNotAvailable, DeadlockDetected)):
                words = _("Somebody is working with one of these records right now. Please try again.")
                raise ValidationError(words) from error
            raise

    return run


def _limit_waiting() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LOCK_TIMEOUT.total_seconds():.0f}s"])


# --- Merging


@_in_time
@recorded
def merge_clients(*, by: User, now: datetime, kept: Client, gone: Client, from_gone: Collection[str] = ()) -> Merge:
    """Make two records of one person one. `from_gone` names the matters in which the record that goes is right.

    What only one of them knows is kept in any case. Raises ValidationError with a sentence per obstacle.
    """
    _limit_waiting()
    for step in merge_steps:
        if step.lock:
            step.lock({kept.pk, gone.pk}, now)
    held = lock_records([kept.pk, gone.pk])
    pair = Pair(held[kept.pk], held[gone.pk], now)
    if against := obstacles(pair):
        raise ValidationError(against)
    with because(_("Two records of one person.")):
        moved = {"record": _become_one(pair, from_gone)}
        moved |= {name: step.move(pair) for name, step in merge_steps.items() if step.move}
        merge = Merge.objects.create(kept=pair.kept, gone=pair.gone, by=by, at=now, moved=moved)
    record_change(by=by.pk, client=kept.pk, what=merge, words=_("of two records"), now=now)
    return merge


def obstacles(pair: Pair) -> list[str]:
    """Return why these two cannot be made one, in sentences; nothing where they can."""
    kept, gone = pair.kept, pair.gone
    if kept.pk == gone.pk:
        return [_("This is the same record twice. Choose another one.")]
    found = [
        _("The record of %(name)s was merged into another one already.") % {"name": one.name}
        for one in (kept, gone)
        if one.merged_into_id is not None
    ]
    if found:
        return found
    if kept.archived_at is not None:
        found.append(_("%(name)s is archived. Keep the other record, or bring this one back first.") % {"name": kept})
    found += [
        _(
            "%(email)s signs in as the guardian of one and as the other one's own: these are two people. "
            "Take the wrong sign-in away first."
        )
        % {"email": email}
        for email in _of_two_people(pair)
    ]
    return found + [words for step in merge_steps if step.refuse for words in step.refuse(pair)]


def _of_two_people(pair: Pair) -> list[str]:
    """Return the logins that are one's own and the other's guardian's."""
    own = ClientAccess.objects.filter(client=pair.kept.pk)
    others = dict(ClientAccess.objects.filter(client=pair.gone.pk).values_list("user_id", "relation"))
    return [a.user.email for a in own.select_related("user") if others.get(a.user_id, a.relation) != a.relation]


def _become_one(pair: Pair, from_gone: Collection[str]) -> Moved:
    """Archive the record that goes, and let the other one know what it knew."""
    kept, gone = pair.kept, pair.gone
    was_archived_at = gone.archived_at
    gone.archived_at, gone.merged_into = was_archived_at or pair.now, kept
    gone.save(update_fields=["archived_at", "merged_into"])
    # Whoever was merged into the one that goes belongs to the kept one too: a record is never two steps away.
    followers = _turn(Client.objects.filter(merged_into=gone), to=kept)
    names = [name for matter in MATTERS if is_taken(matter, pair, from_gone) for name in matter.fields]
    before = {name: _plain(kept, name) for name in names}
    for name in names:
        setattr(kept, _column(name).attname, getattr(gone, _column(name).attname))
    changed = {name: [was, _plain(kept, name)] for name, was in before.items() if was != _plain(kept, name)}
    if changed:
        kept.save(update_fields=list(changed))
    archived_at = was_archived_at.isoformat() if was_archived_at else None
    return {"fields": changed, "archived_at": archived_at, "followers": followers}


def _turn(records: QuerySet[Client], *, to: Client) -> list[int]:
    """Merge these records into another one than before, and return their keys."""
    turned = list(records)
    for record in turned:
        record.merged_into = to
        record.save(update_fields=["merged_into"])
    return [record.pk for record in turned]


def is_taken(matter: Matter, pair: Pair, from_gone: Collection[str]) -> bool:
    """Say whether the kept record takes a matter from the one that goes: where it is blank, or where it was chosen."""
    if matter.is_blank(pair.gone):
        return False
    return matter.is_blank(pair.kept) or matter.name in from_gone


def _column(name: str) -> Field[object, object]:
    return cast("Field[object, object]", Client._meta.get_field(name))  # noqa: SLF001  # Django's public API


def _plain(client: Client, name: str) -> str | int | None:
    """Return the value of a field as JSON keeps it."""
    value = _column(name).get_prep_value(getattr(client, _column(name).attname))
    return value.isoformat() if isinstance(value, date) else cast("str | int | None", value)


# --- Undoing


@_in_time
@recorded
def undo_merge(*, by: User, now: datetime, merge: Merge) -> list[Part]:
    """Make two records of what was merged, and return in sentences what stays with the kept one.

    What was changed meanwhile stays as it was changed. Raises ValidationError.
    """
    _limit_waiting()
    for step in merge_steps:
        if step.lock:
            step.lock({merge.kept_id, merge.gone_id}, now)
    held = lock_records([merge.kept_id, merge.gone_id])
    merge = Merge.objects.select_for_update().get(pk=merge.pk)
    pair = Pair(held[merge.kept_id], held[merge.gone_id], now)
    _refuse_undoing(merge, pair)
    with because(_("They are two people after all.")):
        stays = _become_two(pair, merge.moved["record"])
        for name, step in merge_steps.items():
            if step.undo:
                stays += step.undo(pair, merge.moved.get(name, {}))
    merge.undone_by, merge.undone_at = by, now
    merge.save(update_fields=["undone_by", "undone_at"])
    for client_pk in (merge.kept_id, merge.gone_id):
        record_change(by=by.pk, client=client_pk, what=merge, words=_("undone"), now=now)
    return stays


def _refuse_undoing(merge: Merge, pair: Pair) -> None:
    if merge.undone_at is not None:
        raise ValidationError(_("This merge has been undone already."))
    zone = clinic_zone()
    last_day = local_date(zone, merge.at) + UNDO_WITHIN
    if local_date(zone, pair.now) > last_day:
        day = date_format(last_day, "l j F Y")
        raise ValidationError(_("This merge could be undone until %(day)s; it stays."), params={"day": day})
    if pair.kept.merged_into_id is not None:
        words = _("The record of %(name)s was itself merged into another one since. Undo that first.")
        raise ValidationError(words, params={"name": pair.kept.name})


def _become_two(pair: Pair, record: Moved) -> list[Part]:
    kept, gone = pair.kept, pair.gone
    archived_at = record["archived_at"]
    gone.archived_at, gone.merged_into = datetime.fromisoformat(archived_at) if archived_at else None, None
    gone.save(update_fields=["archived_at", "merged_into"])
    _turn(Client.objects.filter(pk__in=record["followers"], merged_into=kept), to=gone)
    untouched = {name: was for name, (was, became) in record["fields"].items() if _plain(kept, name) == became}
    lost = [name for name, was in untouched.items() if _is_gone(name, was)]
    for name in lost:
        del untouched[name]
    for name, was in untouched.items():
        setattr(kept, _column(name).attname, _column(name).to_python(was))
    if untouched:
        kept.save(update_fields=list(untouched))
    changed = _("%(fact)s was changed meanwhile and stays as it is with %(name)s.")
    gone_for_good = _("%(fact)s stays as it is with %(name)s: what stood there before is no longer kept.")
    return [
        Part(
            Fate.STAYS,
            (gone_for_good if name in lost else changed)
            % {"fact": str(_column(name).verbose_name).capitalize(), "name": kept.name},
        )
        for name in record["fields"]
        if name not in untouched
    ]


def _is_gone(name: str, was: object) -> bool:
    """Say whether a field led to something that is there no more."""
    target = _column(name).related_model
    return was is not None and isinstance(target, type) and not target._base_manager.filter(pk=was).exists()  # noqa: SLF001


# --- Reading


@dataclass(frozen=True)
class MergeToUndo:
    """A merge that can still be undone, and until which day by the clinic's calendar."""

    merge: Merge
    last_day: date


def merges_to_undo(client: Client, now: datetime) -> list[MergeToUndo]:
    """Return what was merged into this record and can be taken apart again, the last first."""
    zone = clinic_zone()
    since, _end = day_bounds(zone, local_date(zone, now) - UNDO_WITHIN)
    merges = Merge.objects.filter(kept=client, undone_at__isnull=True, at__gte=since)
    return [
        MergeToUndo(merge, local_date(zone, merge.at) + UNDO_WITHIN)
        for merge in merges.select_related("gone", "by").order_by("-at", "-pk")
    ]
