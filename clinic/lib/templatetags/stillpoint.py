"""What templates may say beyond Django's own words. Load with `{% load stillpoint %}`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from django import template
from django.templatetags.static import static
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from clinic.lib.drawing import inline_body_map
from clinic.lib.money import SYMBOLS, decimal_amount, places_of

register = template.Library()

CURRENT = mark_safe(' aria-current="page"')

SYMBOL_FIRST = frozenset({"en", "ga", "mt", "nl"})

# A page without a place of its own in the navigation lights the place it is reached from.
PLACES = {
    "desk:day": "day",
    "desk:my-day": "my-day",
    "desk:appointment": "day",
    "scheduling": "day",
    "scheduling:visits-to-rebook": "rebooking",
    "scheduling:therapist-visits": "rebooking",
    "scheduling:therapist-hours": "settings",
    "scheduling:therapist-hours-change": "settings",
    "scheduling:therapist-time-off": "settings",
    "scheduling:time-off-list": "settings",
    "scheduling:closures": "settings",
    "scheduling:absence": "rebooking",
    "scheduling:waitlist": "waitlist",
    "scheduling:wish-new": "waitlist",
    "scheduling:wish-edit": "waitlist",
    "scheduling:my-calendar": "my-day",
    "scheduling:client-calendar": "visits",
    "desk:client": "clients",
    "people:client-list": "clients",
    "people:client-new": "clients",
    "people:client-edit": "clients",
    "people:client-merge": "clients",
    "people:client-consents": "clients",
    "people:client-note": "clients",
    "people:client-archive": "clients",
    "people": "settings",
    "plans": "clients",
    "audit": "settings",
    "audit:client-history": "clients",
    "audit:client-looks": "clients",
    "intake:findings": "clients",
    "intake": "reviews",
    "treatment": "notes",
    "reminders": "messages",
    "booking:from-online": "online",
    "portal:home": "home",
    "portal:visits": "visits",
    "portal:visit-cancel": "visits",
    "portal:visit-move": "visits",
    "portal:plan": "plan",
}


# The same few dozen on every page.
@register.simple_tag
@cache
def icon(name: str, extra: str = "") -> SafeString:
    """Draw an icon of the sprite; it is hidden from readers, so a word stands beside it."""
    return format_html(
        '<svg class="{}" aria-hidden="true" focusable="false"><use href="{}#i-{}"></use></svg>',
        f"i {extra}".strip(),
        static("icons.svg"),
        name,
    )


@register.simple_tag
def body_map(
    view: str, prefix: str = "", *, muscles: bool = False, states: Mapping[str, str] | None = None
) -> SafeString:
    """Inline a drawing of the body; `prefix` keeps ids apart where a page shows the same view twice."""
    return inline_body_map(view, prefix=prefix, with_muscles=muscles, states=states)


@register.simple_tag
def modality_code(code: str) -> SafeString:
    """Print a modality's two letters on its colour."""
    return format_html('<span class="mod-{0}"><span class="code">{1}</span></span>', code.lower(), code.upper())


@register.filter
def money(minor_units: int | None, currency: str = "EUR") -> str:
    """Write an amount kept in integer minor units the way the reader's language writes money."""
    if minor_units is None:
        return ""
    sign = "\N{MINUS SIGN}" if minor_units < 0 else ""
    number = number_format(decimal_amount(abs(minor_units), currency), places_of(currency), force_grouping=True)
    symbol = SYMBOLS.get(currency)
    if symbol and (get_language() or "en").partition("-")[0] in SYMBOL_FIRST:
        return f"{sign}{symbol}{number}"
    return f"{sign}{number}\N{NO-BREAK SPACE}{symbol or currency}"


@register.filter
def initials(name: str) -> str:
    """Take the first letters of the first and the last word of a name."""
    words = name.split()
    return "".join(word[0] for word in words[:1] + words[1:][-1:]).upper()


@register.simple_tag(takes_context=True)
def nav_item(
    context: template.Context, place: str, view_name: str, label: str, count: int | None = 0, *, pk: int | None = None
) -> SafeString:
    """Link one place of the navigation, marked where the reader is (a view may name the place as `place`)."""
    here = context.get("place") or place_of(context.get("request"))
    return format_html(
        '<a href="{}"{}>{}{}</a>',
        reverse(view_name, args=[] if pk is None else [pk]),
        CURRENT if here == place else "",
        label,
        format_html(' <span class="n">{}</span>', count) if count else "",
    )


def place_of(request: Any) -> str:
    match = getattr(request, "resolver_match", None)
    if match is None:
        return ""
    return PLACES.get(match.view_name, PLACES.get(match.namespace, ""))


@register.filter
def first_word(text: str | None) -> str:
    """Take the first word: a widget's first class says how its choices look."""
    return (text or "").partition(" ")[0]
