"""One readable log for many processes."""

import os
import sys
import threading
from contextlib import suppress
from datetime import datetime
from pathlib import Path

WIDTH = 8
COLOURS = {"web": 36, "worker": 35, "watch": 34, "demo": 32, "setup": 32, "migrate": 33, "runner": 1}


class Log:
    """Write whole lines, each with its time and the name of who says it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    def say(self, name: str, text: str) -> None:
        """Write one line. A closed terminal must not end the clinic before it is stopped in order."""
        label = f"{name:<{WIDTH}}"
        if self._coloured:
            label = f"\x1b[{COLOURS.get(name, 0)}m{label}\x1b[0m"
        now = datetime.now().astimezone().strftime("%H:%M:%S")
        with self._lock, suppress(OSError, ValueError):
            sys.stdout.write(f"{now} {label} {text}\n")
            sys.stdout.flush()


class Tail:
    """What a server adds to its own log file: servers may outlive a runner, so they cannot write into its pipe."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self._path = path
        self._position = path.stat().st_size if path.exists() else 0

    def new_lines(self) -> list[str]:
        """Return the whole lines written since the last call."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            if self._path.stat().st_size < self._position:
                self._position = 0
            file.seek(self._position)
            whole = file.read().rpartition(b"\n")[0]
            self._position += len(whole) + 1 if whole else 0
        return whole.decode(errors="replace").splitlines()
