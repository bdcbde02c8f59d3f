"""The small forms on a client's record: her word on being written to, and the therapists' note."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from clinic.lib.forms import laid_out
from clinic.people.forms.clients import SAID
from clinic.people.models import Client, ContactConsent, TherapistsNote, User
from clinic.people.records import records_of
from clinic.people.services import mail_address, record_contact_consent, write_therapists_note

YES, NO = "yes", "no"
LONGEST_TYPED = 2000
LONGEST_NOTE = TherapistsNote._meta.get_field("text").max_length  # noqa: SLF001  # public by Django's documentation


class ConsentForm(forms.Form):
    """A new word on one channel."""

    channel = forms.ChoiceField(
        label=_("Channel"),
        choices=ContactConsent.Channel.choices,
        widget=forms.RadioSelect(attrs={"class": "seg"}),
    )
    word = forms.ChoiceField(
        label=_("What was said?"),
        choices=[(YES, _("yes, please")), (NO, _("no, not any more"))],
        widget=forms.RadioSelect(attrs={"class": "seg"}),
    )
    source = forms.ChoiceField(
        label=_("How was that said?"), choices=SAID, widget=forms.RadioSelect(attrs={"class": "seg"})
    )

    def __init__(self, *args: Any, client: Client, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.client, self.now = client, now
        self.helper = laid_out("channel", "word", "source")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("word") == YES:
            if cleaned.get("channel") == ContactConsent.Channel.EMAIL and not mail_address(self.client, self.now):
                self.add_error("channel", _("No e-mail address is known yet. Add it first."))
            if cleaned.get("channel") == ContactConsent.Channel.TEXT and not self.client.phone:
                self.add_error("channel", _("No phone number is known yet. Add it first."))
        return cleaned

    def keep(self, *, by: User, now: datetime) -> None:
        """Write her word down; raises ValidationError."""
        record_contact_consent(
            by=by,
            now=now,
            client=self.client,
            channel=self.cleaned_data["channel"],
            is_given=self.cleaned_data["word"] == YES,
            source=self.cleaned_data["source"],
        )


class NoteForm(forms.Form):
    """The therapists' note on a client, and the one that was read before."""

    instead_of = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, client: Client, **kwargs: Any) -> None:
        self.kept = _note_on(client)
        super().__init__(*args, **kwargs)
        # Two notes that a merge put together may be longer than anybody writes one.
        limit = LONGEST_NOTE if len(self.kept) > LONGEST_TYPED else LONGEST_TYPED
        self.fields["text"] = _note_field(limit)
        self.initial = {"text": self.kept, "instead_of": self.kept}
        self.client = client
        self.helper = laid_out("text", "instead_of")

    def keep(self, *, by: User, now: datetime) -> None:
        """Write the note; raises ValidationError, and NoteChanged where a colleague's has not been read yet."""
        write_therapists_note(
            by=by,
            now=now,
            client=self.client,
            text=self.cleaned_data["text"],
            instead_of=self.cleaned_data["instead_of"],
        )

    def read_anew(self) -> None:
        """Let what is saved next stand in place of the colleague's note, which is shown beside it."""
        self.kept = _note_on(self.client)
        data = QueryDict(mutable=True)
        data.update({"text": self.data.get("text", ""), "instead_of": self.kept})
        self.data = data


def _note_on(client: Client) -> str:
    """Return the note on a client as it is now, also where her record was merged in this moment."""
    hers = TherapistsNote.objects.filter(client__among=records_of(client.pk), client__merged_into=None)
    return hers.values_list("text", flat=True).first() or ""


def _note_field(longest: int | None) -> forms.CharField:
    return forms.CharField(
        label=_("What should colleagues know before they treat?"),
        max_length=longest,
        required=False,
        help_text=_("The front desk never sees it."),
        widget=forms.Textarea(attrs={"rows": 8, "autocomplete": "off"}),
    )
