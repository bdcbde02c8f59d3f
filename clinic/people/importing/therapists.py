"""Therapists from elsewhere: each becomes a member of staff who can be booked, and whom an owner lets sign in.

An address in a file proves nothing: until an owner has looked at it, nobody gets a password by it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from clinic.people.dates import shown
from clinic.people.importing.columns import Field, Reads
from clinic.people.importing.kinds import Kind, Made, Row, Work
from clinic.people.importing.people import name_of, refuse_to_come
from clinic.people.importing.undoing import in_use, locked
from clinic.people.importing.values import Habits, a_date
from clinic.people.models import Import, Location, Modality, Qualification, Role, Therapist, User
from clinic.people.services import add_therapist, change_profile

FIELDS = (
    Field("legal_name", gettext_lazy("Full name, exactly as written"), "Therapist's name"),
    Field(
        "full_name",
        gettext_lazy("Full name (“Last, First” is turned round)"),
        "Full name",
        known_as=("Name", "Therapist", "Practitioner", "Staff member", "Staff name", "Provider", "staff_member_name"),
    ),
    Field("first_name", gettext_lazy("First name"), "First name", known_as=("Given name", "Forename")),
    Field("last_name", gettext_lazy("Last name"), "Last name", known_as=("Surname", "Family name")),
    Field("email", gettext_lazy("E-mail"), "E-mail", Reads.EMAIL, ("Email", "Email address", "E-mail address")),
    Field(
        "licence_number",
        gettext_lazy("Licence number"),
        "Licence number",
        known_as=("License number", "License", "Licence", "Registration number", "Provider number", "License #"),
    ),
    Field(
        "licence_expires_on",
        gettext_lazy("Licence valid until"),
        "Licence valid until",
        Reads.DATE,
        (
            *("License expiration", "License expiry", "License expires", "License expiration date"),
            *("Licence expiration", "Licence expiry", "Licence expires", "Licence until"),
        ),
    ),
    Field(
        "qualifications",
        gettext_lazy("Qualified in (names or codes of modalities)"),
        "Qualified in",
        known_as=("Modalities", "Qualifications", "Disciplines", "Discipline", "Specialties"),
    ),
    Field("locations", gettext_lazy("Locations"), "Locations", known_as=("Location", "Business", "Businesses")),
    Field("colour", gettext_lazy("Colour"), "Colour"),
    Field("biography", gettext_lazy("Biography"), "Biography", known_as=("Bio", "Description", "About")),
    Field("archived_at", gettext_lazy("Archived on"), "Archived on", Reads.MOMENT, ("Archived at",)),
)
IGNORED = frozenset({"title", "designation", "phone", "mobile phone", "role", "active", "user id", "id", "created at"})


def lacks(columns: Collection[str]) -> str:
    if not {"legal_name", "full_name", "first_name", "last_name"} & set(columns):
        return _("Choose the column with the name.")
    return "" if "email" in columns else _("Choose the column with the e-mail: by it a therapist signs in.")


def check(rows: Sequence[Row], work: Work) -> None:
    """Try every row as it will be written, and take it back."""
    house = _House()
    above: dict[str, int] = {}
    for row in work.steps(rows, every=1):
        refuse_to_come(row, "archived_at", work.now)
        if row.problems or _is_left_out(row, house):
            continue
        number = above.setdefault(row.text("email").casefold(), row.number)
        if number != row.number:
            row.problems.append(("email", _("The same address stands in row %(number)d.") % {"number": number}))
            continue
        with transaction.atomic():
            _write_one(row, house, work)
            transaction.set_rollback(True)


def stands(row: Row) -> dict[str, str]:
    """Return what will stand on the therapist's page."""
    told = {name: row.text(name) for name in ("email", "licence_number", "qualifications", "locations", "biography")}
    told["legal_name"] = name_of(row)
    if expires_on := row.values.get("licence_expires_on"):
        told["licence_expires_on"] = date_format(expires_on, "j M Y")
    return {name: text for name, text in told.items() if text}


def listed(pks: Collection[int]) -> list[tuple[str, str]]:
    """Return name and page of these therapists."""
    found = Therapist.objects.filter(pk__in=pks).select_related("user").order_by("pk")
    return [(one.user.name, reverse("people:therapist", args=[one.pk])) for one in found]


def write(rows: Sequence[Row], work: Work) -> Made:
    house = _House()
    made = []
    for row in work.steps(rows, every=1):
        therapist = _write_one(row, house, work)
        if therapist is None:
            raise ValidationError(" ".join(words for _field, words in row.problems))
        made.append(therapist.pk)
    return Made(made)


def undo(job: Import, work: Work) -> list[str]:
    """Remove those who were brought, with their logins, unless something was done with or by them since."""
    made = locked(Therapist, job.made)
    users = dict(Therapist.objects.filter(pk__in=made).values_list("user_id", "pk"))
    used = in_use(Therapist, made, but_for=Qualification.objects.all(), beside={Therapist.locations.through})
    used |= {users[pk] for pk in in_use(User, users, but_for=Therapist.objects.filter(pk__in=made))}
    used |= set(Therapist.objects.filter(pk__in=made, user__last_login__isnull=False).values_list("pk", flat=True))
    kept = list(Therapist.objects.filter(pk__in=used).order_by("user__name").values_list("user__name", flat=True))
    Therapist.objects.filter(pk__in=made - used).delete()
    User.objects.filter(pk__in=[pk for pk, therapist in users.items() if therapist not in used]).delete()
    work.progress(1)
    return kept


def export(_now: datetime) -> Iterator[Mapping[str, str]]:
    """Yield every therapist, those who have left too."""
    found = Therapist.objects.select_related("user").prefetch_related("qualifications__modality", "locations")
    for therapist in found.order_by("pk"):
        yield {
            "legal_name": therapist.user.name,
            "email": therapist.user.email,
            "licence_number": therapist.licence_number,
            "licence_expires_on": therapist.licence_expires_on.isoformat() if therapist.licence_expires_on else "",
            "qualifications": "\n".join(_held(one) for one in therapist.qualifications.all()),
            "locations": "\n".join(location.name for location in therapist.locations.all()),
            "colour": therapist.colour,
            "biography": therapist.biography,
            "archived_at": therapist.archived_at.isoformat() if therapist.archived_at else "",
        }


def _held(one: Qualification) -> str:
    """Return a qualification on one line: code | certificate | valid until."""
    return f"{one.modality.code} | {one.certificate} | {one.expires_on.isoformat() if one.expires_on else ''}"


class _House:
    """What the rows may name: logins, modalities, locations. Three queries."""

    def __init__(self) -> None:
        self.logins = {user.email.casefold(): user for user in User.objects.select_related("therapist")}
        self.modalities = {
            called.casefold(): modality
            for modality in Modality.objects.all()
            for called in (modality.name, modality.code, modality.slug)
        }
        self.locations = {one.name.casefold(): one for one in Location.objects.filter(archived_at__isnull=True)}


def _is_left_out(row: Row, house: _House) -> bool:
    user = house.logins.get(row.text("email").casefold())
    if row.values.get("archived_at"):
        row.left_out = _("Has left.")
    elif user is not None and hasattr(user, "therapist"):
        row.left_out = _("%(name)s is here already.") % {"name": user.name}
    return bool(row.left_out)


def _write_one(row: Row, house: _House, work: Work) -> Therapist | None:
    """Write the login and the therapist, or write into the row why not."""
    qualifications, locations = _qualifications(row, house, work), _locations(row, house)
    colour = row.text("colour").casefold() or Therapist.Colour.MOSS
    if row.text("email").casefold() in house.logins:
        row.problems.append(("email", _("Somebody signs in with this address already: change that login instead.")))
    if not row.text("email"):
        row.problems.append(("email", _("The address is missing: by it a therapist signs in.")))
    if row.problems:
        return None
    try:
        with transaction.atomic():
            user = User.objects.create_user(
                row.text("email"), name=name_of(row), roles=[str(Role.THERAPIST)], is_active=False
            )
            therapist = add_therapist(
                by=work.by,
                now=work.now,
                user=user,
                licence_number=row.text("licence_number"),
                licence_expires_on=row.values.get("licence_expires_on"),
                usual_room=None,
                qualifications=qualifications,
                colour=colour,
                locations=locations,
            )
            if row.text("biography"):
                therapist = change_profile(
                    by=work.by, now=work.now, therapist=therapist, biography=row.text("biography"), photo=None
                )
    except ValidationError as refused:
        ours = {"name": "legal_name", "certificate": "qualifications", "expires_on": "qualifications"}
        for name, sentences in refused.message_dict.items():
            row.problems += [(ours.get(name, name), str(one)) for one in sentences]
        return None
    return therapist


def _qualifications(row: Row, house: _House, work: Work) -> list[tuple[Modality, str, date | None]]:
    """Read “code | certificate | valid until” on lines of their own, or plain names between commas."""
    told: dict[int, tuple[Modality, str, date | None]] = {}
    text = row.text("qualifications")
    entries = text.splitlines() if "|" in text else text.replace(";", ",").replace("\n", ",").split(",")
    for entry in filter(str.strip, entries):
        name, _bar, rest = entry.partition("|")
        certificate, _bar, until = rest.rpartition("|")
        modality = house.modalities.get(name.strip().casefold())
        if modality is None:
            words = _("There is no modality “%(name)s” here.") % {"name": shown(name.strip())}
            row.problems.append(("qualifications", words))
            continue
        try:
            expires_on = a_date(until, Habits(today=work.now.date()))
        except ValidationError as problem:
            row.problems.append(("qualifications", problem.messages[0]))
            continue
        told[modality.pk] = (modality, certificate.strip(), expires_on)
    return list(told.values())


def _locations(row: Row, house: _House) -> list[Location]:
    found: list[Location] = []
    for name in filter(None, map(str.strip, row.text("locations").replace(";", "\n").splitlines())):
        location = house.locations.get(name.casefold())
        if location is None:
            row.problems.append(("locations", _("There is no location “%(name)s” here.") % {"name": shown(name)}))
        else:
            found.append(location)
    return found


THERAPISTS = Kind(
    slug="therapists",
    words=gettext_lazy("therapists"),
    title=gettext_lazy("Import therapists"),
    exported=gettext_lazy("exported all therapists"),
    taken_over=ngettext_lazy("%(shown)s therapist taken over", "%(shown)s therapists taken over", "n"),
    taken_back=ngettext_lazy("%(shown)s therapist taken back", "%(shown)s therapists taken back", "n"),
    explained=gettext_lazy(
        "Names, licences, qualifications. They can be booked at once, but nobody is written to and nobody can sign in: "
        "that you allow one by one under “Staff”, when you have looked at the address."
    ),
    undo_words=gettext_lazy("Therapists who were brought and not used since are removed, with their sign-in."),
    fields=FIELDS,
    lacks=lacks,
    check=check,
    stands=stands,
    write=write,
    listed=listed,
    undo=undo,
    export=export,
    ignored=IGNORED,
    most_rows=500,
)
