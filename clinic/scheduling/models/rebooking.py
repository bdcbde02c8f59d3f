"""Which visits to come cannot take place as they are booked, found by their keys.

In SQL, because the navigation counts them on every page: so written, each absence looks up its own visits by index.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField
from django.db.models.expressions import RawSQL

KEYS: ArrayField[list[int], list[int]] = ArrayField(BigIntegerField())
A_VALUE = re.compile(r"%\((\w+)\)s")

# No visit is longer: it can begin so long before an absence that it reaches into. The start is what the index knows.
LONGEST_VISIT = timedelta(hours=8)

# Left out are those that were booked or moved there after the absence was entered, with a reason.
LIES_IN_IT = """
    visit.starts_at > absence.starts_at - %(longest)s AND visit.starts_at < absence.ends_at
    AND visit.starts_at >= %(now)s AND visit.ends_at > absence.starts_at
    AND absence.ends_at > %(now)s AND (%(absences)s::bigint[] IS NULL OR absence.id = ANY(%(absences)s))
    AND (visit.override_reason = '' OR NOT EXISTS (
        SELECT FROM scheduling_statuschange step
        WHERE step.appointment_id = visit.id AND step.at >= absence.entered_at
        AND (step.before IN ('', step.after) OR (step.before, step.after) = ('confirmed', 'booked'))
    ))
"""
# Of the therapist, the location, the room: each by itself, for joined by OR they would find no index.
LYING_IN_ABSENCES = f"""
    SELECT visit.id FROM scheduling_timeoff absence
    JOIN scheduling_appointment visit ON visit.therapist_id = absence.therapist_id
    WHERE (absence.location_id IS NULL OR visit.location_id = absence.location_id) AND {LIES_IN_IT}
    UNION ALL
    SELECT visit.id FROM scheduling_timeoff absence
    JOIN scheduling_appointment visit ON visit.location_id = absence.location_id
    WHERE absence.therapist_id IS NULL AND {LIES_IN_IT}
    UNION ALL
    SELECT visit.id FROM scheduling_timeoff absence
    JOIN scheduling_appointment visit ON visit.room_id = absence.room_id
    WHERE {LIES_IN_IT}
"""  # noqa: S608  # put together from the words above only
WITH_WHO_LEAVES = """
    SELECT visit.id FROM people_therapist gone JOIN scheduling_appointment visit ON visit.therapist_id = gone.id
    JOIN people_location place ON place.id = visit.location_id
    WHERE (gone.archived_at IS NOT NULL OR gone.leaves_on IS NOT NULL) AND visit.starts_at >= %(now)s
    AND (gone.archived_at IS NOT NULL OR gone.leaves_on < (visit.starts_at AT TIME ZONE place.time_zone)::date)
"""
LEFT_OUT_BY_HOURS = """
    SELECT visit.id FROM scheduling_appointment visit
    WHERE visit.left_out_at IS NOT NULL AND visit.starts_at >= %(now)s
"""


def lying_in(absences: Iterable[int], now: datetime) -> RawSQL:
    """Return, for `pk__among`, the visits to come that lie in these absences, given by their keys."""
    return _keys(LYING_IN_ABSENCES, now, list(absences))


def to_rebook(now: datetime) -> RawSQL:
    """Return, for `pk__among`, the visits to come that lie in any absence, outside new hours, or after a last day."""
    return _keys(f"{LYING_IN_ABSENCES} UNION ALL {WITH_WHO_LEAVES} UNION ALL {LEFT_OUT_BY_HOURS}", now, None)


def _keys(sql: str, now: datetime, absences: list[int] | None) -> RawSQL:
    """Return what this finds as an array; Django's own raw SQL knows no named values."""
    values = {"now": now, "absences": absences, "longest": LONGEST_VISIT}
    named = [values[name] for name in A_VALUE.findall(sql)]
    return RawSQL(f"ARRAY({A_VALUE.sub('%s', sql)})", named, KEYS)  # noqa: S611  # the words above only
