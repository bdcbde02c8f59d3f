"""Start, recognise and end processes, on Linux and macOS alike."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil

from clinic.embedded.state import Account

TICK_SECONDS = 0.02


def launch(
    command: Sequence[str | Path],
    *,
    output: int | IO[str],
    stdin: int = subprocess.DEVNULL,
    env: dict[str, str],
    account: Account | None = None,
    cwd: Path = Path("/"),
) -> subprocess.Popen[str]:
    """Start a program in a session of its own, so that the terminal's Ctrl-C reaches only its starter."""
    return subprocess.Popen(
        [str(part) for part in command],
        stdin=stdin,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=env,
        cwd=cwd,
        start_new_session=True,
        umask=0o077,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def command_line(pid: int) -> list[str]:
    """Return the command line of a living process, or nothing."""
    try:
        process = psutil.Process(pid)
        return [] if process.status() == psutil.STATUS_ZOMBIE else process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return []


def wait_until(done: Callable[[], bool], seconds: float) -> bool:
    """Wait until something holds; False if the time ran out."""
    limit = time.monotonic() + seconds
    while not done():
        if time.monotonic() > limit:
            return False
        time.sleep(TICK_SECONDS)
    return True


def send(pid: int, number: signal.Signals, *, group: bool = False) -> None:
    """Signal a process, or everything in its group; one that is gone needs no signal."""
    with suppress(ProcessLookupError, PermissionError):
        (os.killpg if group else os.kill)(pid, number)
