"""Signs of life: a worker leaves one every few seconds, and whoever keeps it running ends it when they stay away.

The container's health check is `python -m clinic.lib.pulse FOLDER`: Docker restarts what ends, not what is deaf.
"""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

SILENT_SECONDS = 30


def leave(folder: Path, part: str) -> None:
    """Leave a sign, with the number of this process."""
    with suppress(OSError):  # a full disk must not end what still works
        Path(folder, f"{part}.pulse").write_text(str(os.getpid()))


def check(folder: Path) -> int:
    """Return 0 when every sign there is a fresh one; end who left an old one. Who has left none yet is starting."""
    signs = list(folder.glob("*.pulse"))
    silent = [path for path in signs if time.time() - path.stat().st_mtime > SILENT_SECONDS]
    for path in silent:
        with suppress(ProcessLookupError, ValueError):
            os.kill(int(path.read_text()), signal.SIGKILL)
    return 0 if signs and not silent else 1


if __name__ == "__main__":
    sys.exit(check(Path(sys.argv[1])))
