"""What a client said about being written to, channel by channel."""

from __future__ import annotations

from dataclasses import dataclass

from clinic.people.merging import records_of
from clinic.people.models import Client, ContactConsent


@dataclass(frozen=True)
class ChannelWords:
    """Her words on one channel: the one that counts, and those before it, newest first."""

    label: str
    latest: ContactConsent | None
    earlier: tuple[ContactConsent, ...]

    @property
    def is_given(self) -> bool:
        return self.latest is not None and self.latest.is_given


def words_of(client: Client) -> tuple[ChannelWords, ...]:
    """Return her words on every channel; one query."""
    hers = ContactConsent.objects.filter(client__among=records_of(client.pk))
    words = list(hers.select_related("by").order_by("-at", "-pk"))
    by_channel = {code: [word for word in words if word.channel == code] for code in ContactConsent.Channel.values}
    return tuple(
        ChannelWords(str(ContactConsent.Channel(code).label), said[0] if said else None, tuple(said[1:]))
        for code, said in by_channel.items()
    )
