"""What comes of a text that came in: the consent, the visit, or a person who sees to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from clinic.people.access import the_clinic
from clinic.people.models import Client, ContactConsent, User
from clinic.people.records import records_of
from clinic.people.services import last_words, record_contact_consent
from clinic.reminders.models import Message, MessageQuerySet
from clinic.reminders.reading import OF_A_VISIT
from clinic.reminders.texting.channel import reached_at
from clinic.reminders.texting.models import Reply
from clinic.reminders.texting.providers import Incoming
from clinic.reminders.texting.wordlists import ends_texts, meaning_of
from clinic.scheduling.models import PROMISED, Appointment, Offer, Status, StatusChange
from clinic.scheduling.online import cancel_until
from clinic.scheduling.services import cancel_appointment, cancelled_as, change_status
from clinic.scheduling.waitlist import decline_offer

Meaning = Reply.Meaning
Answer = Reply.Answer
TEXT = ContactConsent.Channel.TEXT

# Whoever answers later than this speaks of something else.
ANSWERED_WITHIN = timedelta(days=7)
# Two visits told of to one number so close together: nobody knows which one is meant.
CLOSE = timedelta(hours=1)
# More than this from one phone in an hour is no person; what it writes is not kept.
MOST_AN_HOUR = 30
# So often a phone is told that nobody reads along.
TOLD_AGAIN_AFTER = timedelta(hours=12)
BY_TEXT = "text reply"
# How much is kept of each; what is no number may be longer.
KEPT = {"key": 100, "number": 20, "words": 1600}


@dataclass(frozen=True)
class Done:
    """What came of a reply: what she is told, and whether somebody must still see to it."""

    answer: str = ""
    needs_a_person: bool = False


@transaction.atomic
def take_reply(*, now: datetime, incoming: Incoming) -> Reply | None:
    """Keep a text that came in, once, and do what it asks for. Return None where it was known, or is not kept."""
    incoming = storable(incoming)
    if Reply.objects.filter(number=incoming.number, at__gt=now - timedelta(hours=1)).count() >= MOST_AN_HOUR:
        if is_stop(incoming):
            end_texts(incoming.number, reached_at(incoming.number, now), now=now)
        return None
    people = reached_at(incoming.number, now)
    text = latest_text(people, now)
    reply, is_new = Reply.objects.get_or_create(
        provider_key=incoming.key, defaults=facts_of(incoming, people, text, now)
    )
    if not is_new:
        return None
    done = done_about(reply, people, text, ends=is_stop(incoming), now=now)
    reply.answer = done.answer
    reply.settled_at = None if done.needs_a_person else now
    reply.save(update_fields=["answer", "settled_at"])
    return reply


def facts_of(incoming: Incoming, people: Sequence[Client], text: Message | None, now: datetime) -> dict[str, object]:
    """Return what a new reply says, and whom it is about as far as the number and the last text tell."""
    client = whom(text) if text else people[0] if len(people) == 1 else None
    return {
        "number": incoming.number,
        "words": incoming.words,
        "meaning": understood(incoming, client),
        "at": now,
        "client": client,
        "message": text,
    }


def whom(text: Message) -> Client | None:
    """Return to whom a text went, as her record is by now."""
    return text.client and (text.client.merged_into or text.client)


def understood(incoming: Incoming, client: Client | None) -> Meaning:
    """Return what it means, to the provider or to us."""
    meaning = meaning_of(incoming.words, client.language if client else "")
    if incoming.opts == "in":
        return Meaning.START
    return Meaning.STOP if incoming.opts == "out" and meaning != Meaning.CANCEL else meaning


def storable(incoming: Incoming) -> Incoming:
    """Return it as it can be kept: not too long, and without zero characters, which PostgreSQL refuses."""
    facts = {name: getattr(incoming, name).replace("\0", "")[:length] for name, length in KEPT.items()}
    return replace(incoming, **facts)


def is_stop(incoming: Incoming) -> bool:
    """Say whether it ends the consent to texts."""
    return incoming.opts == "out" or ends_texts(incoming.words)


def latest_text(people: Sequence[Client], now: datetime) -> Message | None:
    """Return the text that went to these clients last, not long ago."""
    if not people:
        return None
    return texts_to(people, now - ANSWERED_WITHIN).first()


def texts_to(people: Sequence[Client], since: datetime) -> MessageQuerySet:
    """Return what went out to these clients as texts, perhaps or surely, newest first."""
    gone = Message.objects.filter(channel=TEXT, state__in=[Message.State.SENT, Message.State.UNCERTAIN])
    to_them = gone.filter(client__among=records_of(*(client.pk for client in people)), tried_at__gt=since)
    return to_them.select_related("client__merged_into").order_by("-tried_at", "-pk")


def done_about(reply: Reply, people: Sequence[Client], text: Message | None, *, ends: bool, now: datetime) -> Done:
    """Do what a reply asks for, and say what came of it."""
    if ends:
        changed = end_texts(reply.number, people, now=now)
        return Done(Answer.STOPPED if changed else "", needs_a_person=reply.meaning == Meaning.CANCEL or not people)
    match reply.meaning:
        case Meaning.START:
            changed = consent_by_text(those_who_stopped(people), is_given=True, now=now)
            return Done(Answer.STARTED if changed else "", needs_a_person=not people)
        case Meaning.YES | Meaning.NO if text is not None:
            return answered(text, people, says_yes=reply.meaning == Meaning.YES, now=now)
        case _:
            return Done(Answer.UNWATCHED if is_to_be_told(reply) else "", needs_a_person=True)


# --- Consent


def end_texts(number: str, people: Sequence[Client], *, now: datetime) -> bool:
    """Take back the consent, and what this phone was still to be told: after STOP, only that it has ended."""
    Reply.objects.filter(number=number, answer_begun_at__isnull=True).exclude(answer="").update(answer="")
    return consent_by_text(people, is_given=False, now=now)


def consent_by_text(people: Sequence[Client], *, is_given: bool, now: datetime) -> bool:
    """Record for all who are reached at one number what it said; say whether that was anything new."""
    said = last_words([client.pk for client in people])
    changed = [client for client in people if said.get((client.pk, TEXT)) is not is_given]
    for client in changed:
        record_contact_consent(by=None, now=now, client=client, channel=TEXT, is_given=is_given, source=BY_TEXT)
    return bool(changed)


def those_who_stopped(people: Sequence[Client]) -> list[Client]:
    """Return for whom START speaks: for one alone, and among several for those whom a text had stopped."""
    if len(people) == 1:
        return list(people)
    words = ContactConsent.objects.filter(channel=TEXT).order_by("-at", "-pk")
    latest = ((client, words.filter(client__among=records_of(client.pk)).first()) for client in people)
    return [client for client, word in latest if word and not word.is_given and word.source == BY_TEXT]


# --- The visit


def answered(text: Message, people: Sequence[Client], *, says_yes: bool, now: datetime) -> Done:
    """Take “yes” or “no” as the answer to what the text asked; what cannot be done so is a person's."""
    unclear = Done(Answer.CALL, needs_a_person=True)
    if speaks_of_several(text, people):
        return unclear
    try:
        with transaction.atomic():
            if text.kind == "offer":
                return offer_answered(text, says_yes=says_yes, now=now)
            visit = visit_of(text, now)
            if visit is None:
                return unclear
            return confirmed(visit, now) if says_yes else cancelled(visit, now)
    except ValidationError:  # SlotTaken as well: somebody else is at it
        return unclear


def speaks_of_several(text: Message, people: Sequence[Client]) -> bool:
    """Say whether another visit was told of to this number at about the same time."""
    assert text.tried_at is not None, "texts_to"  # noqa: S101  # for mypy
    near = texts_to(people, text.tried_at - CLOSE).filter(kind__in=[*OF_A_VISIT, "offer"])
    return len({(one.kind == "offer", one.subject_pk) for one in near}) > 1


def visit_of(text: Message, now: datetime) -> Appointment | None:
    """Lock and return the visit that a text speaks of; None where there is none to come, or it was moved since."""
    if text.kind not in OF_A_VISIT:
        return None
    to_come = Appointment.objects.filter(pk=text.subject_pk, status__in=PROMISED, starts_at__gt=now)
    visit = to_come.select_for_update(no_key=True, of=("self",)).with_people().first()
    moved_since = StatusChange.objects.filter(appointment=visit, was__isnull=False, at__gt=text.tried_at)
    return None if visit is None or moved_since.exists() else visit


def confirmed(visit: Appointment, now: datetime) -> Done:
    """Confirm a visit; a visit that is confirmed stays so."""
    change_status(by=None, now=now, appointment=visit, to=Status.CONFIRMED, why=_("confirmed by text"))
    return Done()


def cancelled(visit: Appointment, now: datetime) -> Done:
    """Cancel a visit where that is free of charge and still done by oneself; else she calls.

    One word is no agreement to a fee. That it is cancelled she is told as of every cancellation.
    """
    if cancelled_as(visit, now=now) != Status.CANCELLED or now > cancel_until(the_clinic(), visit):
        return Done(Answer.CALL, needs_a_person=True)
    cancel_appointment(by=None, now=now, appointment=visit, why=_("cancelled by text"))
    return Done()


def offer_answered(text: Message, *, says_yes: bool, now: datetime) -> Done:
    """Decline the free time that a text offered; taken it is by the link, which asks first how she is."""
    if says_yes:
        return Done(Answer.LINK, needs_a_person=True)
    offer = Offer.objects.select_related("appointment").get(pk=text.subject_pk)
    decline_offer(by=None, now=now, offer=offer)
    return Done()


# --- What a person does, and what is told


def is_to_be_told(reply: Reply) -> bool:
    """Say whether this phone is to be told that nobody reads along.

    Not after STOP, until it says START; and not again and again, it may be a machine.
    """
    words = Reply.objects.filter(number=reply.number, meaning__in=[Meaning.STOP, Meaning.CANCEL, Meaning.START])
    for one in words.order_by("-at", "-pk"):
        if one.meaning == Meaning.START:
            break
        if one.meaning == Meaning.STOP or ends_texts(one.words):
            return False
    lately = Reply.objects.filter(number=reply.number, answer=Answer.UNWATCHED, at__gt=reply.at - TOLD_AGAIN_AFTER)
    return not lately.exclude(pk=reply.pk).exists()


@transaction.atomic
def settle_reply(*, by: User, now: datetime, reply: Reply) -> Reply:
    """Write down that somebody has seen to a reply. Raises ValidationError where somebody already had."""
    kept = Reply.objects.open().select_for_update(no_key=True, of=("self",)).filter(pk=reply.pk).first()
    if kept is None:
        raise ValidationError(_("Somebody has already seen to this reply."))
    kept.settled_at, kept.settled_by = now, by
    kept.save(update_fields=["settled_at", "settled_by"])
    return kept
