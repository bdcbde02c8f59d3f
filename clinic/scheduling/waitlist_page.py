"""What the waitlist's pages show: who waits for what since when, whom to phone, and how an offer stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from enum import Enum
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.formats import date_format, time_format
from django.utils.text import get_text_list
from django.utils.timesince import timesince
from django.utils.timezone import make_naive
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.lib.times import local_date
from clinic.people.models import Client, Location, Role, User, clinic_zone
from clinic.people.records import records_of
from clinic.people.worklist import Worklist, WorkRow
from clinic.scheduling.badges import Badge, badges_for
from clinic.scheduling.models import Appointment, Offer, Status, Wish
from clinic.scheduling.offer_links import token_for
from clinic.scheduling.waitlist import to_phone
from clinic.scheduling.words import moment_words, time_words

ROLES = frozenset({Role.FRONT_DESK, Role.OWNER})
# So many are named beside the day; the list has them all.
MOST_NAMED = 5


@dataclass(frozen=True)
class OfferRow:
    """A time that is held for somebody; `until` is by the wall of the place, `badges` what else is known of it."""

    offer: Offer
    visit: Appointment
    until: datetime
    must_be_phoned: bool
    badges: Sequence[Badge] = ()


@dataclass(frozen=True)
class OfferToAnswer:
    """A time that is held for her who reads this, until then by the wall of the place, and where she answers."""

    visit: Appointment
    until: datetime
    url: str


@dataclass(frozen=True)
class WishRow:
    """Somebody who waits. `ask` says why somebody should ask her first; empty for most."""

    wish: Wish
    what: str
    when: str
    waits: str
    find_url: str
    ask: str = ""
    is_over: bool = False


@dataclass(frozen=True)
class WaitlistPage:
    offers: Sequence[OfferRow]
    to_ask: Sequence[WishRow]
    waiting: Sequence[WishRow]


class Standing(Enum):
    """How an offer stands for her who opens its link."""

    HELD = "held"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    OVER = "over"


def waitlist_page(user: User, now: datetime) -> WaitlistPage:
    """Return who has an offer, who should be asked, and who waits, in order; as many queries for one as for many."""
    offers = _offer_rows(now)
    badges = badges_for(user, [row.visit for row in offers])
    offers = [replace(row, badges=badges[row.visit.pk]) for row in offers]
    offered = {row.offer.wish_id for row in offers}
    silent = set(Wish.objects.silent().values_list("pk", flat=True))
    today = local_date(clinic_zone(), now)
    has_places = Location.objects.filter(archived_at__isnull=True)[1:].exists()
    to_ask: list[WishRow] = []
    waiting: list[WishRow] = []
    for wish in Wish.objects.kept().with_all():
        if wish.pk in offered:
            continue
        is_over = wish.last_on is not None and wish.last_on < today
        ask = _("The last two offers were not answered.") if wish.pk in silent else ""
        ask = _("The days asked for are over.") if is_over else ask
        row = _wish_row(wish, now, has_places=has_places)
        (to_ask if ask else waiting).append(replace(row, ask=ask, is_over=is_over))
    return WaitlistPage(offers, to_ask, waiting)


def waiting_for(day: date, location: Location, now: datetime) -> list[WishRow]:
    """Return the first who wait and could come to this place on that day, in order. One query, or four."""
    could = Wish.objects.could_come(day, location).with_all()[:MOST_NAMED]
    return [_wish_row(wish, now, found_on=day, found_at=location) for wish in could]


def offers_to_answer(client: Client, now: datetime) -> list[OfferToAnswer]:
    """Return the free times that are held for a client, whose hold ends soonest first. One query."""
    held = Offer.objects.still_held(now).filter(appointment__client__among=records_of(client.pk)).with_all()
    return [
        OfferToAnswer(offer.appointment, _until(offer.appointment), reverse("booking:offer", args=[token_for(offer)]))
        for offer in held.order_by("appointment__held_until")
    ]


def standing_of(offer: Offer, now: datetime) -> Standing:
    """Return how an offer stands."""
    visit = offer.appointment
    if visit.status not in {Status.HELD, Status.CANCELLED, Status.LATE_CANCELLED}:
        return Standing.ACCEPTED
    if visit.status == Status.HELD and visit.held_until and visit.held_until > now:
        return Standing.HELD
    return Standing.DECLINED if offer.answer == Offer.Answer.DECLINED else Standing.OVER


def wanted_words(wish: Wish) -> str:
    """Say when she can come: “Mon, Wed, from 16:00, until 18 Dec”."""
    parts = [", ".join(str(WEEKDAYS_ABBR[day]) for day in wish.weekdays)] if wish.weekdays else []
    parts += _between(_time(wish.not_before), _time(wish.not_after))
    parts += _between(_day(wish.first_on), _day(wish.last_on))
    return ", ".join(parts) or _("any time")


def _between(first: str, last: str) -> list[str]:
    if first and last:
        return [_("%(first)s to %(last)s") % {"first": first, "last": last}]
    if first:
        return [_("from %(first)s") % {"first": first}]
    return [_("until %(last)s") % {"last": last}] if last else []


def _any_of(names: Iterable[str]) -> str:
    return get_text_list(list(names), _("or"))


def _day(day: date | None) -> str:
    return date_format(day, "j M") if day else ""


def _time(wall: time | None) -> str:
    return time_format(wall, "H:i") if wall else ""


def _offer_rows(now: datetime) -> list[OfferRow]:
    held = list(Offer.objects.still_held(now).with_all().order_by("appointment__held_until", "pk"))
    unreached = to_phone(held, now) if held else set()
    return [
        OfferRow(
            offer,
            offer.appointment,
            _until(offer.appointment),
            offer.appointment.client_id in unreached,
        )
        for offer in held
    ]


def _until(held: Appointment) -> datetime:
    """Return until when a time is held, by the wall of the place."""
    assert held.held_until is not None  # noqa: S101 -- a hold has an end, the database says
    return make_naive(held.held_until, held.location.zone)


def _wish_row(
    wish: Wish,
    now: datetime,
    *,
    has_places: bool = False,
    found_on: date | None = None,
    found_at: Location | None = None,
) -> WishRow:
    """Return a wish in words; `find_url` leads to the free times of a day and at a place, if these are settled."""
    services, people, places = list(wish.services.all()), list(wish.therapists.all()), list(wish.locations.all())
    parts = [_any_of(service.name for service in services)]
    parts.append(_("with %(whom)s") % {"whom": _any_of(one.user.first_name for one in people) or _("anyone")})
    if has_places and places:
        parts.append(_any_of(place.name for place in places))
    asked = {"client": wish.client_id, "service": services[0].pk if services else ""}
    asked |= {"therapist": people[0].pk} if len(people) == 1 else {}
    place = found_at or (places[0] if len(places) == 1 else None)
    asked |= {"location": place.pk} if place else {}
    day = found_on or (wish.first_on if wish.first_on and wish.first_on > now.date() else None)
    asked |= {"on": day.isoformat()} if day else {}
    return WishRow(
        wish=wish,
        what=", ".join(parts),
        when=wanted_words(wish),
        waits=timesince(wish.added_at, now, depth=1),
        find_url=f"{reverse('scheduling:appointment-new')}?{urlencode(asked)}",
    )


# --- Open work


def count(user: User, now: datetime) -> int:
    """Return how many must be phoned, for their time is held and no mail goes to them."""
    # Mostly nothing is held at all, and each page asks: whom an offer is for is read only where there is one.
    return len(_to_phone(now)) if ROLES & {*user.roles} and Offer.objects.still_held(now).exists() else 0


def rows(user: User, now: datetime) -> Sequence[WorkRow]:
    """Return them, whose hold ends soonest first."""
    if not ROLES & {*user.roles}:
        return []
    return [
        WorkRow(
            title=row.visit.client.name,
            detail=_("%(visit)s is held until %(until)s; no mail goes to this client.")
            % {
                "visit": moment_words(row.visit.starts_at, row.visit.location.zone),
                "until": time_words(row.visit.held_until or now, row.visit.location.zone),
            },
            verb=_("Phone"),
            url=reverse("scheduling:waitlist"),
            is_urgent=True,
        )
        for row in _to_phone(now)
    ]


def _to_phone(now: datetime) -> list[OfferRow]:
    return [row for row in _offer_rows(now) if row.must_be_phoned]


WAITLIST = Worklist(
    heading=gettext_lazy("Free times to phone about"),
    # Said only while there are any.
    empty="",
    count=count,
    rows=rows,
    roles=ROLES,
)
