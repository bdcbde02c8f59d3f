"""A database of the benchmark's own, on the same server, made once and kept."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import environ
import psycopg
from django.core.management.base import CommandError
from django.db import connection, connections, transaction
from django.db.models import Model
from psycopg import sql

from clinic.lib.times import at_wall
from clinic.people.models import Client, Location, Modality, Qualification, Role, Room, Service, Therapist, User
from clinic.people.services import add_service, add_staff, found_clinic
from clinic.scheduling.models import Appointment, Status, StatusChange, TimeOff, WeeklyHours, monday_of

CHECKOUT = Path(__file__).resolve().parents[2]
# Another way of filling is another database.
NAME = "stillpoint_benchmark_{size}_4"
BATCH = 2_000
DESK = "dana@example.org"
YEARS = timedelta(days=4 * 365)
ZONE = ZoneInfo("Europe/Lisbon")
# A day has ten places for an hour and its buffer, of which eight are taken, from Monday to Saturday.
OPENS, CLOSES, PLACES, TAKEN = time(8), time(20, 30), 10, 8
MINUTES, BUFFER = 60, 15
WEEKS_AHEAD = 26
HOLIDAY = timedelta(days=3)
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Size:
    therapists: int
    visits_each: int
    clients: int


SIZES = {
    "tiny": Size(2, 500, 200),
    "small": Size(5, 2_000, 2_000),
    "medium": Size(20, 5_000, 20_000),
    "large": Size(50, 10_000, 100_000),
}

GIVEN = """
    Alice Marek Hannah Claire Kwame Ingrid Priya Thomas Leila Sofia Emeka Freya Daniel Niamh Rosa Yusuf Zofia Benedikt
    Grace Anton Lucas Farah Oskar Martha Paolo Aisha Bruno Elif Paula Jonas Beatriz Duarte Mariana Henrique Camille
    Giulia Matteo Katarzyna Declan Anjali Nadia Karim Chiara Erik Maja Helena Viktor Ondřej Siobhán Ольга Дмитрий
"""
FAMILY_BEGINS = "Mor Now Cast Raghu Whit Had Okaf And Wis Achter Pop Petr Tan Sidd Lind Jens Ricc Rahm Kell Brand"
FAMILY_ENDS = "eau icki ellanos nathan lock dad feld ersen niewska berg escu ovic aka iqui gren sen ardi ani erman tner"


def address_of(address: str, database: str) -> str:
    """Return the same server's address with another database; the last part of the path names it."""
    parts = urlsplit(address)
    return parts._replace(path=f"{parts.path.rpartition('/')[0]}/{database}").geturl()


def bare(address: str) -> psycopg.Connection:
    """Connect with nothing between."""
    named = environ.Env.db_url_config(address)
    return psycopg.connect(
        host=named["HOST"] or None, port=named["PORT"] or None, dbname=named["NAME"], user=named["USER"],
        password=named["PASSWORD"], autocommit=True,
    )  # fmt: skip


def prepared(size: str, progress: Progress) -> dict[str, str]:
    """Make, migrate and fill the database of this size where it is not yet, and return its addresses by setting."""
    if "MIGRATION_DATABASE_URL" not in os.environ:
        raise CommandError("Name the owner's address in MIGRATION_DATABASE_URL: the benchmark makes its own database.")
    name = NAME.format(size=size)
    app, owner = os.environ["DATABASE_URL"], os.environ["MIGRATION_DATABASE_URL"]
    addresses = {"DATABASE_URL": address_of(app, name), "MIGRATION_DATABASE_URL": address_of(owner, name)}
    create(name, owner)
    _let_in(addresses["MIGRATION_DATABASE_URL"], urlsplit(app).username or "")
    progress("Bringing the database up to date", 0)
    _migrate(addresses)
    turn_to(size)
    if not Client.objects.exists():
        with transaction.atomic():
            fill(SIZES[size], progress)
        with bare(addresses["MIGRATION_DATABASE_URL"]) as connection:
            connection.execute("VACUUM ANALYZE")
    return addresses


@contextmanager
def put_back_by(owner: str) -> Iterator[psycopg.Connection]:
    """Open a connection that may take away what requests have booked, which the house itself never lets anybody."""
    with bare(owner) as connection:
        connection.execute("ALTER TABLE scheduling_statuschange DISABLE TRIGGER scheduling_statuschange_is_only_added")
        try:
            yield connection
        finally:
            connection.execute(
                "ALTER TABLE scheduling_statuschange ENABLE ALWAYS TRIGGER scheduling_statuschange_is_only_added"
            )


def create(name: str, owner: str) -> None:
    """Make a database on the same server where it is not yet."""
    with bare(owner) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            return
        try:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        except psycopg.errors.InsufficientPrivilege:
            raise CommandError(
                f"The role in MIGRATION_DATABASE_URL may not create databases: let it (ALTER ROLE … CREATEDB), "
                f"or create {name} for it."
            ) from None


def _let_in(owner: str, role: str) -> None:
    """Give the app's role what it has in the clinic's database, before there are tables."""
    for what in ("SELECT, INSERT, UPDATE, DELETE ON TABLES", "USAGE, SELECT ON SEQUENCES"):
        with bare(owner) as connection:
            connection.execute(
                sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {} TO {}").format(
                    sql.SQL(what), sql.Identifier(role)
                )
            )


def _migrate(addresses: dict[str, str]) -> None:
    command = [sys.executable, str(CHECKOUT / "manage.py"), "migrate", "--noinput", "--verbosity=0"]
    if subprocess.run(command, env=os.environ | addresses, check=False).returncode:  # noqa: S603  # our own command
        raise CommandError("The benchmark's database could not be migrated; the reason stands above.")


def turn_to(size: str) -> None:
    """Let this process's Django speak to the benchmark's database from here on, as a test run does."""
    default = connections["default"]
    default.close()
    default.settings_dict["NAME"] = default.settings_dict["NAME"].rpartition("/")[0] + NAME.format(size=size)


# ---- filling ----------------------------------------------------------------------------------------------------


def fill(size: Size, progress: Progress) -> None:
    """Found a house of this size: four years of visits and half a year to come. The same at every filling."""
    random = Random(20261120)  # noqa: S311  # invented lives
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    service = _found(now - YEARS)
    staff = _more_therapists(size.therapists, service.modality, now)
    for done in range(0, size.clients, BATCH):
        progress("Adding clients", done / size.clients)
        Client.objects.bulk_create(
            _client(number, staff, random, now) for number in range(done, min(done + BATCH, size.clients))
        )
    for done, therapist in enumerate(staff):
        progress("Adding their visits", done / len(staff))
        own = list(Client.objects.filter(primary_therapist=therapist).order_by("pk"))
        visits = list(islice(_visits(own, therapist, service, random, now), size.visits_each))
        copy_in(Appointment, visits)
        copy_in(StatusChange, [_first_step(visit) for visit in visits])
    progress("Adding their visits", 1)


def copy_in(model: type[Model], rows: Sequence[Model]) -> None:
    """Write new rows by COPY, with keys from their sequence."""
    table = connection.ops.quote_name(model._meta.db_table)
    # A generated field is filled by the database.
    fields = [field for field in model._meta.concrete_fields if not field.generated]
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, len(rows)]
        )
        for row, (key,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = key
        with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row([field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields])


def _found(now: datetime) -> Service:
    """Found the clinic with its front desk, and one service."""
    found_clinic(
        now=now, name="Benchmark Clinic", currency="EUR", owner_name="Olga Marques", owner_email="olga@example.org",
        owner_password=secrets.token_urlsafe(), location_name="Harbour Street", time_zone=ZONE.key,
        location_address="", location_phone="",
    )  # fmt: skip
    owner = User.objects.get()
    add_staff(
        by=owner, now=now, email=DESK, name="Dana Kovač", roles=[Role.FRONT_DESK], password=secrets.token_urlsafe()
    )
    return add_service(
        by=owner, now=now, name="Swedish, 60 min", modality=Modality.objects.get(slug="swedish"), minutes=MINUTES,
        buffer_after=BUFFER, price_minor=6400,
    )  # fmt: skip


def _more_therapists(count: int, modality: Modality, now: datetime) -> list[Therapist]:
    """Add therapists, each with a room of her own, hours from Monday to Saturday, and three days off to come."""
    location = Location.objects.earliest("pk")
    users = User.objects.bulk_create(
        User(email=f"therapist{n}@example.org", name=f"Therapist {n}", roles=[Role.THERAPIST], password="!")
        for n in range(count)
    )
    rooms = Room.objects.bulk_create(Room(location=location, name=f"Room T{n}") for n in range(count))
    therapists = Therapist.objects.bulk_create(
        Therapist(user=user, usual_room=room) for user, room in zip(users, rooms, strict=True)
    )
    location.therapists.set(therapists)
    Qualification.objects.bulk_create(Qualification(therapist=one, modality=modality) for one in therapists)
    WeeklyHours.objects.bulk_create(
        WeeklyHours(
            therapist=one, location=location, weekday=weekday, opens=OPENS, closes=CLOSES, valid_from=date(2015, 1, 1)
        )
        for one in therapists
        for weekday in range(6)
    )
    TimeOff.objects.bulk_create(
        TimeOff(
            therapist=one, starts_at=at_wall(ZONE, first, time.min), reason="Holiday", entered_at=now,
            ends_at=at_wall(ZONE, first + HOLIDAY, time.min),
        )
        for one, first in ((one, _holiday(number, now)) for number, one in enumerate(therapists))
    )  # fmt: skip
    return therapists


def _holiday(number: int, now: datetime) -> date:
    """Return the Thursday from which the therapist with this number is away."""
    return monday_of(now.date()) + timedelta(weeks=8 + number % (WEEKS_AHEAD - 8), days=3)


def _client(number: int, staff: Sequence[Therapist], random: Random, now: datetime) -> Client:
    given, family = (
        random.choice(GIVEN.split()),
        random.choice(FAMILY_BEGINS.split()) + random.choice(FAMILY_ENDS.split()),
    )
    return Client(
        legal_name=f"{given} {family}",
        pronouns=random.choice(["", "she/her", "he/him"]),
        born_on=date(1940, 1, 1) + timedelta(days=random.randrange(25_000)),
        email=f"{family}{number}@example.org".lower(),
        phone=f"+3519{random.randrange(10**7, 10**8)}",
        primary_therapist=staff[number % len(staff)],
        created_at=now - YEARS * random.random(),
    )


def _visits(
    clients: Sequence[Client], therapist: Therapist, service: Service, random: Random, now: datetime
) -> Iterator[Appointment]:
    """Yield a therapist's visits, from half a year ahead back into the past; some clients come far more often."""
    assert therapist.usual_room  # given above
    back = TimeOff.objects.get(therapist=therapist).ends_at.astimezone(ZONE).date()
    day = monday_of(now.date()) + timedelta(weeks=WEEKS_AHEAD)
    while True:
        day -= timedelta(days=1)
        if day.weekday() == WeeklyHours.Weekday.SUNDAY or back - HOLIDAY <= day < back:
            continue
        opens = at_wall(ZONE, day, OPENS)
        # On Wednesdays the last place stays free: there a series fits for months.
        places = range(PLACES - (day.weekday() == WeeklyHours.Weekday.WEDNESDAY))
        for place in sorted(random.sample(places, TAKEN), reverse=True):
            starts_at = opens + timedelta(minutes=place * (MINUTES + BUFFER))
            ends_at = starts_at + timedelta(minutes=MINUTES)
            yield Appointment(
                client=clients[int(len(clients) * random.random() ** 1.5)], service=service, therapist=therapist,
                room=therapist.usual_room, location_id=therapist.usual_room.location_id, starts_at=starts_at,
                ends_at=ends_at, occupied_from=starts_at, occupied_until=ends_at + timedelta(minutes=BUFFER),
                status=Status.BOOKED if starts_at > now else Status.COMPLETED,
                booked_at=min(starts_at, now) - timedelta(weeks=2),
            )  # fmt: skip


def _first_step(visit: Appointment) -> StatusChange:
    return StatusChange(appointment=visit, before="", after=Status.BOOKED, at=visit.booked_at)


def rows_of() -> dict[str, int]:
    """Return how much there is."""
    return {"clients": Client.objects.count(), "visits": Appointment.objects.count()}
