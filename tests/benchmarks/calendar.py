"""The week of all therapists, as the calendar asks for it every few seconds."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from urllib.parse import urlencode

import psycopg
from django.urls import reverse

from tests.benchmarks.operations import Case, Operation

WHICH = "visit.location_id = %s AND visit.starts_at >= %s AND visit.starts_at < %s AND visit.status <> 'cancelled'"
# The statements without which there is no calendar: the visits, their clients' names, and the hours.
VISITS = f"""
    SELECT visit.id, visit.client_id, visit.therapist_id, visit.room_id, visit.service_id, visit.starts_at,
           visit.ends_at, visit.occupied_from, visit.occupied_until, visit.status
    FROM scheduling_appointment visit WHERE {WHICH} ORDER BY visit.starts_at, visit.id
"""  # noqa: S608  # joined from constants
NAMES = f"""
    SELECT id, legal_name, preferred_name FROM people_client
    WHERE id = ANY(ARRAY(SELECT visit.client_id FROM scheduling_appointment visit WHERE {WHICH}))
"""  # noqa: S608  # the same
HOURS = "SELECT therapist_id, weekday, opens, closes FROM scheduling_weeklyhours WHERE location_id = %s"
WEEKS_BACK, WEEKS_AHEAD = 8, 8


def weeks(connection: psycopg.Connection, random: Random, count: int) -> list[Case]:
    """Weeks around this one, of the location where most happens."""
    found = connection.execute(
        "SELECT location_id FROM scheduling_appointment GROUP BY location_id ORDER BY count(*) DESC LIMIT 1"
    ).fetchone()
    location = found[0] if found else 0
    today = date.today()  # noqa: DTZ011  # the weeks around it, by whichever zone
    monday = today - timedelta(days=today.weekday())
    starts = [monday + timedelta(weeks=random.randint(-WEEKS_BACK, WEEKS_AHEAD)) for _number in range(count)]
    return [_week(location, first) for first in starts]


def _week(location: int, first: date) -> Case:
    asked = urlencode({"location": location, "on": first.isoformat(), "days": "week"})
    week = (location, first, first + timedelta(days=7))
    return Case(
        f"{reverse('desk:day-visits')}?{asked}",
        f'"first":"{first}"',
        [(VISITS, week), (NAMES, week), (HOURS, (location,))],
    )


OPERATIONS = (Operation("week_calendar", target_ms=40, cases=weeks),)
