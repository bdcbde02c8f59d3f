"""What the two embedded servers have in common: start, attach, recognise, stop."""

import signal
import socket
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

from clinic.embedded.processes import command_line, launch, send, wait_until
from clinic.embedded.state import CannotStart, Place, no_space, server_account, told_in_one_sentence

# Nothing of the starter's environment may bend a server (PGDATA, LC_ALL, LD_PRELOAD …).
SERVER_ENV = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
LONGEST_LOG_BYTES = 5_000_000
# A database that was killed replays its log before it answers.
START_SECONDS = 60
RETRY_SECONDS = 10
# Shared memory of a killed server's last children; the number of one whose parent has not yet taken note of its end.
HELD_BY_THE_DEAD = ("still in use", "already exists")


def package_folder(package: str) -> Path:
    """Return where an embedded package was installed, without importing it."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise CannotStart(f"Set DATABASE_URL and REDIS_URL: the embedded servers ({package}) are not installed here.")
    return Path(spec.origin).parent


def package_version(distribution: str) -> str:
    """Return the installed version, which is also the server's."""
    try:
        return version(distribution)
    except PackageNotFoundError as missing:
        raise CannotStart(f"Set DATABASE_URL and REDIS_URL: {distribution} is not installed here.") from missing


class Server(ABC):
    """A server on a Unix socket. Whether it runs is asked of the socket, so it does not matter who started it."""

    name: str
    title: str
    goodbye: Sequence[tuple[signal.Signals, float]]

    def __init__(self, place: Place) -> None:
        self.place = place
        self.account = server_account()
        self.data = place.folder / self.name
        self.log = place.logs / f"{self.name}.log"
        self._process: subprocess.Popen[str] | None = None

    @property
    @abstractmethod
    def socket(self) -> Path:
        """Where it listens."""

    @property
    @abstractmethod
    def pidfile(self) -> Path:
        """The file into which it writes its own number."""

    @abstractmethod
    def prepare(self) -> None:
        """Make its data if there are none, refuse data it cannot read."""

    @abstractmethod
    def command(self) -> list[str | Path]:
        """Return the command that starts it."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Say whether it serves, rather than only listens."""

    def pid(self) -> int | None:
        """Return the number of the living server of this very place, known by its command line.

        A number alone may belong to somebody else by now, and start times move with the clock.
        """
        with suppress(OSError, ValueError, IndexError):
            pid = int(self.pidfile.read_text().split()[0])
            if any(str(self.data) in part for part in command_line(pid)):
                return pid
        return None

    def listens(self) -> bool:
        """Say whether somebody accepts connections; a socket left behind by the dead refuses them."""
        with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
            probe.settimeout(2)
            probe.connect(str(self.socket))
            return True
        return False

    def answers(self) -> bool:
        """Say whether it runs and serves."""
        return self.listens() and self.is_ready()

    def start(self) -> bool:
        """Start it unless it answers already; True if it was started."""
        if self.answers():
            return False
        if self.pid() is not None and wait_until(lambda: self.answers() or self.pid() is None, START_SECONDS):
            if self.answers():
                return False
        elif self.pid() is not None:
            self.stop()
        with told_in_one_sentence(self.place.folder):
            self.prepare()
            self._forget_strangers()
            self._launch_and_wait()
        return True

    def stop(self) -> None:
        """End it, gently first, and wait until it is gone."""
        for number, seconds in self.goodbye:
            pid = self.pid()
            if pid is None:
                break
            send(pid, number)
            if wait_until(lambda: self.pid() is None, seconds):
                break
        if self._process:
            self._process.wait()
            self._process = None

    def _stale_files(self) -> list[Path]:
        return [self.pidfile]

    def _forget_strangers(self) -> None:
        """Remove files with a number that now belongs to another program: the server would take it for its twin."""
        for path in self._stale_files():
            with suppress(OSError, ValueError, IndexError):
                line = command_line(int(path.read_text().split()[0]))
                if line and not any(str(self.data) in part for part in line):
                    path.unlink()

    def _launch_and_wait(self) -> None:
        # What a killed predecessor still holds (shared memory, a lock) it lets go within moments.
        wait_until(self._came_up, RETRY_SECONDS)
        if not self.answers():
            raise self._why_not()

    def _came_up(self) -> bool:
        """Launch once; True when there is no sense in trying again."""
        if self._process and self._process.poll() is None:
            return True
        if self.log.exists() and self.log.stat().st_size > LONGEST_LOG_BYTES:
            self.log.rename(self.log.with_suffix(".old.log"))
        with self.log.open("a") as log:
            self._process = launch(self.command(), output=log, env=SERVER_ENV, account=self.account)
        process = self._process
        # Its end is noted at once, whatever we are waiting for then: until it is, its number counts as a living one's.
        Thread(target=process.wait, daemon=True).start()
        wait_until(lambda: process.poll() is not None or self.answers(), START_SECONDS)
        return process.poll() is None or not any(words in self._last_words() for words in HELD_BY_THE_DEAD)

    def _last_words(self) -> str:
        with self.log.open(errors="replace") as log:
            return "".join(log.readlines()[-8:])

    def _why_not(self) -> CannotStart:
        words = self._last_words()
        if "No space left" in words:
            return no_space(self.place.folder)
        told = (
            [line for line in words.splitlines() if "FATAL" in line or "rror" in line]
            or words.splitlines()
            or ["no word"]
        )
        return CannotStart(f"{self.title} did not start ({told[-1].strip()}); its log is {self.log}.")
