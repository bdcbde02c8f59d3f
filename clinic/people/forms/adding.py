"""What was typed about somebody new who turns out to be here already."""

from __future__ import annotations

from datetime import datetime

from django.http import QueryDict
from django.utils.translation import gettext as _

from clinic.people.forms.clients import ClientForm
from clinic.people.forms.opened import in_words
from clinic.people.models import Client

# What the form chooses by itself, for nobody has typed it.
CHOSEN_ALREADY = frozenset({"language"})
# What is asked about what is said now, and not about her.
ASKED_ANEW = frozenset({"source"})


def with_what_is_new(typed: QueryDict, *, client: Client, now: datetime) -> ClientForm:
    """Return the form about a client, with what was typed filled in wherever nothing is kept of her.

    Where something else is kept, that stays, and what was typed is written below it. Nothing is saved.
    """
    kept = ClientForm(instance=client, now=now)
    data, differing = QueryDict(mutable=True), {}
    for name, field in kept.fields.items():
        stands, told = field.prepare_value(kept[name].initial), typed.getlist(name)
        if not stands or name in ASKED_ANEW:
            data.setlist(name, told)
            continue
        data.setlist(name, stands if isinstance(stands, list) else [stands])
        if any(told) and name not in CHOSEN_ALREADY and kept.differs(name, stands, told[0]):
            differing[name] = in_words(field, told[0])
    form = ClientForm(data, instance=client, now=now)
    form.full_clean()
    for name, words in differing.items():
        form[name].help_text = _("You typed “%(words)s”; this is kept.") % {"words": words}
    return form
