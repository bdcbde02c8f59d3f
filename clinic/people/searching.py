"""Find a client by what somebody types: who fits, who nearly fits, and whom the reader had open last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models.functions import Coalesce
from django.utils.formats import date_format

from clinic.audit.models import Look
from clinic.lib.prepared import planned_for_these_words
from clinic.people.models import Client, ClientQuerySet, User
from clinic.people.models.searching import as_typed

SHOWN = 8
# With fewer who fit, a typo is likely: those who nearly fit stand below them.
FEW = 5
# Several looks at each of the last clients: her page, her chart, her history.
LOOKS_READ = 100


@dataclass(frozen=True)
class Suggestions:
    """At most SHOWN clients for one search, best first."""

    clients: Sequence[Client]
    are_recent: bool = False


@planned_for_these_words()
def suggestions(typed: str, user: User) -> Suggestions:
    """Return whom the words mean, archived ones where nobody else fits; without words, whom `user` opened last."""
    if not as_typed(typed):
        return Suggestions(recently_opened(user), are_recent=True)
    active = _shown(Client.objects.active())
    found = list(active.matching(typed).best_first(typed)[:SHOWN])
    if len(found) < FEW:
        found = list(active.resembling(typed).best_first(typed)[:SHOWN])
    return Suggestions(found or list(_shown(archived(typed))[:SHOWN]))


def told_by(typed: str) -> dict[str, str]:
    """Return under the name of its field what somebody new is known by, who was looked for and not found."""
    told = as_typed(typed)
    if told.born:
        return {**told_by(told.beside), "born_on": date_format(told.born[0], "j F Y")}
    if "@" in typed:
        return {"email": typed}
    if any(map(str.isalpha, typed)):
        return {"legal_name": typed}
    return {"phone": typed} if any(map(str.isdecimal, typed)) else {}


def fitting(typed: str) -> ClientQuerySet:
    """Return all whom the words mean, best first; without words everybody, newest first."""
    active = Client.objects.active()
    if not as_typed(typed):
        return active.newest_first()
    exactly, nearly = active.matching(typed), active.resembling(typed)
    if len(exactly.values_list("pk")[:FEW]) == FEW:
        return exactly.best_first(typed)
    return nearly.best_first(typed) if nearly.exists() else archived(typed)


def archived(typed: str) -> ClientQuerySet:
    """Return the archived whom the words mean, and those into whose record one was merged that they mean."""
    gone = Client.objects.filter(archived_at__isnull=False).matching(typed)
    kept = gone.annotate(kept=Coalesce("merged_into", "pk")).values("kept")
    return Client.objects.filter(pk__in=kept).best_first(typed)


def recently_opened(user: User) -> list[Client]:
    """Return the clients whom this member of staff opened last; before there are enough, those added last."""
    looks = Look.objects.filter(by_id=user.pk).order_by("-at").values_list("client_pk", flat=True)[:LOOKS_READ]
    opened = list(dict.fromkeys(looks))
    active = _shown(Client.objects.active())
    found = active.in_bulk(opened[: SHOWN * 2])
    recent = [found[pk] for pk in opened if pk in found][:SHOWN]
    if len(recent) < SHOWN:
        recent += active.exclude(pk__in=[client.pk for client in recent]).newest_first()[: SHOWN - len(recent)]
    return recent


def _shown(clients: ClientQuerySet) -> ClientQuerySet:
    """Read only what tells one namesake from another."""
    return clients.only(
        "legal_name", "preferred_name", "pronouns", "born_on", "phone", "guardian_name", "guardian_phone", "archived_at"
    )
