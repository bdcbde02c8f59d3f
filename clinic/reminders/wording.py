"""What a message may say, and in whose words: ours, or the clinic's own with placeholders for what differs each time.

A placeholder is one of VALUES and nothing else: none of them names a service, a modality or anything about health.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.template.loader import render_to_string
from django.utils.formats import date_format
from django.utils.html import escape, format_html, format_html_join, linebreaks
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clinic.audit.services import record_change
from clinic.people.models import Clinic, ContactConsent, Location, User
from clinic.reminders.models import MessagePolicy, Wording

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

Channel = ContactConsent.Channel
Values = Mapping[str, str]

# What each placeholder stands for, as the owner reads it beside the field.
VALUES: Mapping[str, StrOrPromise] = {
    "called": gettext_lazy("how the client is called"),
    "day": gettext_lazy("the day of the visit"),
    "time": gettext_lazy("its time"),
    "visits": gettext_lazy("the visits it speaks of"),
    "therapist": gettext_lazy("the therapist’s first name"),
    "location": gettext_lazy("where it is"),
    "until": gettext_lazy("until when a free time is held"),
    "minutes": gettext_lazy("how long it takes"),
    "clinic": gettext_lazy("the name of the clinic"),
    "phone": gettext_lazy("the phone of the location"),
    "link": gettext_lazy("her private link"),
    "policy": gettext_lazy("the cancellation policy"),
}

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_EMPTY_LINES = re.compile(r"\n{3,}")
# Characters for private use: nobody types them, and no template changes them.
_BLANK_BEGINS, _BLANK_ENDS = "\ue000", "\ue001"
_BLANK = re.compile(f"{_BLANK_BEGINS}([a-z]+){_BLANK_ENDS}")


# --- Checking what an owner typed


def check(text: str, *, may_say: Collection[str], must_say: Collection[str] = ()) -> None:
    """Raise ValidationError, one sentence each, for placeholders that are unknown, missing, or not of this kind."""
    named = [name.strip() for name in _PLACEHOLDER.findall(text)]
    problems = []
    for name in dict.fromkeys(named):
        if name not in may_say:
            facts = {"name": name, "known": _braced(may_say)}
            problems.append(_("There is no {%(name)s} here; there are %(known)s.") % facts)
    if "{" in _PLACEHOLDER.sub("", text) or "}" in _PLACEHOLDER.sub("", text):
        problems.append(_("A placeholder stands between two braces, as in {day}: one of them is missing."))
    missing = [name for name in must_say if name not in named]
    if missing:
        told = ngettext("%(names)s is missing.", "%(names)s are missing.", len(missing))
        problems.append(told % {"names": _braced(missing)})
    if problems:
        raise ValidationError(problems)


def _braced(names: Collection[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)


# --- Putting values in


def fill(text: str, values: Values) -> str:
    """Put the values in the place of their placeholders."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1].strip(), ""), text)


def fill_html(text: str, values: Values) -> SafeString:
    """Put the values into paragraphs for a mail; a paragraph that is the link alone becomes a button."""
    parts = [part.strip() for part in re.split(r"\n\s*\n", text.strip())]
    return format_html_join("\n", "{}", ((_paragraph(part, values),) for part in parts))


def _paragraph(part: str, values: Values) -> SafeString:
    link = values.get("link", "")
    if part == "{link}" and link:
        return format_html('<p><a class="button" href="{}">{}</a></p>', link, _("Confirm or change"))
    shown = {name: escape(value) for name, value in values.items()}
    if link:
        shown["link"] = format_html('<a href="{}">{}</a>', link, link)
    # What was typed and all that is put into it has been escaped.
    return mark_safe(linebreaks(fill(escape(part), shown)))  # noqa: S308


def values_of(context: Mapping[str, Any], *, clinic: Clinic, called: str, channel: str, link: str) -> Values:
    """Return what the placeholders stand for in this message, in the language and the zone that are active."""
    is_text = channel == Channel.TEXT
    location: Location | None = context.get("location")
    until, was_at = context.get("until"), context.get("was_at")
    return {
        **values_of_one(context, called=called, channel=channel, link=link),
        "location": _where(location, is_text=is_text) if location else "",
        "phone": location.phone.as_international if location and location.phone else "",
        "clinic": clinic.name,
        "policy": clinic.cancellation_policy,
        "minutes": str(context.get("minutes", "")),
        "until": date_format(localtime(until), "l, H:i") if until else "",
        # No placeholder: a sentence of the clinic's own around it would be left empty where only the therapist changes.
        "was": was_words(localtime(was_at), is_text=is_text) if was_at else "",
        "visits": visits_words([localtime(one) for one in context.get("starts", ())], is_text=is_text),
    }


def values_of_one(context: Mapping[str, Any], *, called: str, channel: str, link: str) -> Values:
    """Return those in which the message about one visit differs from that about another one at the same place."""
    starts_at = context.get("starts_at")
    at = localtime(starts_at) if starts_at else None
    return {
        "called": called,
        "therapist": context.get("therapist", ""),
        "link": context.get("link", link),
        "day": day_words(at, is_text=channel == Channel.TEXT) if at else "",
        "time": date_format(at, "H:i") if at else "",
    }


def day_words(at: datetime, *, is_text: bool) -> str:
    """Name a day; in a text in short."""
    return date_format(at, "D j M" if is_text else "l j F")


def was_words(at: datetime, *, is_text: bool) -> str:
    """Name the moment at which a visit was before."""
    return f"{day_words(at, is_text=is_text)}, {date_format(at, 'H:i')}"


def visits_words(starts: Sequence[datetime], *, is_text: bool) -> str:
    """Name several visits: line by line, or in a text by the first and the last of them."""
    named = [date_format(at, "D j M, H:i" if is_text else "l j F Y, H:i") for at in starts]
    if not is_text or len(named) < 2:  # noqa: PLR2004  # there is no last one beside the first
        return "\n".join(named)
    facts = {"n": len(named), "first": named[0], "last": named[-1]}
    return _("%(n)d visits from %(first)s to %(last)s") % facts


def _where(location: Location, *, is_text: bool) -> str:
    return location.name if is_text or not location.address else f"{location.name}, {location.address}"


# --- The words of a message


@dataclass(frozen=True)
class Said:
    """A message as it is read; a text has neither subject nor HTML."""

    text: str
    subject: str = ""
    html: str = ""


def said(template: str, channel: str, own: Wording | None, words: Mapping[str, Any], values: Values) -> Said:
    """Return what a message says: in the clinic's own words where it has some, else in ours.

    Our templates are given the `words` of the message, and the values as `say`.
    """
    given = {**words, "say": values}
    if channel == Channel.TEXT:
        text = fill(own.text, values) if own else render_to_string(f"texts/{template}.txt", given)
        return Said(" ".join(text.split()))
    if own:
        subject, text = fill(own.subject, values), f"{fill(own.text, values)}\n\n-- \n{values['clinic']}"
        given |= {"subject": subject, "paragraphs": fill_html(own.text, values)}
        return Said(_tidied(text), " ".join(subject.split()), render_to_string("emails/own_words.html", given))
    subject, text, html = (
        render_to_string(f"emails/{template}/{part}", given) for part in ("subject.txt", "text.txt", "html.html")
    )
    return Said(_tidied(text), " ".join(subject.split()), html)


def form_letter(
    template: str, channel: str, own: Wording | None, words: Mapping[str, Any], values: Values, *, ones: Values
) -> Said:
    """Return the same with blanks for what `ones` says: a message takes far longer to write than to fill in."""
    blanks = {name: f"{_BLANK_BEGINS}{name}{_BLANK_ENDS}" for name, value in ones.items() if value}
    return said(template, channel, own, {**words, "called": blanks.get("called", "")}, {**values, **blanks})


def filled_in(form: Said, ones: Values) -> Said:
    """Fill in the blanks of a form letter."""
    return Said(
        _BLANK.sub(lambda found: ones[found[1]], form.text),
        _BLANK.sub(lambda found: ones[found[1]], form.subject),
        _BLANK.sub(lambda found: escape(ones[found[1]]), form.html),
    )


def _tidied(text: str) -> str:
    """Return a mail without the empty lines of what was left out."""
    return _EMPTY_LINES.sub("\n\n", text.strip()) + "\n"


def all_own_words() -> dict[tuple[str, str, str], Wording]:
    """Return the clinic's own words, by kind, channel and language."""
    return {(one.kind, one.channel, one.language): one for one in Wording.objects.all()}


def our_words(template: str, channel: str, names: Collection[str]) -> Said:
    """Return our words with the placeholders themselves in place of their values, as an owner begins to change them."""
    blanks = {**dict.fromkeys(VALUES, ""), **{name: f"{{{name}}}" for name in names}}
    given = {"say": blanks, "called": blanks["called"], "clinic": {"name": blanks["clinic"]}}
    if channel == Channel.TEXT:
        return Said(" ".join(render_to_string(f"texts/{template}.txt", given).split()))
    subject, text = (render_to_string(f"emails/{template}/{part}", given) for part in ("subject.txt", "text.txt"))
    # The name of the clinic stands below every mail.
    return Said(_tidied(text.partition("\n-- \n")[0]), " ".join(subject.split()))


@transaction.atomic
def reword(*, by: User, now: datetime, kind: str, channel: str, language: str, subject: str, text: str) -> None:
    """Say it in the clinic's own words from now on; without a text, in ours again."""
    # Of two who save at once, the later waits here, also where there are no words yet.
    policy = MessagePolicy.objects.select_for_update().get(pk=1)
    Wording.objects.filter(kind=kind, channel=channel, language=language).delete()
    if text:
        wording = Wording(kind=kind, channel=channel, language=language, subject=subject, text=text)
        wording.full_clean()
        wording.save()
    record_change(by=by.pk, client=None, what=policy, words=_("messages: their words"), now=now)
