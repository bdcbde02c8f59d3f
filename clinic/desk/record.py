"""A client's record as the desk reads it at a glance: what is known, and in one line what nobody has asked yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from phonenumber_field.phonenumber import PhoneNumber

from clinic.people.consents import words_of
from clinic.people.models import Client, ClientAccess, ContactConsent, clinic_zone
from clinic.people.services import lacks_guardian


@dataclass(frozen=True)
class Fact:
    """One thing that may be known, with how somebody is reached by one touch."""

    label: str
    lines: tuple[str, ...] = ()
    phone: PhoneNumber | str = ""
    email: str = ""
    is_asked_of_everybody: bool = False

    @property
    def is_known(self) -> bool:
        return bool(any(self.lines) or self.phone or self.email)


@dataclass(frozen=True)
class Record:
    """What is known of a client; nothing of her health."""

    facts: tuple[Fact, ...]
    not_asked: str
    # What was said of each channel.
    channels: tuple[str, ...]
    agrees_to_mail: bool
    lacks_guardian: bool


def record_of(client: Client, now: datetime) -> Record:
    """Return what is known of a client; a constant number of queries."""
    facts = list(_facts(client))
    zone = clinic_zone()
    said = dict(zip(ContactConsent.Channel.values, words_of(client), strict=True))
    return Record(
        facts=tuple(fact for fact in facts if fact.is_known),
        not_asked=", ".join(fact.label.lower() for fact in facts if fact.is_asked_of_everybody and not fact.is_known),
        channels=tuple(f"{capfirst(words.label)}: {words.in_short(zone)}" for words in said.values()),
        agrees_to_mail=said[ContactConsent.Channel.EMAIL].is_given,
        lacks_guardian=lacks_guardian(client, now),
    )


def _facts(client: Client) -> Iterator[Fact]:
    yield Fact(_("Other phone"), phone=client.other_phone)
    yield Fact(_("Address"), tuple(client.address.splitlines()), is_asked_of_everybody=True)
    yield Fact(
        _("Emergency contact"),
        (_somebody(client.emergency_name, client.emergency_relation),),
        phone=client.emergency_phone,
        is_asked_of_everybody=True,
    )
    yield Fact(
        _("Guardian"),
        (_somebody(client.guardian_name, client.guardian_relation),),
        phone=client.guardian_phone,
        email=client.guardian_email,
    )
    physician = (client.physician_name, *client.physician_contact.splitlines())
    yield Fact(_("Physician"), tuple(line for line in physician if line), is_asked_of_everybody=True)
    accesses = ClientAccess.objects.filter(client=client).select_related("user").order_by("pk")
    yield Fact(_("Signs in"), tuple(_somebody(one.user.email, one.get_relation_display()) for one in accesses))
    yield Fact(_("Room"), client.room_wishes, is_asked_of_everybody=True)


def _somebody(name: str, relation: str) -> str:
    return f"{name} ({relation})" if name and relation else name or relation
