"""What of this room has a history, and how it is told. The pages are views/history.py; the words are made in audit."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Model, QuerySet
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _
from phonenumber_field.phonenumber import PhoneNumber

from clinic.audit.kinds import Manner, Part, RecordKind, label_of, names, record_kinds
from clinic.lib.templatetags.stillpoint import money
from clinic.people.models import (
    Client,
    ClientAccess,
    Clinic,
    Import,
    Invitation,
    Location,
    Modality,
    OpeningHours,
    Picture,
    Qualification,
    Room,
    Service,
    Therapist,
    TherapistLocation,
    TherapistsNote,
    User,
)

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

ARCHIVING = {"archived_at": (_("archived"), _("brought back"))}
PHONES = ("phone", "other_phone", "emergency_phone", "guardian_phone")
WHO_AND_WHEN = frozenset({"created_at", "created_by", "granted_at", "set_up_at"})


def register_histories() -> None:
    """Tell the audit room which records there are, of which parts they consist, and what things are called."""
    client = RecordKind(
        title=_("client"),
        model=Client,
        parts=(
            part(Client, _("client"), words={"language": language, **dict.fromkeys(PHONES, phone)}),
            part(ClientAccess, _("sign-in"), record="client_id"),
            part(TherapistsNote, _("note for therapists"), record="client_id", is_for_therapists_only=True),
        ),
        is_of_clients=True,
    )
    therapist = RecordKind(
        title=_("therapist"),
        model=Therapist,
        parts=(
            part(
                Therapist,
                _("therapist"),
                left_out=WHO_AND_WHEN | {"user"},
                verbs={"archived_at": (_("left"), _("came back"))},
            ),
            part(Qualification, _("qualification in %(subject)s"), record="therapist_id", subject="modality"),
            part(TherapistLocation, _("place of work, %(subject)s"), record="therapist_id", subject="location"),
        ),
    )
    location = RecordKind(
        title=_("location"),
        model=Location,
        parts=(
            part(Location, _("location"), words={"phone": phone}),
            part(
                OpeningHours,
                _("opening hours on %(subject)s"),
                record="location_id",
                subject="weekday",
                words={"weekday": weekday},
            ),
        ),
    )
    clinic = part(Clinic, _("clinic"), words={"language": language, "languages": languages})
    record_kinds.register("client", client)
    sign_in = {"is_active": (_("may sign in again"), _("sign-in ended"))}
    staff = RecordKind(
        title=_("person who signs in"),
        model=User,
        parts=(part(User, _("person who signs in"), verbs=sign_in),),
        beside={label_of(Invitation): invitations_of},
    )
    record_kinds.register("staff", staff)
    record_kinds.register("therapist", therapist)
    record_kinds.register("location", location)
    record_kinds.register("room", RecordKind(_("room"), Room, (part(Room, _("room")),)))
    record_kinds.register(
        "service", RecordKind(_("service"), Service, (part(Service, _("service"), words={"price_minor": price}),))
    )
    # The slug is for programs.
    modality = part(Modality, _("modality"), left_out=WHO_AND_WHEN | {"slug"})
    record_kinds.register("modality", RecordKind(_("modality"), Modality, (modality,)))
    record_kinds.register("clinic", RecordKind(_("clinic"), Clinic, (clinic,)))
    record_kinds.register("import", RecordKind(_("import"), Import, (), page="people:import", is_whole=True))
    names.register(label_of(Picture), pictures)
    names.register(label_of(Invitation), invitations)
    names.register(label_of(Import), imports)


def part(model: type[Model], title: StrOrPromise, **told: Any) -> Part:
    """Describe a tracked model as a part of a record."""
    return Part(model=model, title=title, **{"left_out": WHO_AND_WHEN, "verbs": ARCHIVING, **told})


def language(code: str, _manner: Manner) -> StrOrPromise:
    """Name a language in words."""
    return dict(settings.LANGUAGES).get(code, code)


def languages(codes: list[str], manner: Manner) -> str:
    """Name several languages in words."""
    return ", ".join(str(language(code, manner)) for code in codes)


def phone(number: PhoneNumber | str, _manner: Manner) -> str:
    """Write a phone number as on every other page."""
    return number.as_international if isinstance(number, PhoneNumber) else number


def weekday(number: int, _manner: Manner) -> StrOrPromise:
    """Name a weekday; 0 is Monday."""
    return WEEKDAYS[number]


def price(minor: int, manner: Manner) -> str:
    """Write a price in the clinic's currency."""
    return money(minor, manner.currency)


def pictures(pks: Collection[int]) -> Mapping[int, str]:
    """Call each picture one; what it shows stands on its page, and its content is not read for this."""
    return dict.fromkeys(pks, str(_("a picture")))


def imports(pks: Collection[int]) -> Mapping[int, str]:
    """Call an import by its file."""
    found = Import.objects.filter(pk__in=pks).values_list("pk", "file_name")
    return {pk: str(_("import of %(file)s") % {"file": name}) for pk, name in found}


def invitations(pks: Collection[int]) -> Mapping[int, str]:
    """Call an invitation by whom it invites."""
    found = Invitation.objects.filter(pk__in=pks).values_list("pk", "name")
    return {pk: str(_("invitation of %(name)s") % {"name": name}) for pk, name in found}


def invitations_of(pks: Collection[int]) -> QuerySet[Any, Any]:
    """Return the keys of all invitations to these people, by the address with which they sign in."""
    return Invitation.objects.filter(email__in=User.objects.filter(pk__in=pks).values("email")).values("pk")
