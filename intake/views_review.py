"""The clinic's side: sending the form, reading what came, and deciding about findings."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.lib.forms import written
from clinic.lib.times import day_bounds
from clinic.people.access import ClinicRequest, for_roles, key_in
from clinic.people.models import Client, Role, clinic_zone
from clinic.people.records import records_of
from clinic.people.services import mail_address
from clinic.scheduling.models import UPCOMING, Appointment, Status
from intake import access, exporting, services
from intake.exporting import handed_out
from intake.findings import fact_of, needs_guardian
from intake.forms import CloseForm, GuardianForm, InviteForm
from intake.forms_matching import MatchForm
from intake.matching import matches_of, use_answers
from intake.models import Finding, Submission
from intake.reading import closed_findings, finding_rows
from intake.reading import guardian_consent as consent_of_guardian
from intake.review_queue import beside_the_forms, line_of, shown
from intake.reviewing import review_page
from intake.seeing import StaleFinding, refuse_stale
from intake.standing import newest_sent
from intake.wall import render_at_wall, today_at

PAGE = 25
TO_START = (*UPCOMING, Status.ARRIVED, Status.IN_SESSION)


@require_POST
@for_roles()
def invite(request: ClinicRequest, pk: int) -> HttpResponse:
    """Send a client the link to the form, and take down that she agreed to mail, if she did in the same talk."""
    client = access.client_to_invite(request.user, pk, now=request.now)
    form = InviteForm(request.POST)
    agreed = form.cleaned_data["agreed"] if form.is_valid() else ""
    try:
        services.invite(by=request.user, now=request.now, client=client, agreed=agreed)
    except ValidationError as problem:
        messages.error(request, " ".join(problem.messages))
    else:
        messages.success(
            request, _("The intake form is on its way to %(email)s.") % {"email": mail_address(client, request.now)}
        )
    return redirect("desk:client", client.pk)


@require_safe
@for_roles(Role.THERAPIST)
def review_list(request: ClinicRequest) -> HttpResponse:
    """List the answers that wait for a therapist, most urgent first."""
    page = Paginator(line_of(request.now), PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "rows": shown([*page.object_list]), "beside": beside_the_forms()}
    return render_at_wall(request, "intake/review_list.html", context)


@require_safe
@for_roles(Role.THERAPIST)
def review(request: ClinicRequest, pk: int) -> HttpResponse:
    """Show one client's answers, what changed, and what they raise."""
    submission = access.submission_for(request.user, pk, now=request.now)
    return _show_review(request, submission)


@require_POST
@for_roles(Role.THERAPIST)
def review_done(request: ClinicRequest, pk: int) -> HttpResponse:
    """Record that the answers were read."""
    submission = access.submission_for(request.user, pk, now=request.now)
    try:
        services.review(by=request.user, now=request.now, submission=submission)
    except ValidationError as problem:
        return _show_review(request, submission, problem=problem)
    messages.success(request, _("Reviewed: %(name)s.") % {"name": submission.client.name})
    return redirect("intake:review-list")


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.THERAPIST)
def answers_use(request: ClinicRequest, pk: int) -> HttpResponse:
    """Take over into the record what she wrote, field by field."""
    submission = access.submission_for(request.user, pk, now=request.now)
    client = access.client_with_findings(request.user, submission.client_id, now=request.now)
    matches = matches_of(submission, client)
    form = MatchForm(request.POST if request.method == "POST" else None, matches=matches)
    if request.method == "POST" and form.is_valid():
        used = written(form, use_answers, by=request.user, now=request.now, submission=submission, **form.chosen())
        if used is not None:
            messages.success(request, _("The record of %(name)s is up to date.") % {"name": used.name})
            return redirect("intake:review", submission.pk)
    context = {"submission": submission, "client": client, "form": form}
    return render_at_wall(request, "intake/answers_use.html", context)


@require_safe
@for_roles(Role.THERAPIST)
def answers_pdf(request: ClinicRequest, pk: int) -> HttpResponse:
    """Hand out the answers on paper."""
    submission = access.submission_for(request.user, pk, now=request.now)
    return handed_out(exporting.answers_pdf(submission, request.now), submission, "pdf")


@require_safe
@for_roles(Role.THERAPIST)
def answers_json(request: ClinicRequest, pk: int) -> HttpResponse:
    """Hand out the answers as data."""
    submission = access.submission_for(request.user, pk, now=request.now)
    return handed_out(exporting.answers_json(submission), submission, "json")


@require_safe
@for_roles(Role.THERAPIST)
def findings(request: ClinicRequest, pk: int) -> HttpResponse:
    """Show what is in force for a client, and what was."""
    client = access.client_with_findings(request.user, pk, now=request.now)
    return _show_findings(request, client)


@require_POST
@for_roles(Role.THERAPIST)
def finding_acknowledge(request: ClinicRequest, pk: int) -> HttpResponse:
    """Record that a therapist knows of a finding."""
    finding = access.finding_for(request.user, pk, now=request.now)
    try:
        refuse_stale(finding, request.POST.get("seen", ""))
        services.acknowledge_finding(by=request.user, now=request.now, finding=finding)
    except StaleFinding as problem:
        messages.error(request, " ".join(problem.messages))
        return _shown_again(request, finding, status=HTTPStatus.CONFLICT)
    except ValidationError as problem:
        messages.error(request, " ".join(problem.messages))
    return _back(request, finding)


@require_POST
@for_roles(Role.THERAPIST)
def finding_close(request: ClinicRequest, pk: int) -> HttpResponse:
    """End a finding with a reason."""
    finding = access.finding_for(request.user, pk, now=request.now)
    form, status = CloseForm(request.POST, prefix=str(finding.pk)), HTTPStatus.OK
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            refuse_stale(finding, request.POST.get("seen", ""))
            services.close_finding(by=request.user, now=request.now, finding=finding, reason=reason)
        except ValidationError as problem:
            form.add_error(None, problem.messages)
            status = HTTPStatus.CONFLICT if isinstance(problem, StaleFinding) else status
        else:
            messages.success(request, _("Closed: %(reason)s") % {"reason": fact_of(finding).words})
            return _back(request, finding)
    return _shown_again(request, finding, closing=form, status=status)


def _shown_again(
    request: ClinicRequest, finding: Finding, *, closing: CloseForm | None = None, status: int
) -> HttpResponse:
    """Show the page from which the click came, as things are now."""
    came_from = _review_pk(request)
    if came_from is None:
        return _show_findings(request, finding.client, closing=closing, status=status)
    submission = access.submission_for(request.user, came_from, now=request.now)
    return _show_review(request, submission, closing=closing, status=status)


@require_POST
@for_roles(Role.THERAPIST)
def guardian_consent(request: ClinicRequest, pk: int) -> HttpResponse:
    """Record a guardian's consent from paper."""
    client = access.client_with_findings(request.user, pk, now=request.now)
    form = GuardianForm(request.POST)
    if form.is_valid():
        name, signed_on = form.cleaned_data["name"], form.cleaned_data["signed_on"]
        try:
            services.record_guardian_consent(
                by=request.user, now=request.now, client=client, name=name, signed_on=signed_on
            )
        except ValidationError as problem:
            form.add_error(None, problem)
        else:
            messages.success(request, _("The guardian's consent is recorded."))
            return redirect("intake:findings", client.pk)
    return _show_findings(request, client, guardian=form)


def _back(request: HttpRequest, finding: Finding) -> HttpResponse:
    """Return to the findings, on the review from which the therapist came if it was one."""
    came_from = _review_pk(request)
    if came_from is None:
        return redirect("intake:findings", finding.client_id)
    return redirect(f"{reverse('intake:review', args=[came_from])}#findings")


def _review_pk(request: HttpRequest) -> int | None:
    return key_in(request.POST.get("review", ""))


def _show_review(
    request: ClinicRequest,
    submission: Submission,
    *,
    problem: ValidationError | None = None,
    closing: CloseForm | None = None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    page = review_page(submission)
    forms = {closing.prefix: closing} if closing else {}
    context = {
        "submission": submission,
        "client": submission.client,
        "page": page,
        "findings": [
            (row, forms.get(str(row.finding.pk)) or CloseForm(prefix=str(row.finding.pk))) for row in page.findings
        ],
        "problem": " ".join(problem.messages) if problem else "",
        "matches": len(matches_of(submission, submission.client)),
    }
    return render_at_wall(request, "intake/review.html", context, status=HTTPStatus.CONFLICT if problem else status)


def _show_findings(
    request: ClinicRequest,
    client: Client,
    *,
    closing: CloseForm | None = None,
    guardian: GuardianForm | None = None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    rows = finding_rows(services.open_findings(client.pk))
    forms = {closing.prefix: closing} if closing else {}
    context = {
        "client": client,
        "mailed_at": mail_address(client, request.now),
        "findings": [(row, forms.get(str(row.finding.pk)) or CloseForm(prefix=str(row.finding.pk))) for row in rows],
        "closed": closed_findings(client.pk),
        "sent": newest_sent([client.pk]).get(client.pk),
        "visit": _visit_to_start(request, client),
        "closing": closing,
        "needs_guardian": needs_guardian(client, today_at(request.now)),
        "guardian_consent": consent_of_guardian(client.pk),
        "guardian_form": guardian or GuardianForm(),
    }
    return render_at_wall(request, "intake/findings.html", context, status=status)


def _visit_to_start(request: ClinicRequest, client: Client) -> Appointment | None:
    """Return the visit with this therapist for which she may have come here: today's next."""
    today = day_bounds(clinic_zone(), today_at(request.now))
    hers = Appointment.objects.filter(client__among=records_of(client.pk), status__in=TO_START)
    visits = hers.filter(therapist__user=request.user)
    return visits.between(*today).select_related("location").order_by("starts_at").first()
