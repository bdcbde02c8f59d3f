"""The road from a view to a visit. It decides, answers 404 to strangers, and logs the look."""

from datetime import datetime

from clinic.people.access import log_look, one_of
from clinic.people.models import User
from clinic.scheduling.models import Appointment


def visit_for(user: User, pk: int, *, now: datetime, why: str = "visit") -> Appointment:
    """Return a visit that this login may see, with its people. Raises Http404 for strangers."""
    visit = one_of(Appointment.objects.visible_to(user).with_people(), pk)
    log_look(user, visit.client_id, visit, why, now=now)
    return visit
