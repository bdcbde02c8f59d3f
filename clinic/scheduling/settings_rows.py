"""The rows of this room in the index of the owner's pages."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clinic.people.settings_page import SettingRow
from clinic.scheduling.models import TimeOff


def _time_off(now: datetime) -> SettingRow:
    away = TimeOff.objects.to_come(now).filter(therapist__isnull=False).values("therapist").distinct().count()
    words = ngettext("%(n)d therapist has time off to come", "%(n)d therapists have time off to come", away)
    state = words % {"n": away} if away else _("By therapist")
    return SettingRow(_("Working hours and time off"), state, reverse("scheduling:time-off-list"))


def _closures(now: datetime) -> SettingRow:
    closed = TimeOff.objects.to_come(now).filter(therapist__isnull=True).count()
    state = ngettext("%(n)d to come", "%(n)d to come", closed) % {"n": closed} if closed else _("None to come")
    return SettingRow(_("Closures and holidays"), state, reverse("scheduling:closures"))


SETTINGS = (gettext_lazy("Hours"), (_time_off, _closures))
