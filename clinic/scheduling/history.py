"""What the history calls the visits and series of which it tells."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.scheduling.models import Appointment, Series, Wish


def visits(pks: Collection[int]) -> Mapping[int, str]:
    """Call each visit by its time, as it is by now."""
    found = Appointment.objects.filter(pk__in=pks).select_related("location")
    return {visit.pk: _("visit %(when)s") % {"when": date_format(visit.local_start, "D j M Y, H:i")} for visit in found}


def series(pks: Collection[int]) -> Mapping[int, str]:
    """Call each series by its first day."""
    found = Series.objects.filter(pk__in=pks).values_list("pk", "first_on")
    return {pk: _("series from %(day)s on") % {"day": date_format(day, "D j M Y")} for pk, day in found}


def wishes(pks: Collection[int]) -> Mapping[int, str]:
    """Call each wish by the day on which the waiting began."""
    found = Wish.objects.filter(pk__in=pks).values_list("pk", "added_at")
    return {pk: _("wish of %(day)s") % {"day": date_format(at, "D j M Y")} for pk, at in found}
