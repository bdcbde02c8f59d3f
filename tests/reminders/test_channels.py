"""E-mail against a mail server of our own that answers as it is told."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, message_from_string
from uuid import uuid4

import pytest
from pytest_django import Settings

from clinic.reminders.channels import EmailChannel, Letter, Refused

LETTER = Letter(
    key=7,
    secret=uuid4(),
    to="alice@example.org",
    subject="Your appointment",
    text="Thursday, 13:30\n",
    html="<p>Thursday, 13:30</p>",
)
HANG_UP = "hang up"
SAY_NOTHING = "say nothing"
USUAL = {"greeting": "220 ready", "EHLO": "250 yes", "DATA": "354 go on"}
AT_ONCE = "250-yes\r\n250 PIPELINING"


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks enough SMTP; `answers` names what it says to a command instead of yes."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.answers: dict[str, str] = {}
        self.letters: list[str] = []
        self.calls = 0
        self.is_over = threading.Event()


class Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.server.calls += 1
        if not self.reply("greeting"):
            return
        while line := self.rfile.readline().decode():
            command = line.split()[0].upper()
            if not self.reply(command):
                return
            if command == "DATA" and self.server.answers.get("DATA", USUAL["DATA"]).startswith("354"):
                self.server.letters.append(self.read_letter())
                if not self.reply("."):
                    return

    def reply(self, command: str) -> bool:
        """Answer one command; False when the conversation is over."""
        answer = self.server.answers.get(command, USUAL.get(command, "250 yes"))
        if answer == SAY_NOTHING:
            self.server.is_over.wait(10)
        if answer in {HANG_UP, SAY_NOTHING}:
            return False
        self.say(answer)
        return command != "QUIT"

    def read_letter(self) -> str:
        lines: list[str] = []
        while (line := self.rfile.readline().decode()) != ".\r\n":
            lines.append(line.removeprefix("."))
        return "".join(lines)

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@pytest.fixture(params=[USUAL["EHLO"], AT_ONCE], ids=["by turns", "at once"])
def mail_server(settings: Settings, request: pytest.FixtureRequest) -> Iterator[MailServer]:
    """A mail server on loopback to which our mail goes; it is asked by turns, or all at once."""
    with MailServer() as server:
        server.answers["EHLO"] = request.param
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.server_address[1]
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_TIMEOUT = 1
        settings.SITE_URL = "https://clinic.example.org"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.is_over.set()
        server.shutdown()
        thread.join()


def send(*letters: Letter) -> None:
    """Send these by one line."""
    with EmailChannel().open() as line:
        for letter in letters:
            line.send(letter)


def test_a_letter_arrives_in_two_forms_and_is_known_by_its_row(mail_server: MailServer) -> None:
    send(LETTER)

    (raw,) = mail_server.letters
    letter = message_from_string(raw)
    assert letter["Message-ID"] == "<stillpoint-message-7@clinic.example.org>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert (letter["To"], letter["Subject"]) == ("alice@example.org", "Your appointment")
    assert [part.get_content_type() for part in letter.walk()][1:] == ["text/plain", "text/html"]


def test_a_calendar_file_arrives_as_it_was_written(mail_server: MailServer) -> None:
    written = "BEGIN:VCALENDAR\r\nSUMMARY:Appointment with Noémie\r\nEND:VCALENDAR\r\n"
    send(replace(LETTER, calendar=written.encode()))

    letter = message_from_bytes(mail_server.letters[0].encode())
    (file,) = [part for part in letter.walk() if part.get_content_type() == "text/calendar"]
    assert file.get_filename() == "appointment.ics"
    assert file.get_payload(decode=True).decode().replace("\r\n", "\n") == written.replace("\r\n", "\n")
    assert {"text/plain", "text/html"} < {part.get_content_type() for part in letter.walk()}


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize(("answer", "for_good"), [("451 not now", False), ("550 never", True)])
def test_a_no_of_the_mail_server_is_certain(
    mail_server: MailServer, command: str, answer: str, *, for_good: bool
) -> None:
    mail_server.answers[command] = answer

    with pytest.raises(Refused, match=answer[:3]) as refused:
        send(LETTER)

    assert refused.value.for_good is for_good


def test_a_mail_server_that_nobody_answers_for_has_certainly_not_taken_it(mail_server: MailServer) -> None:
    mail_server.answers["greeting"] = HANG_UP

    with pytest.raises(Refused, match="cannot be reached") as refused:
        send(LETTER)

    assert not refused.value.for_good


def test_a_port_where_nobody_listens_has_certainly_not_taken_it(mail_server: MailServer, settings: Settings) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        settings.EMAIL_PORT = unused.getsockname()[1]
        with pytest.raises(Refused, match="cannot be reached"):
            send(LETTER)


@pytest.mark.parametrize("silence", [HANG_UP, SAY_NOTHING])
def test_after_silence_at_the_end_of_the_letter_nobody_knows(mail_server: MailServer, silence: str) -> None:
    mail_server.answers["."] = silence

    with pytest.raises(OSError) as problem:  # noqa: PT011  # SMTP's hang-up and the time-out are both OSErrors
        send(LETTER)

    assert not isinstance(problem.value, Refused)
    assert len(mail_server.letters) == 1


@pytest.mark.parametrize("command", ["MAIL", "RCPT"])
def test_after_a_no_the_next_letter_goes_by_the_same_line(mail_server: MailServer, command: str) -> None:
    mail_server.answers[command] = "550 never"
    with EmailChannel().open() as line:
        with pytest.raises(Refused):
            line.send(LETTER)
        del mail_server.answers[command]
        line.send(LETTER)

    assert mail_server.letters[-1].count("Subject: Your appointment") == 1
    assert mail_server.calls == 1


def test_a_line_that_begins_with_a_dot_arrives_as_it_was_written(mail_server: MailServer) -> None:
    send(replace(LETTER, text=".\n.. and a dot\nThursday, 13:30\n"))

    (raw,) = mail_server.letters
    text = next(part for part in message_from_string(raw).walk() if part.get_content_type() == "text/plain")
    assert text.get_payload(decode=True).splitlines() == [b".", b".. and a dot", b"Thursday, 13:30"]


@pytest.mark.parametrize("command", ["EHLO", "MAIL", "RCPT", "DATA"])
def test_a_line_that_breaks_before_the_letter_has_certainly_not_taken_it(mail_server: MailServer, command: str) -> None:
    # Of a server that is asked by turns smtplib does not say how far it came.
    mail_server.answers |= {"EHLO": AT_ONCE, command: HANG_UP}

    with pytest.raises(Refused) as refused:
        send(LETTER)

    assert not refused.value.for_good
    assert mail_server.letters == []


def test_a_goodbye_that_fails_takes_nothing_back(mail_server: MailServer) -> None:
    mail_server.answers["QUIT"] = HANG_UP

    send(LETTER)

    assert len(mail_server.letters) == 1
