"""A mail as bytes, put together by hand: to have the standard library do it takes a third of all that a mail costs."""

from __future__ import annotations

import re
from base64 import encodebytes
from binascii import b2a_qp
from collections.abc import Mapping
from email.header import Header
from email.utils import formatdate
from functools import lru_cache

from django.core.mail import BadHeaderError, EmailMultiAlternatives
from django.core.mail.message import sanitize_address

# Neither can stand in a body: in quoted-printable a “=” is followed by two digits, in base64 by the end.
FORMS, PARTS = "=_forms", "=_parts"
# Most addresses: no name beside it, and nothing that must be encoded or quoted.
_PLAIN = re.compile(r"[a-zA-Z0-9_+-]+(\.[a-zA-Z0-9_+-]+)*@[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)+")


class Mail(EmailMultiAlternatives):
    """A text, the same as HTML, and perhaps a calendar file. What Django's mail can do beyond that, this cannot."""

    def message(self) -> Envelope:  # type: ignore[override]  # what Django's backends ask of it
        """Return what goes over the wire."""
        return Envelope(self)


class Envelope:
    """A finished mail."""

    def __init__(self, mail: EmailMultiAlternatives) -> None:
        headers = {
            "From": address(mail.from_email),
            "To": ", ".join(map(address, mail.to)),
            "Subject": mail.subject,
            "Date": formatdate(),
            "MIME-Version": "1.0",
            **mail.extra_headers,
        }
        forms = [text_part("plain", str(mail.body)), *(text_part("html", str(one)) for one, _type in mail.alternatives)]
        files = [file_part(str(name), str(content), str(kind)) for name, content, kind in mail.attachments]
        parts = [multipart("alternative", FORMS, forms), *files]
        whole = multipart("mixed", PARTS, parts) if files else parts[0]
        self._bytes = header_lines(headers) + whole

    def as_bytes(self, *, linesep: str = "\n") -> bytes:
        """Return it with these ends of lines."""
        return self._bytes.replace(b"\n", linesep.encode()) if linesep != "\n" else self._bytes

    def get_charset(self) -> None:
        """Return none: backends that show it take it for UTF-8, of which all its bytes are part."""


@lru_cache(maxsize=1024)
def address(written: str) -> str:
    """Return an address as it may stand in a header. To have a plain one looked at by Django takes long."""
    return written if _PLAIN.fullmatch(written) else sanitize_address(written, "utf-8")


def header_lines(headers: Mapping[str, str]) -> bytes:
    """Write headers. Raises BadHeaderError where one holds the end of a line."""
    return "".join(f"{name}: {header_value(name, value)}\n" for name, value in headers.items()).encode("ascii")


def header_value(name: str, value: str) -> str:
    """Write what is not plain ASCII as encoded words."""
    if "\n" in value or "\r" in value:
        raise BadHeaderError(f"{name} holds the end of a line.")
    return value if value.isascii() else Header(value, "utf-8", header_name=name).encode()


def text_part(subtype: str, text: str) -> bytes:
    """Write one form of the text."""
    lines = text.replace("\r\n", "\n").encode()
    head = f'Content-Type: text/{subtype}; charset="utf-8"\nContent-Transfer-Encoding: quoted-printable\n\n'
    return head.encode() + b2a_qp(lines, istext=True)


def file_part(name: str, content: str, content_type: str) -> bytes:
    """Write a file of text that goes along."""
    head = (
        f'Content-Type: {content_type}; charset="utf-8"; name="{name}"\nContent-Transfer-Encoding: base64\n'
        f'Content-Disposition: attachment; filename="{name}"\n\n'
    )
    return head.encode() + encodebytes(content.encode())


def multipart(subtype: str, boundary: str, parts: list[bytes]) -> bytes:
    """Put parts together."""
    between = f"\n--{boundary}".encode()
    head = f'Content-Type: multipart/{subtype}; boundary="{boundary}"\n'.encode()
    return head + b"".join(between + b"\n" + part for part in parts) + between + b"--\n"
