"""Valkey: the broker and cache, on a Unix socket, with an append-only file."""

import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

from clinic.embedded.programs import programs
from clinic.embedded.server import Server


class Valkey(Server):
    """The broker."""

    name = "valkey"
    title = "Valkey"
    goodbye = ((signal.SIGTERM, 10), (signal.SIGKILL, 5))

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.place.sockets / "valkey.sock"

    @property
    def pidfile(self) -> Path:
        """Beside its data."""
        return self.data / "valkey.pid"

    def is_ready(self) -> bool:
        """Ask; while it still reads its file it answers LOADING."""
        with socket.socket(socket.AF_UNIX) as line, suppress(OSError):
            line.settimeout(2)
            line.connect(str(self.socket))
            line.sendall(b"PING\r\n")
            return line.recv(16).startswith(b"+PONG")
        return False

    def url(self) -> str:
        """Return the address that redis-py reads."""
        return f"unix://{self.socket}"

    def prepare(self) -> None:
        """Make its directory."""
        self.data.mkdir(mode=0o700, exist_ok=True)
        if self.account:
            os.chown(self.data, self.account.uid, self.account.gid)

    def command(self) -> list[str | Path]:
        """Give every setting on the command line; no snapshots, the append-only file alone is the truth."""
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "pidfile": str(self.pidfile),
            "appendonly": "no" if self.place.throwaway else "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "set-proc-title": "no",
            "daemonize": "no",
            "loglevel": "warning",
        }
        return [programs().valkey, *(part for name, value in settings.items() for part in (f"--{name}", value))]
