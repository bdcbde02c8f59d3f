"""Where the link in an invitation leads."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from clinic.people.forms.errors import put_errors
from clinic.people.forms.staff import PasswordForm
from clinic.people.services import accept_invitation, invitation_behind


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Let whoever holds the link choose a password, and sign her in."""
    now = timezone.now()
    found = invitation_behind(token, now=now)
    if found is None:
        return render(request, "people/invitation_over.html", status=HTTPStatus.NOT_FOUND)
    form = PasswordForm(request.POST or None)
    if form.is_valid():
        try:
            user = accept_invitation(by=None, now=now, token=token, password=form.cleaned_data["password"])
        except ValidationError as refused:
            put_errors(form, refused)
        else:
            login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
            messages.success(
                request,
                _("Welcome, %(name)s. You sign in with your e-mail and this password.") % {"name": user.first_name},
            )
            return redirect("home")
    return render(request, "people/invitation.html", {"form": form, "invitation": found})
