"""What the pages show of a file's rows: those of one fate, a page of them at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.paginator import Page, Paginator
from django.utils.translation import gettext_lazy as _

from clinic.people.importing.kinds import Kind
from clinic.people.models import Import, ImportRow

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

PER_PAGE = 20
Fate = ImportRow.Fate
# A name may come from several columns, and so is none of them.
NAMES: dict[str, StrOrPromise] = {"legal_name": _("Name"), "client_legal_name": _("Client")}


@dataclass(frozen=True)
class Tab:
    """The rows of one fate, and how many they are."""

    fate: Fate
    count: int
    is_open: bool


@dataclass(frozen=True)
class Shown:
    """One page of rows. `columns` are those that any of its rows fills; `cells` go with them."""

    tabs: list[Tab]
    fate: Fate
    page: Page[ImportRow]
    columns: list[StrOrPromise]
    rows: list[tuple[ImportRow, list[tuple[StrOrPromise, str]]]]


def shown_rows(job: Import, kind: Kind, fate: str, number: str) -> Shown:
    """Return a page of the rows of this fate; of the first that has any, where none is named.

    A sound row is shown as it would stand here, another as the file has it.
    """
    counts = {
        Fate.WRONG: job.wrong_count, Fate.DOUBTFUL: job.doubt_count, Fate.NEW: job.new_count, Fate.HERE: job.here_count,
    }  # fmt: skip
    filled = [one for one, count in counts.items() if count]
    opened = Fate(fate) if fate in filled else next(iter(filled), Fate.NEW)
    page = Paginator(job.lines.filter(fate=opened).order_by("number"), PER_PAGE).get_page(number)
    lines = [(line, line.stands or line.cells) for line in page]
    fields = [field for field in kind.fields if any(cells.get(field.name) for _line, cells in lines)]
    fields.sort(key=lambda field: field.name not in NAMES)
    columns = [NAMES.get(field.name, field.label) for field in fields]
    return Shown(
        tabs=[Tab(one, counts[one], one == opened) for one in filled],
        fate=opened,
        page=page,
        columns=columns,
        rows=[
            (line, [(label, cells.get(field.name, "")) for label, field in zip(columns, fields, strict=True)])
            for line, cells in lines
        ],
    )
