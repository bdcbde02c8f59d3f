"""An e-mail address proven by a code that is mailed to it, whosever it is: asking tells nobody who is known here.

Nothing is looked up before the code has come back, so that a known and an unknown address get the same answer in the
same time.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hmac import compare_digest
from smtplib import SMTPException

from allauth.account.adapter import get_adapter
from allauth.core import ratelimit
from django.conf import settings
from django.contrib.auth import login
from django.contrib.sessions.backends.base import SessionBase
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _

from clinic.lib.tokens import token_digest
from clinic.people.models import User

logger = logging.getLogger(__name__)

KEY, PROVEN = "proving", "proven_email"
CODE_LASTS = timedelta(seconds=settings.ACCOUNT_LOGIN_BY_CODE_TIMEOUT)
# So long somebody new has to say who she is; then the next at the same device might.
PROOF_LASTS = timedelta(minutes=30)
TRIES = 3
AN_HOUR = 3600


@dataclass(frozen=True)
class _Asked:
    """What the session keeps of a code that is on its way; the code itself only as a digest."""

    email: str
    digest: str
    until: str
    tries: int


def send_code(request: HttpRequest, email: str, *, now: datetime) -> bool:
    """Mail a code to this address; False where that was asked for too often, for it or from here.

    What is sent for signing in counts, too. Raises ValidationError where the mail server did not take it.
    """
    email = email.strip().lower()
    if not ratelimit.consume(request, action="request_login_code", key=email):
        return False
    adapter = get_adapter()
    code = adapter.generate_login_code()
    try:
        adapter.send_mail("account/email/login_code", email, {"request": request, "code": code})
    except (SMTPException, OSError) as failed:
        logger.warning("A code could not be mailed: %s", type(failed).__name__)
        raise ValidationError(_("The code could not be sent. Please try again in a minute, or call us.")) from failed
    until = (now + CODE_LASTS).isoformat()
    request.session[KEY] = asdict(_Asked(email, _digest(email, code), until, TRIES))
    return True


def asked_address(session: SessionBase) -> str:
    """Return the address to which a code is on its way from this browser; empty where none is."""
    return _asked(session).email


def is_proven_by(session: SessionBase, code: str, *, now: datetime) -> bool:
    """Say whether this is the code; then the address is proven in this browser. After three wrong ones it is spent."""
    asked = _asked(session)
    if not asked.tries or now > datetime.fromisoformat(asked.until):
        return False
    if is_spent(asked.digest):
        return False
    if not compare_digest(asked.digest, _digest(asked.email, code)):
        session[KEY] = asdict(_Asked(asked.email, asked.digest, asked.until, asked.tries - 1))
        return False
    # Whoever knew the key of this session before is not let in with her.
    session.cycle_key()
    del session[KEY]
    session[PROVEN] = {"email": asked.email, "until": (now + PROOF_LASTS).isoformat()}
    return True


def is_spent(code: str) -> bool:
    """Count one more try of this code, and say whether that is too many.

    Tries that come at once read the same session each: they are counted where all of them see it.
    """
    key = f"code-tries:{token_digest(code)}"
    cache.add(key, 0, timeout=AN_HOUR)
    return bool(cache.incr(key) > TRIES)


def has_tries_left(session: SessionBase, *, now: datetime) -> bool:
    """Say whether the code that is on its way may still be typed."""
    asked = _asked(session)
    return bool(asked.tries) and now <= datetime.fromisoformat(asked.until)


def proven_address(session: SessionBase, *, now: datetime) -> str:
    """Return the address that was proven in this browser just now, by somebody who has no sign-in yet; else nothing."""
    proven = session.get(PROVEN)
    return str(proven["email"]) if proven and now <= datetime.fromisoformat(proven["until"]) else ""


def login_of(email: str) -> User | None:
    """Return the sign-in of an address; for an address that was proven, not for one that was only typed."""
    return User.objects.filter(email__iexact=email).first()


def sign_in(request: HttpRequest, user: User) -> None:
    """Sign in whoever has proven the address."""
    request.session.pop(PROVEN, None)
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])


def _asked(session: SessionBase) -> _Asked:
    kept = session.get(KEY)
    return _Asked(**kept) if kept else _Asked("", "", "", 0)


def _digest(email: str, code: str) -> str:
    typed = "".join(filter(str.isalnum, code)).upper()
    return token_digest(f"{email} {typed}")
