"""The form on paper: the sheet to print, for all staff, and typing in what came back, for therapists."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic.lib.forms import put_errors
from clinic.people.access import ClinicRequest, for_roles
from clinic.people.models import Client, Role
from intake import access, paper, services
from intake.forms import initial_of
from intake.forms_paper import SIGNED, PaperStepForm
from intake.models import Submission
from intake.questions import Kind, Step, form_of
from intake.wall import render_at_wall, today_at


@require_safe
@for_roles()
def sheet(request: ClinicRequest, pk: int) -> HttpResponse:
    """Hand out the form to fill in by hand, with nothing on it but her name."""
    client = access.client_to_invite(request.user, pk, now=request.now)
    response = HttpResponse(paper.paper_form(client, now=request.now), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{_("questions")}.pdf"'
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.THERAPIST)
def begin(request: ClinicRequest, pk: int) -> HttpResponse:
    """Say what typing in does; then begin, or go on."""
    client = access.client_with_findings(request.user, pk, now=request.now)
    if client.archived_at is not None:
        raise Http404
    if request.method == "POST":
        paper.begin_from_paper(by=request.user, now=request.now, client=client)
        return redirect("intake:paper-step", client.pk, 1)
    return render(request, "intake/paper.html", {"client": client, "draft": _draft(client)})


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.THERAPIST)
def step(request: ClinicRequest, pk: int, number: int) -> HttpResponse:
    """Type in one step, and send all after the last."""
    client = access.client_with_findings(request.user, pk, now=request.now)
    draft = _draft(client)
    if draft is None or draft.entered_by_id is None:
        # It was sent meanwhile, or she goes on with it herself.
        return redirect("intake:paper", client.pk)
    shown = _step(draft, number)
    is_typed, is_back = request.method == "POST", "back" in request.POST
    form = PaperStepForm(
        shown,
        today_at(request.now),
        is_complete=not is_back,
        data=request.POST if is_typed else None,
        initial=initial_of(shown, draft.answers),
    )
    if is_typed:
        is_whole = form.is_valid()
        is_complete = is_whole and not is_back
        try:
            # What can be kept is kept, also where something is still missing.
            services.save_step(
                now=request.now,
                submission=draft,
                step=number,
                answers=form.answers,
                is_complete=is_complete,
            )
            if is_back:
                return redirect("intake:paper-step", client.pk, max(1, number - 1))
            if is_whole:
                return _after(request, client, draft, form)
        except ValidationError as problem:
            put_errors(form, problem)
    return _show(request, client, draft, form)


def _after(request: ClinicRequest, client: Client, draft: Submission, form: PaperStepForm) -> HttpResponse:
    if form.step.number < len(form_of(draft.form_version_id).steps):
        return redirect("intake:paper-step", client.pk, form.step.number + 1)
    signed = form.cleaned_data.get(SIGNED, "")
    sent = paper.send_from_paper(by=request.user, now=request.now, submission=draft, signed_name=signed)
    messages.success(request, _("It is typed in. Now review it."))
    return redirect("intake:review", sent.pk)


def _show(request: ClinicRequest, client: Client, draft: Submission, form: PaperStepForm) -> HttpResponse:
    steps = len(form_of(draft.form_version_id).steps)
    context = {
        "client": client,
        "form": form,
        "step": form.step,
        "steps": steps,
        "is_last": form.step.number == steps,
        "saved_at": draft.saved_at,
        "signs": any(question.kind is Kind.CONSENT for question in form.step.questions),
    }
    return render_at_wall(request, "intake/paper_step.html", context)


def _draft(client: Client) -> Submission | None:
    drafts = Submission.objects.filter(client=client, state=Submission.State.DRAFT)
    return drafts.select_related("client", "entered_by").first()


def _step(draft: Submission, number: int) -> Step:
    try:
        return form_of(draft.form_version_id).step(number)
    except LookupError:
        raise Http404 from None
