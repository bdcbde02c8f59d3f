"""A mail server and a provider of texts on loopback, as bad as real ones are: slow, refusing, silent after taking.

Run as a process of its own. It says its two ports, takes its behaviour by PUT, and writes a line to a log for each
message that a person would receive: its key and when.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import time
from random import Random
from typing import Any

HOST = "127.0.0.1"
MAIL_KEY = re.compile(rb"^Message-ID: <stillpoint-message-(\d+)@", re.MULTILINE | re.IGNORECASE)
HANGS_SECONDS = 3.0


class House:
    """What both providers share: how they behave, whom they know, and the log."""

    def __init__(self, log: str) -> None:
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.random = Random(20261120)  # noqa: S311  # invented faults
        self.behaviour: dict[str, Any] = {}
        self.known: set[str] = set()

    def share(self, name: str) -> bool:
        """Decide whether this fault happens now."""
        return self.random.random() < self.behaviour.get(name, 0)

    @property
    def latency(self) -> float:
        """Draw how long an answer takes, in seconds."""
        return self.random.uniform(0.2, 1.8) * float(self.behaviour.get("latency", 0))

    def take(self, key: str) -> None:
        """Pass a message on to its reader."""
        os.write(self.log, f"{key} {time.monotonic_ns()}\n".encode())


class Mail(asyncio.Protocol):
    """As much SMTP as a client needs."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.buffer = b""
        self.is_reading = False
        self.has_reader = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.say("220 sink")

    def say(self, words: str) -> None:
        if not self.transport.is_closing():
            self.transport.write(words.encode() + b"\r\n")

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while True:
            if self.is_reading:
                letter, end, rest = self.buffer.partition(b"\r\n.\r\n")
                if not end:
                    return
                self.buffer, self.is_reading = rest, False
                asyncio.get_running_loop().call_later(self.house.latency, self.taken, letter)
                continue
            line, end, rest = self.buffer.partition(b"\r\n")
            if not end:
                return
            self.buffer = rest
            self.answer(line[:4].upper())

    def answer(self, verb: bytes) -> None:
        if verb == b"EHLO":
            self.say("250-sink\r\n250 PIPELINING")
        elif verb == b"RCPT":
            self.say(self.word_on_reader())
        elif verb == b"DATA" and not self.has_reader:
            self.say("503 to whom")
        elif verb == b"DATA":
            self.is_reading = True
            self.say("354 go on")
        elif verb == b"QUIT":
            self.say("221 goodbye")
            self.transport.close()
        else:
            self.say("250 well")

    def word_on_reader(self) -> str:
        """Say whether a letter to this one is taken."""
        self.has_reader = False
        if self.house.share("permanent"):
            return "550 nobody of that name"
        if self.house.share("temporary"):
            return "451 try again later"
        self.has_reader = True
        return "250 well"

    def taken(self, letter: bytes) -> None:
        found = MAIL_KEY.search(letter)
        self.house.take(found[1].decode() if found else "?")
        if self.house.share("vanishing"):
            self.transport.abort()
        else:
            self.say("250 taken")


class Texts(asyncio.Protocol):
    """As much HTTP as a client needs: POST a text with its key, PUT the behaviour of both providers."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, end, rest = self.buffer.partition(b"\r\n\r\n")
        length = int(found[1]) if (found := re.search(rb"(?i)content-length: (\d+)", head)) else 0
        if not end or len(rest) < length:
            return
        self.buffer = rest[length:]
        body = json.loads(rest[:length])
        if head.startswith(b"PUT"):
            self.house.behaviour = body
            self.say(200)
        else:
            asyncio.get_running_loop().call_later(self.house.latency, self.take, str(body["key"]))

    def take(self, key: str) -> None:
        if self.house.share("permanent"):
            self.say(400)
        elif self.house.share("temporary"):
            self.say(503)
        else:
            if not (self.house.behaviour.get("keys") and key in self.house.known):
                self.house.take(key)
            self.house.known.add(key)
            if not self.house.share("vanishing"):
                self.say(200)
            elif self.house.share("half"):
                self.transport.abort()
            else:
                asyncio.get_running_loop().call_later(HANGS_SECONDS, self.transport.abort)

    def say(self, status: int) -> None:
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 %d x\r\nContent-Length: 2\r\n\r\n{}" % status)


async def serve(log: str) -> None:
    """Serve until the starter closes our input."""
    house, loop = House(log), asyncio.get_running_loop()
    mail = await loop.create_server(lambda: Mail(house), HOST, 0)
    texts = await loop.create_server(lambda: Texts(house), HOST, 0)
    ports = [server.sockets[0].getsockname()[1] for server in (mail, texts)]
    sys.stdout.write(f"{ports[0]} {ports[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
