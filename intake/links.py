"""The private link to the form. Its token is derived from a key and the installation's secret; it is stored nowhere."""

from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from intake.models import Invitation

_signer = Signer(sep=".", salt="intake.invitation")


def token_for(invitation: Invitation) -> str:
    """Return the token that opens this invitation."""
    return _signer.sign(invitation.key.hex)


def key_in(token: str) -> UUID | None:
    """Return the key that a token carries, or None when this installation did not make it."""
    try:
        return UUID(_signer.unsign(token))
    except (BadSignature, ValueError):
        return None


def address_of(invitation: Invitation) -> str:
    """Return the whole address for a message."""
    return str(settings.SITE_URL) + reverse("intake:open", args=[token_for(invitation)])
