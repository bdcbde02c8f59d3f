"""Writing about clients: one transaction each, refusing with ValidationError in words for the screen."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import TypedDict, Unpack

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from clinic.audit.services import recorded
from clinic.people.merging import records_beside, records_of
from clinic.people.models import Client, ClientAccess, ContactConsent, Therapist, User


class ClientFields(TypedDict, total=False):
    """What may be said about a client; what is left out stays as it is."""

    legal_name: str
    preferred_name: str
    pronouns: str
    born_on: date | None
    email: str
    phone: str
    language: str
    primary_therapist: Therapist | None
    alert: str


@recorded
def create_client(
    *,
    by: User | None,
    now: datetime,
    legal_name: str,
    preferred_name: str = "",
    pronouns: str = "",
    born_on: date | None = None,
    email: str = "",
    phone: str = "",
    language: str = "en",
    primary_therapist: Therapist | None = None,
    alert: str = "",
) -> Client:
    """Add a client; `by` is None when she comes by herself."""
    _refuse_the_unborn(born_on, now)
    client = Client(
        legal_name=legal_name.strip(),
        preferred_name=preferred_name.strip(),
        pronouns=pronouns.strip(),
        born_on=born_on,
        email=email.strip().lower(),
        phone=phone,
        language=language,
        primary_therapist=primary_therapist,
        alert=alert.strip(),
        created_at=now,
        created_by=by,
    )
    client.full_clean()
    client.save()
    return client


def lock_client(client_pk: int) -> Client:
    """Lock a client, with all her records, until the transaction ends, and return the named one as it is now.

    Whoever decides by what is known of her waits for whoever writes it, and the other way round.
    """
    return lock_records([client_pk])[client_pk]


def lock_records(client_pks: Collection[int]) -> dict[int, Client]:
    """Lock all records of these clients, in the order of their keys, and return them by key."""
    while True:
        hers = Client.objects.filter(pk__in=records_of(*client_pks)).order_by("pk")
        held = {record.pk: record for record in hers.select_for_update(no_key=True, of=("self",))}
        # A merge that we waited for may have put them into one that is not among them.
        if {record.merged_into_id for record in held.values()} <= {None, *held}:
            return held


@recorded
def update_client(*, by: User, now: datetime, client: Client, **fields: Unpack[ClientFields]) -> Client:
    """Change what is known about a client; what stays the same is neither written nor recorded."""
    _refuse_the_unborn(fields.get("born_on"), now)
    kept = Client.objects.select_for_update(of=("self",)).get(pk=client.pk)
    changed = []
    for name, value in fields.items():
        new = value.strip() if isinstance(value, str) else value
        new = new.lower() if name == "email" and isinstance(new, str) else new
        if getattr(kept, name) != new:
            setattr(kept, name, new)
            changed.append(name)
    if changed:
        kept.full_clean()
        kept.save(update_fields=changed)
    return kept


def _refuse_the_unborn(born_on: date | None, now: datetime) -> None:
    # A day's grace: the clinic's zone may already be in tomorrow.
    if born_on is not None and born_on > now.date() + timedelta(days=1):
        raise ValidationError({"born_on": _("This date of birth lies in the future.")})


@transaction.atomic
def record_contact_consent(
    *, by: User | None, now: datetime, client: Client, channel: str, is_given: bool, source: str
) -> ContactConsent:
    """Record that she agreed, or no longer agrees, to be written to by this channel."""
    consent = ContactConsent(client=client, channel=channel, is_given=is_given, at=now, by=by, source=source)
    consent.full_clean()
    consent.save()
    return consent


def has_contact_consent(client: Client, channel: str) -> bool:
    """Say whether her latest word on this channel is yes."""
    return client.pk in consenting([client.pk], channel)


def consenting(client_pks: Collection[int], channel: str) -> set[int]:
    """Return those of the clients whose latest word on this channel is yes; one query."""
    words = (
        ContactConsent.objects.filter(client__in=records_of(*client_pks), channel=channel)
        .annotate(records=records_beside())
        .order_by("at", "pk")
        .values_list("records", "is_given")
    )
    said = {record: is_given for records, is_given in words for record in records}
    return {client_pk for client_pk in client_pks if said.get(client_pk)}


@recorded
def give_client_login(
    *,
    by: User | None,
    now: datetime,
    client: Client,
    email: str,
    relation: str = ClientAccess.Relation.SELF,
) -> User:
    """Let the login of this e-mail act for the client; a family may share one. Makes the login where there is none.

    `by` is None where she gave the address herself.
    """
    user = _login_of(email.strip(), name=client.name)
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
