"""The page that sets the clinic up."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from clinic.lib.forms import written
from clinic.people.forms.setup import SetUpForm
from clinic.people.services import is_set_up_token


@sensitive_post_parameters("owner_password")
@require_http_methods(["GET", "HEAD", "POST"])
def setup(request: HttpRequest, token: str) -> HttpResponse:
    """Let whoever holds the one-time link found the clinic, and sign the owner in."""
    now = timezone.now()
    if not is_set_up_token(token, now=now):
        return render(request, "people/setup_over.html", status=HTTPStatus.NOT_FOUND)
    form = SetUpForm(request.POST or None)
    if form.is_valid() and (owner := written(form, form.found, token=token, now=now)):
        login(request, owner, backend=settings.AUTHENTICATION_BACKENDS[0])
        return redirect("desk:day")
    return render(request, "people/setup.html", {"form": form})
