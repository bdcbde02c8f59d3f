"""Clients from elsewhere: their columns, how a row becomes a client, who is here already, and the way back."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.audit.models import Change
from clinic.people.importing.columns import Field, Reads
from clinic.people.importing.kinds import Doubt, Kind, Made, Row, Undone, Work, batched
from clinic.people.importing.people import Therapists, name_of, refuse_to_come
from clinic.people.importing.undoing import in_use, locked
from clinic.people.models import Client, ContactConsent, Import
from clinic.people.services import last_words, new_client

BATCH = 1000
SAID: Mapping[bool | None, str] = {True: "yes", False: "no", None: ""}
EMAIL, TEXT = ContactConsent.Channel.EMAIL, ContactConsent.Channel.TEXT

FIELDS = (
    Field(
        "key",
        gettext_lazy("Number in the other program"),
        "Client number",
        known_as=("patient_guid", "Patient Guid", "Patient Id", "Patient Number", "Client ID", "Customer ID", "ID"),
    ),
    Field("legal_name", gettext_lazy("Full name, exactly as written"), "Legal name"),
    Field(
        "full_name",
        gettext_lazy("Full name (“Last, First” is turned round)"),
        "Full name",
        known_as=("Name", "Client", "Client name", "Patient", "Patient name", "Customer", "Customer name"),
    ),
    Field(
        "first_name",
        gettext_lazy("First name"),
        "First name",
        known_as=("Given name", "Forename", "Legal first name", "Client first name", "Vorname", "Nome", "Prénom"),
    ),
    Field("middle_name", gettext_lazy("Middle name"), "Middle name", known_as=("Middle names", "Middle initial")),
    Field(
        "last_name",
        gettext_lazy("Last name"),
        "Last name",
        known_as=("Surname", "Family name", "Client last name", "Nachname", "Apelido", "Nom"),
    ),
    Field(
        "preferred_name",
        gettext_lazy("Called"),
        "Preferred name",
        known_as=("Preferred first name", "Nickname", "Goes by", "Called"),
    ),
    Field("pronouns", gettext_lazy("Pronouns"), "Pronouns"),
    Field(
        "born_on",
        gettext_lazy("Date of birth"),
        "Date of birth",
        Reads.DATE,
        ("Birth date", "Birthdate", "Birthday", "DOB", "Born", "Geburtsdatum", "Data de nascimento"),
    ),
    Field(
        "email",
        gettext_lazy("E-mail"),
        "E-mail",
        Reads.EMAIL,
        ("Email", "Email address", "E-mail address", "Mail", "Primary email"),
    ),
    Field(
        "phone",
        gettext_lazy("Phone"),
        "Phone",
        Reads.PHONE,
        ("Mobile phone", "Mobile", "Cell phone", "Cell", "Phone number", "Mobile number", "Telephone", "Telefon"),
    ),
    Field(
        "other_phone",
        gettext_lazy("Other phone"),
        "Other phone",
        Reads.PHONE,
        ("Home phone", "Work phone", "Home", "Secondary phone", "Alternate phone", "Phone 2"),
    ),
    Field(
        "address",
        gettext_lazy("Address"),
        "Address",
        known_as=("Street address", "Address 1", "Street", "Address line 1", "Street address 1"),
    ),
    Field(
        "address_2",
        gettext_lazy("Address, second line"),
        "Address 2",
        known_as=("Address line 2", "Apt", "Street address 2", "Suite"),
    ),
    Field("address_3", gettext_lazy("Address, third line"), "Address 3", known_as=("Address line 3",)),
    Field("city", gettext_lazy("City"), "City", known_as=("Town", "Suburb", "Town/City")),
    Field("state", gettext_lazy("State or province"), "State", known_as=("Province/State", "Province", "Region")),
    Field("post_code", gettext_lazy("Postal code"), "Post code", known_as=("Postal", "Postal code", "Zip", "Zip code")),
    Field("country", gettext_lazy("Country"), "Country", known_as=("Country code",)),
    Field("language", gettext_lazy("Language"), "Language", known_as=("Preferred language",)),
    Field(
        "emergency_name",
        gettext_lazy("Emergency contact"),
        "Emergency contact",
        known_as=("Emergency contact name",),
    ),
    Field(
        "emergency_relation",
        gettext_lazy("Emergency contact's relation"),
        "Emergency contact relation",
        known_as=("Emergency contact relationship",),
    ),
    Field(
        "emergency_phone",
        gettext_lazy("Emergency contact's phone"),
        "Emergency contact phone",
        Reads.PHONE,
        ("Emergency phone", "Emergency contact number"),
    ),
    Field(
        "physician_name",
        gettext_lazy("Referring physician"),
        "Referring physician",
        known_as=("Referring doctor", "Family doctor", "Physician", "Doctor", "Referring professional"),
    ),
    Field("physician_contact", gettext_lazy("Physician's practice"), "Physician's practice"),
    Field(
        "guardian_name", gettext_lazy("Guardian"), "Guardian", known_as=("Parent", "Guardian name", "Parent/Guardian")
    ),
    Field("guardian_relation", gettext_lazy("Guardian's relation"), "Guardian's relation"),
    Field("guardian_phone", gettext_lazy("Guardian's phone"), "Guardian's phone", Reads.PHONE, ("Guardian phone",)),
    Field("guardian_email", gettext_lazy("Guardian's e-mail"), "Guardian's e-mail", Reads.EMAIL, ("Guardian email",)),
    Field("light", gettext_lazy("Light in the room"), "Light in the room"),
    Field("sound", gettext_lazy("Sound"), "Sound"),
    Field("scent", gettext_lazy("Scent"), "Scent"),
    Field("temperature", gettext_lazy("Temperature"), "Temperature"),
    Field("talk", gettext_lazy("Talk"), "Talk"),
    Field("table_angle", gettext_lazy("On the table"), "On the table"),
    Field(
        "primary_therapist",
        gettext_lazy("Therapist"),
        "Therapist",
        known_as=("Practitioner", "Primary practitioner", "Preferred practitioner", "Staff member", "Provider"),
    ),
    Field("alert", gettext_lazy("Alert for the front desk (never about health)"), "Alert for the front desk"),
    Field("by_email", gettext_lazy("May be written to by e-mail"), "May be written to by e-mail", Reads.YES_NO),
    Field("by_text", gettext_lazy("May be sent text messages"), "May be sent text messages", Reads.YES_NO),
    Field("archived_at", gettext_lazy("Archived on"), "Archived on", Reads.MOMENT, ("Archived at", "Archived")),
)
# What becomes a fact of the client under its own name.
PLAIN = (
    "preferred_name", "pronouns", "born_on", "email", "phone", "other_phone", "language", "emergency_name",
    "emergency_relation", "emergency_phone", "physician_name", "physician_contact", "guardian_name",
    "guardian_relation", "guardian_phone", "guardian_email", "alert",
)  # fmt: skip
WISHES = ("light", "sound", "scent", "temperature", "talk", "table_angle")
IGNORED = frozenset({
    "title", "prefix", "sex", "gender", "gender identity", "occupation", "employer", "first visit", "last visit",
    "active", "referral source", "created at", "updated at", "time zone", "invoice to", "invoice email", "member since",
    "client since", "balance", "medicare", "medicare reference number", "notes", "appointment notes",
})  # fmt: skip


def lacks(columns: Collection[str]) -> str:
    if {"legal_name", "full_name", "first_name", "last_name"} & set(columns):
        return ""
    return _("Choose the column with the name: the full name, or first and last name.")


def check(rows: Sequence[Row], work: Work) -> None:
    """Make a client of every row, by the rules of the service, and look for those who are here already."""
    therapists = Therapists()
    sound = []
    for row in work.steps(rows):
        if not row.is_flawed:
            _make_client(row, therapists, work)
        if not row.problems:
            sound.append(row)
    _doubt_twins_in_the_file(sound)
    for batch in batched(sound, 5 * BATCH):
        _doubt_those_who_are_here(batch)


def write(rows: Sequence[Row], work: Work) -> Made:
    """Write the clients and what they said of being written to; the change history is written by the database."""
    written = 0
    for batch in batched(rows, BATCH):
        Client.objects.bulk_create([row.made for row in batch])
        ContactConsent.objects.bulk_create(consent for row in batch for consent in _consents(row, work))
        written += len(batch)
        work.progress(written / len(rows))
    return Made(
        pks=[row.made.pk for row in rows],
        keys={row.text("key"): row.made.pk for row in rows if row.text("key")},
    )


def undo(job: Import, work: Work) -> Undone:
    """Remove the clients who were brought and not used since. Whose word on e-mail or texts was brought is archived."""
    made = locked(Client, job.made)
    used = in_use(Client, made, but_for=ContactConsent.objects.filter(at__lte=job.done_at))
    told = Change.objects.filter(client_pk__in=made).values_list("client_pk", flat=True)
    used |= {pk for pk in told if pk is not None}
    kept = Client.objects.filter(pk__in=used).order_by("legal_name", "pk").values_list("legal_name", flat=True)
    consented = set(ContactConsent.objects.filter(client__in=made - used).values_list("client_id", flat=True))
    archived = Client.objects.active().filter(pk__in=consented).update(archived_at=work.now)
    removed = sorted(made - used - consented)
    for number, batch in enumerate(batched(removed, BATCH)):
        work.progress(number * BATCH / len(removed))
        # Nothing points at them, so there is nothing to collect.
        found = Client.objects.filter(pk__in=batch)
        found._raw_delete(found.db)  # noqa: SLF001 -- Django has no public word for it
    return Undone(list(kept), archived)


def export(_now: datetime) -> Iterator[Mapping[str, str]]:
    """Yield every client, archived ones too; who was merged into another is in the other."""
    found = Client.objects.filter(merged_into__isnull=True).order_by("pk").select_related("primary_therapist__user")
    for batch in batched(found.iterator(chunk_size=2 * BATCH), 2 * BATCH):
        said = last_words([client.pk for client in batch])
        for client in batch:
            yield _cells(client, said)


def _cells(client: Client, said: Mapping[tuple[int, str], bool]) -> dict[str, str]:
    cells = {name: str(getattr(client, name) or "") for name in (*PLAIN, *WISHES, "legal_name", "address")}
    therapist = client.primary_therapist
    return cells | {
        "key": str(client.pk),
        "born_on": client.born_on.isoformat() if client.born_on else "",
        "primary_therapist": therapist.user.email if therapist else "",
        "by_email": SAID[said.get((client.pk, EMAIL))],
        "by_text": SAID[said.get((client.pk, TEXT))],
        "archived_at": client.archived_at.isoformat() if client.archived_at else "",
    }


def _make_client(row: Row, therapists: Therapists, work: Work) -> None:
    facts: dict[str, Any] = {name: row.values[name] for name in PLAIN if name in row.values}
    facts["address"] = _address(row)
    facts |= {name: _wish(row, name) for name in WISHES if row.text(name)}
    if row.text("primary_therapist"):
        facts["primary_therapist"] = therapists.find(row, "primary_therapist")
    refuse_to_come(row, "archived_at", work.now)
    if row.text("language") and row.text("language") not in dict(settings.LANGUAGES):
        row.problems.append(("language", _("There is no language “%(code)s” here.") % {"code": row.text("language")}))
    try:
        row.made = new_client(by=work.by, now=work.now, legal_name=name_of(row), **facts)
    except ValidationError as refused:
        # What could not be read is not missing: it has been named already.
        named = {name for name, _words in row.problems}
        row.problems += [found for found in _by_field(refused) if found[0] not in named]
    else:
        row.made.archived_at = row.values.get("archived_at")


def _by_field(refused: ValidationError) -> list[tuple[str, str]]:
    if not hasattr(refused, "error_dict"):
        return [("", words) for words in refused.messages]
    found = refused.message_dict.items()
    return [("" if name == NON_FIELD_ERRORS else name, str(words)) for name, sentences in found for words in sentences]


def _address(row: Row) -> str:
    town = " ".join(filter(None, (row.text("city"), row.text("state"), row.text("post_code"))))
    parts = (row.text("address"), row.text("address_2"), row.text("address_3"), town, row.text("country"))
    return "\n".join(filter(None, parts))


def _wish(row: Row, name: str) -> str:
    choices = {str(said).casefold(): value for value, label in _choices(name) for said in (value, label)}
    typed = row.text(name)
    if typed.casefold() not in choices:
        known = ", ".join(str(label) for _value, label in _choices(name))
        row.problems.append((name, _("“%(typed)s” is none of: %(known)s.") % {"typed": typed, "known": known}))
    return choices.get(typed.casefold(), "")


def _choices(name: str) -> list[tuple[str, Any]]:
    return [(value, label) for value, label in Client._meta.get_field(name).flatchoices if value]  # type: ignore[union-attr]  # noqa: SLF001


def _consents(row: Row, work: Work) -> Iterator[ContactConsent]:
    source = _("import of %(file)s") % {"file": work.file_name}
    for name, channel in (("by_email", EMAIL), ("by_text", TEXT)):
        is_given = row.values.get(name)
        if is_given is not None:
            yield ContactConsent(
                client=row.made, channel=channel, is_given=is_given, at=work.now, by=work.by, source=source[:80]
            )


def _doubt_twins_in_the_file(rows: Sequence[Row]) -> None:
    """Doubt every row that says of the same person the same as one above it."""
    first: dict[tuple[object, ...], int] = {}
    for row in rows:
        client = row.made
        told = (client.legal_name.casefold(), client.born_on, client.email, str(client.phone))
        number = first.setdefault(told, row.number)
        if number != row.number:
            row.doubt = _("Says the same as row %(number)d.") % {"number": number}


# Narrower than `likeness`, which also knows near names and the archive, but for thousands at once:
# each join is one hash, where its OR would be a loop.
HERE_ALREADY = """
WITH given AS (
    SELECT * FROM unnest(%(numbers)s::int[], %(emails)s::text[], %(phones)s::text[], %(other_phones)s::text[],
        %(names)s::text[], %(births)s::date[]) AS given (number, email, phone, other_phone, name, born_on)
)
SELECT given.number, min(client.legal_name), 'email' FROM given JOIN people_client client
    ON upper(client.email) = upper(given.email) AND given.email <> '' AND client.archived_at IS NULL GROUP BY 1
UNION ALL
SELECT given.number, min(client.legal_name), 'phone'
    FROM (SELECT number, phone FROM given UNION SELECT number, other_phone FROM given) AS given
    JOIN (SELECT legal_name, phone FROM people_client WHERE archived_at IS NULL
        UNION ALL SELECT legal_name, other_phone FROM people_client WHERE archived_at IS NULL) AS client
    ON client.phone = given.phone AND given.phone <> '' GROUP BY 1
UNION ALL
SELECT given.number, min(client.legal_name), 'name' FROM given JOIN people_client client
    ON client.born_on = given.born_on AND client.archived_at IS NULL
    AND upper(unaccent(client.legal_name)) = upper(unaccent(given.name)) GROUP BY 1
"""


def _doubt_those_who_are_here(rows: Sequence[Row]) -> None:
    clients = [row.made for row in rows]
    given = {
        "numbers": [row.number for row in rows],
        "emails": [client.email for client in clients],
        "phones": [str(client.phone) for client in clients],
        "other_phones": [str(client.other_phone) for client in clients],
        "names": [client.legal_name for client in clients],
        "births": [client.born_on for client in clients],
    }
    with connection.cursor() as cursor:
        cursor.execute(HERE_ALREADY, given)
        found = cursor.fetchall()
    same = {"email": _("e-mail"), "phone": _("phone"), "name": _("name and date of birth")}
    names: dict[int, str] = {}
    reasons: dict[int, list[str]] = {}
    for number, name, by in found:
        names.setdefault(number, name)
        reasons.setdefault(number, []).append(same[by])
    for row in rows:
        if row.number in names:
            facts = {"name": names[row.number], "same": ", ".join(reasons[row.number])}
            row.doubt = _("%(name)s is here already: same %(same)s.") % facts


CLIENTS = Kind(
    slug="clients",
    words=gettext_lazy("clients"),
    explained=gettext_lazy(
        "Names, contact details, birthdays, emergency contacts. Nothing about health is taken over."
    ),
    undo_words=gettext_lazy(
        "Clients who were brought and not used since are removed. But for whom the file said whether e-mails or text "
        "messages may be sent, yes or no, is archived instead: that word is never removed. Whoever has a visit, a form "
        "or a change stays."
    ),
    fields=FIELDS,
    lacks=lacks,
    check=check,
    write=write,
    undo=undo,
    export=export,
    doubt=Doubt(
        question=gettext_lazy("Rows that look like somebody who is here already"),
        leave_out=gettext_lazy("Leave them out"),
        take_over=gettext_lazy("Take them over anyway, as clients of their own"),
    ),
    seconds={"phone": "other_phone", "address": "address_2"},
    ignored=IGNORED,
)
