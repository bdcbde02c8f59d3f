"""The canonical bytes of a note, and the clinic's one chain over them.

digest = sha256(previous digest + canonical bytes), the previous one as its 64 hex letters; the first note follows the
empty one. The client's key and name are not in the bytes: merging two clients changes nothing signed, and erasure can
leave the digest behind.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from clinic.people.models import User
from sessions.models import Note

FORMAT = 1
# Taken for the length of a signature, so that two notes never follow the same one. Any number that nothing else uses.
CHAIN_LOCK = 7_110_001

NOTE_FACTS = (
    "phase",
    "is_usual",
    "consent_given",
    "is_sedated",
    "pain_before",
    "acute_medicine",
    "sleep",
    "stress",
    "since_last",
    "noticed",
    "position",
    "products",
    "environment",
    "pressure_feedback",
    "pain_after",
    "response",
    "adverse_response",
    "is_drowsy",
    "assessment",
    "home_care",
    "referral",
    "next_in_weeks",
)
BLOCK_FACTS = (
    "position",
    "region",
    "side",
    "technique",
    "pressure",
    "minutes",
    "details",
    "passed_over",
    "is_deviation",
    "override_reason",
)


def instant(moment: datetime | None) -> str | None:
    """Write an instant in UTC, to the microsecond."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds") if moment else None


def frozen_facts(note: Note) -> dict[str, Any]:
    """Return what the database freezes: the note's own columns, its blocks and its marks, in a fixed order."""
    return {
        "note": {
            **{name: getattr(note, name) for name in NOTE_FACTS},
            "started_at": instant(note.started_at),
            "signed_at": instant(note.signed_at),
        },
        "blocks": [
            {
                **{name: getattr(block, name) for name in BLOCK_FACTS},
                "modality": block.modality.slug,
                "override_at": instant(block.override_at),
            }
            for block in sorted(note.blocks.all(), key=lambda block: block.position)
        ],
        "marks": sorted([mark.region, mark.side, mark.kind] for mark in note.marks.all()),
    }


def canonical_bytes(note: Note, *, signed_by: User) -> bytes:
    """Return the note as signed: what is frozen, and the names and the visit as they stood then."""
    visit = note.appointment
    content = {
        "format": FORMAT,
        **frozen_facts(note),
        "visit": {
            "starts_at": instant(visit.starts_at),
            "ends_at": instant(visit.ends_at),
            "time_zone": visit.location.time_zone,
            "location": visit.location.name,
            "service": visit.service.name,
        },
        "therapist": {"name": note.therapist.user.name, "licence_number": note.therapist.licence_number},
        "signed_by": signed_by.name,
    }
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def shown_digest(note: Note, *, signed_by: User) -> str:
    """Return the digest of what a signature would freeze now: the preview carries it, the signature compares it."""
    return digest_of("", canonical_bytes(note, signed_by=signed_by))


def digest_of(previous: str, canonical: bytes) -> str:
    """Return a note's digest from the one before it."""
    return hashlib.sha256(previous.encode() + canonical).hexdigest()


def lock_chain() -> None:
    """Let nobody else sign until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHAIN_LOCK])


def last_link() -> tuple[int, str]:
    """Return place and digest of the note signed last; call under the chain's lock."""
    last = Note.objects.signed().order_by("-chain_position").values_list("chain_position", "digest").first()
    return (last[0] or 0, last[1]) if last else (0, "")


@dataclass(frozen=True)
class BrokenLink:
    """Where the chain breaks first, and how."""

    position: int
    note_pk: int
    problem: str


def first_broken_link() -> BrokenLink | None:
    """Walk the whole chain and return where it breaks, or None."""
    expected, previous = 1, ""
    for note in _signed_in_order():
        problem = _problem_with(note, expected, previous)
        if problem:
            return BrokenLink(note.chain_position or 0, note.pk, problem)
        expected, previous = expected + 1, note.digest
    return None


def _signed_in_order() -> Iterator[Note]:
    notes = Note.objects.signed().order_by("chain_position").prefetch_related("blocks__modality", "marks")
    return notes.iterator(chunk_size=200)


def _problem_with(note: Note, expected: int, previous: str) -> str:
    canonical = bytes(note.canonical or b"")
    if note.chain_position != expected:
        return f"place {expected} in the chain is missing"
    if note.previous_digest != previous:
        return "it does not follow the note before it"
    if note.digest != digest_of(previous, canonical):
        return "its digest does not belong to what was signed"
    signed = json.loads(canonical)
    changed = [name for name, facts in frozen_facts(note).items() if signed.get(name) != facts]
    return f"its {' and '.join(changed)} changed since it was signed" if changed else ""
