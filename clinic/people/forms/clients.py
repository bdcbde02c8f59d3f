"""The desk's form about a client: what is asked on the phone first, the rest folded away while it is empty."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, cast

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Fieldset
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from clinic.lib.forms import laid_out
from clinic.people.consents import words_of
from clinic.people.duplicates import Given, Twin, twins_of
from clinic.people.forms.fields import DayField, Fold, PhoneField
from clinic.people.forms.opened import OpenedForm
from clinic.people.models import (
    ROOM_WISHES,
    Client,
    ClientAccess,
    Clinic,
    ContactConsent,
    Therapist,
    User,
    clinic_zone,
)
from clinic.people.services import (
    create_client,
    give_client_login,
    mail_address,
    record_contact_consent,
    refuse_the_unborn_and_unaccompanied,
    take_client_login,
    tidied,
    update_client,
)

if TYPE_CHECKING:
    from django.http import QueryDict

EMAIL, TEXT = ContactConsent.Channel.EMAIL, ContactConsent.Channel.TEXT
SELF, GUARDIAN = ClientAccess.Relation.SELF, ClientAccess.Relation.GUARDIAN

# What becomes of a sign-in when its address is changed.
MOVE, TAKE, LEAVE = "move", "take", "leave"
LOGINS_OF = {"email": "email_login", "guardian_email": "guardian_email_login"}

# How she said that she may be written to: also the words that the history keeps.
SAID = [("on the phone", _("on the phone")), ("in person", _("in person")), ("in writing", _("in writing"))]


def _typed_in(**attrs: str) -> forms.TextInput:
    """Return an input that the browser does not fill with what the desk typed about somebody else."""
    return forms.TextInput(attrs={"autocomplete": "off", **attrs})


class LoginsField(forms.ModelMultipleChoiceField[ClientAccess]):
    """The logins that may act for a client; unticking one takes it away."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, obj: ClientAccess) -> str:
        return f"{obj.user.email} ({obj.get_relation_display()})"


class ClientForm(OpenedForm, forms.ModelForm[Client]):
    """What the desk knows about a client; nothing about health."""

    born_on = DayField(label=_("Date of birth"), required=False)
    phone = PhoneField(label=_("Phone"))
    other_phone = PhoneField(label=_("Other phone"))
    emergency_phone = PhoneField(label=_("Emergency contact's phone"))
    guardian_phone = PhoneField(label=_("Guardian's phone"))
    by_email = forms.BooleanField(label=_("We may write by e-mail"), required=False)
    by_text = forms.BooleanField(label=_("We may send text messages"), required=False)
    source = forms.ChoiceField(
        label=_("How was that said?"),
        choices=SAID,
        initial=SAID[0][0],
        widget=forms.RadioSelect(attrs={"class": "seg"}),
        required=False,
    )
    new_login = forms.ChoiceField(
        label=_("New sign-in"),
        choices=[("", _("none")), (SELF, _("for the client's e-mail")), (GUARDIAN, _("for the guardian's e-mail"))],
        help_text=_("It needs no password: a code is mailed each time. Only for an address that is surely right."),
        widget=forms.RadioSelect(attrs={"class": "seg"}),
        required=False,
    )

    class Meta:
        model = Client
        fields = (
            "legal_name",
            "preferred_name",
            "pronouns",
            "born_on",
            "email",
            "phone",
            "other_phone",
            "address",
            "emergency_name",
            "emergency_relation",
            "emergency_phone",
            "guardian_name",
            "guardian_relation",
            "guardian_phone",
            "guardian_email",
            "physician_name",
            "physician_contact",
            *ROOM_WISHES,
            "primary_therapist",
            "alert",
            "language",
        )
        widgets = {
            "legal_name": _typed_in(),
            "preferred_name": _typed_in(),
            "pronouns": _typed_in(),
            "email": forms.EmailInput(attrs={"autocomplete": "off"}),
            "address": forms.Textarea(attrs={"rows": 3, "autocomplete": "off"}),
            "emergency_name": _typed_in(),
            "emergency_relation": _typed_in(),
            "guardian_name": _typed_in(),
            "guardian_relation": _typed_in(),
            "guardian_email": forms.EmailInput(attrs={"autocomplete": "off"}),
            "physician_name": _typed_in(),
            "physician_contact": forms.Textarea(attrs={"rows": 3, "autocomplete": "off"}),
            **{wish: forms.RadioSelect(attrs={"class": "seg"}) for wish in ROOM_WISHES},
        }
        labels = {"emergency_name": _("Name"), "physician_name": _("Name"), "guardian_name": _("Guardian's name")}
        help_texts = {
            "legal_name": _("As in the passport."),
            "preferred_name": _("If it differs from the first name."),
        }

    def __init__(self, *args: Any, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now
        client = self.instance
        self.fields["primary_therapist"] = forms.ModelChoiceField(
            Therapist.objects.filter(Q(archived_at__isnull=True) | Q(pk=client.primary_therapist_id)).select_related(
                "user"
            ),
            label=_("Therapist"),
            required=False,
            empty_label=_("not decided"),
        )
        for wish in ROOM_WISHES:
            known = [(code, words) for code, words in self.fields[wish].choices if code]  # type: ignore[attr-defined]
            self.fields[wish].choices = [("", _("no wish")), *known]  # type: ignore[attr-defined]
        self.accesses = ClientAccess.objects.filter(client=client.pk).select_related("user").order_by("pk")
        if self.accesses:
            self.fields["logins"] = LoginsField(
                self.accesses,
                label=_("May sign in for this client"),
                help_text=_("Untick an address to take its sign-in away."),
                required=False,
                initial=self.accesses,
            )
            if self.is_bound:
                self.data = self._with_logins_as_they_are()
        self._ask_what_becomes_of_sign_ins()
        self._ask_for_the_language()
        if client.pk:
            self._tell_what_was_said()
        elif not self.is_bound:
            self._begin_at_the_first_empty_field()
        self.helper = self._layout()

    def _with_logins_as_they_are(self) -> QueryDict:
        """Return what was sent, with all logins of today ticked but those that she has unticked.

        A colleague who moves a login to another address ends one and gives another, which nobody has unticked.
        """
        sent = cast("QueryDict", self.data).copy()  # the form is bound to what was posted only
        began, shown = self.add_initial_prefix("logins"), self.add_prefix("logins")
        unticked = {*sent.getlist(began)} - {*map(str, sent.getlist(shown))}
        kept = [str(access.pk) for access in self.accesses]
        sent.setlist(began, kept)
        sent.setlist(shown, [pk for pk in kept if pk not in unticked])
        return sent

    def _ask_what_becomes_of_sign_ins(self) -> None:
        """Beside each address that signs in: what becomes of that when the address is changed."""
        self.signing_in = {}
        for name, asked in LOGINS_OF.items():
            address = getattr(self.instance, name)
            hers = [access for access in self.accesses if address and access.user.email == address]
            if hers:
                self.signing_in[name] = hers[0]
                self.fields[asked] = forms.ChoiceField(
                    label=_("%(email)s signs in. If the address changes, the sign-in:") % {"email": address},
                    choices=[(MOVE, _("moves along")), (TAKE, _("is taken away")), (LEAVE, _("stays as it is"))],
                    initial=MOVE,
                    widget=forms.RadioSelect(attrs={"class": "seg"}),
                    required=False,
                )

    def _ask_for_the_language(self) -> None:
        """Ask only where the clinic writes in more than one."""
        clinic = Clinic.objects.only("language", "languages").first()
        if clinic is None or len(clinic.languages) < 2:  # noqa: PLR2004  # with one there is nothing to choose
            del self.fields["language"]
            return
        names = dict(settings.LANGUAGES)
        codes = dict.fromkeys([*clinic.languages, self.instance.language])
        self.fields["language"] = forms.ChoiceField(
            label=_("Language for messages"), choices=[(code, names.get(code, code)) for code in codes]
        )
        if not self.instance.pk:
            self.initial["language"] = clinic.language

    def _tell_what_was_said(self) -> None:
        """Tick the channels she agreed to, and say beside each what was said last."""
        zone = clinic_zone()
        for name, words in zip(("by_email", "by_text"), words_of(self.instance), strict=True):
            self.initial[name] = words.is_given
            self.fields[name].help_text = _("Said last: %(words)s.") % {"words": words.in_short(zone)}

    def _begin_at_the_first_empty_field(self) -> None:
        asked = ("legal_name", "born_on", "phone", "email")
        first = next((name for name in asked if not self.initial.get(name)), asked[0])
        self.fields[first].widget.attrs["autofocus"] = True

    def _layout(self) -> FormHelper:
        """What the caller is asked first, then the rest in folds."""
        return laid_out(
            Fieldset(
                None,
                "legal_name",
                Div("born_on", "phone", css_class="two"),
                Div(Div("email", *self._asked("email_login")), "primary_therapist", css_class="two"),
                Div(Div("by_email", "by_text"), Div("source", *self._asked("language")), css_class="two"),
            ),
            Div(
                Fold(
                    _("Preferred name, pronouns, address"),
                    Div("preferred_name", "pronouns", css_class="two"),
                    Div("address", "other_phone", css_class="two"),
                ),
                Fold(
                    _("Emergency contact"),
                    Div("emergency_name", "emergency_relation", css_class="two"),
                    "emergency_phone",
                ),
                Fold(
                    _("Parent or guardian"),
                    Div("guardian_name", "guardian_relation", css_class="two"),
                    Div("guardian_phone", Div("guardian_email", *self._asked("guardian_email_login")), css_class="two"),
                ),
                Fold(_("Referring physician"), Div("physician_name", "physician_contact", css_class="two")),
                Fold(_("Wishes for the room"), Div(*ROOM_WISHES, css_class="two")),
                Fold(_("Alert for the front desk"), "alert"),
                Fold(_("Sign-in"), *(["logins"] if self.accesses else []), "new_login"),
                css_class="form-folds",
            ),
        )

    def _asked(self, name: str) -> list[str]:
        return [name] if name in self.fields else []

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        self._check_addresses(cleaned)
        self._check_as_the_service_does(cleaned)
        self._check_the_emergency_contact(cleaned)
        if {"by_email", "by_text"} & {*self.changed_data} and not cleaned.get("source"):
            self.add_error("source", _("Say how the client agreed or declined."))
        if cleaned.get("born_on"):
            self["born_on"].help_text = self._as_read(cleaned["born_on"])
        return cleaned

    def _as_read(self, born_on: date) -> str:
        """Return the day as it was read, with the age, so that a slip is seen."""
        facts = {"day": date_format(born_on, "j F Y"), "age": Client(born_on=born_on).age_on(self.now.date())}
        return _("%(day)s, %(age)s years") % facts

    def _check_as_the_service_does(self, cleaned: dict[str, Any]) -> None:
        """Say with everything else that is wrong what the service would say only then."""
        told = {name: cleaned.get(name, "") for name in ("guardian_name", "guardian_phone", "guardian_email")}
        typed: Any = {name: cleaned[name] for name in self.Meta.fields if name in cleaned and name in self.changed_data}
        for check in (
            lambda: tidied(typed),
            lambda: refuse_the_unborn_and_unaccompanied(Client(born_on=cleaned.get("born_on"), **told), self.now),
        ):
            try:
                check()
            except ValidationError as refused:
                for name, words in refused.message_dict.items():
                    if name not in self.errors:
                        self.add_error(name, words)

    def _check_the_emergency_contact(self, cleaned: dict[str, Any]) -> None:
        if {"emergency_name", "emergency_phone"} & {*self.changed_data}:
            if cleaned.get("emergency_name") and cleaned.get("emergency_phone") == "":
                self.add_error("emergency_phone", _("How is the emergency contact reached? Give a phone."))
            if cleaned.get("emergency_phone") and cleaned.get("emergency_name") == "":
                self.add_error("emergency_name", _("Whose number is this? Give a name."))

    def _check_addresses(self, cleaned: dict[str, Any]) -> None:
        if cleaned.get("email") == "" and (cleaned.get("new_login") == SELF or self._lacks_address(cleaned)):
            self.add_error("email", _("For messages or a sign-in we need the address."))
        if cleaned.get("new_login") == GUARDIAN and cleaned.get("guardian_email") == "":
            self.add_error("guardian_email", _("For a sign-in we need the guardian's address."))
        if cleaned.get("by_text") and cleaned.get("phone") == "":
            self.add_error("phone", _("For text messages we need the number."))
        for name in self.signing_in:
            if cleaned.get(name) == "" and cleaned.get(LOGINS_OF[name]) in {"", MOVE}:
                self.add_error(LOGINS_OF[name], _("Without an address it cannot move: take it away, or let it stay."))

    def _lacks_address(self, cleaned: dict[str, Any]) -> bool:
        """Say whether she would be written to and there is no address, neither hers nor, under 18, her guardian's."""
        typed = Client(born_on=cleaned.get("born_on"), guardian_email=cleaned.get("guardian_email", ""))
        return bool(cleaned.get("by_email")) and not mail_address(typed, self.now)

    def twins(self) -> list[Twin]:
        """Return other clients who may be the same person, judged by what was typed anew.

        Not those of whom it was said already, on this page, that this is somebody else.
        """
        changed = {*self.changed_data}
        telling = changed & {"email", "phone", "other_phone"}
        if changed & {"legal_name", "born_on"}:
            telling |= {"legal_name", "born_on"}
        given = Given(**{name: self.cleaned_data[name] for name in telling})
        others = self.data.get("somebody_else", "").split()
        return [twin for twin in twins_of(given, but=self.instance) if str(twin.client.pk) not in others]

    @transaction.atomic
    def keep(self, *, by: User, now: datetime) -> Client:
        """Write what was typed; raises ValidationError, and then nothing is written.

        Of a client who is known only what was changed, so that a form opened long ago takes nothing back.
        """
        typed = self.changed() if self.instance.pk else self.cleaned_data
        facts = {name: typed[name] for name in self.Meta.fields if name in typed}
        if self.instance.pk:
            client = update_client(by=by, now=now, client=self.instance, **facts)
        else:
            client = create_client(by=by, now=now, **facts)
        self._keep_consents(client, by=by, now=now)
        self._keep_logins(client, by=by, now=now)
        return client

    def _keep_consents(self, client: Client, *, by: User, now: datetime) -> None:
        for name, channel in (("by_email", EMAIL), ("by_text", TEXT)):
            if name in self.changed_data:
                record_contact_consent(
                    by=by,
                    now=now,
                    client=client,
                    channel=channel,
                    is_given=self.cleaned_data[name],
                    source=self.cleaned_data["source"],
                )

    def _keep_logins(self, client: Client, *, by: User, now: datetime) -> None:
        if "logins" in self.fields:
            ticked = set(self.cleaned_data["logins"])
            for access in self.accesses:
                if access not in ticked:
                    take_client_login(by=by, now=now, access=access)
        self._keep_changed_logins(client, by=by, now=now)
        relation = self.cleaned_data["new_login"]
        if relation:
            email = self.cleaned_data["guardian_email" if relation == GUARDIAN else "email"]
            give_client_login(by=by, now=now, client=client, email=email, relation=relation)

    def _keep_changed_logins(self, client: Client, *, by: User, now: datetime) -> None:
        """Move or take away the sign-in of an address that was changed, unless it was unticked as well."""
        for name, access in self.signing_in.items():
            fate = self.cleaned_data[LOGINS_OF[name]] or MOVE
            if name not in self.changed_data or fate == LEAVE or access not in self.cleaned_data["logins"]:
                continue
            take_client_login(by=by, now=now, access=access)
            if fate == MOVE:
                email = self.cleaned_data[name]
                give_client_login(by=by, now=now, client=client, email=email, relation=access.relation)
