"""The example clinic's mailbox: what is kept in it, and that no other clinic has one."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.test import Client as Browser
from django.test import override_settings

from clinic.demo import mailbox
from clinic.demo.mailbox import Phones, keep, letter_named, letters
from clinic.people.models import Client
from clinic.people.services import has_contact_consent
from clinic.reminders.channels import channels
from clinic.reminders.models import Reply
from clinic.reminders.texting.providers import text_providers
from tests.reminders.support import agree
from tests.reminders.test_providers import LETTER

PAGE = "/demo/mailbox/"


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A clinic whose messages arrive in a folder."""
    monkeypatch.setattr(text_providers, "_entries", {"mailbox": Phones})
    place = tmp_path / "mailbox"
    with override_settings(MAILBOX=str(place), EMAIL_BACKEND="clinic.demo.mailbox.EmailBackend", TEXT_URL="mailbox://"):
        yield place


def send_mail(subject: str = "Your appointment") -> None:
    mail = EmailMultiAlternatives(subject, "Hello Alice", to=["alice@example.org"])
    mail.attach_alternative("<html><head></head><body><p>Hello <b>Alice</b> — é</p></body></html>", "text/html")
    mail.attach("appointment.ics", "BEGIN:VCALENDAR", "text/calendar")
    mail.send()


def test_a_mail_is_kept_as_it_was_sent_and_told_in_the_log(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    send_mail()

    (kept,) = letters()
    assert (kept.to, kept.subject, kept.words.strip(), kept.files) == (
        "alice@example.org",
        "Your appointment",
        "Hello Alice",
        ("appointment.ics",),
    )
    assert "<b>Alice</b> — é" in kept.html
    assert kept.is_mail
    assert "Subject: Your appointment" in capsys.readouterr().out


def test_a_text_is_kept_as_it_was_sent(box: Path) -> None:
    with channels["text"].open() as line:
        assert line.send(LETTER)

    (kept,) = letters()
    assert (kept.to, kept.words.strip(), kept.is_mail) == (
        "+351912345678",
        "Your appointment: Thu 26 Nov, 13:30",
        False,
    )


def test_only_this_account_can_read_them(box: Path) -> None:
    send_mail()

    (letter,) = box.iterdir()
    assert stat.S_IMODE(box.stat().st_mode) == 0o700
    assert stat.S_IMODE(letter.stat().st_mode) == 0o600


def test_the_oldest_are_let_go(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "MOST_KEPT", 3)

    names = [keep(b"Subject: x\n\nx", ".mail") for _ in range(5)]

    assert [one.name for one in letters()] == names[:1:-1]


@pytest.mark.parametrize("name", ["../../etc/passwd", "x.mail", "", "00000000000000000000-00000000.mail"])
def test_no_other_file_is_read(box: Path, name: str) -> None:
    assert letter_named(name) is None


def test_staff_see_mail_and_phone_side_by_side(box: Path, as_dana: Browser, now: datetime) -> None:
    send_mail()
    with channels["text"].open() as line:
        line.send(LETTER)

    answer = as_dana.get(PAGE)

    page = answer.content.decode()
    assert "Your appointment" in page
    assert "+351912345678" in page
    assert "Thu 26 Nov, 13:30" in page
    assert "frame-src 'self'" in answer.headers["Content-Security-Policy"]


def test_an_empty_mailbox_says_what_will_come(box: Path, as_dana: Browser) -> None:
    assert "Book a visit" in as_dana.get(PAGE).content.decode()


def test_a_mail_is_shown_in_a_frame_of_ours_that_runs_nothing(box: Path, as_dana: Browser) -> None:
    send_mail()
    (kept,) = letters()

    answer = as_dana.get(f"{PAGE}{kept.name}/")

    assert "<b>Alice</b>" in answer.content.decode()
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'self'" in policy
    assert "sandbox allow-top-navigation-by-user-activation" in policy
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_a_phone_writes_back_as_a_real_one_would(box: Path, as_dana: Browser, alice: Client, now: datetime) -> None:
    Client.objects.update(phone="+351912345678")
    agree(alice, channel="text")

    answer = as_dana.post(f"{PAGE}write-back/", {"phone": "+351912345678", "words": " STOP "}, follow=True)

    assert "STOP" in answer.content.decode()
    assert not has_contact_consent(alice, "text")
    assert Reply.objects.get().answer == Reply.Answer.STOPPED


def test_nothing_written_is_nothing_sent(box: Path, as_dana: Browser, now: datetime) -> None:
    as_dana.post(f"{PAGE}write-back/", {"phone": "+351912345678", "words": "  "})

    assert not Reply.objects.exists()


def test_clients_do_not_see_it(box: Path, as_alice: Browser) -> None:
    assert as_alice.get(PAGE).status_code == 404


@pytest.mark.parametrize("address", [PAGE, f"{PAGE}00000000000000000000-00000000.mail/"])
def test_no_other_clinic_has_one(as_olga: Browser, address: str) -> None:
    assert as_olga.get(address).status_code == 404
    assert as_olga.post(f"{PAGE}write-back/", {"phone": "1", "words": "STOP"}).status_code == 404


def test_in_production_it_cannot_even_be_asked_for() -> None:
    environment = {
        "DATABASE_URL": "postgres://a:a@127.0.0.1/a",
        "REDIS_URL": "redis://127.0.0.1",
        "SECRET_KEY": "x" * 50,
        "EMAIL_URL": "smtp://mail.example.org:25",
        "MAILBOX": "/nowhere",
    }
    asked = "from clinic import settings; print([settings.MAILBOX, settings.TEXT_URL, settings.EMAIL_BACKEND])"

    answer = subprocess.run(  # noqa: S603  # our own words
        [sys.executable, "-c", asked],
        env=environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )

    assert answer.stdout.strip() == "['', '', 'django.core.mail.backends.smtp.EmailBackend']"
