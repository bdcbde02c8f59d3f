"""Where the link in an invitation leads."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from clinic.lib.forms import written
from clinic.people.forms.staff import PasswordForm
from clinic.people.services import accept_invitation, invitation_behind, opened_invitation

# What the session remembers: the key of the invitation whose link was opened in this browser.
OPENED = "invitation"


@require_safe
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Exchange the link for this browser's session, so that it stands in no address any longer. It spends nothing."""
    found = invitation_behind(token, now=timezone.now())
    if found is None:
        return _over(request)
    request.session[OPENED] = found.pk
    return redirect("people:invitation-accept")


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation_accept(request: HttpRequest) -> HttpResponse:
    """Let whoever has opened the link choose a password, and sign her in."""
    now = timezone.now()
    found = opened_invitation(request.session.get(OPENED, 0), now=now)
    if found is None:
        return _over(request)
    form = PasswordForm(request.POST or None)
    if form.is_valid() and (
        user := written(
            form, accept_invitation, by=None, now=now, invitation=found, password=form.cleaned_data["password"]
        )
    ):
        login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
        messages.success(
            request,
            _("Welcome, %(name)s. You sign in with your e-mail and this password.") % {"name": user.first_name},
        )
        return redirect("home")
    return render(request, "people/invitation.html", {"form": form, "invitation": found})


def _over(request: HttpRequest) -> HttpResponse:
    return render(request, "people/invitation_over.html", status=HTTPStatus.NOT_FOUND)
