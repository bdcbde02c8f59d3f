"""The road from a view to a visit. It decides, answers 404 to strangers, and logs the look."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic.people.access import log_look, one_of
from clinic.people.models import User
from clinic.scheduling.models import Appointment
from clinic.scheduling.words import moment_words


def visit_for(user: User, pk: int, *, now: datetime, why: str = "") -> Appointment:
    """Return a visit that this login may see, with its people. Raises Http404 for strangers.

    Unless another reason is given, the history tells which visit it was.
    """
    visit = one_of(Appointment.objects.visible_to(user).with_people(), pk)
    why = why or _("visit of %(moment)s") % {"moment": moment_words(visit.starts_at, visit.location.zone)}
    log_look(user, visit.client_id, visit, why, now=now)
    return visit
