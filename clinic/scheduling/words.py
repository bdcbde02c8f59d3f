"""What a person reads about times: days with their weekday, and why a time is not free."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.scheduling.slots import Kind, Obstacle, Span


def day_words(instant: datetime, zone: ZoneInfo) -> str:
    """Write the day, as in Thu 19 Nov."""
    return date_format(timezone.localtime(instant, zone), "D j M")


def time_words(instant: datetime, zone: ZoneInfo) -> str:
    """Write the time of day, as in 13:30."""
    return date_format(timezone.localtime(instant, zone), "H:i")


def moment_words(instant: datetime, zone: ZoneInfo) -> str:
    """Write day and time, as in Thu 19 Nov, 13:30."""
    return _("%(day)s, %(time)s") % {"day": day_words(instant, zone), "time": time_words(instant, zone)}


def obstacle_words(found: Obstacle, therapist: str, zone: ZoneInfo, visit: Span) -> str:
    """Say in one sentence why the time of a visit is not free; `therapist` is how she is called."""
    facts = {"therapist": therapist, "day": day_words(visit.start, zone), "time": time_words(visit.start, zone)}
    match found.kind:
        case Kind.BUSY if found.span:
            return _busy_words(found.span, facts, zone, visit)
        case Kind.CLIENT if found.span:
            until = {"until": time_words(found.span.end, zone)}
            return _("The client has another visit until %(until)s.") % until
        case Kind.UNLICENSED if found.span:
            # The span begins when the licence's last day has ended.
            last_day = date_format(timezone.localtime(found.span.start, zone) - timedelta(days=1), "D j M Y")
            return _("The licence of %(therapist)s ends on %(last_day)s.") % (facts | {"last_day": last_day})
        case Kind.AWAY if found.span:
            return _away_words(found, facts, zone)
        case Kind.UNQUALIFIED:
            words = _("%(therapist)s may not give this on %(day)s.")
        case Kind.NO_ROOM:
            words = _("No room is free on %(day)s at %(time)s.")
        case Kind.PAST:
            words = _("%(day)s, %(time)s has passed.")
        case _:
            words = _("%(therapist)s does not work on %(day)s at %(time)s.")
    return words % facts


def _busy_words(span: Span, facts: dict[str, str], zone: ZoneInfo, visit: Span) -> str:
    facts |= {"from": time_words(span.start, zone), "until": time_words(span.end, zone)}
    if span.start >= visit.end or span.end <= visit.start:  # only the buffers meet
        return (
            _("%(therapist)s has another visit from %(from)s until %(until)s, with too little time between the two.")
            % facts
        )
    if span.start > visit.start:
        return _("%(therapist)s has another visit from %(from)s until %(until)s.") % facts
    return _("%(therapist)s has another visit until %(until)s.") % facts


def _away_words(found: Obstacle, facts: dict[str, str], zone: ZoneInfo) -> str:
    assert found.span is not None  # noqa: S101 -- told by the caller's match
    facts |= {"span": span_words(found.span, zone), "reason": found.reason}
    return (_("%(reason)s: %(span)s.") if found.reason else _("%(therapist)s is away: %(span)s.")) % facts


def span_words(span: Span, zone: ZoneInfo) -> str:
    """Write a stretch of time; whole days without their hours."""
    first, last = timezone.localtime(span.start, zone), timezone.localtime(span.end, zone)
    if first.time() != time.min or last.time() != time.min:
        facts = {"from": moment_words(span.start, zone), "until": moment_words(span.end, zone)}
        return _("%(from)s to %(until)s") % facts
    facts = {"from": date_format(first, "D j M"), "until": date_format(last - timedelta(days=1), "D j M")}
    return facts["from"] if facts["from"] == facts["until"] else _("%(from)s to %(until)s") % facts
