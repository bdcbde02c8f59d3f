"""Answering, step by step: what she typed is kept with every change, each consent is signed on its own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from clinic.lib.forms import put_errors
from clinic.people.access import ClinicRequest
from intake import access, answering, consents, services
from intake.answering import Kept, LinkClosed, Page
from intake.forms import StepForm, initial_of
from intake.models import Submission
from intake.questions import Answer, Kind, Step, form_of
from intake.reading import answer_words
from intake.signatures import Drawing
from intake.views import stop_first, with_now
from intake.wall import render_at_wall, today_at

# What keeps her on the step, or leads back from it: what she has typed so far is kept first.
STAYING = ("back", "more", "sign", "unsign")
PAGE_NAME = re.compile(r"[0-9a-f]{32}")


@require_http_methods(["GET", "HEAD", "POST"])
@with_now
def step(request: ClinicRequest, number: int) -> HttpResponse:
    """Ask one step, and keep its answers."""
    draft = access.draft_in(request)
    shown = _step(draft, number)
    if request.method != "POST":
        return _show(request, draft, shown, _form(request, draft, shown))
    if any(button in request.POST for button in STAYING):
        return _stay(request, draft, shown)
    return _continue(request, draft, shown)


@require_POST
@with_now
def step_save(request: ClinicRequest, number: int) -> HttpResponse:
    """Keep what she has typed so far, while she is typing."""
    draft = access.draft_in(request)
    shown = _step(draft, number)
    form = StepForm(shown, today_at(request.now), is_complete=False, data=request.POST)
    kept = _keep(request, draft, shown, form)
    if stop_first(kept.submission, request.now):
        return HttpResponseClientRedirect(reverse("intake:stop"))
    context = {
        "saved_at": kept.submission.saved_at,
        "seen": _as_text(kept.seen),
        "clashes": [question.text for question in shown.questions if question.code in kept.clashes],
    }
    return render_at_wall(request, "intake/parts/kept.html", context)


def _continue(request: ClinicRequest, draft: Submission, shown: Step) -> HttpResponse:
    """Keep the whole step and go on; where something is missing or was answered otherwise elsewhere, say so."""
    form = _form(request, draft, shown)
    is_whole = form.is_valid()
    kept = _keep(request, draft, shown, form, is_complete=is_whole)
    draft = kept.submission
    if is_whole and not kept.clashes:
        try:
            return _after(request, draft, shown, form)
        except LinkClosed:
            raise
        except ValidationError as problem:
            put_errors(form, problem)
            form.signed = consents.signed_here(draft)
    for code, stands in kept.clashes.items():
        form.add_error(code, _told_elsewhere(shown, code, stands))
    return stop_first(draft, request.now) or _show(request, draft, shown, form, kept)


def _stay(request: ClinicRequest, draft: Submission, shown: Step) -> HttpResponse:
    """Keep what she has answered so far; then go back, sign, take back, or ask for one more line."""
    form = _form(request, draft, shown, is_complete=False)
    kept = _keep(request, draft, shown, form)
    if stopped := stop_first(kept.submission, request.now):
        return HttpResponseClientRedirect(stopped.url) if request.headers.get("HX-Request") else stopped
    if "back" in request.POST:
        return redirect("intake:step", max(1, shown.number - 1))
    try:
        _sign_or_not(request, draft, form)
    except LinkClosed:
        raise
    except ValidationError as problem:
        put_errors(form, problem)
    if not form.errors:
        form = _form(request, draft, shown, is_complete=False)
    return _show(request, kept.submission, shown, form, kept)


def _sign_or_not(request: ClinicRequest, draft: Submission, form: StepForm) -> None:
    """Sign the one consent whose button was pressed, or take back what was signed under it."""
    signs, takes_back = request.POST.get("sign"), request.POST.get("unsign")
    if signs and signs not in form.errors:
        _sign(request, draft, signs, *form.signatures.get(signs, ("", [])))
    elif takes_back:
        services.unsign_consent(now=request.now, submission=draft, code=takes_back)


def _sign(request: ClinicRequest, draft: Submission, code: str, name: str, drawing: Drawing) -> None:
    ip = request.META.get("REMOTE_ADDR")
    services.sign_consent(now=request.now, submission=draft, code=code, name=name, drawing=drawing, ip=ip)


def _after(request: ClinicRequest, draft: Submission, shown: Step, form: StepForm) -> HttpResponse:
    """Go on from a step that is whole: to the page that stops, to the next one, or after the last, send all."""
    alarm = answering.alarm_of(draft, request.now)
    if alarm is not None and (alarm.is_emergency or alarm.step == shown.number):
        return redirect("intake:stop")
    for code, (name, drawing) in form.signatures.items():
        _sign(request, draft, code, name, drawing)
    if shown.number < len(form_of(draft.form_version_id).steps):
        return redirect("intake:step", shown.number + 1)
    services.submit(now=request.now, submission=draft)
    access.leave(request.session, draft)
    return redirect("intake:sent")


def _keep(request: ClinicRequest, draft: Submission, shown: Step, form: StepForm, *, is_complete: bool = False) -> Kept:
    form.is_valid()
    return answering.keep_step(
        now=request.now,
        submission=draft,
        step=shown.number,
        answers=form.answers,
        page=_page(request, draft, form),
        is_complete=is_complete,
    )


def _page(request: HttpRequest, draft: Submission, form: StepForm) -> Page:
    """Return the open page that sends this; one that does not say what it showed has shown what stands."""
    try:
        seen = json.loads(request.POST.get("seen", ""))
    except (ValueError, RecursionError):
        seen = None
    return Page(_page_name(request), seen if isinstance(seen, dict) else draft.answers, frozenset(form.errors))


def _page_name(request: HttpRequest) -> str:
    name = request.POST.get("page", "")
    return name if PAGE_NAME.fullmatch(name) else uuid4().hex


def _form(request: ClinicRequest, draft: Submission, shown: Step, *, is_complete: bool = True) -> StepForm:
    signs = any(question.kind is Kind.CONSENT for question in shown.questions)
    return StepForm(
        shown,
        today_at(request.now),
        is_complete=is_complete,
        earlier=None if access.HANDED_OVER in request.session else answering.earlier_answers(draft),
        signed=consents.signed_here(draft) if signs else None,
        data=request.POST if request.method == "POST" else None,
        initial=initial_of(shown, draft.answers),
    )


def _show(
    request: ClinicRequest, draft: Submission, shown: Step, form: StepForm, kept: Kept | None = None
) -> HttpResponse:
    steps = len(form_of(draft.form_version_id).steps)
    context = {
        "form": form,
        "step": shown,
        "steps": steps,
        "is_last": shown.number == steps,
        "draft": draft,
        "saved_at": draft.saved_at,
        "page": _page_name(request),
        "seen": _as_text(kept.seen if kept else form.initial),
        "last_signed": list(form.signed.values())[-1] if form.signed else None,
    }
    return render_at_wall(request, "intake/step.html", context)


def _told_elsewhere(shown: Step, code: str, stands: Answer) -> str:
    question = next(question for question in shown.questions if question.code == code)
    return _("Meanwhile you answered “%(answer)s” on another page. Choose what is right here, and continue.") % {
        "answer": answer_words(question, stands)
    }


def _as_text(seen: Mapping[str, Any]) -> str:
    return json.dumps(seen, ensure_ascii=False, separators=(",", ":"))


def _step(draft: Submission, number: int) -> Step:
    try:
        return form_of(draft.form_version_id).step(number)
    except LookupError:
        raise Http404 from None
