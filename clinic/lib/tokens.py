"""Unguessable tokens for links that leave the house: 256 random bits outside, only their digest inside."""

import hashlib
import secrets


def new_token() -> str:
    """Return a URL-safe token of 256 random bits."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> str:
    """Return the 64 hex digits under which a token is kept and looked up."""
    return hashlib.sha256(token.encode()).hexdigest()
