"""Writing about people and places: one transaction each, refusing with ValidationError in words for the screen."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import TypedDict, Unpack

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from clinic.audit.services import record_change
from clinic.lib.tokens import new_token, token_digest
from clinic.people.models import (
    Client,
    ClientAccess,
    Clinic,
    ContactConsent,
    Location,
    Modality,
    Qualification,
    Role,
    Room,
    Service,
    SetUpToken,
    Therapist,
    User,
)

SET_UP_TOKEN_LASTS = timedelta(hours=24)


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


# --- Clients


@transaction.atomic
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
    record_change(by=by.pk if by else None, client=client.pk, what=client, words=_("added"), now=now)
    return client


def lock_client(client_pk: int) -> None:
    """Lock a client until the transaction ends.

    Whoever decides by what is known of her waits for whoever writes it, and the other way round.
    """
    list(Client.objects.filter(pk=client_pk).select_for_update(no_key=True).values_list("pk", flat=True))


@transaction.atomic
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
        record_change(by=by.pk, client=kept.pk, what=kept, words=_changed_words(changed), now=now)
    return kept


def _changed_words(names: Collection[str]) -> str:
    fields = Client._meta.fields  # noqa: SLF001  # public by Django's documentation
    labels = [str(field.verbose_name) for field in fields if field.name in names]
    return _("changed: %(what)s") % {"what": ", ".join(labels)}


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
    latest = (
        ContactConsent.objects.filter(client_id__in=client_pks, channel=channel)
        .order_by("client_id", "-at", "-pk")
        .distinct("client_id")
        .values_list("client_id", "is_given")
    )
    return {client_pk for client_pk, is_given in latest if is_given}


@transaction.atomic
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
    access, is_new = ClientAccess.objects.get_or_create(
        user=user, client=client, defaults={"relation": relation, "granted_at": now}
    )
    if is_new:
        words = _("sign-in given to %(email)s") % {"email": user.email}
        record_change(by=by.pk if by else None, client=client.pk, what=access, words=words, now=now)
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


@transaction.atomic
def take_client_login(*, by: User, now: datetime, access: ClientAccess) -> None:
    """Let this login no longer act for the client; the login itself stays, for it may act for others."""
    words = _("sign-in taken from %(email)s") % {"email": access.user.email}
    record_change(by=by.pk, client=access.client_id, what=access, words=words, now=now)
    access.delete()


# --- Staff


def _record_added(what: Model, *, by: User | None, now: datetime, words: str = "") -> None:
    record_change(by=by.pk if by else None, client=None, what=what, words=words or _("added"), now=now)


@transaction.atomic
def add_staff(*, by: User | None, now: datetime, email: str, name: str, roles: Iterable[str], password: str) -> User:
    """Add a member of staff, who signs in by password; `by` is None for the first owner."""
    user = User(email=email.strip().lower(), name=name.strip(), roles=[str(role) for role in roles])
    if not user.roles:
        raise ValidationError({"roles": _("A member of staff has at least one role.")})
    try:
        validate_password(password, user)
    except ValidationError as weak:
        raise ValidationError({"password": weak}) from None
    user.set_password(password)
    user.full_clean()
    user.save()
    roles_given = ", ".join(str(Role(role).label) for role in user.roles)
    _record_added(user, by=by, now=now, words=_("added as %(roles)s") % {"roles": roles_given})
    return user


@transaction.atomic
def add_therapist(
    *,
    by: User | None,
    now: datetime,
    user: User,
    licence_number: str,
    licence_expires_on: date | None,
    usual_room: Room | None,
    qualifications: Sequence[tuple[Modality, str, date | None]],
) -> Therapist:
    """Make a member of staff bookable for the modalities she is qualified in: (modality, certificate, valid until)."""
    if not user.is_therapist:
        raise ValidationError({"user": _("Only a member of staff with the role of therapist can be booked.")})
    therapist = Therapist(
        user=user, licence_number=licence_number, licence_expires_on=licence_expires_on, usual_room=usual_room
    )
    therapist.full_clean()
    therapist.save()
    for modality, certificate, expires_on in qualifications:
        held = Qualification(therapist=therapist, modality=modality, certificate=certificate, expires_on=expires_on)
        held.full_clean()
        held.save()
    codes = ", ".join(modality.code for modality, _certificate, _until in qualifications)
    _record_added(therapist, by=by, now=now, words=_("added as qualified in %(modalities)s") % {"modalities": codes})
    return therapist


# --- Places and services


@transaction.atomic
def add_location(
    *,
    by: User | None,
    now: datetime,
    name: str,
    time_zone: str,
    address: str = "",
    directions: str = "",
    phone: str = "",
) -> Location:
    """Add a place where the clinic works."""
    location = Location(name=name.strip(), time_zone=time_zone, address=address, directions=directions, phone=phone)
    location.full_clean()
    location.save()
    _record_added(location, by=by, now=now)
    return location


@transaction.atomic
def add_room(*, by: User | None, now: datetime, location: Location, name: str, features: Iterable[str] = ()) -> Room:
    """Add a room to a location."""
    room = Room(location=location, name=name.strip(), features=[str(feature) for feature in features])
    room.full_clean()
    room.save()
    _record_added(room, by=by, now=now)
    return room


@transaction.atomic
def add_service(
    *,
    by: User | None,
    now: datetime,
    name: str,
    modality: Modality,
    minutes: int,
    price_minor: int,
    buffer_before: int = 0,
    buffer_after: int = 15,
    is_bookable_online: bool = True,
    is_open_to_new_clients: bool = True,
) -> Service:
    """Add what can be booked; the price in minor units of the clinic's currency."""
    service = Service(
        name=name.strip(),
        modality=modality,
        minutes=minutes,
        price_minor=price_minor,
        buffer_before=buffer_before,
        buffer_after=buffer_after,
        is_bookable_online=is_bookable_online,
        is_open_to_new_clients=is_open_to_new_clients,
    )
    service.full_clean()
    service.save()
    _record_added(service, by=by, now=now)
    return service


# --- The clinic itself


@transaction.atomic
def issue_set_up_token(*, now: datetime) -> str:
    """Return a new one-time key to the set-up page; keys made earlier no longer open it."""
    if Clinic.objects.exists():
        raise ValidationError(_("The clinic is set up already."))
    SetUpToken.objects.filter(used_at__isnull=True).delete()
    token = new_token()
    SetUpToken.objects.create(digest=token_digest(token), expires_at=now + SET_UP_TOKEN_LASTS)
    return token


def is_set_up_token(token: str, *, now: datetime) -> bool:
    """Say whether this key opens the set-up page."""
    if Clinic.objects.exists():
        return False
    return SetUpToken.objects.filter(digest=token_digest(token), used_at__isnull=True, expires_at__gt=now).exists()


@transaction.atomic
def found_clinic(
    *,
    now: datetime,
    name: str,
    currency: str,
    owner_name: str,
    owner_email: str,
    owner_password: str,
    location_name: str,
    time_zone: str,
    location_address: str = "",
    location_phone: str = "",
) -> Clinic:
    """Make the clinic, its owner and its first location."""
    clinic = Clinic(pk=1, name=name.strip(), currency=currency.strip().upper(), set_up_at=now)
    clinic.full_clean()
    clinic.save(force_insert=True)
    with _renamed(name="location_name", time_zone="time_zone"):
        add_location(
            by=None, now=now, name=location_name, time_zone=time_zone, address=location_address, phone=location_phone
        )
    with _renamed(name="owner_name", email="owner_email", password="owner_password"):  # noqa: S106  # a field's name
        add_staff(by=None, now=now, email=owner_email, name=owner_name, roles=[Role.OWNER], password=owner_password)
    return clinic


@contextmanager
def _renamed(**names: str) -> Iterator[None]:
    """Speak of refused fields by the names under which the caller gave them."""
    try:
        yield
    except ValidationError as refused:
        raise ValidationError(
            {names.get(field, NON_FIELD_ERRORS): errors for field, errors in refused.error_dict.items()}
        ) from None


@transaction.atomic
def set_up_clinic(
    *,
    now: datetime,
    token: str,
    name: str,
    currency: str,
    owner_name: str,
    owner_email: str,
    owner_password: str,
    location_name: str,
    time_zone: str,
) -> Clinic:
    """Spend the one-time key and found the clinic; of two who hold the same key, the second is refused."""
    key = SetUpToken.objects.select_for_update().filter(digest=token_digest(token)).first()
    if key is None or key.used_at is not None or key.expires_at <= now or Clinic.objects.exists():
        raise ValidationError(_("This set-up link has been used or has run out."))
    clinic = found_clinic(
        now=now,
        name=name,
        currency=currency,
        owner_name=owner_name,
        owner_email=owner_email,
        owner_password=owner_password,
        location_name=location_name,
        time_zone=time_zone,
    )
    key.used_at = now
    key.save(update_fields=["used_at"])
    return clinic
