"""The road from a view to a note: the clinic's therapists only, and each opening is logged."""

from __future__ import annotations

from datetime import datetime

from django.http import Http404

from clinic.people.access import log_look, one_of
from clinic.people.models import User
from clinic.scheduling.models import Appointment
from sessions.models import Block, BodyMark, Note


def note_for(user: User, pk: int, *, now: datetime, why: str = "session note") -> Note:
    """Return a note for a therapist to read, and log the look. Everybody else gets 404, the front desk too."""
    if not user.is_therapist:
        raise Http404
    note = one_of(Note.objects.with_people().defer("canonical"), pk)
    log_look(user, note.client_id, note, why, now=now)
    return note


def own_draft_for(user: User, pk: int, *, now: datetime) -> Note:
    """Return a note that this therapist may write in. Others' notes and signed ones are 404 here."""
    note = note_for(user, pk, now=now)
    if note.is_signed or note.therapist.user_id != user.pk:
        raise Http404
    return note


def visit_for(user: User, pk: int, *, now: datetime) -> Appointment:
    """Return a visit to start, for a therapist; logged, since the check before it shows findings."""
    if not user.is_therapist:
        raise Http404
    appointment = one_of(Appointment.objects.visible_to(user).with_people(), pk)
    log_look(user, appointment.client_id, appointment, "check before a session", now=now)
    return appointment


def block_in(note: Note, pk: int) -> Block:
    """Return a block of this note, or raise Http404."""
    return one_of(note.blocks.all(), pk)


def mark_in(note: Note, pk: int) -> BodyMark:
    """Return a mark of this note, or raise Http404."""
    return one_of(note.marks.all(), pk)
