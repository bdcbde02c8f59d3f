"""A database of the benchmark's own, on the same server, made once and kept."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import environ
import psycopg
from django.core.management.base import CommandError
from django.db import connections, transaction
from psycopg import sql

from clinic.people.models import Client, Location, Modality, Role, Room, Service, Therapist, User
from clinic.people.services import add_service, add_staff, found_clinic
from clinic.scheduling.models import Appointment, Status

CHECKOUT = Path(__file__).resolve().parents[2]
SIZES = {"tiny": 200, "small": 2_000, "medium": 20_000, "large": 100_000}
CLIENTS_EACH = 500  # of one therapist
VISITS_EACH = 10  # of one client, on average
HOURS_A_DAY = 8
BATCH = 2_000
DESK = "dana@example.org"
YEARS = timedelta(days=3 * 365)
Progress = Callable[[str, float], None]

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
    name = f"stillpoint_benchmark_{size}"
    app, owner = os.environ["DATABASE_URL"], os.environ["MIGRATION_DATABASE_URL"]
    addresses = {"DATABASE_URL": address_of(app, name), "MIGRATION_DATABASE_URL": address_of(owner, name)}
    _create(name, owner)
    _let_in(addresses["MIGRATION_DATABASE_URL"], urlsplit(app).username or "")
    progress("Bringing the database up to date", 0)
    _migrate(addresses)
    _turn_to(name)
    if Client.objects.count() < SIZES[size]:
        with transaction.atomic():
            fill(SIZES[size], progress)
        with bare(addresses["MIGRATION_DATABASE_URL"]) as connection:
            connection.execute("VACUUM ANALYZE")
    return addresses


def _create(name: str, owner: str) -> None:
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


def _turn_to(name: str) -> None:
    """Let this process's Django speak to the benchmark's database from here on, as a test run does."""
    connection = connections["default"]
    connection.close()
    connection.settings_dict["NAME"] = connection.settings_dict["NAME"].rpartition("/")[0] + name


# ---- filling ----------------------------------------------------------------------------------------------------


def fill(clients: int, progress: Progress) -> None:
    """Found a house and give it this many clients, with three years of visits. The same at every filling."""
    random = Random(20261120)  # noqa: S311  # invented lives
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    service = _found(now - YEARS)
    staff = _more_therapists(max(1, clients // CLIENTS_EACH))
    for done in range(0, clients, BATCH):
        progress("Adding clients", done / clients)
        Client.objects.bulk_create(
            _client(number, staff, random, now) for number in range(done, min(done + BATCH, clients))
        )
    for done, (therapist, room) in enumerate(staff):
        progress("Adding their visits", done / len(staff))
        own = list(Client.objects.filter(primary_therapist=therapist).order_by("pk"))
        Appointment.objects.bulk_create(_visits(own, therapist, room, service, random, now), batch_size=BATCH)
    progress("Adding their visits", 1)


def _found(now: datetime) -> Service:
    """Found the clinic with its front desk, and one service."""
    found_clinic(
        now=now, name="Benchmark Clinic", currency="EUR", owner_name="Olga Marques", owner_email="olga@example.org",
        owner_password=secrets.token_urlsafe(), location_name="Harbour Street", time_zone="Europe/Lisbon",
        location_address="", location_phone="",
    )  # fmt: skip
    owner = User.objects.get()
    add_staff(
        by=owner, now=now, email=DESK, name="Dana Kovač", roles=[Role.FRONT_DESK], password=secrets.token_urlsafe()
    )
    return add_service(
        by=owner, now=now, name="Swedish, 60 min", modality=Modality.objects.get(slug="swedish"), minutes=60,
        price_minor=6400,
    )  # fmt: skip


def _more_therapists(count: int) -> list[tuple[Therapist, Room]]:
    """Add therapists, each with a room of her own: nobody is in two places."""
    location = Location.objects.earliest("pk")
    users = User.objects.bulk_create(
        User(email=f"therapist{n}@example.org", name=f"Therapist {n}", roles=[Role.THERAPIST], password="!")
        for n in range(count)
    )
    rooms = Room.objects.bulk_create(Room(location=location, name=f"Room T{n}") for n in range(count))
    therapists = Therapist.objects.bulk_create(
        Therapist(user=user, usual_room=room) for user, room in zip(users, rooms, strict=True)
    )
    return list(zip(therapists, rooms, strict=True))


def _client(number: int, staff: Sequence[tuple[Therapist, Room]], random: Random, now: datetime) -> Client:
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
        primary_therapist=staff[number % len(staff)][0],
        created_at=now - YEARS * random.random(),
    )


def _visits(
    clients: Sequence[Client], therapist: Therapist, room: Room, service: Service, random: Random, now: datetime
) -> Iterator[Appointment]:
    """Yield a therapist's visits, hour after hour up to four weeks from now; some clients come far more often."""
    count = len(clients) * VISITS_EACH
    ends = now + timedelta(weeks=4)
    for number in range(count):
        day, hour = divmod(count - 1 - number, HOURS_A_DAY)
        starts_at = (ends - timedelta(days=day)).replace(hour=8 + hour)
        ends_at = starts_at + timedelta(minutes=60)
        yield Appointment(
            client=clients[int(len(clients) * random.random() ** 1.5)], service=service, therapist=therapist, room=room,
            location_id=room.location_id, starts_at=starts_at, ends_at=ends_at, occupied_from=starts_at,
            occupied_until=ends_at, status=Status.BOOKED if starts_at > now else Status.COMPLETED, booked_at=starts_at,
        )  # fmt: skip


def rows_of() -> dict[str, int]:
    """Return how much there is."""
    return {"clients": Client.objects.count(), "visits": Appointment.objects.count()}
