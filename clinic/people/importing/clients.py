"""Clients from elsewhere: how a row becomes a client, who is here already, and the way back."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from clinic.audit.models import Change
from clinic.lib.lookups import keys
from clinic.lib.times import local_date
from clinic.people.duplicates import REASONS, Given, Likeness, likenesses
from clinic.people.importing.client_fields import FIELDS, IGNORED
from clinic.people.importing.kinds import Doubt, Kind, Made, Row, Work, batched
from clinic.people.importing.people import Therapists, compared_name, name_of, refuse_to_come
from clinic.people.importing.undoing import in_use, locked
from clinic.people.models import Client, ContactConsent, Import, clinic_zone
from clinic.people.services import last_words, new_client
from clinic.people.services.clients import PHONES

BATCH = 1000
SAID: Mapping[bool | None, str] = {True: "yes", False: "no", None: ""}
EMAIL, TEXT = ContactConsent.Channel.EMAIL, ContactConsent.Channel.TEXT
CONSENTS = {EMAIL: "by_email", TEXT: "by_text"}

# What becomes a fact of the client under its own name.
PLAIN = (
    "preferred_name", "pronouns", "born_on", "email", "phone", "other_phone", "language", "emergency_name",
    "emergency_relation", "emergency_phone", "physician_name", "physician_contact", "guardian_name",
    "guardian_relation", "guardian_phone", "guardian_email", "alert",
)  # fmt: skip
WISHES = ("light", "sound", "scent", "temperature", "talk", "table_angle")


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


def stands(row: Row) -> dict[str, str]:
    """Return what will stand on the client's record."""
    client: Client = row.made
    told = {name: str(getattr(client, name) or "") for name in (*PLAIN, "legal_name", "address")}
    told |= {name: capfirst(str(getattr(client, f"get_{name}_display")())) for name in WISHES}
    told |= {name: getattr(client, name).as_international for name in PHONES if getattr(client, name)}
    if client.born_on:
        told["born_on"] = date_format(client.born_on, "j M Y")
    if client.primary_therapist:
        told["primary_therapist"] = client.primary_therapist.user.name
    if client.archived_at:
        told["archived_at"] = date_format(local_date(clinic_zone(), client.archived_at), "j M Y")
    told |= {CONSENTS[channel]: _("yes") if is_given else _("no") for channel, is_given in _words_on_channels(row)}
    told["key"] = row.text("key")
    return {name: text for name, text in told.items() if text and (name != "language" or name in row.values)}


def listed(pks: Collection[int]) -> list[tuple[str, str]]:
    """Return name and page of these clients."""
    found = Client.objects.filter(pk__among=keys(pks)).order_by("pk")
    return [(client.name, reverse("desk:client", args=[client.pk])) for client in found]


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


def undo(job: Import, work: Work) -> list[str]:
    """Remove the clients who were brought and not used since, with the word on e-mail or texts that was brought."""
    made = locked(Client, job.made)
    done_at = cast("datetime", job.done_at)  # what is undone has been taken over
    brought = ContactConsent.objects.filter(at=done_at)
    used = in_use(Client, made, but_for=brought)
    told = Change.objects.filter(client_pk__among=keys(made)).values_list("client_pk", flat=True)
    used |= {pk for pk in told if pk is not None}
    stays = Client.objects.filter(pk__among=keys(used)).order_by("legal_name", "pk")
    kept = list(stays.values_list("legal_name", flat=True))
    removed = sorted(made - used)
    for number, batch in enumerate(batched(removed, BATCH)):
        work.progress(number * BATCH / len(removed))
        # Nothing else points at them, so there is nothing to collect.
        for rows in (brought.filter(client__in=batch), Client.objects.filter(pk__in=batch)):
            rows._raw_delete(rows.db)  # noqa: SLF001 -- Django has no public word for it
    return kept


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
    for channel, is_given in _words_on_channels(row):
        yield ContactConsent(
            client=row.made, channel=channel, is_given=is_given, at=work.now, by=work.by, source=source[:80]
        )


def _words_on_channels(row: Row) -> Iterator[tuple[ContactConsent.Channel, bool]]:
    """Yield on which channels the file says yes or no.

    A column that asks counts before the reminders that somebody gets elsewhere; that she gets none is no word of hers.
    """
    for channel, name in CONSENTS.items():
        if name in row.values:
            yield channel, row.values[name]
        elif channel in row.values.get("reminders_by", ()):
            yield channel, True


def _doubt_twins_in_the_file(rows: Sequence[Row]) -> None:
    """Doubt every row with the name and the date of birth of one above it; without a date, where it says all the same.

    Less than that is not doubted within one list: families stand in it, who share phones and addresses.
    """
    first: dict[tuple[object, ...], int] = {}
    for row in rows:
        client = row.made
        told = (client.email, str(client.phone)) if client.born_on is None else ()
        number = first.setdefault((compared_name(client.legal_name), client.born_on, *told), row.number)
        if number != row.number:
            words = (
                _("Same name and date of birth as row %(number)d.") if client.born_on else _("Same as row %(number)d.")
            )
            row.doubt = words % {"number": number}


def _doubt_those_who_are_here(rows: Sequence[Row]) -> None:
    """Doubt every row that is like somebody here, by the rules of `duplicates`; the likeliest is named."""
    clients = [row.made for row in rows]
    given = [Given(one.legal_name, one.born_on, one.email, str(one.phone), str(one.other_phone)) for one in clients]
    alike: dict[int, Likeness] = {}
    for likeness in likenesses(given):
        alike.setdefault(likeness.place, likeness)
    here = Client.objects.in_bulk({likeness.client_pk for likeness in alike.values()})
    for place, likeness in alike.items():
        row, known = rows[place], here[likeness.client_pk]
        facts = {"name": known.name, "same": ", ".join(str(REASONS[code]) for code in likeness.reasons)}
        words = _("%(name)s is archived here: %(same)s.") if known.archived_at else _("%(name)s is here: %(same)s.")
        row.doubt, row.alike_pk = words % facts, known.pk


CLIENTS = Kind(
    slug="clients",
    words=gettext_lazy("clients"),
    title=gettext_lazy("Import clients"),
    exported=gettext_lazy("exported all clients"),
    taken_over=ngettext_lazy("%(shown)s client taken over", "%(shown)s clients taken over", "n"),
    taken_back=ngettext_lazy("%(shown)s client taken back", "%(shown)s clients taken back", "n"),
    explained=gettext_lazy(
        "Names, contact details, birthdays, emergency contacts. Nothing about health is taken over."
    ),
    undo_words=gettext_lazy(
        "Clients who were brought and not used since are removed, with what the file said of e-mails and text "
        "messages. Whoever has a visit, a form or a change stays."
    ),
    fields=FIELDS,
    lacks=lacks,
    check=check,
    stands=stands,
    write=write,
    listed=listed,
    undo=undo,
    export=export,
    doubt=Doubt(
        question=gettext_lazy("Are these the same person?"),
        leave_out=gettext_lazy("The same person: leave out"),
        take_over=gettext_lazy("Somebody else: take over"),
    ),
    seconds={"phone": "other_phone", "address": "address_2"},
    ignored=IGNORED,
)
