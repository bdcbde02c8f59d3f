"""Which column of a file is which of our fields: by the headers that other programs write, else by a person's choice.

Where the headers come from (see docs of each field's aliases below):
- Jane, “Patient List” and “Appointments” reports, Reports › Export to Excel (jane.app/guide/importing-from-jane). The
  headers are those of real exports as public programs that read them spell them: the list writes “patient_guid”,
  “First Name”, “Preferred Name”, “Mobile Phone”, “Birth Date”, “Street Address”, “Province/State”, “Postal”; the
  appointments write “start_at”, “patient_guid”, “patient_first_name”, “treatment_name”, “staff_member_name”,
  “location_name”, “booked_at”, “state”, “break”.
- Cliniko, Settings › Data exports. Its export has the fields of its API (docs.api.cliniko.com, Patient and Individual
  appointment), each with its name in words: “Patient Id”, “First name”, “Preferred first name”, “Date of birth”,
  “Address 1”, “City”, “Post code”, “Emergency contact”, “Appointment type”, “Practitioner”, “Business”. An export
  itself was not at hand: headers are compared without case and signs, so that “first_name” and “First Name” are one.
  “Reminder type” is the only word there about being written to: “SMS”, “Email”, “SMS & Email” or “None”.
- MassageBook, Reports › Clients › Export. Its help does not print the headers. These are the likely ones: the names of
  the fields on its client's page (“First Name”, “Cell Phone”, “Birthday”, “Zip”). What differs is chosen on the page.
What is about health (Cliniko's notes and Medicare numbers, Jane's chart state) has no field here and stays out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from clinic.people.importing.table import Table, folded

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


# What the list of rows that were left out says beside their cells (see left_out.py).
ROW, WHY = "Row", "Why it was left out"


class Reads(Enum):
    """How the cells of a field are read. WALL is day and time by the clock of a place that the row names."""

    TEXT = "text"
    DATE = "date"
    MOMENT = "moment"
    WALL = "wall"
    TIME = "time"
    PHONE = "phone"
    EMAIL = "email"
    YES_NO = "yes or no"
    CHANNELS = "e-mail, text message"


@dataclass(frozen=True)
class Field:
    """One of our fields. `header` is what the export writes; `known_as` are the headers of other programs."""

    name: str
    label: StrOrPromise
    header: str
    reads: Reads = Reads.TEXT
    known_as: tuple[str, ...] = ()

    @property
    def headers(self) -> frozenset[str]:
        return frozenset(folded(name) for name in (self.header, *self.known_as))


def known_headers(fields: Sequence[Field]) -> frozenset[str]:
    """Return all headers by which a column is recognised."""
    return frozenset[str]().union(*(field.headers for field in fields))


def guess_columns(table: Table, fields: Sequence[Field], seconds: Mapping[str, str]) -> list[str]:
    """Return for each column the field that it is by its header, or nothing.

    A second column of the same name is what `seconds` says: a second “Phone” is the other phone.
    """
    by_header = {header: field.name for field in reversed(fields) for header in field.headers}
    taken: set[str] = set()
    guessed = []
    for header in table.header:
        name = by_header.get(folded(header)) or seconds.get(by_header.get(folded(header.rpartition(" (")[0]), ""), "")
        name = seconds.get(name, "") if name in taken else name
        guessed.append("" if name in taken else name)
        taken.add(guessed[-1])
        taken.discard("")
    return guessed


OUR_OWN = frozenset({folded(ROW), folded(WHY)})


def not_recognised(columns: Collection[str], table: Table, ignored: frozenset[str]) -> list[str]:
    """Return the headers of which it is known neither what they are nor that they are none of ours."""
    known = ignored | OUR_OWN
    named = zip(columns, table.header, strict=True)
    return [header for name, header in named if not name and folded(header) not in known]
