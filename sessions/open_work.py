"""Notes on other rooms' pages: badges in the calendar, and the therapist's notes to finish."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clinic.lib.lookups import keys
from clinic.lib.times import local_date
from clinic.people.leaving import LeftBehind
from clinic.people.models import User
from clinic.people.worklist import Worklist, WorkRow
from clinic.scheduling.badges import Badge, Visit
from clinic.scheduling.models import Appointment, Status
from sessions.models import Note

LONGEST = 20


def note_badges(user: User, visits: Sequence[Visit]) -> Mapping[int, Sequence[Badge]]:
    """Say of each visit whether its note is in draft or signed; that much the front desk may know."""
    if not user.is_staff_member:
        return {}
    states = Note.objects.filter(appointment__among=keys(visit.pk for visit in visits))
    signed, draft = Badge("signature", _("note signed")), Badge("pencil", _("note in draft"), is_open_work=True)
    return {
        visit_pk: [signed if state == Note.State.SIGNED else draft]
        for visit_pk, state in states.values_list("appointment", "state")
    }


def refuse_undoing(appointment: Appointment, to: Status) -> str:
    """Say why a visit stays checked out once its note is signed."""
    if appointment.status != Status.COMPLETED or to != Status.IN_SESSION:
        return ""
    is_signed = Note.objects.filter(appointment=appointment, state=Note.State.SIGNED).exists()
    return _("The note of this visit is signed; the visit stays checked out.") if is_signed else ""


def drafts_of(user: User) -> QuerySet[Note]:
    """Return the notes that this therapist has still to finish, oldest first."""
    return Note.objects.drafts_of(user).select_related(
        "client", "appointment__location", "appointment__room", "appointment__service"
    )


def _count(user: User, now: datetime) -> int:
    return Note.objects.drafts_of(user).count() if user.is_therapist else 0


def _rows(user: User, now: datetime) -> list[WorkRow]:
    if not user.is_therapist:
        return []
    return [_row(note, now) for note in drafts_of(user)[:LONGEST]]


def _row(note: Note, now: datetime) -> WorkRow:
    zone = note.appointment.location.zone
    day = local_date(zone, note.started_at)
    return WorkRow(
        title=note.client.name,
        detail=_("%(service)s, %(day)s") % {"service": note.appointment.service.name, "day": date_format(day, "D j M")},
        verb=_("Finish"),
        url=reverse("treatment:note", args=[note.pk]),
        is_urgent=day < local_date(zone, now),
    )


def notes_left(member: User, now: datetime) -> LeftBehind | None:
    """Tell of the notes that she has not signed: how many, and nothing of what is in them."""
    drafts = Note.objects.drafts_of(member).count()
    if not drafts:
        return None
    claim = ngettext("%(n)d note is not signed.", "%(n)d notes are not signed.", drafts) % {"n": drafts}
    words = _("Only %(name)s can sign: it has to be done while the sign-in still works.")
    return LeftBehind(claim, words % {"name": member.name})


NOTES = Worklist(
    heading=gettext_lazy("Notes to finish"),
    empty=gettext_lazy("Every note is signed."),
    count=_count,
    rows=_rows,
)
