"""The owner's page of the safety rules: read, change with a preview of whom it affects, add, retire."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.lib.forms import put_errors
from clinic.people.access import ClinicRequest, for_roles, log_look
from clinic.people.models import Role
from intake import rule_book, rules_page
from intake.answering import current_form
from intake.forms_rules import OwnRuleForm, RuleForm, consents_of, questions_of
from intake.questions import form_of
from intake.rule_book import Affected, Row, StaleRules
from intake.rules import parse_rule
from intake.wall import render_at_wall, today_at


@require_safe
@for_roles(Role.OWNER)
def rules(request: ClinicRequest) -> HttpResponse:
    """List the rules in force, and what was done to them."""
    return render_at_wall(request, "intake/rules.html", {"place": "settings", "page": rules_page.rules_page()})


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def rule(request: ClinicRequest, code: str) -> HttpResponse:
    """Change one rule; `preview` shows whom the change would affect, and saves nothing."""
    version = rules_page.newest()
    row = next((row for row in version.rules if row["code"] == code), None)
    if row is None:
        raise Http404
    form = _form(request, RuleForm, row, version.number)
    if request.method != "POST" or not form.is_valid():
        return _page(request, form, row)
    if "preview" in request.POST:
        return _preview(request, form, row)
    try:
        made = rule_book.change_rule(
            by=request.user, now=request.now, seen=form.cleaned_data["seen"], row=form.as_row(),
            why=form.cleaned_data["why"],
        )  # fmt: skip
    except ValidationError as problem:
        return _refused(request, form, row, problem)
    return _kept(request, made.number)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles(Role.OWNER)
def rule_new(request: ClinicRequest) -> HttpResponse:
    """Add a rule of the clinic's own."""
    form = _form(request, OwnRuleForm, {}, rules_page.newest().number)
    if request.method != "POST" or not form.is_valid():
        return _page(request, form, None)
    if "preview" in request.POST:
        return _preview(request, form, None)
    try:
        made = rule_book.add_rule(
            by=request.user, now=request.now, seen=form.cleaned_data["seen"], row=form.as_row(),
            why=form.cleaned_data["why"],
        )  # fmt: skip
    except ValidationError as problem:
        return _refused(request, form, None, problem)
    return _kept(request, made.number)


@require_POST
@for_roles(Role.OWNER)
def rule_retire(request: ClinicRequest, code: str) -> HttpResponse:
    """Take a rule out."""
    seen = request.POST.get("seen", "")
    try:
        made = rule_book.retire_rule(
            by=request.user, now=request.now, seen=int(seen) if seen.isdecimal() else 0, code=code,
            why=request.POST.get("why", ""),
        )  # fmt: skip
    except ValidationError as problem:
        messages.error(request, " ".join(problem.messages))
        return redirect("intake:rules")
    return _kept(request, made.number)


def _form(request: ClinicRequest, form_class: type[RuleForm], row: Row, seen: int) -> RuleForm:
    asked = form_of(current_form("en").pk)
    return form_class(
        request.POST if request.method == "POST" else None,
        row=row,
        seen=seen,
        questions=questions_of(asked),
        consents=consents_of(asked),
    )


def _page(
    request: ClinicRequest, form: RuleForm, row: Row | None, status: int = HTTPStatus.OK, **more: Any
) -> HttpResponse:
    shown = rules_page.rule_row(parse_rule(dict(row)), form.questions) if row else None
    return render(
        request, "intake/rule.html", {"place": "settings", "form": form, "rule": shown, **more}, status=status
    )


def _preview(request: ClinicRequest, form: RuleForm, row: Row | None) -> HttpResponse:
    try:
        new = rule_book.read({**form.as_row(), "code": row["code"]} if row else rule_book.as_asked(form.as_row()))
    except ValidationError as problem:
        form.add_error(None, problem)
        return _page(request, form, row)
    old = parse_rule(dict(row)) if row else None
    with_names = request.user.is_therapist
    affected = rule_book.affected_by(old, new, today_at(request.now), with_names=with_names)
    _log_names(request, affected)
    is_refused = old is not None and old.is_floor and not rule_book.is_as_strict(old, new)
    return _page(request, form, row, affected=affected, with_names=with_names, is_refused=is_refused)


def _log_names(request: ClinicRequest, affected: Affected) -> None:
    """Log the look at each name: that a rule speaks of her says something of her health."""
    for client in affected.clients:
        log_look(request.user, client.pk, client, _("preview of a safety rule"), now=request.now)


def _refused(request: ClinicRequest, form: RuleForm, row: Row | None, problem: ValidationError) -> HttpResponse:
    put_errors(form, problem)
    status = HTTPStatus.CONFLICT if isinstance(problem, StaleRules) else HTTPStatus.OK
    return _page(request, form, row, status)


def _kept(request: ClinicRequest, number: int) -> HttpResponse:
    words = _("This is version %(number)d of the rules. All clients are evaluated anew within minutes.")
    messages.success(request, words % {"number": number})
    return redirect("intake:rules")
