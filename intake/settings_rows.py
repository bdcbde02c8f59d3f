"""The row of this room in the index of the owner's pages."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clinic.people.access import the_clinic
from clinic.people.settings_page import SettingRow
from intake.inviting import intake_policy
from intake.own_questions import newest_form, own_questions


def _form(now: datetime) -> SettingRow:
    own = len(own_questions(newest_form(the_clinic().language)[1]))
    sent = _("Sent by itself") if intake_policy().asks_by_itself else _("Sent by hand")
    asked = ngettext("%(n)d question of your own", "%(n)d questions of your own", own) % {"n": own}
    return SettingRow(_("Intake form"), f"{sent}, {asked}" if own else sent, reverse("intake:settings"))


SETTINGS = (gettext_lazy("Intake"), (_form,))
