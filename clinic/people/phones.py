"""Phone numbers as people type them."""

from __future__ import annotations

import unicodedata

import phonenumbers
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import F
from django.utils.translation import gettext as _

from clinic.people.models import Location


def phone_region() -> str | None:
    """Return the country whose numbers are typed without its code: PHONE_REGION, else that of the first location.

    None where no location has a number yet.
    """
    if settings.PHONENUMBER_DEFAULT_REGION:
        return str(settings.PHONENUMBER_DEFAULT_REGION)
    with_number = Location.objects.exclude(phone="").order_by(F("archived_at").asc(nulls_first=True), "pk")
    number = with_number.values_list("phone", flat=True).first()
    return phonenumbers.region_code_for_number(number) if number else None


def phone_number(typed: str, *, region: str | None = None) -> str:
    """Return a number as it is kept (+351912345678), however it was typed; nothing for nothing.

    Who reads many numbers gives the `region`, so that it is looked up once. Raises ValidationError.
    """
    text = _plain(typed)
    if not text:
        return ""
    if text.startswith("+"):
        # +44 (0)20…: the nought in brackets is for those who call from within; but in Italy everybody dials it.
        number = _read(text.replace("(0)", "", 1), None) or _read(text, None)
    else:
        region = region or phone_region()
        number = _read(text, region) or _read_with_code(text, region)
    if number is None:
        raise ValidationError(
            _("This is no phone number. One from abroad begins with its country code, as in +351 912 345 678.")
        )
    if number.extension:
        raise ValidationError(_("Leave out the extension: only the number itself can be kept."))
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _plain(typed: str) -> str:
    """Take off what is pasted along unseen, and write 00 as the + that it stands for."""
    text = "".join(c for c in typed if unicodedata.category(c) != "Cf")
    text = unicodedata.normalize("NFKC", text).strip().removeprefix("tel:").strip()
    return f"+{text[2:].lstrip()}" if text.startswith("00") else text


def _read(text: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def _read_with_code(text: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    """Read a number of this country that is typed with its code and without the plus."""
    code = str(phonenumbers.country_code_for_region(region)) if region else ""
    return _read(f"+{text}", None) if code and text.startswith(code) else None
