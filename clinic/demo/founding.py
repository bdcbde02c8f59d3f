"""Found the example clinic: places, services, staff and their hours."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from clinic.demo import cast
from clinic.demo.logo import harbour_logo
from clinic.lib.times import at_wall, day_bounds
from clinic.people.models import Clinic, Location, Modality, Role, Room, Service, Therapist, User
from clinic.people.opening import OpenSpan
from clinic.people.services import (
    add_location,
    add_room,
    add_service,
    add_staff,
    add_therapist,
    change_profile,
    found_clinic,
)
from clinic.people.services.clinic import set_logo, update_clinic
from clinic.people.services.places import set_opening_hours, update_location
from clinic.scheduling.models import monday_of
from clinic.scheduling.services import add_time_off, add_weekly_hours
from clinic.scheduling.working_week import Line, kind_of_week, lines_on, set_hours

ZONE = "Europe/Lisbon"
OWNER, DESK = ("Olga Marques", "olga@example.org"), ("Dana Kovač", "dana@example.org")


@dataclass(frozen=True)
class House:
    """The clinic as the stories need it."""

    desk: User
    owner: User
    therapists: tuple[Therapist, ...]
    # Another one, who leaves at the end.
    left: Therapist
    locations: dict[str, Location]
    services: tuple[Service, ...]


def found_house(*, now: datetime, password: str) -> House:
    """Found the clinic as it was on its first day, `now`."""
    found_clinic(
        now=now, name="Harbour Street Clinic", currency="EUR", owner_name=OWNER[0], owner_email=OWNER[1],
        owner_password=password, location_name=cast.HARBOUR, time_zone=ZONE,
        location_address="Rua do Cais 12, Lisboa", location_phone="+351210000010",
    )  # fmt: skip
    owner = User.objects.get(email=OWNER[1])
    add_location(
        by=owner, now=now, name=cast.HILLSIDE, time_zone=ZONE, address="Rua da Colina 7, Lisboa", phone="+351210000020"
    )  # fmt: skip
    locations = {location.name: location for location in Location.objects.all()}
    _introduce(owner, locations, now=now)
    for place, name, features in cast.ROOMS:
        add_room(by=owner, now=now, location=locations[place], name=name, features=features)
    modalities = {modality.slug: modality for modality in Modality.objects.all()}
    services = tuple(
        add_service(
            by=owner, now=now, name=name, modality=modalities[slug], minutes=minutes, price_minor=price,
            is_bookable_online=online, is_open_to_new_clients=new, description=cast.DESCRIPTIONS[slug],
        )
        for name, slug, minutes, price, online, new in cast.SERVICES
    )  # fmt: skip
    desk = add_staff(by=owner, now=now, email=DESK[1], name=DESK[0], roles=[Role.FRONT_DESK], password=password)
    therapists = tuple(
        _hire(person, owner=owner, locations=locations, modalities=modalities, password=password, now=now)
        for person in cast.THERAPISTS
    )
    left = _hire(cast.LEFT, owner=owner, locations=locations, modalities=modalities, password=password, now=now)
    return House(desk=desk, owner=owner, therapists=therapists, left=left, locations=locations, services=services)


def _introduce(owner: User, locations: dict[str, Location], *, now: datetime) -> None:
    """Say what clients read: of the clinic, and of the way to its places."""
    update_clinic(
        by=owner, now=now, letterhead=cast.LETTERHEAD, cancellation_policy=cast.CANCELLATION,
        house_rules=cast.HOUSE_RULES, privacy_notice=cast.PRIVACY,
        online_booking=Clinic.OnlineBooking.AT_ONCE, late_fee_percent=50,
    )  # fmt: skip
    set_logo(by=owner, now=now, upload=harbour_logo())
    for name, place in cast.PLACES.items():
        update_location(by=owner, now=now, location=locations[name], directions=place.directions)
        spans = [OpenSpan(day, *span) for day, spans_of_day in place.week.items() for span in spans_of_day]
        set_opening_hours(by=owner, now=now, location=locations[name], spans=spans)


def _hire(
    person: cast.ExampleTherapist,
    *,
    owner: User,
    locations: dict[str, Location],
    modalities: dict[str, Modality],
    password: str,
    now: datetime,
) -> Therapist:
    user = add_staff(by=owner, now=now, email=person.email, name=person.name, roles=[Role.THERAPIST], password=password)
    therapist = add_therapist(
        by=owner, now=now, user=user, licence_number=person.licence,
        licence_expires_on=now.date() + timedelta(days=800),
        usual_room=Room.objects.get(name=person.room), colour=person.colour,
        locations=[locations[name] for name in {place for place, _opens, _closes in person.week.values()}],
        qualifications=[(modalities[slug], cast.SCHOOLS[slug], None) for slug in person.modalities],
    )  # fmt: skip
    if person.biography:
        change_profile(by=user, now=now, therapist=therapist, biography=person.biography, photo=None)
    for weekday, (place, opens, closes) in person.week.items():
        add_weekly_hours(
            by=owner, now=now, therapist=therapist, location=locations[place], weekday=weekday, opens=opens,
            closes=closes, valid_from=now.date(),
        )  # fmt: skip
    return therapist


def plan_absences(house: House, *, now: datetime) -> None:
    """Enter what is known of the weeks to come.

    One therapist is away for three days, three weeks from now, another alternates between the locations from the month
    after next on and takes a break; the clinic has a holiday, and a room is painted for an afternoon.
    """
    away = house.therapists[0]
    zone = house.locations[cast.HARBOUR].zone
    start = datetime.combine(now.date() + timedelta(days=22), datetime.min.time(), tzinfo=zone)
    add_time_off(
        by=house.owner, now=now, therapist=away, starts_at=start, ends_at=start + timedelta(days=3),
        reason="Course in Porto",
    )  # fmt: skip
    harbour, hillside = house.locations[cast.HARBOUR], house.locations[cast.HILLSIDE]
    alternating = house.therapists[1]
    first = monday_of(now.date()) + timedelta(weeks=9)
    morning, afternoon = (time(9), time(12, 30)), (time(13, 15), time(17))
    set_hours(
        by=house.owner, now=now, therapist=alternating, first=first,
        lines=[
            *lines_on(alternating, first),
            *(Line(4, *span, harbour.pk, kind_of_week(first)) for span in (morning, afternoon)),
            *(Line(4, *span, hillside.pk, 1 - kind_of_week(first)) for span in (morning, afternoon)),
        ],
    )  # fmt: skip
    for place in house.locations.values():
        holiday = day_bounds(place.zone, date(now.year + 1, 1, 1))
        add_time_off(
            by=house.owner, now=now, location=place, starts_at=holiday[0], ends_at=holiday[1], reason="New Year"
        )
    painted = now.date() + timedelta(days=40)
    add_time_off(
        by=house.owner, now=now, room=Room.objects.get(name="Room 5"), reason="Painting",
        starts_at=at_wall(hillside.zone, painted, time(13)), ends_at=at_wall(hillside.zone, painted, time(18)),
    )  # fmt: skip
