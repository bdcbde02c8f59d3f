"""Gates: what upper rooms know about whether a visit needs a therapist's review.

Every service that books, moves, or changes therapist or service asks them under its lock and stores only the answer,
`review_needed`; the reason stays with the room that knows it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from clinic.lib.registry import Registry


@dataclass(frozen=True)
class PlannedVisit:
    """What a gate is asked about: who, which modality, on which local day."""

    client_pk: int
    modality_pk: int
    day: date


# Answers, for each planned visit, whether a therapist must look first. One call for a whole series: constant queries.
Gate = Callable[[Sequence[PlannedVisit]], Sequence[bool]]

gates: Registry[Gate] = Registry("gate")


def review_needed(visits: Sequence[PlannedVisit]) -> list[bool]:
    """Return for each visit whether any gate wants a therapist's review."""
    answers = [gate(visits) for gate in gates]
    return [any(row) for row in zip(*answers, strict=True)] if answers else [False] * len(visits)


# Answers whether a client must speak with the clinic before she books by herself; why stays with the room that knows.
OnlineStop = Callable[[int], bool]

online_stops: Registry[OnlineStop] = Registry("stop of booking online")


def stops_online(client_pk: int) -> bool:
    """Say whether any room wants her to be spoken with before she books by herself, on whatever road."""
    return any(stop(client_pk) for stop in online_stops)
