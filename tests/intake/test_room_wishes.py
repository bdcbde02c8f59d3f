"""How she likes the room: asked in the intake, kept in her record."""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib import import_module

import pytest
from django.apps import apps

from clinic.people.models import Client, User
from clinic.people.services import update_client
from intake import services
from tests.factories import ClientFactory
from tests.intake.answers import fill_in, send

WISHES = {
    "room_light": "dark",
    "room_sound": "quiet",
    "room_scent": "none",
    "room_temperature": "cool",
    "room_talk": "some",
    "table_angle": "flat",
}


def test_what_she_answers_about_the_room_is_in_her_record(alice: Client, now: datetime) -> None:
    send(alice, now=now, **WISHES)
    alice.refresh_from_db()
    assert alice.room_wishes == (
        "Light in the room: Dark",
        "Sound: Quiet music",
        "Scent: None",
        "Temperature: Cool",
        "Talk: Some",
        "On the table: Flat",
    )
    told = Client.pgh_event_model.objects.filter(pgh_obj=alice.pk).latest("pgh_id")
    assert (told.pgh_context["by"], told.pgh_context["why"]) == (None, "intake answers")


def test_it_is_kept_when_the_answers_are_sent_and_not_before(alice: Client, now: datetime) -> None:
    fill_in(alice, now=now, room_light="dark")
    alice.refresh_from_db()
    assert alice.room_wishes == ()


def test_what_she_leaves_open_stays_as_it_was(alice: Client, dana: User, now: datetime) -> None:
    update_client(by=dana, now=now, client=alice, sound="silence", light="normal")
    send(alice, now=now, room_light="dim")
    alice.refresh_from_db()
    assert (alice.light, alice.sound) == ("dim", "silence")


def test_the_form_begins_with_what_the_record_says_by_now(alice: Client, dana: User, now: datetime) -> None:
    send(alice, now=now, room_light="dark", room_sound="quiet")
    update_client(by=dana, now=now, client=alice, light="normal", sound="")
    begun = services.begin(now=now + timedelta(days=30), client=alice)
    assert begun.answers["room_light"] == "normal"
    assert "room_sound" not in begun.answers


@pytest.mark.parametrize("facts", [{"born_on": "2010-05-01"}, {"phone": "12"}, {"email": "no address"}])
def test_her_answers_are_never_refused_for_what_her_record_lacks(clinic: object, now: datetime, facts) -> None:
    client = ClientFactory(legal_name="Mia Costa")
    Client.objects.filter(pk=client.pk).update(**facts)
    client.refresh_from_db()
    send(client, now=now, room_light="dark")
    client.refresh_from_db()
    assert client.light == "dark"


def test_answers_from_before_the_record_are_taken_over(alice: Client, now: datetime) -> None:
    send(alice, now=now, room_light="dark", room_sound="quiet")
    send(alice, now=now + timedelta(days=1), room_light="dim")
    Client.objects.filter(pk=alice.pk).update(light="", sound="", talk="some")
    import_module("intake.migrations.0003_room_wishes_to_the_record").take_over(apps, None)
    alice.refresh_from_db()
    assert (alice.light, alice.sound, alice.talk) == ("dim", "quiet", "some")
