"""Each client of the example has a weekday and a time of her own, so that the calendar fills as a real one does."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from clinic.demo import cast
from clinic.demo.answers import TROUBLES
from clinic.demo.founding import House
from clinic.lib.times import at_wall, local_date
from clinic.people.models import Location, Service, Therapist

# Room for the longest service of the trade and its buffer.
SPACING = timedelta(minutes=80)


@dataclass(frozen=True)
class Slot:
    """A standing time with one therapist, and the service that is given in it."""

    therapist: Therapist
    location: Location
    weekday: int
    at_time: time
    service: Service

    def first_day_after(self, now: datetime) -> date:
        """Return the first day of this weekday, two days from now at the earliest."""
        day = local_date(self.location.zone, now) + timedelta(days=2)
        return day + timedelta(days=(self.weekday - day.weekday()) % 7)

    def next_working_hour(self, now: datetime) -> datetime:
        """Return ten past eight of the next morning by the wall of the place."""
        return at_wall(self.location.zone, local_date(self.location.zone, now) + timedelta(days=1), time(8, 10))


def slots_for(people: tuple[cast.ExampleClient, ...], house: House, random: Random) -> Iterator[Slot]:
    """Yield one slot per person, with a therapist who is qualified for what helps; none is given twice."""
    free = {
        therapist.pk: _standing_times(example, random)
        for example, therapist in zip(cast.THERAPISTS, house.therapists, strict=True)
    }
    for person in people:
        slug = TROUBLES[person.troubled_by].modality
        able = [
            (therapist, free[therapist.pk])
            for example, therapist in zip(cast.THERAPISTS, house.therapists, strict=True)
            if slug in example.modalities and free[therapist.pk]
        ]
        # The first able therapist with the most time left; Alice comes first, and so to Bea.
        therapist, times = max(able, key=lambda pair: len(pair[1]))
        place, weekday, at_time = times.pop()
        services = [service for service in house.services if service.modality.slug == slug and service.minutes <= 60]  # noqa: PLR2004
        yield Slot(therapist, house.locations[place], weekday, at_time, random.choice(services))


def _standing_times(example: cast.ExampleTherapist, random: Random) -> list[tuple[str, int, time]]:
    found = []
    for weekday, (place, opens, closes) in example.week.items():
        moment, last = datetime.combine(date.min, opens), datetime.combine(date.min, closes) - SPACING
        while moment <= last:
            found.append((place, weekday, moment.time()))
            moment += SPACING
    random.shuffle(found)
    return found
