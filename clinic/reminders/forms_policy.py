"""The forms about when, by which channels and in which words the clinic writes."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from crispy_forms.layout import Div, Fieldset
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.lib.forms import laid_out
from clinic.people.forms.opened import OpenedForm
from clinic.people.models import Client, ContactConsent, Service, User
from clinic.reminders.kinds import MessageKind
from clinic.reminders.models import MessagePolicy, PolicyOverride
from clinic.reminders.models_policy import MOST_OFFSETS
from clinic.reminders.policy import change_policy, override_policy
from clinic.reminders.wording import Said, check, reword
from clinic.scheduling.forms import ClockInput

Channel = ContactConsent.Channel
UNITS = {"d": 24 * 60, "h": 60, "m": 1}
SHORTEST, LONGEST = 5, 14 * 24 * 60
NONE = "0"
# Providers refuse more than 1,600, and what stands in the place of placeholders comes on top.
MOST_IN_A_TEXT = 480
_ONE = re.compile(r"(\d{1,5})\s*(d|h|m)[a-z]*", re.IGNORECASE)


class OffsetsField(forms.CharField):
    """How long before a visit its reminders go out, as people write it: “48 h, 2 h”; cleaned to minutes."""

    widget = forms.TextInput(attrs={"autocomplete": "off"})

    def prepare_value(self, value: Any) -> Any:
        return value if value is None or isinstance(value, str) else in_hours(value) or NONE

    def to_python(self, value: Any) -> Any:
        """Return minutes, the earliest reminder first; None where nothing was typed."""
        if isinstance(value, list):
            return value
        typed = [part.strip() for part in str(value or "").replace(";", ",").split(",") if part.strip()]
        if not typed:
            return None
        return [] if typed == [NONE] else sorted({self._minutes(part) for part in typed}, reverse=True)

    def validate(self, value: Any) -> None:
        if value is None and self.required:
            raise ValidationError(_("Say how long before, as in 48 h, 2 h; or 0 for none."))
        if value and len(value) > MOST_OFFSETS:
            raise ValidationError(_("There can be %(most)d reminders at most.") % {"most": MOST_OFFSETS})

    def run_validators(self, value: Any) -> None:
        """Leave it at what was looked at: what is cleaned is no text."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(initial) != self.to_python(data))
        except ValidationError:
            return True

    def _minutes(self, part: str) -> int:
        found = _ONE.fullmatch(part)
        if found is None:
            raise ValidationError(
                _("“%(typed)s” is no time: write days, hours or minutes, as in 2 d, 48 h, 30 min.") % {"typed": part}
            )
        minutes = int(found[1]) * UNITS[found[2].lower()]
        if not SHORTEST <= minutes <= LONGEST:
            raise ValidationError(
                _("“%(typed)s” cannot be: a reminder goes out between 14 days and 5 minutes before.") % {"typed": part}
            )
        return minutes


def in_hours(offsets: list[int]) -> str:
    """Write lengths of time as the form takes them, in hours where they are whole."""
    return ", ".join(f"{one // 60} h" if one % 60 == 0 else f"{one} min" for one in offsets)


def _channels(*, required: bool, help_text: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=gettext_lazy("By"),
        choices=[(value, capfirst(label)) for value, label in Channel.choices],
        required=required,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "chips"}),
        help_text=help_text,
        error_messages={"required": gettext_lazy("Choose at least one; whoever does not agree gets none.")},
    )


def _clock(label: Any) -> forms.TimeField:
    return forms.TimeField(label=label, widget=ClockInput(), input_formats=[ClockInput.FORMAT])


class PolicyForm(OpenedForm, forms.ModelForm[MessagePolicy]):
    """When and by which channels the clinic writes."""

    channels = _channels(
        required=True, help_text=gettext_lazy("Each client only by what she has agreed to; by both where she agreed.")
    )
    offsets_minutes = OffsetsField(
        label=gettext_lazy("Reminders before a visit"),
        help_text=gettext_lazy("Up to five, as in 48 h, 2 h; or 2 d, 90 min. 0 is none."),
    )
    quiet_from = _clock(gettext_lazy("Quiet from"))
    quiet_until = _clock(gettext_lazy("Quiet until"))
    recall_weeks = forms.IntegerField(
        label=gettext_lazy("Invite again after weeks without a visit"),
        min_value=2,
        max_value=104,
        required=False,
        help_text=gettext_lazy("Once, and only who has no visit to come. Empty: nobody is invited."),
        widget=forms.NumberInput(attrs={"class": "short", "inputmode": "numeric"}),
    )

    class Meta:
        model = MessagePolicy
        fields = ("channels", "offsets_minutes", "quiet_from", "quiet_until", "recall_weeks")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = laid_out(
            Fieldset(None, "channels", "offsets_minutes"),
            Fieldset(gettext_lazy("Quiet hours"), Div("quiet_from", "quiet_until", css_class="two"), css_class="mt-3"),
            Fieldset(gettext_lazy("Who has not been here for a while"), "recall_weeks", css_class="mt-3"),
        )

    def keep(self, *, by: User, now: datetime) -> MessagePolicy:
        """Write what was changed; raises ValidationError, and then nothing is written."""
        return change_policy(by=by, now=now, **self.changed())


class OverrideForm(OpenedForm, forms.Form):
    """What holds for one service or one client in place of what stands above it; empty is as above."""

    channels = _channels(required=False, help_text=gettext_lazy("None chosen: as above."))
    offsets_minutes = OffsetsField(
        label=gettext_lazy("Reminders before a visit"),
        required=False,
        help_text=gettext_lazy("As in 48 h, 2 h. Empty: as above. 0 is none."),
    )

    def __init__(self, *args: Any, override: PolicyOverride | None, **kwargs: Any) -> None:
        self._override = override
        kept = {"channels": override.channels, "offsets_minutes": override.offsets_minutes} if override else {}
        kwargs["initial"] = kept
        super().__init__(*args, **kwargs)
        self.helper = laid_out("channels", "offsets_minutes")

    @property
    def record(self) -> Model | None:
        return None

    def keep(self, *, by: User, now: datetime, of: Service | Client) -> None:
        """Write it; raises ValidationError, and then nothing is written."""
        channels, offsets = self.cleaned_data["channels"] or None, self.cleaned_data["offsets_minutes"]
        override_policy(by=by, now=now, of=of, channels=channels, offsets_minutes=offsets)


class WordingForm(OpenedForm, forms.Form):
    """The clinic's own words for one kind of message, by one channel."""

    subject = forms.CharField(label=gettext_lazy("Subject"), max_length=120, widget=forms.TextInput())
    text = forms.CharField(label=gettext_lazy("Words"), max_length=2000, widget=forms.Textarea(attrs={"rows": 12}))

    def __init__(self, *args: Any, kind: MessageKind, channel: str, shown: Said, **kwargs: Any) -> None:
        self._kind, self._channel = kind, channel
        kwargs["initial"] = {"subject": shown.subject, "text": shown.text.strip()}
        super().__init__(*args, **kwargs)
        if channel == Channel.TEXT:
            del self.fields["subject"]
            self.fields["text"].widget.attrs["rows"] = 5
        self.helper = laid_out(*self.fields)

    @property
    def record(self) -> Model | None:
        return None

    def clean_subject(self) -> str:
        """Refuse what is no placeholder."""
        subject = str(self.cleaned_data["subject"])
        # Subjects are shown on locked phones; her private link is not.
        check(subject, may_say=[name for name in self._kind.may_say if name != "link"])
        return " ".join(subject.split())

    def clean_text(self) -> str:
        """Refuse what is no placeholder, and words that leave out what she must know."""
        text = str(self.cleaned_data["text"]).replace("\r\n", "\n")
        check(text, may_say=self._kind.may_say, must_say=self._kind.must_say)
        if self._channel == Channel.TEXT and len(text) > MOST_IN_A_TEXT:
            raise ValidationError(_("A text takes %(most)d characters at most.") % {"most": MOST_IN_A_TEXT})
        return text

    def keep(self, *, by: User, now: datetime, kind: str, language: str) -> None:
        """Write the words; those that are ours again are no longer the clinic's own."""
        facts = self.cleaned_data
        reword(
            by=by,
            now=now,
            kind=kind,
            channel=self._channel,
            language=language,
            subject=facts.get("subject", ""),
            text=facts["text"],
        )
