"""What the pages that archive say."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from clinic.people.access import ClinicRequest
from clinic.people.services.archiving import Thing, archive


def archive_or_tell(request: ClinicRequest, thing: Thing) -> None:
    """Archive, and say so; or say why it cannot be."""
    try:
        archive(by=request.user, now=request.now, thing=thing)
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        messages.success(request, _("%(name)s is archived.") % {"name": thing})
