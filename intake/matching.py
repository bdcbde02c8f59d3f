"""What she wrote in the form beside what her record says, to choose from field by field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from clinic.audit.services import because, record_change
from clinic.people.models import ROOM_WISHES, Client, User
from clinic.people.services import lock_kept, update_client
from intake.answering import ROOM_QUESTIONS
from intake.documents import refuse_all_but_therapists
from intake.models import Submission
from intake.questions import Answers

if TYPE_CHECKING:
    from clinic.people.services.clients import ClientFields

# Questions whose answer is a fact of the record, where a form asks them.
RECORD_QUESTIONS: Mapping[str, str] = {
    code: code
    for code in (
        "legal_name", "preferred_name", "pronouns", "phone", "other_phone", "email", "address", "emergency_name",
        "emergency_relation", "emergency_phone", "physician_name", "physician_contact",
    )
} | ROOM_QUESTIONS  # fmt: skip
# Her doctor is told in one line: who, then where.
DOCTOR = "doctor"
AFTER_THE_NAME = re.compile(r"[,;\n]")


@dataclass(frozen=True)
class Match:
    """One field of the record: what it says, and what she wrote."""

    field: str
    label: str
    there: str
    wrote: str
    # As people read it; a wish for the room is kept by a word of its own.
    there_words: str
    wrote_words: str

    @property
    def is_typed(self) -> bool:
        """Say whether what she wrote may be put right before it is taken."""
        return self.field not in ROOM_WISHES


def matches_of(submission: Submission, client: Client) -> list[Match]:
    """Return the fields of which she wrote otherwise than her record says."""
    written = facts_in(submission.answers)
    fields = Client._meta.fields  # noqa: SLF001  # public by Django's documentation
    return [match for field in fields if field.name in written and (match := _match(field, client, written))]


def facts_in(answers: Answers) -> dict[str, str]:
    """Return what these answers say of the record, by field."""
    written = {field: str(answers[code]).strip() for code, field in RECORD_QUESTIONS.items() if answers.get(code)}
    doctor = str(answers.get(DOCTOR, "")).strip()
    if doctor:
        cut = AFTER_THE_NAME.search(doctor)
        name, place = (doctor[: cut.start()], doctor[cut.end() :]) if cut else (doctor, "")
        written |= {"physician_name": name.strip(), "physician_contact": place.strip()}
    return {field: said for field, said in written.items() if said}


def _match(field: Any, client: Client, written: Mapping[str, str]) -> Match | None:
    there, wrote = str(getattr(client, field.name)), written[field.name]
    wishes = ROOM_WISHES.get(field.name)
    if _plain(there) == _plain(wrote) or (wishes and wrote not in wishes.values):
        return None
    return Match(
        field=field.name,
        label=capfirst(str(field.verbose_name)),
        there=there,
        wrote=wrote,
        there_words=str(wishes(there).label) if wishes and there else there,
        wrote_words=str(wishes(wrote).label) if wishes else wrote,
    )


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


@transaction.atomic
def use_answers(
    *, by: User, now: datetime, submission: Submission, taken: Mapping[str, str], seen: Mapping[str, str]
) -> Client:
    """Write into her record what a therapist took over from the answers; `seen` is what the record said then.

    Raises ValidationError by field, also where somebody has changed one meanwhile.
    """
    refuse_all_but_therapists(by)
    unknown = set(taken) - {*facts_in(submission.answers)}
    if unknown:
        raise TypeError(f"The answers say nothing of {', '.join(sorted(unknown))}.")
    client = lock_kept(submission.client_id)
    changed = [field for field in taken if str(getattr(client, field)) != seen.get(field, "")]
    if changed:
        words = _("Somebody has changed this meanwhile; it now says “%(now)s”.")
        raise ValidationError({f: ValidationError(words, params={"now": getattr(client, f)}) for f in changed})
    before = {field: str(getattr(client, field)) for field in taken}
    with because(_("intake answers")):
        client = update_client(by=by, now=now, client=client, **cast("ClientFields", taken))
    if any(str(getattr(client, field)) != old for field, old in before.items()):
        record_change(by=by.pk, client=client.pk, what=submission, words=_("answers taken into the record"), now=now)
    return client
