"""The only road from a view to a message."""

from clinic.people.access import one_of
from clinic.people.models import User
from clinic.reminders.models import Message, MessageQuerySet


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
