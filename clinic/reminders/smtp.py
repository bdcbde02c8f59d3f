"""Handing mails to a mail server: what is asked about one is asked at once, where the server allows it (RFC 2920)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from smtplib import SMTP, SMTPResponseException, SMTPServerDisconnected, quoteaddr

from clinic.reminders.envelope import Mail, address

Reply = tuple[int, bytes]
GO_ON, NOT_AVAILABLE = 354, 421
# Else a line that begins with a dot would lose it, and one that is a dot alone end the mail.
_DOT_BEGINS = re.compile(rb"(?m)^\.")


def hand_over(smtp: SMTP, mail: Mail) -> None:
    """Hand over a mail to one person.

    Raises SMTPResponseException or SMTPRecipientsRefused where it was certainly not taken.
    """
    sender, to = path(mail.from_email), path(mail.to[0])
    content = mail.message().as_bytes(linesep="\r\n")
    with _certainly_not_taken():
        smtp.ehlo_or_helo_if_needed()
    if not smtp.has_extn("pipelining"):
        smtp.sendmail(sender, [to], content)
        return
    with _certainly_not_taken():
        _ask(smtp, sender, to)
    smtp.send(_DOT_BEGINS.sub(b"..", content) + b"\r\n.\r\n")
    if not _is_yes(reply := smtp.getreply()):
        raise SMTPResponseException(*reply)


@lru_cache(maxsize=1024)
def path(written: str) -> str:
    """Return an address as a mail server is told it."""
    return quoteaddr(address(written))


@contextmanager
def _certainly_not_taken() -> Iterator[None]:
    """Call it not available where the line breaks before the mail itself goes over it."""
    try:
        yield
    except SMTPServerDisconnected as problem:
        raise SMTPResponseException(NOT_AVAILABLE, str(problem)) from problem


def _ask(smtp: SMTP, sender: str, to: str) -> None:
    """Ask whether the server takes a mail from and to these, and whether it may come."""
    smtp.send(f"MAIL FROM:{sender}\r\nRCPT TO:{to}\r\nDATA\r\n")
    from_reply, to_reply, data_reply = smtp.getreply(), smtp.getreply(), smtp.getreply()
    noes = [reply for reply in (from_reply, to_reply) if not _is_yes(reply)]
    if data_reply[0] == GO_ON and not noes:
        return
    with suppress(SMTPServerDisconnected):
        if data_reply[0] == GO_ON:  # it waits for a mail to nobody
            smtp.send(b".\r\n")
            smtp.getreply()
        smtp.rset()
    code, words = [*noes, data_reply][0]
    raise SMTPResponseException(code, words)


def _is_yes(reply: Reply) -> bool:
    return 200 <= reply[0] < 300  # noqa: PLR2004  # so SMTP counts
