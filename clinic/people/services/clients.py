"""Writing about clients: one transaction each, refusing with ValidationError in words for the screen."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any, TypedDict, Unpack

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from clinic.audit.services import record_change, recorded
from clinic.lib.prepared import Prepared
from clinic.lib.text import lines, one_line
from clinic.lib.times import local_date
from clinic.people.changes import client_changes
from clinic.people.models import Client, ClientAccess, ClientQuerySet, ContactConsent, Therapist, User, clinic_zone
from clinic.people.phones import phone_number
from clinic.people.records import Records, records_beside, records_given, records_given_one, records_of

# From this birthday on, nobody else answers for a client.
OF_AGE = 18
# Born longer ago than this she is of age in every zone, and the clinic's need not be asked for.
SURELY_OF_AGE = timedelta(days=(OF_AGE + 1) * 366)

PHONES = frozenset({"phone", "other_phone", "emergency_phone", "guardian_phone"})
EMAILS = frozenset({"email", "guardian_email"})
OF_SEVERAL_LINES = frozenset({"address", "physician_contact"})
EVERY_FACT = frozenset(field.name for field in Client._meta.fields)  # noqa: SLF001  # public by Django's documentation
# Rows of other tables come from these and need no second look.
GIVEN_AS_ROWS = frozenset({"created_by", "primary_therapist", "merged_into"})
ABOUT_THE_GUARDIAN = frozenset({"born_on", "guardian_name", "guardian_phone", "guardian_email"})


class ClientDetails(TypedDict, total=False):
    """What may be said about a client beside her name."""

    preferred_name: str
    pronouns: str
    born_on: date | None
    email: str
    phone: str
    other_phone: str
    address: str
    language: str
    emergency_name: str
    emergency_relation: str
    emergency_phone: str
    physician_name: str
    physician_contact: str
    guardian_name: str
    guardian_relation: str
    guardian_phone: str
    guardian_email: str
    light: str
    sound: str
    scent: str
    temperature: str
    talk: str
    table_angle: str
    primary_therapist: Therapist | None
    alert: str


class ClientFields(ClientDetails, total=False):
    """What may be said about a client; what is left out stays as it is."""

    legal_name: str


@recorded
def create_client(*, by: User | None, now: datetime, legal_name: str, **details: Unpack[ClientDetails]) -> Client:
    """Add a client; `by` is None when she comes by herself. Phones are understood as they were typed."""
    client = new_client(by=by, now=now, legal_name=legal_name, **details)
    client.validate_constraints()
    client.save()
    return client


def new_client(*, by: User | None, now: datetime, legal_name: str, **details: Unpack[ClientDetails]) -> Client:
    """Return a client whose every fact is right; for whoever saves many at once, and asks the database only then.

    Raises ValidationError; who is under 18 needs a guardian, also when she comes by herself.
    """
    facts = tidied({"legal_name": legal_name, **details})
    client = Client(**facts, created_at=now, created_by=by)
    refuse_the_unborn_and_unaccompanied(client, now)
    client.clean_fields(exclude=GIVEN_AS_ROWS)
    return client


def lock_client(client_pk: int) -> Client:
    """Lock a client, with all her records, until the transaction ends, and return the named one as it is now.

    Whoever decides by what is known of her waits for whoever writes it, and the other way round.
    """
    return lock_records([client_pk])[client_pk]


def lock_kept(client_pk: int) -> Client:
    """Lock a client as `lock_client` does, and return the record that is kept of her: what is written goes there."""
    held = lock_records([client_pk])
    return held[held[client_pk].merged_into_id or client_pk]


def _locked(records: Records) -> ClientQuerySet:
    return Client.objects.filter(pk__among=records).order_by("pk").select_for_update(no_key=True)


LOCKED_RECORDS = Prepared(lambda: _locked(records_given("keys")))
# Mostly it is one of whom all is known beforehand but the key: a plan worth keeping.
LOCKED_RECORDS_OF_ONE = Prepared(lambda: _locked(records_given_one("key")))


def lock_records(client_pks: Collection[int]) -> dict[int, Client]:
    """Lock all records of these clients, in the order of their keys, and return them by key."""
    keys = list(client_pks)
    while True:
        found = LOCKED_RECORDS_OF_ONE.all(key=keys[0]) if len(keys) == 1 else LOCKED_RECORDS.all(keys=keys)
        held = {record.pk: record for record in found}
        # A merge that we waited for may have put them into one that is not among them.
        if {record.merged_into_id for record in held.values()} <= {None, *held}:
            return held


@recorded
def update_client(*, by: User | None, now: datetime, client: Client, **fields: Unpack[ClientFields]) -> Client:
    """Change what is known about a client; what stays the same is neither written, checked nor recorded.

    It is written into the record that is kept of her, should she have been merged in this moment.

    Whoever works here gives a guardian where one is missing; what she herself answers (`by` is None) is taken without.
    """
    facts = tidied(fields)
    kept = lock_kept(client.pk)
    changed = {name for name, new in facts.items() if getattr(kept, name) != new}
    if not changed:
        return kept
    for name in changed:
        setattr(kept, name, facts[name])
    _refuse_the_unborn(kept, now)
    # What was taken over from elsewhere may hold oddities, which must not stand in the way of another fact.
    kept.full_clean(exclude=EVERY_FACT - changed)
    if by is not None or changed & ABOUT_THE_GUARDIAN:
        _refuse_without_guardian(kept, now)
    kept.save(update_fields=changed)
    for follow in client_changes:
        follow(kept, frozenset(changed), now)
    return kept


def tidied(fields: ClientFields) -> dict[str, Any]:
    """Return the facts as they are kept. Raises ValidationError with a sentence per field."""
    facts: dict[str, Any] = {}
    problems: dict[str, ValidationError] = {}
    for name, value in fields.items():
        try:
            facts[name] = _tidy(name, value) if isinstance(value, str) else value
        except ValidationError as problem:
            problems[name] = problem
    if problems:
        raise ValidationError(problems)
    return facts


def _tidy(name: str, typed: str) -> str:
    if name == "legal_name" and not any(map(str.isalpha, typed)):
        raise ValidationError(_("A name has at least one letter."))
    if name in PHONES:
        return phone_number(typed)
    if name in OF_SEVERAL_LINES:
        return lines(typed)
    return one_line(typed).lower() if name in EMAILS else one_line(typed)


def refuse_the_unborn_and_unaccompanied(client: Client, now: datetime) -> None:
    """Raise ValidationError, by field, for a birthday in the future, and for a minor without a guardian."""
    _refuse_the_unborn(client, now)
    _refuse_without_guardian(client, now)


def _refuse_the_unborn(client: Client, now: datetime) -> None:
    # A day's grace: the clinic's zone may already be in tomorrow.
    if client.born_on is not None and client.born_on > now.date() + timedelta(days=1):
        raise ValidationError({"born_on": _("This date of birth lies in the future.")})


def lacks_guardian(client: Client, now: datetime) -> bool:
    """Say whether she is under 18 and nobody is written down who answers for her."""
    is_named = client.guardian_name and (client.guardian_phone or client.guardian_email)
    return not is_named and is_under_age(client, now)


def is_under_age(client: Client, now: datetime) -> bool:
    """Say whether she is under 18 on the clinic's today."""
    if client.born_on is None or now.date() - client.born_on > SURELY_OF_AGE:
        return False
    age = client.age_on(local_date(clinic_zone(), now))
    return age is not None and age < OF_AGE


def mail_address(client: Client, now: datetime) -> str:
    """Return where mail for a client goes: to her own address; under 18 and without one, to her guardian's."""
    is_guardians = not client.email and client.guardian_email and is_under_age(client, now)
    return client.guardian_email if is_guardians else client.email


def _refuse_without_guardian(client: Client, now: datetime) -> None:
    if not lacks_guardian(client, now):
        return
    problems = {}
    if not client.guardian_name:
        problems["guardian_name"] = _("Under 18, a parent or guardian must be known: give the name.")
    if not (client.guardian_phone or client.guardian_email):
        problems["guardian_phone"] = _("Under 18, a parent or guardian must be reached: give a phone or an e-mail.")
    raise ValidationError(problems)


@transaction.atomic
def record_contact_consent(
    *, by: User | None, now: datetime, client: Client, channel: str, is_given: bool, source: str
) -> ContactConsent:
    """Record that she agreed, or no longer agrees, to be written to by this channel."""
    client = lock_kept(client.pk)
    consent = ContactConsent(client=client, channel=channel, is_given=is_given, at=now, by=by, source=source)
    consent.full_clean()
    consent.save()
    told = _("given for %(channel)s") if is_given else _("taken back for %(channel)s")
    words = told % {"channel": consent.get_channel_display()}
    record_change(by=by.pk if by else None, client=client.pk, what=consent, words=words, now=now)
    return consent


def has_contact_consent(client: Client, channel: str) -> bool:
    """Say whether her latest word on this channel is yes."""
    return client.pk in consenting([client.pk], channel)


def consenting(client_pks: Collection[int], channel: str) -> set[int]:
    """Return those of the clients whose latest word on this channel is yes; one query."""
    said = last_words(client_pks, channel)
    return {client_pk for client_pk in client_pks if said.get((client_pk, channel))}


def last_words(client_pks: Collection[int], *channels: str) -> dict[tuple[int, str], bool]:
    """Return the latest word of each client on these channels, or all, on whichever of her records; one query."""
    words = (
        ContactConsent.objects.filter(
            client__among=records_of(*client_pks), channel__in=channels or ContactConsent.Channel.values
        )
        .annotate(records=records_beside())
        .order_by("at", "pk")
        .values_list("records", "channel", "is_given")
    )
    return {(record, channel): is_given for records, channel, is_given in words for record in records}


@recorded
def give_client_login(
    *,
    by: User | None,
    now: datetime,
    client: Client,
    email: str,
    relation: str = "",
) -> User:
    """Let the login of this e-mail act for the client; a family may share one. Makes the login where there is none.

    `by` is None where she gave the address herself. Where `relation` is not said, the guardian's address is the
    guardian's, and any other her own.
    """
    client = lock_kept(client.pk)
    email = email.strip().lower()
    is_guardians = email == client.guardian_email
    relation = relation or (ClientAccess.Relation.GUARDIAN if is_guardians else ClientAccess.Relation.SELF)
    user = _login_of(email, name=client.guardian_name if is_guardians and client.guardian_name else client.name)
    if user.is_staff_member:
        raise ValidationError(
            {"email": _("This is the sign-in of a member of staff; a client signs in with a private address.")}
        )
    if not user.is_active:
        raise ValidationError({"email": _("The sign-in of this address has been closed.")})
    ClientAccess.objects.get_or_create(user=user, client=client, defaults={"relation": relation, "granted_at": now})
    return user


def _login_of(email: str, *, name: str) -> User:
    """Return the login of this address, made if it is not there; of two who make it at once, both get the one."""
    found = User.objects.filter(email__iexact=email)
    if user := found.first():
        return user
    try:
        with transaction.atomic():
            return User.objects.create_user(email, name=name)
    except (IntegrityError, ValidationError):
        if user := found.first():
            return user
        raise


@recorded
def take_client_login(*, by: User, now: datetime, access: ClientAccess) -> None:
    """Let this login no longer act for the client; the login itself stays, for it may act for others."""
    access.delete()
