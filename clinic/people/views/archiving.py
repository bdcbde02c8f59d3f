"""What the pages that archive say."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from clinic.people.access import ClinicRequest
from clinic.people.models import Location, Modality, Room, Service

Place = TypeVar("Place", Location, Room, Service, Modality)


def archived_or_refused(request: ClinicRequest, place: Place, archive: Callable[..., Place]) -> None:
    """Archive, and say so; or say why it cannot be."""
    try:
        archive(by=request.user, now=request.now, place=place)
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        messages.success(request, _("%(name)s is archived.") % {"name": place})
