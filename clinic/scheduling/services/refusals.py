"""What is said when a visit cannot be booked or moved so."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.utils.translation import gettext as _

from clinic.scheduling.models import Appointment
from clinic.scheduling.words import moment_words

MOVED_MEANWHILE = "moved_meanwhile"


class SlotTaken(ValidationError):  # noqa: N818 -- a sentence for the front desk, not a fault
    """Somebody else has the therapist or the room then. The page answers 409 and offers what is free."""


def used_form() -> ValidationError:
    """Say that what was sent with this key before was something else, or sent by somebody else."""
    return ValidationError(_("This form was sent before, with other wishes. Please open a new one."), code="form_used")


def needs_reason(obstacle: str) -> ValidationError:
    words = _("%(obstacle)s Give a reason to book it all the same.")
    return ValidationError(words, "needs_reason", {"obstacle": obstacle})


def moved_meanwhile(appointment: Appointment) -> SlotTaken:
    facts = {
        "when": moment_words(appointment.starts_at, appointment.location.zone),
        "therapist": appointment.therapist.user.first_name,
    }
    words = _("Somebody has moved this visit meanwhile: it is on %(when)s with %(therapist)s.")
    return SlotTaken(words, MOVED_MEANWHILE, facts)


def in_words(error: IntegrityError) -> Exception:
    """Return the refusal that a violated constraint means; any other violation is a fault of ours and stays one."""
    diagnosis = getattr(error.__cause__, "diag", None)
    name = (diagnosis and diagnosis.constraint_name) or ""
    if name == "therapist_is_in_one_place_at_a_time":
        return SlotTaken(_("The therapist has another visit then."))
    if name == "client_has_one_visit_at_a_time":
        return SlotTaken(_("The client has another visit then."))
    if name == "room_takes_one_visit_at_a_time":
        return SlotTaken(_("The room is taken then."))
    return used_form() if "idempotency_key" in name else error
