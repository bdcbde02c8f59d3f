"""The pages on which the clinic says when, by which channels and in which words it writes."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic.lib.forms import written
from clinic.people.access import ClinicRequest, client_for, for_roles, one_of, the_clinic
from clinic.people.models import Client, ContactConsent, Role, Service
from clinic.reminders import previews
from clinic.reminders.forms_policy import OverrideForm, PolicyForm, WordingForm, in_hours
from clinic.reminders.kinds import message_kinds
from clinic.reminders.models import PolicyOverride
from clinic.reminders.policy import message_policy
from clinic.reminders.wording import Said, all_own_words, reword

Channel = ContactConsent.Channel


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def policy(request: ClinicRequest) -> HttpResponse:
    """Change when and by which channels the clinic writes; below it, in which words."""
    form = PolicyForm(request.POST or None, instance=message_policy())
    if form.is_valid() and written(form, form.keep, by=request.user, now=request.now) is not None:
        messages.success(request, _("It is saved, and holds from now on."))
        return redirect("reminders:policy")
    context = {
        "place": "settings",
        "form": form,
        "rows": previews.wording_rows(the_clinic()),
        "previews": previews.reminder_previews(request.now),
    }
    return render(request, "reminders/policy.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def wording(request: ClinicRequest, kind: str, channel: str, language: str) -> HttpResponse:
    """Change the words of one kind of message; `preview` shows what was typed, and saves nothing."""
    if kind not in message_kinds:
        raise Http404
    spoken = message_kinds[kind]
    if not spoken.may_say or channel not in spoken.channels or language not in the_clinic().languages:
        raise Http404
    if "ours" in request.POST:
        reword(by=request.user, now=request.now, kind=kind, channel=channel, language=language, subject="", text="")
        messages.success(request, _("It is said in our words again."))
        return redirect("reminders:policy")
    own = all_own_words().get((kind, channel, language))
    now_said = previews.words_now(spoken, own, channel, language)
    form = WordingForm(request.POST or None, kind=spoken, channel=channel, shown=now_said)
    is_preview = "preview" in request.POST and form.is_valid()
    if form.is_valid() and "preview" not in request.POST:
        form.keep(by=request.user, now=request.now, kind=kind, language=language)
        messages.success(request, _("The words are saved."))
        return redirect("reminders:wording", kind, channel, language)
    shown = Said(form.cleaned_data["text"], form.cleaned_data.get("subject", "")) if is_preview else now_said
    context = {
        "place": "settings",
        "form": form,
        "kind": spoken,
        "channel": channel,
        "is_own": own is not None,
        "is_preview": is_preview,
        "previews": [previews.preview(shown, channel, language, request.now)],
        "placeholders": previews.placeholders(spoken),
    }
    return render(request, "reminders/wording.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def service_policy(request: ClinicRequest, pk: int) -> HttpResponse:
    """Let other channels or reminders hold for the visits of one service."""
    return _override(request, one_of(Service.objects.all(), pk))


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles()
def client_policy(request: ClinicRequest, pk: int) -> HttpResponse:
    """Let other channels or reminders hold for one client."""
    return _override(request, client_for(request.user, pk, _("messages to her"), now=request.now))


def _override(request: ClinicRequest, of: Service | Client) -> HttpResponse:
    whose = {"client": of} if isinstance(of, Client) else {"service": of}
    form = OverrideForm(
        request.POST if request.method == "POST" else None, override=PolicyOverride.objects.filter(**whose).first()
    )
    if form.is_valid():
        form.keep(by=request.user, now=request.now, of=of)
        messages.success(request, _("It is saved, and holds from now on."))
        return redirect(request.path)
    above = message_policy()
    channels = [str(Channel(channel).label) for channel in above.channels]
    place = "clients" if isinstance(of, Client) else "settings"
    offsets = in_hours(above.offsets_minutes)
    context = {**whose, "place": place, "form": form, "channels": channels, "offsets": offsets}
    return render(request, "reminders/override.html", context)
