"""A mail that is put together by hand reads as the one that Django would make."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from django.core.mail import BadHeaderError, EmailMultiAlternatives
from hypothesis import example, given
from hypothesis import strategies as st

from clinic.reminders import envelope
from clinic.reminders.envelope import FORMS, PARTS, Mail

CALENDAR = "BEGIN:VCALENDAR\r\nSUMMARY:Noémie\r\nEND:VCALENDAR\r\n"
# What has no form in UTF-8, and what ends a line, does not come from templates.
line = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]))
texts = st.lists(line, max_size=6).map(lambda lines: "\n".join(["Hello,", *lines]))
subjects = line.map(lambda words: " ".join(words.split()))


def raw(mail: EmailMultiAlternatives) -> bytes:
    """Return what Django's backends hand over."""
    whole: Any = mail.message()
    return bytes(whole.as_bytes(linesep="\r\n"))


def read(mail: EmailMultiAlternatives) -> EmailMessage:
    found = message_from_bytes(raw(mail), policy=default)
    assert isinstance(found, EmailMessage)
    return found


def told(mail: EmailMultiAlternatives) -> list[tuple[str, str | None, str]]:
    """Return type, file name and content of each part."""
    parts = [part for part in read(mail).walk() if not part.is_multipart()]
    return [(part.get_content_type(), part.get_filename(), same(part.get_content())) for part in parts]


def same(text: str) -> str:
    return text.replace("\r\n", "\n").rstrip("\n")


def made_by(
    way: type[EmailMultiAlternatives], subject: str, text: str, html: str, *, brings_file: bool
) -> EmailMultiAlternatives:
    mail = way(subject, text, from_email="Clínica <c@example.org>", to=["alice@example.org"], headers={"X-Key": "7"})
    mail.attach_alternative(html, "text/html")
    if brings_file:
        mail.attach("appointment.ics", CALENDAR.encode(), "text/calendar")
    return mail


@given(subjects, texts, texts, st.booleans())
@example("Terça-feira, 13:30", f"--{FORMS}\n--{PARTS}--\n.\n", "<p>" + "é " * 300 + " \n=</p>", True)
def test_it_reads_as_djangos_own(subject: str, text: str, html: str, brings_file: bool) -> None:
    ours = made_by(Mail, subject, text, html, brings_file=brings_file)
    djangos = made_by(EmailMultiAlternatives, subject, text, html, brings_file=brings_file)

    assert told(ours) == told(djangos)
    for header in ("Subject", "From", "To", "X-Key", "MIME-Version"):
        # Django begins a long word that it must encode on a line of its own, which leaves a space before it.
        assert read(ours)[header].lstrip() == read(djangos)[header].lstrip()
    assert read(ours)["Date"].datetime.utcoffset() == read(djangos)["Date"].datetime.utcoffset()


@given(texts, texts)
def test_no_line_is_longer_than_mail_servers_take_and_all_is_plain_ascii(text: str, html: str) -> None:
    lines = raw(made_by(Mail, "Hello", text, html, brings_file=True))

    assert lines.isascii()
    assert max(map(len, lines.split(b"\r\n"))) <= 80
    assert b"\n" not in lines.replace(b"\r\n", b"")


HOSTILE = "Hello\nBcc: carl@example.org"


def test_the_comparison_would_notice_a_mail_that_is_put_together_wrongly(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {"subject": "Hello", "text": "1 =3D 2", "html": "<p>=3D</p>", "brings_file": False}
    djangos = made_by(EmailMultiAlternatives, **facts)
    assert told(made_by(Mail, **facts)) == told(djangos)

    monkeypatch.setattr(envelope, "b2a_qp", lambda lines, **_how: lines)

    assert told(made_by(Mail, **facts)) != told(djangos)


def test_without_the_look_at_it_a_header_could_begin_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelope, "header_value", lambda _name, value: value)

    assert read(made_by(Mail, HOSTILE, "", "", brings_file=False))["Bcc"] == "carl@example.org"


@pytest.mark.parametrize("subject", [HOSTILE, "Hello\rBcc: carl@example.org"])
def test_a_header_cannot_begin_another_one(subject: str) -> None:
    with pytest.raises(BadHeaderError):
        made_by(Mail, subject, "", "", brings_file=False).message()
