"""The channel “text”: to which phone, and through whom."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import phonenumbers
from django.db.models import Q
from django.utils.translation import gettext as _

from clinic.people.models import Client
from clinic.people.services import is_under_age
from clinic.reminders.channels import Letter, Line, Refused
from clinic.reminders.texting.providers import Text, TextLine, text_provider

# In some countries, as in the USA, a number does not tell whether it is a mobile's.
TAKES_TEXTS = frozenset(
    {
        phonenumbers.PhoneNumberType.MOBILE,
        phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
        phonenumbers.PhoneNumberType.PERSONAL_NUMBER,
    }
)


class TextChannel:
    """Texts through the provider that TEXT_URL names."""

    @property
    def deduplicates(self) -> bool:
        """Whether the same text handed over twice goes out once."""
        provider = text_provider()
        return provider is not None and provider.deduplicates

    def address_of(self, client: Client, now: datetime) -> str:
        """Return her mobile number, or of somebody under 18 who has none the guardian's."""
        return text_number(client, now) if text_provider() else ""

    @contextmanager
    def open(self) -> Iterator[Line]:
        """Open a line for a batch."""
        provider = text_provider()
        if provider is None:
            yield Closed()
            return
        with provider.open() as line:
            yield Letters(line)


class Letters:
    """A provider's line, for letters."""

    def __init__(self, line: TextLine) -> None:
        self.line = line

    def send(self, letter: Letter) -> str:
        """Hand it over and return the provider's key of it."""
        return self.line.send(Text(letter.secret, letter.to, letter.text.strip()))


class Closed:
    """No line at all: the provider was taken out of the settings while texts were waiting."""

    def send(self, _letter: Letter) -> str:
        """Refuse: nothing was taken."""
        raise Refused(_("The clinic has no text service."), for_good=True)


def text_number(client: Client, now: datetime) -> str:
    """Return where texts for a client go, as in +351912345678; under 18 and without a mobile, to her guardian's."""
    numbers = [client.phone, client.other_phone]
    if is_under_age(client, now):
        numbers.append(client.guardian_phone)
    mobile = (number for number in numbers if number and phonenumbers.number_type(number) in TAKES_TEXTS)
    return next((number.as_e164 for number in mobile), "")


def reached_at(number: str, now: datetime) -> list[Client]:
    """Return the clients whose texts go to this number, by key; a family may share one."""
    has_it = Q(phone=number) | Q(other_phone=number) | Q(guardian_phone=number)
    found = Client.objects.active().filter(has_it).order_by("pk")
    return [client for client in found if text_number(client, now) == number]
