"""The processes of one runner, and the record by which a later runner recognises what a killed one left behind."""

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from clinic.embedded.log import Log
from clinic.embedded.processes import command_line, launch, send, wait_until
from clinic.embedded.state import CHECKOUT

LONGEST_PAUSE_SECONDS = 30
# Whoever ran this long was well: its next failure starts counting anew.
WELL_AFTER_SECONDS = 60
GRACE_SECONDS = 10
# Who leaves pulses does so every few seconds; without one for so long it is deaf, or stands still.
SILENT_SECONDS = 20


@dataclass
class Child:
    """One process whose output goes to the log."""

    name: str
    command: list[str]
    env: dict[str, str]
    log: Log
    once: bool = False
    # Where it leaves signs of life, if it does.
    pulses: Path | None = None
    failures: int = 0
    process: subprocess.Popen[str] | None = None
    started_at: float = 0.0
    due_at: float = 0.0
    _reader: threading.Thread | None = field(default=None, repr=False)
    _seen: dict[Path, tuple[int, float]] = field(default_factory=dict, repr=False)

    def start(self) -> None:
        """Start it and pass on what it says."""
        self._forget_pulses()
        self.process = launch(self.command, output=subprocess.PIPE, env=self.env, cwd=CHECKOUT)
        self.started_at = time.monotonic()
        self._reader = threading.Thread(target=self._pass_on, args=(self.process,), daemon=True)
        self._reader.start()

    def _pass_on(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout  # noqa: S101  # a pipe, as `start` asked for
        with suppress(OSError, ValueError), process.stdout:
            for line in process.stdout:
                self.log.say(self.name, line.rstrip())

    def ended(self) -> int | None:
        """Return the exit code of a process that has ended, after its last words were passed on."""
        code = self.process.poll() if self.process else None
        if code is not None and self._reader:
            self._reader.join(timeout=1)
        return code

    def keep(self) -> bool:
        """Start it again when it has ended and its pause is over, end it when it is silent; True if it was started."""
        code = self.ended()
        if code is not None and not self.once:
            self.plan_restart(code)
        if self.process and self.is_silent:
            self.log.say("runner", f"{self.name} lives and hears nothing; ending it.")
            self._forget_pulses()
            send(self.process.pid, signal.SIGKILL, group=True)
        if not self.is_due:
            return False
        self.start()
        return True

    @property
    def is_silent(self) -> bool:
        """Say whether a sign of life is too old; who has left none yet is still starting.

        Counted from when we saw it: the clock on the wall may jump, as after a laptop's sleep.
        """
        for path in self._left_pulses():
            left_at = path.stat().st_mtime_ns
            if self._seen.get(path, (0, 0.0))[0] != left_at:
                self._seen[path] = (left_at, time.monotonic())
        return any(time.monotonic() - seen_at > SILENT_SECONDS for _left_at, seen_at in self._seen.values())

    def _left_pulses(self) -> list[Path]:
        return list(self.pulses.glob("*.pulse")) if self.pulses else []

    def _forget_pulses(self) -> None:
        self._seen.clear()
        for path in self._left_pulses():
            path.unlink()

    def plan_restart(self, code: int) -> None:
        """Choose when to try again: 1, 2, 4 … seconds, so that a lasting fault does not burn the machine."""
        if time.monotonic() - self.started_at > WELL_AFTER_SECONDS:
            self.failures = 0
        pause = min(2**self.failures, LONGEST_PAUSE_SECONDS)
        self.failures += 1
        self.process = None
        self.due_at = time.monotonic() + pause
        self.log.say("runner", f"{self.name} ended ({ending(code)}); starting it again in {pause} s.")

    @property
    def is_due(self) -> bool:
        """Say whether the pause before a restart is over."""
        return self.process is None and time.monotonic() >= self.due_at


def ending(code: int) -> str:
    """Return how a process ended, in words."""
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


@dataclass(frozen=True)
class Record:
    """Number and command line of a process: a number alone may belong to somebody else by now."""

    pid: int
    line: list[str]

    @property
    def is_alive(self) -> bool:
        """Say whether it is still the same process."""
        # Some Pythons on macOS start themselves again under another name.
        return command_line(self.pid)[1:] == self.line[1:]


def write_records(path: Path, runner: Record, children: list[Record]) -> None:
    """Replace the record file in one step."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps([[record.pid, record.line] for record in (runner, *children)]))
    fresh.replace(path)


def read_records(path: Path) -> list[Record]:
    """Return the runner and then its children; nothing if there is no such file or it is not whole."""
    with suppress(OSError, ValueError):
        return [Record(pid, line) for pid, line in json.loads(path.read_text())]
    return []


def end_all(records: list[Record], *, hurry: Callable[[], bool] = lambda: False) -> None:
    """End processes with everything in their groups: gently, then for good, at once if there is a hurry."""
    for number, patience in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, GRACE_SECONDS)):
        for record in records:
            if record.is_alive:
                send(record.pid, number, group=True)
        if wait_until(lambda: hurry() or not any(record.is_alive for record in records), patience) and not hurry():
            return
