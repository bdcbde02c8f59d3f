"""The only road from a view to a message, and to what was written back."""

from datetime import datetime

from django.http import Http404
from django.utils.translation import gettext as _

from clinic.people.access import log_look, one_of
from clinic.people.models import User
from clinic.reminders.models import Message, MessageQuerySet
from clinic.reminders.texting.models import Reply, ReplyQuerySet


def minds_messages(user: User) -> bool:
    """Say whether failed messages are this person's work: the front desk's and the owner's."""
    return user.is_front_desk or user.is_owner


def messages_for(user: User) -> MessageQuerySet:
    """Return the messages that this login may see: all staff see that one was sent, nobody sees here what it said."""
    found = Message.objects.select_related("client", "user")
    return found if user.is_staff_member else found.none()


def message_for(user: User, pk: int) -> Message:
    """Return one of them, or raise Http404."""
    return one_of(messages_for(user), pk)


def replies_for(user: User) -> ReplyQuerySet:
    """Return the replies that this login may see: all staff see that somebody wrote, and what she wants."""
    found = Reply.objects.select_related("client", "message__client", "settled_by")
    return found if user.is_staff_member else found.none()


def reply_for(user: User, pk: int) -> Reply:
    """Return one of them, to see to it, or raise Http404."""
    return one_of(replies_for(user), pk)


def read_reply(user: User, pk: int, *, now: datetime) -> Reply:
    """Return one with its words, for therapists alone, and log the look. Raises Http404."""
    if not user.is_therapist:
        raise Http404
    reply = reply_for(user, pk)
    if reply.client:
        log_look(user, reply.client.pk, reply, _("reply by text"), now=now)
    return reply
