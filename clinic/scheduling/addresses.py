"""The way back to the day."""

from urllib.parse import urlencode

from django.urls import reverse

from clinic.scheduling.models import Appointment


def day_url(visit: Appointment, *, is_open: bool = True) -> str:
    """Return the day page on which the visit stands, with or without its panel."""
    query = {"on": visit.local_start.date().isoformat(), "location": visit.location_id}
    return f"{reverse('desk:day')}?{urlencode(query | ({'open': visit.pk} if is_open else {}))}"
