"""What comes from online booking and waits for the desk: requests to answer, clients to call, records to compare."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from clinic.people.access import ClinicRequest, for_roles
from clinic.people.models import Role
from clinic.scheduling import online
from clinic.scheduling.access import concern_for
from clinic.scheduling.online_work import from_online as work_from_online

DESK = (Role.FRONT_DESK, Role.OWNER)


@require_safe
@for_roles(*DESK)
def from_online(request: ClinicRequest) -> HttpResponse:
    """List what the desk must see to; never why a client is to be called."""
    return render(request, "public/booking_from_online.html", {"work": work_from_online(request.now)})


@require_POST
@for_roles(*DESK)
def settle(request: ClinicRequest, pk: int) -> HttpResponse:
    """Write down that it is seen to."""
    online.settle(by=request.user, now=request.now, concern=concern_for(pk))
    return redirect("booking:from-online")
