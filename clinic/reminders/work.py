"""What the rooms below show of ours: badges on calendar blocks, and the number beside “Messages”."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import Q
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.lib.lookups import keys
from clinic.people.models import Role, User
from clinic.people.worklist import Worklist, WorkRow
from clinic.reminders.access import minds_messages
from clinic.reminders.models import Message, Reply
from clinic.reminders.reading import OF_A_VISIT, MessageRow, message_rows
from clinic.reminders.texting.inbox import reply_rows
from clinic.scheduling.badges import Badge, Visit
from clinic.scheduling.models import Offer, Status

State = Message.State
ON_ITS_WAY = {State.WAITING, State.CLAIMED, State.SENDING, State.RETRY}
# What is said of one that was sent, that failed, and that perhaps was sent.
SIGNS = {
    "reminder": (
        gettext_lazy("reminder sent"),
        gettext_lazy("reminder failed"),
        gettext_lazy("reminder perhaps not sent"),
    ),
    "moved": (
        gettext_lazy("told of the change"),
        gettext_lazy("not told of the change"),
        gettext_lazy("perhaps not told of the change"),
    ),
    "cancelled": (
        gettext_lazy("told of the cancellation"),
        gettext_lazy("not told of the cancellation"),
        gettext_lazy("perhaps not told of the cancellation"),
    ),
    "offer": (gettext_lazy("offer sent"), gettext_lazy("offer not sent"), gettext_lazy("offer perhaps not sent")),
}
OF_A_BOOKING = (
    gettext_lazy("confirmation sent"),
    gettext_lazy("confirmation failed"),
    gettext_lazy("confirmation perhaps not sent"),
)


def badges(user: User, visits: Sequence[Visit]) -> Mapping[int, Sequence[Badge]]:
    """Show on each visit what became of its messages; what went wrong hides what went well.

    One query; two where a visit is held, for that may be an offer of the waitlist.
    """
    if not user.is_staff_member:
        return {}
    starts = {visit.pk: visit.starts_at for visit in visits}
    told = Q(kind__in=OF_A_VISIT, subject_pk__among=keys(starts))
    if offered := _offered(visits):
        told |= Q(kind="offer", subject_pk__among=keys(offered))
    read = ("kind", "subject_pk", "about_at", "state", "settled_at")
    found: dict[int, Badge] = {}
    for message in Message.objects.filter(told).order_by("due_at").only(*read):
        visit = offered[message.subject_pk] if message.kind == "offer" else message.subject_pk
        is_of_another_time = message.kind == "reminder" and message.about_at != starts[visit]
        badge = None if is_of_another_time else badge_of(message)
        if badge and not (visit in found and found[visit].is_open_work):
            found[visit] = badge
    return {pk: [badge] for pk, badge in found.items()}


def _offered(visits: Sequence[Visit]) -> dict[int, int]:
    """Return the visit of each offer whose time is held."""
    held = [visit.pk for visit in visits if visit.status == Status.HELD]
    return dict(Offer.objects.filter(appointment__in=held).values_list("pk", "appointment")) if held else {}


def badge_of(message: Message) -> Badge | None:
    """Return the sign for one message, if it is worth one."""
    sent, failed, uncertain = SIGNS.get(message.kind, OF_A_BOOKING)
    if message.state == State.SENT:
        return Badge("bell", str(sent))
    if message.settled_at is None and message.state == State.FAILED:
        return Badge("bell-x", str(failed), is_open_work=True)
    if message.settled_at is None and message.state == State.UNCERTAIN:
        return Badge("bell-x", str(uncertain), is_open_work=True)
    # An offer lasts an hour or so: whoever looks wants to know whether she has it.
    is_offer_on_its_way = message.kind == "offer" and message.state in ON_ITS_WAY
    return Badge("bell", _("offer goes out")) if is_offer_on_its_way else None


def count(user: User, now: datetime) -> int:
    """Return how many messages, and how many replies, need a person."""
    if not minds_messages(user):
        return 0
    messages, replies = Message.objects.needing_a_person(), Reply.objects.open()
    return messages.values("pk").union(replies.values("pk"), all=True).count()


def rows(user: User, now: datetime) -> Sequence[WorkRow]:
    """Return those messages, the soonest of no more use first."""
    if not minds_messages(user):
        return []
    troubled = Message.objects.needing_a_person().select_related("client", "user").order_by("useless_after", "pk")
    return [work_row(row, now) for row in message_rows(list(troubled))]


def work_row(row: MessageRow, now: datetime) -> WorkRow:
    """Say which message failed, and for which visit."""
    what = capfirst(str(row.words))
    if row.visit_at:
        visit_at = date_format(localtime(row.visit_at, row.zone), "D j M, H:i")
        what = _("%(message)s for %(visit)s") % {"message": what, "visit": visit_at}
    return WorkRow(
        title=row.message.whom.name,
        detail=f"{what}: {row.message.problem or row.message.get_state_display()}",
        verb=_("See"),
        url=reverse("reminders:message-list"),
        is_urgent=(row.visit_at or row.message.useless_after).date() <= now.date(),
    )


def reply_work(user: User, now: datetime) -> Sequence[WorkRow]:
    """Return what a therapist's clients wrote, and what nobody else would read, the oldest first."""
    if not user.is_therapist:
        return []
    open_ones = Reply.objects.open().select_related("client", "message").order_by("at", "pk")
    hers = Q(client__primary_therapist__user=user) | Q(client__primary_therapist__isnull=True)
    return [
        WorkRow(
            title=row.name,
            detail=row.reply.get_meaning_display(),
            verb=_("Read"),
            url=reverse("reminders:reply", args=[row.reply.pk]),
            is_urgent=row.is_urgent,
        )
        for row in reply_rows(list(open_ones.filter(hers)))
    ]


MESSAGES = Worklist(
    heading=gettext_lazy("Messages that need a person"),
    empty=gettext_lazy("Every message has gone out."),
    count=count,
    rows=rows,
    roles=frozenset({Role.FRONT_DESK, Role.OWNER}),
)

REPLIES = Worklist(
    heading=gettext_lazy("Replies by text"),
    empty=gettext_lazy("Nobody has written back."),
    rows=reply_work,
    roles=frozenset({Role.THERAPIST}),
)
