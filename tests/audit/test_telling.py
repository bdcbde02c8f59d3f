"""The change history says who, when and why of exactly what was done by whom it names."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from clinic.audit.services import because, recorded
from clinic.people.models import Client, Therapist, TherapistLocation
from tests.factories import ClientFactory, LocationFactory

Told = dict[str, object] | None


def told_of(client: Client) -> Told:
    """Return what the newest change of a client says of itself."""
    return Client.pgh_event_model.objects.filter(pgh_obj=client).latest("pgh_id").pgh_context


@recorded
def rename(*, by, now, client, name):
    Client.objects.filter(pk=client.pk).update(legal_name=name)


def test_a_service_says_who_and_when(alice, dana, now):
    rename(by=dana, now=now, client=alice, name="Alice Moura")
    assert told_of(alice) == {"by": dana.pk, "at": now.isoformat()}


def test_the_moment_that_was_told_is_the_moment_of_the_change(alice, dana, now):
    rename(by=dana, now=now - timedelta(days=400), client=alice, name="Alice Moura")
    assert Client.pgh_event_model.objects.latest("pgh_id").pgh_created_at == now - timedelta(days=400)


def test_what_is_written_past_all_services_is_by_nobody_and_now(alice):
    Client.objects.filter(pk=alice.pk).update(legal_name="Alice Moura")
    assert told_of(alice) is None
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        (began_at,) = cursor.fetchone()
    assert Client.pgh_event_model.objects.latest("pgh_id").pgh_created_at == began_at


def test_nothing_of_a_service_stays_for_what_follows_in_its_transaction(alice, dana, now):
    with transaction.atomic():
        rename(by=dana, now=now, client=alice, name="Alice Moura")
        Client.objects.filter(pk=alice.pk).update(pronouns="she")
    assert told_of(alice) is None


def test_nothing_of_a_service_stays_for_the_next_transaction(transactional_db, dana, now):
    client = ClientFactory()
    rename(by=dana, now=now, client=client, name="Alice Moura")
    Client.objects.filter(pk=client.pk).update(pronouns="she")
    assert told_of(client) is None


def test_two_services_in_one_transaction_each_say_their_own(alice, dana, bea, now):
    with transaction.atomic():
        rename(by=dana, now=now, client=alice, name="Alice Moura")
        rename(by=None, now=now + timedelta(hours=1), client=alice, name="Alice Matos")
    assert told_of(alice) == {"by": None, "at": (now + timedelta(hours=1)).isoformat()}


def test_a_service_inside_another_speaks_for_itself_and_then_the_outer_one_again(alice, dana, now):
    told: list[Told] = []

    @recorded
    def takes_over(*, by, now, client):
        with because("from another system"):
            rename(by=None, now=now + timedelta(hours=1), client=client, name="Alice Moura")
            told.append(told_of(client))
            Client.objects.filter(pk=client.pk).update(pronouns="she")
            told.append(told_of(client))

    takes_over(by=dana, now=now, client=alice)
    assert told == [
        {"by": None, "at": (now + timedelta(hours=1)).isoformat(), "why": "from another system"},
        {"by": dana.pk, "at": now.isoformat(), "why": "from another system"},
    ]


def test_a_reason_holds_for_its_block_only(alice, dana, now):
    @recorded
    def changes_twice(*, by, now, client):
        with because("she married"):
            Client.objects.filter(pk=client.pk).update(legal_name="Alice Moura")
        Client.objects.filter(pk=client.pk).update(pronouns="she")

    changes_twice(by=dana, now=now, client=alice)
    reasons = Client.pgh_event_model.objects.order_by("-pgh_id").values_list("pgh_context__why", flat=True)[:2]
    assert list(reasons) == [None, "she married"]


def test_a_service_that_is_refused_leaves_neither_its_rows_nor_its_name(alice, dana, now):
    @recorded
    def is_refused(*, by, now, client):
        Client.objects.filter(pk=client.pk).update(legal_name="Never")
        raise ValidationError("no")

    with transaction.atomic():
        with pytest.raises(ValidationError):
            is_refused(by=dana, now=now, client=alice)
        Client.objects.filter(pk=alice.pk).update(pronouns="she")
    alice.refresh_from_db()
    assert (alice.legal_name, told_of(alice)) == ("Alice Marques", None)


def test_a_block_that_the_database_refuses_gives_the_outer_service_its_name_back(alice, dana, now):
    @recorded
    def tries(*, by, now, client):
        with pytest.raises(Exception, match="client_has_a_name"), because("a try"):
            Client.objects.filter(pk=client.pk).update(legal_name="")
        Client.objects.filter(pk=client.pk).update(pronouns="she")

    tries(by=dana, now=now, client=alice)
    assert told_of(alice) == {"by": dana.pk, "at": now.isoformat()}


def test_what_one_thread_says_another_does_not_repeat(transactional_db, dana, now):
    client = ClientFactory()

    def elsewhere() -> None:
        Client.objects.filter(pk=client.pk).update(pronouns="she")
        connection.close()

    @recorded
    def meanwhile(*, by, now):
        other = threading.Thread(target=elsewhere)
        other.start()
        other.join()

    meanwhile(by=dana, now=now)
    assert told_of(client) is None


def test_where_a_therapist_works_is_in_the_history(bea: Therapist, location, dana, now):
    harbour, hill = location, LocationFactory(name="Hill")

    @recorded
    def works_at(*, by, now, locations):
        bea.locations.set(locations)

    works_at(by=dana, now=now, locations=[hill])
    works_at(by=dana, now=now, locations=[hill, harbour])
    events = TherapistLocation.pgh_event_model.objects.filter(pgh_context__isnull=False).order_by("pgh_id")
    assert [(event.pgh_label, event.location_id) for event in events] == [
        ("delete", harbour.pk),
        ("insert", hill.pk),
        ("insert", harbour.pk),
    ]
    assert {event.pgh_context["by"] for event in events} == {dana.pk}
