"""Series that are about to end: a sign on their last visits, and a row of work with the way to go on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clinic.people.models import Role, User
from clinic.people.worklist import Worklist, WorkRow
from clinic.scheduling.badges import Badge, Visit
from clinic.scheduling.models import MOVABLE, Appointment, Series, Status
from clinic.scheduling.words import moment_words

# With so few visits left, somebody asks the client whether it goes on; a shorter series was meant to be short.
LAST_VISITS = 3
NOT_COUNTED = (Status.CANCELLED, Status.LATE_CANCELLED)


def badges(user: User, visits: Sequence[Visit]) -> Mapping[int, Sequence[Badge]]:
    """Say on the last visits of a series how many are left; nothing on one that goes on in another. Two queries."""
    shown = {visit.series_id for visit in visits if visit.series_id is not None and visit.status in MOVABLE}
    ending = _to_go_on().filter(pk__in=shown)
    starts: dict[int, list[datetime]] = defaultdict(list)
    siblings = Appointment.objects.filter(series__in=ending).exclude(status__in=NOT_COUNTED)
    for series, starts_at in siblings.values_list("series", "starts_at") if shown else ():
        starts[series or 0].append(starts_at)
    found: dict[int, list[Badge]] = {}
    for visit in visits:
        left = sum(start > visit.starts_at for start in starts.get(visit.series_id or 0, ()))
        if visit.series_id in starts and visit.status in MOVABLE and left < LAST_VISITS:
            found[visit.pk] = [_badge(left)]
    return found


def _to_go_on() -> QuerySet[Series]:
    """Return the series of which one asks whether they go on: meant to be long, and without another after it.

    One that goes on from another was not short from the start. Where all that follows was cancelled, nothing follows.
    """
    follows = Appointment.objects.filter(series__continues=OuterRef("pk")).exclude(status__in=NOT_COUNTED)
    long = Q(count__gt=LAST_VISITS) | Q(continues__isnull=False)
    return Series.objects.filter(long, ~Exists(follows))


def _badge(left: int) -> Badge:
    if not left:
        return Badge("hourglass", _("last visit of the series"), is_open_work=True)
    words = ngettext("series ends after %(n)d more visit", "series ends after %(n)d more visits", left)
    return Badge("hourglass", words % {"n": left})


def rows_ending(user: User, now: datetime) -> list[WorkRow]:
    """Return the series with few visits left, the one that ends first on top; a therapist's own, for a therapist."""
    left = (
        Appointment.objects.movable(now)
        .order_by()
        .filter(series__isnull=False)
        .values("series")
        .annotate(visits=Count("pk"), last=Max("starts_at"))
        .filter(visits__lte=LAST_VISITS)
    )
    facts = {one["series"]: one for one in left}
    series = _to_go_on().filter(pk__in=facts, client__archived_at__isnull=True)
    if not {Role.FRONT_DESK, Role.OWNER} & {*user.roles}:
        series = series.filter(therapist__user=user)
    named = series.select_related("client", "therapist__user", "location")
    return [
        _row(one, facts[one.pk]["visits"], facts[one.pk]["last"])
        for one in sorted(named, key=lambda one: facts[one.pk]["last"])
    ]


def _row(series: Series, visits: int, last: datetime) -> WorkRow:
    said = {
        "n": visits,
        "last": moment_words(last, series.location.zone),
        "therapist": series.therapist.user.first_name,
    }
    words = ngettext(
        "%(therapist)s, %(n)d visit left, on %(last)s", "%(therapist)s, %(n)d visits left, the last on %(last)s", visits
    )
    return WorkRow(series.client.name, words % said, _("Go on"), continue_url(series, after=last))


def continue_url(series: Series, *, after: datetime) -> str:
    """Return the preview of the series that goes on from this one after its last visit."""
    query = {
        "client": series.client_id,
        "service": series.service_id,
        "therapist": series.therapist_id,
        "location": series.location_id,
        "first_on": _next_on(series, after).isoformat(),
        "at_time": series.at_time.strftime("%H:%M"),
        "every_weeks": series.every_weeks,
        "count": series.count,
        "continues": series.pk,
    }
    return f"{reverse('scheduling:series-new')}?{urlencode(query)}"


def _next_on(series: Series, after: datetime) -> date:
    """Return the next date of the rule after a visit."""
    step, last_on = timedelta(weeks=series.every_weeks), after.astimezone(series.location.zone).date()
    return series.first_on + step * ((last_on - series.first_on) // step + 1)


ENDING = Worklist(
    heading=gettext_lazy("Series that end soon"),
    # Said only while there are any.
    empty="",
    rows=rows_ending,
)
