"""Visits to come, from elsewhere: booked by the rules of this room, each named by its row where it cannot be.

A visit that was agreed elsewhere keeps when that was (`booked_at`), so nobody gets a confirmation of what was agreed
long ago; reminders go out as for any visit. That it was entered here is recorded as of now.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from clinic.lib.times import at_wall, local_date
from clinic.people.dates import shown
from clinic.people.importing.columns import Field, Reads
from clinic.people.importing.kinds import Doubt, Kind, Made, Row, Work
from clinic.people.importing.people import Therapists, compared_name, known_here, name_of, plain_name
from clinic.people.importing.undoing import in_use, locked
from clinic.people.importing.values import instant
from clinic.people.models import Client, Import, Location, Room, Service, Therapist
from clinic.scheduling.models import Appointment, Status, StatusChange
from clinic.scheduling.services import book_appointment, change_status, lock_places, one_booking
from clinic.scheduling.words import moment_words

# A confirmation answers what was booked within the last day. These were agreed elsewhere, and before that.
BOOKED_BEFORE = timedelta(days=1)
# So many bookings take about a minute, while nobody else can book with the same therapists.
MOST_VISITS = 2_000
NOT_TO_COME = frozenset({
    "cancelled", "canceled", "cancelled late", "late cancelled", "late_cancelled", "no show", "no_show", "no-show",
    "noshow", "did not come", "did not arrive", "rescheduled", "archived", "deleted", "arrived", "completed",
})  # fmt: skip

FIELDS = (
    Field(
        "key",
        gettext_lazy("Client's number in the other program"),
        "Client number",
        known_as=("patient_guid", "Patient Guid", "Patient Id", "Client ID", "Customer ID"),
    ),
    Field("client_legal_name", gettext_lazy("Client's full name, exactly as written"), "Client's legal name"),
    Field(
        "client_full_name",
        gettext_lazy("Client's full name (“Last, First” is turned round)"),
        "Client",
        known_as=("Client name", "Patient", "Patient name", "Customer", "Customer name", "Name", "Full name"),
    ),
    Field(
        "client_first_name",
        gettext_lazy("Client's first name"),
        "Client first name",
        known_as=("patient_first_name", "Patient first name", "First name"),
    ),
    Field(
        "client_last_name",
        gettext_lazy("Client's last name"),
        "Client last name",
        known_as=("patient_last_name", "Patient last name", "Last name"),
    ),
    Field(
        "born_on",
        gettext_lazy("Client's date of birth"),
        "Date of birth",
        Reads.DATE,
        ("Birth date", "Birthday", "DOB"),
    ),
    Field(
        "email",
        gettext_lazy("Client's e-mail"),
        "E-mail",
        Reads.EMAIL,
        ("Email", "Client email", "Patient email", "Email address", "Customer email"),
    ),
    Field(
        "starts_at",
        gettext_lazy("Day and time"),
        "Starts at",
        Reads.WALL,
        ("start_at", "Start", "Start time", "Starts", "Appointment start", "Date and time", "Appointment start time"),
    ),
    Field("day", gettext_lazy("Day"), "Day", Reads.DATE, ("Date", "Appointment date", "Start date")),
    Field("time", gettext_lazy("Time of day"), "Time", Reads.TIME, ("Appointment time", "Time of day")),
    Field(
        "therapist",
        gettext_lazy("Therapist"),
        "Therapist",
        known_as=("staff_member_name", "Staff member", "Practitioner", "Practitioner name", "Provider", "Staff"),
    ),
    Field(
        "service",
        gettext_lazy("Service"),
        "Service",
        known_as=("treatment_name", "Treatment", "Appointment type", "Service name", "Item"),
    ),
    Field("location", gettext_lazy("Location"), "Location", known_as=("location_name", "Business", "Business name")),
    Field("room", gettext_lazy("Room"), "Room", known_as=("Room name", "Resource")),
    Field("is_break", gettext_lazy("A break (left out)"), "Break", Reads.YES_NO),
    Field("status", gettext_lazy("State of the visit"), "State", known_as=("Status", "Appointment status")),
    Field(
        "booked_at",
        gettext_lazy("Booked on"),
        "Booked on",
        Reads.MOMENT,
        ("booked_at", "Created at", "Booked", "Date booked", "Created"),
    ),
)
IGNORED = frozenset({
    "id", "end at", "ends at", "end time", "end", "patient number", "patient prefix", "patient preferred name",
    "insurance state", "first visit", "chart status", "notes text", "arrived at", "booked online", "archived at",
    "no show at", "cancelled at", "cancelled reason", "referral source", "notes", "duration", "price", "updated at",
})  # fmt: skip


@dataclass(frozen=True)
class Visit:
    """A row understood: what is to be booked."""

    client: Client
    therapist: Therapist
    service: Service
    location: Location
    room: Room | None
    starts_at: datetime
    booked_at: datetime

    @property
    def day(self) -> date:
        return local_date(self.location.zone, self.starts_at)


def lacks(columns: Collection[str]) -> str:
    chosen = set(columns)
    if "starts_at" not in chosen and not {"day", "time"} <= chosen:
        return _("Choose the column with day and time, or one with the day and one with the time.")
    if not chosen & ({"key", "email"} | CLIENT_NAMES):
        return _("Choose how a client is found: by number, by e-mail or by name.")
    if "therapist" not in chosen:
        return _("Choose the column with the therapist.")
    return "" if "service" in chosen else _("Choose the column with the service.")


CLIENT_NAMES = frozenset({"client_legal_name", "client_full_name", "client_first_name", "client_last_name"})


def check(rows: Sequence[Row], work: Work) -> None:
    """Book every row day by day, and take it back: so two rows of the file that meet are found too.

    Of one day's rows only, so that nobody at the desk waits long for the locks.
    """
    house = _House(rows)
    by_day: dict[date, list[Row]] = defaultdict(list)
    for row in rows:
        _understand(row, house, work)
        if row.made and not row.left_out:
            by_day[row.made.day].append(row)
    _leave_out_what_is_here(rows)
    done = 0
    for day_rows in by_day.values():
        with transaction.atomic():
            _lock_all(day_rows)
            for row in day_rows:
                _try(row, work)
            transaction.set_rollback(True)
        done += len(day_rows)
        work.progress(done / len(rows))


def stands(row: Row) -> dict[str, str]:
    """Return how the visit will stand in the calendar."""
    visit: Visit = row.made
    told = {
        "client_legal_name": visit.client.name,
        "starts_at": moment_words(visit.starts_at, visit.location.zone),
        "therapist": visit.therapist.user.name,
        "service": visit.service.name,
        "location": visit.location.name,
        "room": visit.room.name if visit.room else "",
    }
    return {name: text for name, text in told.items() if text}


def listed(pks: Collection[int]) -> list[tuple[str, str]]:
    """Return name and page of these visits."""
    visits = Appointment.objects.filter(pk__in=pks).with_people().order_by("starts_at", "pk")
    return [(_named(visit), reverse("desk:appointment", args=[visit.pk])) for visit in visits]


def _named(visit: Appointment) -> str:
    return f"{visit.client.name}, {moment_words(visit.starts_at, visit.location.zone)}"


def write(rows: Sequence[Row], work: Work) -> Made:
    """Book the visits; raises ValidationError, and then none is booked, where one cannot be any more."""
    booked = []
    _lock_all(rows)
    for row in work.steps(sorted(rows, key=lambda row: (row.made.starts_at, row.number)), every=5):
        try:
            booked.append(_book(row, work).pk)
        except ValidationError as refused:
            words = {"number": row.number, "why": " ".join(refused.messages)}
            raise ValidationError(_("Row %(number)d: %(why)s") % words) from None
    return Made(booked)


def undo(job: Import, work: Work) -> list[str]:
    """Cancel the visits that were brought and stand as they were booked; a visit is never removed."""
    made = locked(Appointment, job.made)
    used = in_use_since(made)
    visits = list(Appointment.objects.filter(pk__in=made - used).with_people().order_by("pk"))
    for number, visit in enumerate(visits):
        work.progress(number / len(visits))
        change_status(by=work.by, now=work.now, appointment=visit, to=Status.CANCELLED, why=_("import undone"))
    kept = Appointment.objects.filter(pk__in=used).with_people().order_by("starts_at")
    return [_named(visit) for visit in kept]


def in_use_since(made: Collection[int]) -> set[int]:
    """Return those of the visits that were moved, went on, or have a note or a message."""
    first_steps = StatusChange.objects.filter(appointment__in=made, before="")
    stands = Appointment.objects.filter(pk__in=made, status=Status.BOOKED).values_list("pk", flat=True)
    return in_use(Appointment, made, but_for=first_steps) | (set(made) - set(stands))


def export(now: datetime) -> Iterator[Mapping[str, str]]:
    """Yield the visits to come."""
    visits: QuerySet[Appointment] = Appointment.objects.upcoming(now).with_people()
    for visit in visits.iterator(chunk_size=1000):
        client = visit.client
        yield {
            "key": str(client.pk),
            "client_legal_name": client.legal_name,
            "born_on": client.born_on.isoformat() if client.born_on else "",
            "email": client.email,
            "starts_at": f"{visit.local_start:%Y-%m-%d %H:%M}",
            "therapist": visit.therapist.user.email,
            "service": visit.service.name,
            "location": visit.location.name,
            "room": visit.room.name,
            "status": visit.status,
            "booked_at": visit.booked_at.isoformat(),
        }


class _House:
    """What the rows may name. A constant number of queries."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.therapists = Therapists()
        self.services = {one.name.casefold(): one for one in Service.objects.select_related("modality")}
        self.locations = {one.name.casefold(): one for one in Location.objects.filter(archived_at__isnull=True)}
        self.rooms = {
            (one.location_id, one.name.casefold()): one for one in Room.objects.filter(archived_at__isnull=True)
        }
        self.by_key = _keys_of_imports({row.text("key") for row in rows if row.text("key")})
        self.by_email: dict[str, list[Client]] = defaultdict(list)
        self.by_name: dict[str, list[Client]] = defaultdict(list)
        for client in Client.objects.active():
            if client.email:
                self.by_email[client.email.casefold()].append(client)
            for name in {compared_name(client.legal_name), compared_name(client.name)}:
                self.by_name[name].append(client)

    def client(self, row: Row) -> Client | None:
        """Return whom the row means: by number, else by name, else by an e-mail; a family may share one.

        Who is named is never somebody else who has the e-mail.
        """
        if numbered := self.by_key.get(row.text("key")):
            row.problems += _contradictions(row, numbered)
            return numbered
        name = compared_name(name_of(row, "client_"))
        named = self.by_name.get(name, [])
        sharing = self.by_email.get(row.text("email").casefold(), [])
        known = [client for client in sharing if client in named] or named or ([] if name else sharing)
        found = _born_so(row, known) if known else [one for one in sharing if not _contradictions(row, one)]
        if len(found) != 1:
            row.problems.append(_client_problem(row, known, several=len(found) > 1))
            return None
        [client] = found
        if client not in sharing and _other_email(row, client):
            words = _("%(name)s is the only client of this name, but is known here with another e-mail.")
            row.doubt = words % {"name": client.name}
        return client


def _born_so(row: Row, named: Sequence[Client]) -> list[Client]:
    """Return those of this name against whom no date of birth speaks; where one is the very day, only those."""
    if not (born_on := row.values.get("born_on")):
        return list(named)
    return [one for one in named if one.born_on == born_on] or [one for one in named if one.born_on is None]


def _other_email(row: Row, client: Client) -> bool:
    known = {client.email.casefold(), client.guardian_email.casefold()} - {""}
    return bool(known and row.text("email")) and row.text("email").casefold() not in known


def _contradictions(row: Row, client: Client) -> list[tuple[str, str]]:
    """Return what the row says of the client whose number it gives, and what is otherwise here."""
    told, known = _words(name_of(row, "client_")), _words(client.legal_name)
    is_other = {
        "client_legal_name": not (told <= known | _words(client.preferred_name) or known <= told),
        "email": _other_email(row, client),
        "born_on": None not in (row.values.get("born_on"), client.born_on) and row.values["born_on"] != client.born_on,
    }
    words = _("By its number this is %(name)s, of whom something else is known here: put it right, or leave it empty.")
    return [(field, words % {"name": client.name}) for field, differs in is_other.items() if differs]


def _words(name: str) -> set[str]:
    """Return the words of a name that are more than an initial."""
    return set(re.findall(r"\w{2,}", plain_name(name)))


def _client_problem(row: Row, known: Sequence[Client], *, several: bool) -> tuple[str, str]:
    name = name_of(row, "client_")
    told = shown(name or row.text("email") or row.text("key"))
    field = "client_legal_name" if name else next((one for one in ("email", "key") if row.text(one)), "key")
    if several:
        return field, _("More than one client may be “%(client)s”: give the date of birth or the e-mail.") % {
            "client": told
        }
    if known:
        return "born_on", _("“%(client)s” is known here with another date of birth.") % {"client": told}
    if not told:
        return "", _("This row does not say whose visit it is.")
    return field, _("No client here is “%(client)s”: import the clients first.") % {"client": told}


def _keys_of_imports(keys: Collection[str]) -> dict[str, Client]:
    """Return clients by the number that the other program gave them, as the imports of clients remember it.

    Two programs give the same numbers to different people. The newest import answers, with those whose files had the
    same columns: they are of the same program, as the parts of a file that was split. Who was merged since is the
    client who was kept.
    """
    pks: dict[str, int] = {}
    done = Import.objects.filter(kind="clients", state=Import.State.DONE).exclude(keys={}).order_by("done_at", "pk")
    newest = done.values_list("columns", flat=True).last()
    for known in done.filter(columns=newest or []).values_list("keys", flat=True):
        pks |= {key: pk for key, pk in known.items() if key in keys}
    found = Client.objects.filter(pk__in=pks.values()).select_related("merged_into")
    kept = {client.pk: client.merged_into or client for client in found}
    return {key: kept[pk] for key, pk in pks.items() if pk in kept and kept[pk].archived_at is None}


def _understand(row: Row, house: _House, work: Work) -> None:
    """Say what the row means, or why it is passed over or cannot be booked."""
    if row.values.get("is_break"):
        row.left_out = _("It is a break.")
        return
    if row.text("status").casefold() in NOT_TO_COME:
        row.left_out = _("It is %(state)s.") % {"state": row.text("status")}
        return
    location = _location(row, house)
    starts_at = _starts_at(row, location)
    if starts_at is not None and starts_at <= work.now:
        row.left_out = _("It has passed.")
        return
    client, therapist = house.client(row), house.therapists.find(row, "therapist")
    service, room = _service(row, house), _room(row, location, house)
    if not (client and therapist and service and location and starts_at) or row.problems:
        return
    booked_at = min(row.values.get("booked_at") or work.now - BOOKED_BEFORE, work.now - BOOKED_BEFORE)
    row.made = Visit(client, therapist, service, location, room, starts_at, booked_at)


def _location(row: Row, house: _House) -> Location | None:
    name = row.text("location")
    if not name and len(house.locations) == 1:
        return next(iter(house.locations.values()))
    found = house.locations.get(name.casefold())
    if found is None:
        words = (
            _("There is no location “%(name)s” here.") % {"name": shown(name)}
            if name
            else _("The location is missing.")
        )
        row.problems.append(("location", words))
    return found


def _starts_at(row: Row, location: Location | None) -> datetime | None:
    """Return the start by the wall clock of the location."""
    if location is None:
        return None
    if told := row.values.get("starts_at"):
        return instant(told, location.zone)
    if "day" in row.values and "time" in row.values:
        return at_wall(location.zone, row.values["day"], row.values["time"])
    # What could not be read is not missing: it has been named already.
    if not {"starts_at", "day", "time"} & {name for name, _words in row.problems}:
        row.problems.append(("starts_at", _("Day or time of the visit is missing.")))
    return None


def _service(row: Row, house: _House) -> Service | None:
    found = house.services.get(row.text("service").casefold())
    if found is None:
        typed = row.text("service")
        words = _("There is no service “%(name)s” here.") % {"name": shown(typed)}
        row.problems.append(("service", words + known_here(typed, {one.name for one in house.services.values()})))
    return found


def _room(row: Row, location: Location | None, house: _House) -> Room | None:
    name = row.text("room")
    if not name or location is None:
        return None
    found = house.rooms.get((location.pk, name.casefold()))
    if found is None:
        row.problems.append(("room", _("There is no room “%(name)s” there.") % {"name": shown(name)}))
    return found


def _leave_out_what_is_here(rows: Sequence[Row]) -> None:
    """Pass over visits that are booked here already: same client, same start."""
    visits = [row.made for row in rows if row.made]
    booked = Appointment.objects.taking_time().filter(starts_at__in={visit.starts_at for visit in visits})
    here = set(booked.values_list("client_id", "starts_at"))
    for row in rows:
        if row.made and (row.made.client.pk, row.made.starts_at) in here:
            row.left_out = _("It is booked here already.")


def _lock_all(rows: Sequence[Row]) -> None:
    """Lock everybody and every room at once, in the order in which bookings do, so that no two lock crosswise."""
    visits = [row.made for row in rows]
    with one_booking():
        for location in sorted({visit.location for visit in visits}, key=lambda location: location.pk):
            lock_places({visit.therapist.pk for visit in visits}, location)


def _try(row: Row, work: Work) -> None:
    """Book, and write into the row what stands against it."""
    if row.left_out:
        return
    try:
        _book(row, work)
    except ValidationError as refused:
        row.problems += [("starts_at", words) for words in refused.messages]


def _book(row: Row, work: Work) -> Appointment:
    """Book one visit. What only a reason may pass over becomes a doubt of the row, and the import is the reason.

    Beyond a licence an owner books for a reason of her own, and one visit at a time.
    """
    visit: Visit = row.made
    _refuse_beyond_licence(visit)
    why = _("import of %(file)s") % {"file": work.file_name}
    facts: dict[str, Any] = {
        "by": work.by, "now": work.now, "client": visit.client, "service": visit.service,
        "therapist": visit.therapist, "location": visit.location, "room": visit.room,
        "starts_at": visit.starts_at, "booked_at": visit.booked_at, "why": why[:160],
    }  # fmt: skip
    try:
        return book_appointment(**facts)
    except ValidationError as refused:
        if getattr(refused, "code", "") != "needs_reason":
            raise
        obstacle = str((refused.params or {}).get("obstacle", refused.messages[0]))
        row.doubt = " ".join(filter(None, (row.doubt, obstacle)))
        return book_appointment(**facts, override_reason=why[:160])


def _refuse_beyond_licence(visit: Visit) -> None:
    ends_on = visit.therapist.licence_expires_on
    if ends_on and visit.day > ends_on:
        facts = {"therapist": visit.therapist.user.first_name, "day": date_format(ends_on, "D j M Y")}
        raise ValidationError(_("The licence of %(therapist)s ends on %(day)s. Book this visit by hand.") % facts)


APPOINTMENTS = Kind(
    slug="appointments",
    words=gettext_lazy("future appointments"),
    title=gettext_lazy("Import future appointments"),
    exported=gettext_lazy("exported all future appointments"),
    taken_over=ngettext_lazy("%(shown)s visit booked", "%(shown)s visits booked", "n"),
    taken_back=ngettext_lazy("%(shown)s visit cancelled again", "%(shown)s visits cancelled again", "n"),
    explained=gettext_lazy(
        "Visits still to come, booked by the same rules as at the desk. Import the clients first. Nobody gets a "
        "confirmation of what was agreed elsewhere; reminders go out as for any visit."
    ),
    undo_words=gettext_lazy(
        "Visits that were brought and stand as they were booked are cancelled. What was moved or went on stays."
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
        question=gettext_lazy("Are these to be booked? The import is kept as the reason."),
        leave_out=gettext_lazy("Leave out"),
        take_over=gettext_lazy("Book all the same"),
    ),
    ignored=IGNORED,
    most_rows=MOST_VISITS,
)
