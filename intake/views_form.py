"""The owner's pages about the form: when it is sent by itself, and the clinic's own questions and consents."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.lib.forms import put_errors, written
from clinic.people.access import ClinicRequest, for_roles, key_in, the_clinic
from clinic.people.models import Role
from intake import own_questions
from intake.forms import StepForm
from intake.forms_own import IntakePolicyForm, OwnConsentForm, OwnQuestionForm, VersionedForm, said_by
from intake.inviting import change_intake_policy, intake_policy
from intake.models import FormVersion
from intake.own_questions import FormChanged, newest_form
from intake.questions import IntakeForm, Kind, Question
from intake.wall import render_at_wall, today_at

VERSIONS_SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def settings(request: ClinicRequest) -> HttpResponse:
    """Say when the form is sent by itself; below it, what the clinic asks of its own, and the versions so far."""
    form = IntakePolicyForm(request.POST or None, instance=intake_policy())
    if form.is_valid():
        said = form.cleaned_data
        if written(form, change_intake_policy, by=request.user, now=request.now, **said) is not None:
            messages.success(request, _("It is saved, and holds from now on."))
            return redirect("intake:settings")
    version, asked = newest_form(the_clinic().language)
    steps = [(step, [question for question in step.questions if question.is_own]) for step in asked.steps]
    versions = FormVersion.objects.filter(language=version.language).select_related("published_by")
    context = {
        "place": "settings",
        "form": form,
        "version": version,
        "steps": steps,
        "versions": versions.defer("content").order_by("-number")[:VERSIONS_SHOWN],
    }
    return render_at_wall(request, "intake/settings.html", context)


@require_safe
@for_roles(Role.OWNER)
def preview(request: ClinicRequest, number: int) -> HttpResponse:
    """Show a step as the client sees it."""
    _version, asked = newest_form(the_clinic().language)
    try:
        step = asked.step(number)
    except LookupError:
        raise Http404 from None
    shown = {"place": "settings", "preview": StepForm(step, today_at(request.now)), "step": step, "steps": asked.steps}
    return render(request, "intake/preview.html", shown)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def question(request: ClinicRequest, code: str = "") -> HttpResponse:
    """Word a question of the clinic's own; `preview` shows the step with it, and saves nothing."""
    version, asked = newest_form(the_clinic().language)
    own = _own(asked, code, is_consent=False)
    form = OwnQuestionForm(**_opened(request, version, own, asked), form=asked, question=own)
    return _edit(request, form, version, own)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def consent(request: ClinicRequest, code: str = "") -> HttpResponse:
    """Word a consent of the clinic's own; `preview` shows the step with it, and saves nothing."""
    version, asked = newest_form(the_clinic().language)
    own = _own(asked, code, is_consent=True)
    return _edit(request, OwnConsentForm(**_opened(request, version, own, asked)), version, own)


@require_POST
@for_roles(Role.OWNER)
def move(request: ClinicRequest, code: str) -> HttpResponse:
    """Ask something of the clinic's own earlier, or later."""
    return _change(request, own_questions.move_own, _("The order is changed."), code=code, up="up" in request.POST)


@require_POST
@for_roles(Role.OWNER)
def withdraw(request: ClinicRequest, code: str) -> HttpResponse:
    """Ask something of the clinic's own no longer."""
    told = _("It is asked no longer. Answers that were given stay.")
    return _change(request, own_questions.withdraw_own, told, code=code)


def _change(request: ClinicRequest, change: Any, told: str, **what: object) -> HttpResponse:
    """Publish a version in which one thing is different, and say so."""
    based_on = key_in(request.POST.get("based_on", "")) or 0
    language = the_clinic().language
    try:
        change(by=request.user, now=request.now, language=language, based_on=based_on, **what)
    except ValidationError as problem:
        messages.error(request, " ".join(problem.messages))
    else:
        messages.success(request, told)
    return redirect(f"{reverse('intake:settings')}#own")


def _own(asked: IntakeForm, code: str, *, is_consent: bool) -> Question | None:
    """Return what is to be changed; None where something new is added. Raises Http404."""
    if not code:
        return None
    found = asked.questions.get(code)
    if found is None or not found.is_own or (found.kind is Kind.CONSENT) != is_consent:
        raise Http404
    return found


def _opened(request: ClinicRequest, version: FormVersion, own: Question | None, asked: IntakeForm) -> dict[str, Any]:
    """Return what a form is opened with: what was typed, and what stands."""
    step = next((step.code for step in asked.steps if own in step.questions), "")
    initial = {"based_on": version.pk, "step": step} | (said_by(own) if own else {})
    return {"data": request.POST if request.method == "POST" else None, "initial": initial}


def _edit(request: ClinicRequest, form: VersionedForm, version: FormVersion, own: Question | None) -> HttpResponse:
    """Keep what was typed as a new version, or show it as the client would see it."""
    is_typed = form.is_bound and form.is_valid()
    if is_typed and "preview" not in request.POST:
        try:
            _keep(request, form, version, own)
        except ValidationError as problem:
            put_errors(form, problem)
            if isinstance(problem, FormChanged):
                # Whoever has read who was faster, and saves again, adds to theirs.
                form.data = {**request.POST.dict(), form.add_prefix("based_on"): version.pk}
        else:
            messages.success(request, _("It is asked from now on. Forms that were begun go on as they were."))
            return redirect(f"{reverse('intake:settings')}#own")
    step = _previewed(form, version, own) if is_typed else None
    context = {
        "place": "settings",
        "form": form,
        "own": own,
        "version": version,
        "is_consent": isinstance(form, OwnConsentForm),
        "preview": StepForm(step, today_at(request.now)) if step else None,
        "step": step,
    }
    return render(request, "intake/own.html", context, status=200)


def _keep(request: ClinicRequest, form: VersionedForm, version: FormVersion, own: Question | None) -> FormVersion:
    """Publish what was typed."""
    said = form.cleaned_data
    based: dict[str, Any] = {"language": version.language, "based_on": said["based_on"]}
    by, now = request.user, request.now
    if isinstance(form, OwnConsentForm):
        if own is None:
            return own_questions.add_consent(by=by, now=now, consent=form.worded(), **based)
        return own_questions.change_consent(by=by, now=now, code=own.code, consent=form.worded(), **based)
    if not isinstance(form, OwnQuestionForm):
        raise TypeError(form)
    if own is None:
        return own_questions.add_question(by=by, now=now, step=said["step"], question=form.worded(), **based)
    return own_questions.change_question(by=by, now=now, code=own.code, question=form.worded(), **based)


def _previewed(form: VersionedForm, version: FormVersion, own: Question | None) -> Any:
    if not isinstance(form, OwnQuestionForm | OwnConsentForm):
        raise TypeError(form)
    code = own.code if own else ""
    return own_questions.step_with(version, code, form.worded(), form.cleaned_data.get("step", ""))
