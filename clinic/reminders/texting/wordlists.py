"""What a short answer means. Only whole answers count: “no problem” is no “no”."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from clinic.reminders.texting.models import Reply

Meaning = Reply.Meaning

# Carriers define these, in English wherever the phone is; after “cancel”, too, they let no more texts through.
STOP = frozenset({"stop", "stop all", "stopall", "unsubscribe", "end", "quit", "revoke", "opt out", "optout", "arrêt"})
CANCEL = "cancel"
START = frozenset({"start", "unstop", "opt in", "optin", "subscribe"})


@dataclass(frozen=True)
class Words:
    """How a language says yes, no, and that somebody will not come."""

    yes: frozenset[str]
    no: frozenset[str]
    not_coming: re.Pattern[str]


WORDS: Mapping[str, Words] = {
    "en": Words(
        yes=frozenset(
            {
                "yes",
                "y",
                "yes please",
                "yes thanks",
                "yes thank you",
                "yep",
                "yeah",
                "yup",
                "ok",
                "okay",
                "sure",
                "confirm",
                "confirmed",
                "i confirm",
                "👍",
            }
        ),
        no=frozenset({"no", "n", "nope", "no thanks", "no thank you", "no sorry"}),
        not_coming=re.compile(
            r"\bcancel|\b(can ?not|can'?t|cant|won'?t|unable to|not able to)( be)? (come|make|attend|coming|there)"
            r"|\bnot coming\b|\bre-?schedul|\bpostpone|\banother (time|day|date)\b"
        ),
    )
}


def meaning_of(words: str, language: str) -> Meaning:
    """Return what an answer means to somebody who writes in `language`."""
    said = plain(words)
    spoken = WORDS.get(language, WORDS["en"])
    if said in STOP:
        return Meaning.STOP
    # “Yes” takes a STOP back at some carriers; it is first an answer to what was asked.
    if said in spoken.yes:
        return Meaning.YES
    if said in START:
        return Meaning.START
    if said in spoken.no:
        return Meaning.NO
    return Meaning.CANCEL if spoken.not_coming.search(said) else Meaning.OTHER


def ends_texts(words: str) -> bool:
    """Say whether these words end the consent to texts, whatever else they mean."""
    return plain(words) in STOP | {CANCEL}


def plain(words: str) -> str:
    """Return words without capitals, signs and spaces that mean nothing."""
    return " ".join(re.sub(r"[^\w\s'👍-]", " ", words.casefold().replace("’", "'")).split())
