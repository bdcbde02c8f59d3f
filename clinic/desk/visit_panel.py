"""The side panel about one visit: what is open, the steps on the line, and booking again. Nothing about health."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.desk.day import in_absence_badge, left_badges, left_out_badge, review_badges
from clinic.lib.times import local_date
from clinic.people.models import User
from clinic.people.records import records_of
from clinic.scheduling.addresses import day_url
from clinic.scheduling.badges import Badge, badges_for
from clinic.scheduling.models import MOVABLE, NOT_BEGUN, TAKING, Appointment, Status, StatusChange
from clinic.scheduling.offers import again
from clinic.scheduling.statuses import may_become, refused
from clinic.scheduling.words import day_words, time_words
from intake.checkin import may_check_in

LINE = (Status.BOOKED, Status.CONFIRMED, Status.ARRIVED, Status.IN_SESSION, Status.COMPLETED)
ENDED = (Status.CANCELLED, Status.LATE_CANCELLED, Status.NO_SHOW)
LINE_WORDS = {
    Status.BOOKED: gettext_lazy("Booked"),
    Status.CONFIRMED: gettext_lazy("Confirmed"),
    Status.ARRIVED: gettext_lazy("Arrived"),
    Status.IN_SESSION: gettext_lazy("Session"),
    Status.COMPLETED: gettext_lazy("Checked out"),
}
VERBS = {
    Status.CONFIRMED: (gettext_lazy("Confirm"), "check"),
    Status.ARRIVED: (gettext_lazy("Arrive"), "door-enter"),
    Status.COMPLETED: (gettext_lazy("Check out"), "receipt"),
}
CANCELLABLE = (*MOVABLE, Status.ARRIVED)


@dataclass(frozen=True)
class Step:
    """One point of the line. `to` is the status its button asks for; `url` is where its link leads."""

    words: str
    detail: str
    look: str
    verb: str = ""
    icon: str = ""
    to: str = ""
    url: str = ""
    undo_to: str = ""

    @property
    def asks_for(self) -> str:
        """The status that its button asks for, onward or back."""
        return self.to or self.undo_to

    @property
    def key(self) -> str:
        """The key that presses its button."""
        return "a" if self.to == Status.ARRIVED else ""


@dataclass(frozen=True)
class Offer:
    """The same visit some weeks later."""

    weeks: int
    on: datetime | None
    day: object
    words: str
    look: str
    # Where another time is chosen, or the visit that is there; empty where one click books this one.
    url: str

    @property
    def key(self) -> UUID:
        """The key by which a form that is sent twice books once."""
        return uuid4()


@dataclass(frozen=True)
class VisitPanel:
    visit: Appointment
    number: int
    age: int | None
    open_work: Sequence[Badge]
    steps: Sequence[Step]
    offers: Sequence[Offer]
    series_url: str
    back: str
    can_move: bool
    # To another service or length.
    can_change: bool
    can_cancel: bool
    can_be_missed: bool
    # On the day, on a tablet that is handed over.
    can_check_in: bool
    # Though its therapist is away then, or has other hours by now.
    may_stay: bool
    is_on_line: bool


def visit_panel(*, user: User, now: datetime, visit: Appointment) -> VisitPanel:
    """Return what the panel shows, for somebody at the desk or the therapist herself."""
    zone = visit.location.zone
    hers = Appointment.objects.filter(client__among=records_of(visit.client_id))
    earlier = hers.filter(status__in=TAKING, starts_at__lt=visit.starts_at).count()
    badges = badges_for(user, [visit])[visit.pk]
    anew = _why_anew(visit, now)
    known = [*review_badges(visit, badges, review_needed=visit.review_needed), *badges]
    return VisitPanel(
        visit=visit,
        number=earlier + 1,
        age=visit.client.age_on(local_date(zone, now)),
        open_work=[
            *anew,
            *(badge for badge in known if badge.is_open_work),
        ],
        steps=_steps(user, visit, now),
        offers=_offers(visit, now),
        series_url=_series_url(visit),
        back=day_url(visit),
        can_move=visit.status in MOVABLE,
        can_change=visit.status in NOT_BEGUN,
        can_cancel=visit.status in CANCELLABLE,
        can_be_missed=may_become(visit.status, Status.NO_SHOW) and visit.starts_at <= now,
        can_check_in=may_check_in(visit, now),
        may_stay=bool(anew) and not left_badges(visit, visit.therapist, zone, now),
        is_on_line=visit.status in LINE,
    )


def _why_anew(visit: Appointment, now: datetime) -> Sequence[Badge]:
    """Return the sign that the visit cannot take place as it is booked."""
    if not Appointment.objects.to_rebook(now).filter(pk=visit.pk).exists():
        return ()
    other = left_out_badge() if visit.left_out_at else in_absence_badge()
    return left_badges(visit, visit.therapist, visit.location.zone, now) or (other,)


def _steps(user: User, visit: Appointment, now: datetime) -> list[Step]:
    # In the order in which they were made: each was made under the lock of the one before.
    changes = list(visit.status_changes.select_related("by").order_by("pk"))
    details = {status: _detail(change, visit, now) for status, change in _way(changes).items()}
    if visit.status in ENDED:
        return [_booked(details), _ended(visit, changes, details)]
    if visit.status not in LINE:
        words = visit.get_status_display().capitalize()
        return [Step(words, details.get(Status(visit.status), ""), "here", _("Book"), "check", to=Status.BOOKED)]
    here = LINE.index(Status(visit.status))
    undo_to = _undo(changes, visit)
    return [_step(user, visit, place, here, details, undo_to, now) for place in range(len(LINE))]


def _way(changes: Sequence[StatusChange]) -> dict[Status, StatusChange]:
    """Return the steps that led here; one that was taken back is none, and the one before it stays as it was."""
    way: dict[Status, StatusChange] = {}
    for change in changes:
        after = Status(change.after)
        if after in LINE:
            way = {status: kept for status, kept in way.items() if status in LINE[: LINE.index(after) + 1]}
        if after not in way or (change.why and not change.is_undo):
            way[after] = change
    return way


def _booked(details: Mapping[Status, str]) -> Step:
    return Step(_("Booked"), details.get(Status.BOOKED, ""), "done")


def _ended(visit: Appointment, changes: Sequence[StatusChange], details: Mapping[Status, str]) -> Step:
    words = visit.get_status_display().capitalize()
    return Step(words, details.get(Status(visit.status), ""), "here", undo_to=_undo(changes, visit))


def _step(  # noqa: PLR0917 -- private, and each fact is of its own type
    user: User, visit: Appointment, place: int, here: int, details: Mapping[Status, str], undo_to: str, now: datetime
) -> Step:
    status = LINE[place]
    words = str(LINE_WORDS[status])
    if place < here:
        detail = details.get(status, "")
        return Step(words, detail or _("not asked"), "done" if detail else "next")
    if place == here:
        return Step(words, details.get(status, ""), "here", undo_to=undo_to)
    return _next_step(user, visit, status, words, now)


def _next_step(user: User, visit: Appointment, status: Status, words: str, now: datetime) -> Step:
    """Return a step still to come, with its verb where this person may take it now."""
    if status == Status.IN_SESSION:
        detail = _("after the review") if visit.review_needed else ""
        if user.is_therapist and visit.status == Status.ARRIVED:
            url = reverse("treatment:start", args=[visit.pk])
            return Step(words, detail, "next", _("Start session"), "player-play", url=url)
        return Step(words, detail or _("by the therapist"), "next")
    verb, icon = VERBS[status]
    zone = visit.location.zone
    is_of_another_day = status == Status.ARRIVED and local_date(zone, visit.starts_at) != local_date(zone, now)
    if may_become(visit.status, status) and not is_of_another_day:
        return Step(words, "", "next", str(verb), icon, to=status)
    return Step(words, "", "next")


def _undo(changes: Sequence[StatusChange], visit: Appointment) -> str:
    """Return the status from which the visit came here by its last step, if that may be taken back."""
    last = changes[-1] if changes else None
    if last is None or last.after != visit.status or last.before not in LINE:
        return ""
    came_forward = visit.status in ENDED or LINE.index(Status(last.before)) < LINE.index(Status(visit.status))
    before = Status(last.before)
    return before if came_forward and may_become(visit.status, before) and not refused(visit, before) else ""


def _detail(change: StatusChange, visit: Appointment, now: datetime) -> str:
    """Say when, by whom and why a step was taken; the day only where it was another one."""
    zone = visit.location.zone
    said = [time_words(change.at, zone)]
    if local_date(zone, change.at) != local_date(zone, now):
        said = [day_words(change.at, zone)]
    if change.by:
        said.append(change.by.first_name)
    if change.why:
        said.append(change.why)
    return ", ".join(said)


def _offers(visit: Appointment, now: datetime) -> list[Offer]:
    offers = []
    for one in again(visit, now=now):
        if one.booked is not None:
            at = one.booked.starts_at.astimezone(visit.location.zone)
            words = _("booked, %(time)s") % {"time": at.strftime("%H:%M")}
            offers.append(Offer(one.weeks, None, one.on, words, "", reverse("desk:appointment", args=[one.booked.pk])))
            continue
        wall = one.starts_at and one.starts_at.astimezone(visit.location.zone).replace(tzinfo=None)
        words, look = _("free"), ""
        if wall is None:
            words, look = _("full"), "busy"
        elif not one.is_same_time:
            words, look = _("only %(time)s") % {"time": wall.strftime("%H:%M")}, "busy"
        url = "" if one.is_same_time else _booking_url(visit, wall, one.on.isoformat())
        offers.append(Offer(one.weeks, wall, one.on, words, look, url))
    return offers


def _booking_url(visit: Appointment, wall: datetime | None, on: str) -> str:
    query = {
        "client": visit.client_id,
        "service": visit.service_id,
        "therapist": visit.therapist_id,
        "location": visit.location_id,
        "on": on,
    }
    if wall is not None:
        query["at"] = wall.isoformat(timespec="minutes")
    return f"{reverse('scheduling:appointment-new')}?{urlencode(query)}"


def _series_url(visit: Appointment) -> str:
    query = {
        "client": visit.client_id,
        "service": visit.service_id,
        "therapist": visit.therapist_id,
        "location": visit.location_id,
        "at_time": visit.local_start.strftime("%H:%M"),
        "after": visit.local_start.date().isoformat(),
    }
    return f"{reverse('scheduling:series-new')}?{urlencode(query)}"
