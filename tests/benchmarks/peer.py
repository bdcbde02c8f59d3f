"""The same questions put to django-appointment, run by the Python of an environment in which it is installed.

It speaks to its own database, filled as densely as ours, through Django's test client: without the web server that our
figures include. Reads one object from the input (database, therapists, visits_each, requests) and prints its figures.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from importlib.metadata import version
from itertools import islice
from random import Random
from statistics import median, quantiles
from typing import Any
from uuid import uuid4

import django
from django.conf import settings

MINUTES, BUFFER, PLACES, TAKEN = 60, 15, 10, 8
SUNDAY = 6
BATCH = 5_000
CONTENDERS = 16


def set_up(database: dict[str, Any]) -> None:
    """Configure Django as the peer's documentation says, and make its tables."""
    settings.configure(
        SECRET_KEY=uuid4().hex, DATABASES={"default": database}, ROOT_URLCONF=__name__, USE_TZ=True, TIME_ZONE="UTC",
        ALLOWED_HOSTS=["*"], DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", AUTH_USER_MODEL="auth.User",
        INSTALLED_APPS=[
            "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages",
            "django.contrib.admin", "appointment",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.common.CommonMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[{
            "BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
            "OPTIONS": {"context_processors": [
                "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]},
        }],
    )  # fmt: skip
    django.setup()
    logging.disable(logging.CRITICAL)
    from django.core.management import call_command
    from django.urls import include, path

    globals()["urlpatterns"] = [path("", include("appointment.urls"))]
    # What it points at comes by migration, its own tables without.
    call_command("migrate", verbosity=0)
    call_command("migrate", run_syncdb=True, verbosity=0)


def fill(therapists: int, visits_each: int) -> None:
    """Give each therapist hours and visits, eight a day, from half a year ahead into the past; once."""
    from appointment.models import Appointment, AppointmentRequest, Service, StaffMember, WorkingHours
    from django.contrib.auth.models import User

    if Appointment.objects.exists():
        return
    random = Random(20261120)  # noqa: S311  # invented lives
    service = Service.objects.create(name="Swedish", duration=timedelta(minutes=MINUTES), price=64)
    client = User.objects.create_user("client", email="client@example.org")
    for number in range(therapists):
        user = User.objects.create_user(f"therapist{number}", first_name=f"Therapist {number}")
        staff = StaffMember.objects.create(user=user, slot_duration=15, work_on_saturday=True)
        staff.services_offered.add(service)
        for weekday in range(1, 7):
            WorkingHours.objects.create(staff_member=staff, day_of_week=weekday, start_time="08:00", end_time="20:30")
        asked = AppointmentRequest.objects.bulk_create(
            (
                AppointmentRequest(
                    date=start.date(), start_time=start.time(), service=service, staff_member=staff,
                    end_time=(start + timedelta(minutes=MINUTES)).time(), id_request=uuid4().hex,
                )
                for start in islice(_starts(random), visits_each)
            ),
            batch_size=BATCH,
        )  # fmt: skip
        Appointment.objects.bulk_create(
            (
                Appointment(client=client, appointment_request=one, amount_to_pay=0, id_request=uuid4().hex)
                for one in asked
            ),
            batch_size=BATCH,
        )


def _starts(random: Random) -> Iterator[datetime]:
    day = date.today() + timedelta(weeks=26)  # noqa: DTZ011
    while True:
        day -= timedelta(days=1)
        if day.weekday() != SUNDAY:
            for place in sorted(random.sample(range(PLACES), TAKEN), reverse=True):
                yield datetime(day.year, day.month, day.day, 8) + timedelta(minutes=place * (MINUTES + BUFFER))  # noqa: DTZ001


def measured(requests: int) -> dict[str, dict[str, float]]:
    """Ask for free times, book, and race."""
    from appointment.models import Service, StaffMember
    from django.urls import reverse

    random = Random(1)  # noqa: S311
    service, staff = Service.objects.get(), list(StaffMember.objects.order_by("pk").values_list("pk", flat=True))
    address = reverse("appointment:available_slots_ajax")

    def slots(people: list[int], days: int) -> Callable[[Any], None]:
        def ask(browser: Any) -> None:
            first = _day(random)
            for number in range(days):
                for one in people:
                    on = first + timedelta(days=number)
                    wish = {"selected_date": on.isoformat(), "staff_member": one, "service_id": service.pk}
                    browser.get(address, wish, headers={"X-Requested-With": "XMLHttpRequest"})

        return ask

    return {
        "day_slots_one": _timed(slots([random.choice(staff)], 1), requests),
        "day_slots_any": _timed(slots(staff, 1), max(4, requests // len(staff))),
        "month_slots_one": _timed(slots([random.choice(staff)], 28), max(4, requests // 28)),
        "create_booking": _timed(
            lambda browser: _book(browser, service.pk, random.choice(staff), _day(random)), requests
        ),
        "race": _race(service.pk, staff[0], random),
    }


def _day(random: Random) -> date:
    day = date.today() + timedelta(days=random.randint(3, 56))  # noqa: DTZ011
    return day + timedelta(days=day.weekday() == SUNDAY)


def _book(browser: Any, service: int, staff: int, on: date) -> int:
    """Send the form by which its booking page takes a time."""
    from django.urls import reverse

    wish = {
        "date": on.isoformat(), "start_time": "21:00", "end_time": "22:00", "service": service, "staff_member": staff,
    }  # fmt: skip
    status: int = browser.post(reverse("appointment:appointment_request_submit"), wish).status_code
    return status


def _timed(ask: Callable[[Any], object], requests: int) -> dict[str, float]:
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    browser, times = Client(), []
    ask(browser)
    for _number in range(requests):
        began = time.perf_counter()
        ask(browser)
        times.append((time.perf_counter() - began) * 1000)
    with CaptureQueriesContext(connection) as captured:
        ask(browser)
    return {"p50_ms": round(median(times), 2), "p95_ms": round(quantiles(times, n=20)[-1], 2), "queries": len(captured)}


def _race(service: int, staff: int, random: Random) -> dict[str, float]:
    """Let sixteen windows book the same free time at the same moment, five times; count who gets it."""
    from django.db import connections
    from django.test import Client

    def reach(on: date) -> int:
        try:
            return _book(Client(), service, staff, on)
        finally:
            connections.close_all()

    won = []
    for _round in range(5):
        on = _day(random) + timedelta(weeks=60)
        with ThreadPoolExecutor(CONTENDERS) as pool:
            won.append(sum(status == 302 for status in pool.map(reach, [on] * CONTENDERS)))
    return {"winners_per_slot": sum(won) / len(won)}


def main() -> None:
    """Measure what the input describes."""
    asked = json.load(sys.stdin)
    set_up(asked["database"])
    fill(asked["therapists"], asked["visits_each"])
    json.dump(
        {"name": f"django-appointment {version('django-appointment')}", "operations": measured(asked["requests"])},
        sys.stdout,
    )


if __name__ == "__main__":
    main()
