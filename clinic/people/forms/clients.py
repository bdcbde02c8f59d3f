"""The desk's form about a client."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Fieldset, Layout
from django import forms
from django.db import transaction
from django.db.models import Q
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from clinic.people.models import Client, ClientAccess, ContactConsent, Therapist, User
from clinic.people.services import (
    create_client,
    give_client_login,
    has_contact_consent,
    record_contact_consent,
    take_client_login,
    update_client,
)

EMAIL, TEXT = ContactConsent.Channel.EMAIL, ContactConsent.Channel.TEXT


class LoginsField(forms.ModelMultipleChoiceField[ClientAccess]):
    """The logins that may act for a client; unticking one takes it away."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, obj: ClientAccess) -> str:
        return f"{obj.user.email} ({obj.get_relation_display()})"


class ClientForm(forms.ModelForm[Client]):
    """What the desk knows about a client; nothing about health."""

    by_email = forms.BooleanField(label=_("We may write by e-mail"), required=False)
    by_text = forms.BooleanField(label=_("We may send text messages"), required=False)
    source = forms.ChoiceField(
        label=_("How was that said?"),
        choices=[("in person", _("in person")), ("on the phone", _("on the phone")), ("in writing", _("in writing"))],
        initial="in person",
        widget=forms.RadioSelect(attrs={"class": "seg"}),
        required=False,
    )
    new_login = forms.BooleanField(
        label=_("Give a sign-in to the e-mail above"),
        help_text=_("It needs no password: a code is mailed each time. Only for an address that is surely right."),
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
            "primary_therapist",
            "alert",
        )
        widgets = {
            "legal_name": forms.TextInput(attrs={"autocomplete": "off"}),
            "preferred_name": forms.TextInput(attrs={"autocomplete": "off"}),
            "pronouns": forms.TextInput(attrs={"autocomplete": "off"}),
            "born_on": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "class": "mid", "min": "1900-01-01"}),
            "email": forms.EmailInput(attrs={"autocomplete": "off"}),
            "phone": forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}),
        }
        help_texts = {
            "legal_name": _("As in the passport."),
            "preferred_name": _("If it differs from the first name."),
            "phone": _("With the country code, as in +351 912 345 678."),
        }
        error_messages = {"phone": {"invalid": _("This is no phone number; does it begin with the country code?")}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        client = self.instance
        self.fields["primary_therapist"] = forms.ModelChoiceField(
            Therapist.objects.filter(Q(archived_at__isnull=True) | Q(pk=client.primary_therapist_id)).select_related(
                "user"
            ),
            label=_("Therapist"),
            required=False,
            empty_label=_("not decided"),
        )
        accesses = ClientAccess.objects.filter(client=client.pk).select_related("user").order_by("pk")
        if accesses:
            self.fields["logins"] = LoginsField(
                accesses,
                label=_("May sign in for this client"),
                help_text=_("Untick an address to take its sign-in away."),
                required=False,
                initial=accesses,
            )
        if client.pk:
            self.initial["by_email"] = has_contact_consent(client, EMAIL)
            self.initial["by_text"] = has_contact_consent(client, TEXT)
            # What counts as changed is what she who typed has changed, not what a colleague did meanwhile.
            for name in self._opened:
                self.fields[name].show_hidden_initial = True
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.layout = Layout(
            Fieldset(_("Name"), "legal_name", Div("preferred_name", "pronouns", css_class="two"), "born_on"),
            Fieldset(
                _("Contact"),
                Div("email", "phone", css_class="two"),
                Div("by_email", "by_text"),
                "source",
                css_class="mt-3",
            ),
            Fieldset(_("Sign-in"), *(["logins"] if accesses else []), "new_login", css_class="mt-3"),
            Fieldset(_("In the clinic"), "primary_therapist", "alert", css_class="mt-3"),
        )

    @property
    def _opened(self) -> list[str]:
        return [name for name in (*self.Meta.fields, "by_email", "by_text", "logins") if name in self.fields]

    def opened_with(self) -> SafeString:
        """Return, as hidden inputs, what the form was opened with."""
        fields = [self[name] for name in self._opened if self.fields[name].show_hidden_initial]
        return format_html_join("", "{}", ((field.as_hidden(only_initial=True),) for field in fields))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if (cleaned.get("by_email") or cleaned.get("new_login")) and cleaned.get("email") == "":
            self.add_error("email", _("For messages or a sign-in we need the address."))
        if cleaned.get("by_text") and cleaned.get("phone") == "":
            self.add_error("phone", _("For text messages we need the number."))
        if {"by_email", "by_text"} & {*self.changed_data} and not cleaned.get("source"):
            self.add_error("source", _("Say how the client agreed or declined."))
        return cleaned

    def twin(self) -> Client | None:
        """Return another client who may be the same person, judged by what was typed anew."""
        changed = {*self.changed_data}
        telling = changed & {"email", "phone"}
        if changed & {"legal_name", "born_on"}:
            telling |= {"legal_name", "born_on"}
        facts = {name: self.cleaned_data[name] for name in telling}
        return Client.objects.active().exclude(pk=self.instance.pk).alike(**facts).first()

    @transaction.atomic
    def keep(self, *, by: User, now: datetime) -> Client:
        """Write what was typed; raises ValidationError, and then nothing is written.

        Of a client who is known only what was changed, so that a form opened long ago takes nothing back.
        """
        facts = {name: self.cleaned_data[name] for name in self.Meta.fields}
        facts["phone"] = str(facts["phone"])
        if self.instance.pk:
            changed = {name: fact for name, fact in facts.items() if name in self.changed_data}
            client = update_client(by=by, now=now, client=self.instance, **changed)
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
            name = self["logins"].html_initial_name
            opened = forms.MultipleHiddenInput().value_from_datadict(self.data, self.files, name)
            for access in self.fields["logins"].initial:
                if access not in ticked and str(access.pk) in opened:
                    take_client_login(by=by, now=now, access=access)
        if self.cleaned_data["new_login"]:
            give_client_login(by=by, now=now, client=client, email=self.cleaned_data["email"])
