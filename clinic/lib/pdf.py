"""Sheets of paper as tagged PDF, set by typst from a template and data; what people typed is data, never markup."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import typst
from django.conf import settings

UNDISPLAYABLE = "could not be displayed with font"


def pdf_of(template: str, data: Mapping[str, object], *, now: datetime) -> bytes:
    """Set `templates/<template>` with its data (`json(bytes(sys.inputs.data))`) and return the PDF, after PDF/UA.

    Where a text holds a sign that no font of ours has (an emoji), the sheet is tagged all the same, but shows a box
    there; the text itself stays in the file.
    """
    try:
        return _set(template, data, "ua-1", now)
    except typst.TypstError as problem:
        if UNDISPLAYABLE not in str(problem):
            raise
        return _set(template, data, None, now)


def _set(template: str, data: Mapping[str, object], standard: Literal["ua-1"] | None, now: datetime) -> bytes:
    folder = settings.BASE_DIR / "templates"
    return typst.compile(
        str(folder / template),
        root=str(folder),
        format="pdf",
        # The same sheet on every machine.
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(data)},
        pdf_standards=standard,
        timestamp=int(now.timestamp()),
    )
