"""The client's own: what she has told the clinic, to read and to take along."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from clinic.people.access import ClinicRequest, signed_in
from intake import access, exporting
from intake.exporting import handed_out
from intake.wall import render_at_wall


@require_safe
@signed_in
def own_answers(request: ClinicRequest, client_pk: int) -> HttpResponse:
    """List the forms that were sent in for her."""
    client, sent = access.own_answers(request.user, client_pk, now=request.now)
    context = {"client": client, "sent": sent.select_related("form_version"), "plan_client_pk": client.pk}
    return render_at_wall(request, "intake/own_answers.html", context)


@require_safe
@signed_in
def own_pdf(request: ClinicRequest, client_pk: int, pk: int) -> HttpResponse:
    """Hand out to her what she told, on paper."""
    submission = access.own_submission(request.user, client_pk, pk, now=request.now)
    return handed_out(exporting.answers_pdf(submission, request.now), submission, "pdf")


@require_safe
@signed_in
def own_json(request: ClinicRequest, client_pk: int, pk: int) -> HttpResponse:
    """Hand out to her what she told, as data."""
    submission = access.own_submission(request.user, client_pk, pk, now=request.now)
    return handed_out(exporting.answers_json(submission), submission, "json")
