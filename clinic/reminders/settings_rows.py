"""The row of this room in the index of the owner's pages."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.people.settings_page import SettingRow
from clinic.reminders.forms_policy import in_hours
from clinic.reminders.policy import message_policy


def _policy(now: datetime) -> SettingRow:
    offsets = message_policy().offsets_minutes
    state = _("Reminders %(offsets)s before") % {"offsets": in_hours(offsets)} if offsets else _("No reminders")
    return SettingRow(_("Messages to clients"), state, reverse("reminders:policy"))


SETTINGS = (gettext_lazy("Messages"), (_policy,))
