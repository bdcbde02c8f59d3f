"""The private link to an offer. Its token is derived from a key and the installation's secret; it is stored nowhere."""

from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from clinic.scheduling.models import Offer

_signer = Signer(sep=".", salt="scheduling.offer")


def token_for(offer: Offer) -> str:
    """Return the token that opens this offer."""
    return _signer.sign(offer.key.hex)


def key_in(token: str) -> UUID | None:
    """Return the key that a token carries, or None when this installation did not make it."""
    try:
        return UUID(_signer.unsign(token))
    except (BadSignature, ValueError):
        return None


def address_of(offer: Offer) -> str:
    """Return the whole address for a message."""
    return str(settings.SITE_URL) + reverse("booking:offer", args=[token_for(offer)])
