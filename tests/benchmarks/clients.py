"""Finding a client and opening her page, as the front desk does."""

from __future__ import annotations

from random import Random
from urllib.parse import urlencode

import psycopg
from django.urls import reverse

from tests.benchmarks.operations import Case, Operation

# The one statement that a search cannot do without.
FIND = """
    SELECT id, legal_name, preferred_name, pronouns, born_on, phone FROM people_client
    WHERE archived_at IS NULL AND {words} ORDER BY legal_name, id LIMIT 8
"""
PAGE = (
    "SELECT * FROM people_client WHERE id = %s",
    """
    SELECT visit.*, service.name, therapist.name FROM scheduling_appointment visit
    JOIN people_service service ON service.id = visit.service_id
    JOIN people_therapist ON people_therapist.id = visit.therapist_id
    JOIN people_user therapist ON therapist.id = people_therapist.user_id
    WHERE client_id = %s ORDER BY starts_at DESC LIMIT 30
    """,
)


def slip(word: str, random: Random) -> str:
    """Swap two letters in the middle of a word."""
    at = random.randrange(1, len(word) - 1)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def searches(connection: psycopg.Connection, random: Random, count: int) -> list[Case]:
    """Whole names, their beginnings, both of them begun, a slip of the fingers, and ends of phone numbers."""
    rows = connection.execute(
        "SELECT legal_name, phone FROM people_client WHERE archived_at IS NULL ORDER BY md5(id::text) LIMIT %s", [count]
    ).fetchall()
    return [_search(name, phone, random) for name, phone in rows]


def _search(name: str, phone: str, random: Random) -> Case:
    first, last = name.split()
    typed, holds = random.choice(
        [
            (name, f"<b>{name}"),
            (last[:4], last[:4]),
            (f"{first[:3]} {last[:4]}", f"<b>{first[:3]}"),
            (f"{first} {slip(last, random)}", f"<b>{name}"),
            (f"{phone[-6:-3]} {phone[-3:]}", f"<b>{name}"),
        ]
    )
    words = typed.replace(" ", "") if typed[0].isdigit() else typed
    patterns = words.split()
    sql = FIND.format(words=" AND ".join(["found_by LIKE people_pattern(%s)"] * len(patterns)))
    return Case(f"{reverse('people:client-search')}?{urlencode({'q': typed})}", holds, [(sql, tuple(patterns))])


def pages(connection: psycopg.Connection, random: Random, count: int) -> list[Case]:
    """Open clients who have come for years, those with most visits first among them."""
    rows = connection.execute(
        """
        SELECT client.id, legal_name
        FROM people_client client JOIN scheduling_appointment visit ON visit.client_id = client.id
        WHERE client.archived_at IS NULL GROUP BY client.id ORDER BY count(*) DESC, client.id LIMIT %s
        """,
        [count],
    ).fetchall()
    random.shuffle(rows)
    return [
        Case(reverse("desk:client", args=[pk]), f'<h1 class="name">{name}', [(sql, (pk,)) for sql in PAGE])
        for pk, name in rows
    ]


OPERATIONS = (
    Operation("client_search", target_ms=15, cases=searches),
    Operation("client_page", target_ms=25, cases=pages),
)
