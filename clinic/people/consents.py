"""What a client said about being written to, channel by channel."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.people.models import Client, ContactConsent
from clinic.people.records import records_of


@dataclass(frozen=True)
class ChannelWords:
    """Her words on one channel: the one that counts, and those before it, newest first."""

    label: str
    latest: ContactConsent | None
    earlier: tuple[ContactConsent, ...]

    @property
    def is_given(self) -> bool:
        return self.latest is not None and self.latest.is_given

    def in_short(self, zone: ZoneInfo) -> str:
        """Return the word that counts, with when and how it was said: “no (20 Nov 2026, on the phone)”."""
        if self.latest is None:
            return _("never asked")
        day = date_format(self.latest.at.astimezone(zone), "j M Y, H:i")
        return f"{_('yes') if self.is_given else _('no')} ({day}, {self.latest.source})"


@dataclass(frozen=True)
class WordsOfTwo:
    """What two records of one person say on a channel, and which holds when they are one."""

    label: str
    kept: str
    gone: str
    holds: str


def words_of_two(kept: Client, gone: Client, zone: ZoneInfo) -> list[WordsOfTwo]:
    """Return, for each channel on which one of two records says something, both words and the one that will hold."""
    rows = []
    for ours, theirs in zip(words_of(kept), words_of(gone), strict=True):
        said = [word for word in (ours.latest, theirs.latest) if word is not None]
        if said:
            latest = max(said, key=lambda word: (word.at, word.pk))
            holds = _("yes will hold") if latest.is_given else _("no will hold")
            label = _("Messages by %(channel)s") % {"channel": ours.label}
            rows.append(WordsOfTwo(label, ours.in_short(zone), theirs.in_short(zone), holds))
    return rows


def words_of(client: Client) -> tuple[ChannelWords, ...]:
    """Return her words on every channel; one query."""
    hers = ContactConsent.objects.filter(client__among=records_of(client.pk))
    words = list(hers.select_related("by").order_by("-at", "-pk"))
    by_channel = {code: [word for word in words if word.channel == code] for code in ContactConsent.Channel.values}
    return tuple(
        ChannelWords(str(ContactConsent.Channel(code).label), said[0] if said else None, tuple(said[1:]))
        for code, said in by_channel.items()
    )
