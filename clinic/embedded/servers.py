"""Lend the embedded servers: attach to those that run, start those that do not, and let the last one out stop them."""

import fcntl
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from clinic.embedded.postgres import APP, OWNER, Postgres
from clinic.embedded.server import Server
from clinic.embedded.state import (
    THROWAWAY_PREFIX,
    CannotStart,
    Place,
    default_place,
    locked,
    need_space,
    throwaway_place,
    try_lock,
)
from clinic.embedded.valkey import Valkey

__all__ = ["ADDRESSES", "CannotStart", "Servers", "lent_to_this_process", "settings_environment", "throwaway"]

ADDRESSES = ("DATABASE_URL", "REDIS_URL")


class Servers:
    """The servers of one place, for the length of a `with`. Locks count the users: a killed one gives its lock back."""

    def __init__(self, place: Place, wanted: tuple[str, ...] = ADDRESSES) -> None:
        self.place = place
        self.postgres = Postgres(place)
        self.valkey = Valkey(place)
        self.both: tuple[Server, Server] = (self.postgres, self.valkey)
        self._wanted = [server for name, server in zip(ADDRESSES, self.both, strict=True) if name in wanted]
        self._use: IO[str] | None = None

    @classmethod
    def missing_from(cls, environment: Mapping[str, str]) -> Self:
        """Return those of this checkout whose address the environment does not name."""
        return cls(default_place(), tuple(name for name in ADDRESSES if not environment.get(name)))

    def __enter__(self) -> Self:
        self.place.prepare()
        try:
            self.ensure()
        except BaseException:
            self.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def ensure(self) -> list[str]:
        """Start those that do not answer and return their titles."""
        if self._use and all(server.answers() for server in self._wanted):
            return []
        with locked(self._start_lock):
            if self._use is None:
                self._use = self._users_lock.open("a")
                fcntl.flock(self._use, fcntl.LOCK_SH)
            asleep = [server for server in self._wanted if not server.answers()]
            if asleep:
                need_space(self.place.folder)
            return [server.title for server in asleep if server.start()]

    def release(self) -> None:
        """Give up our use and stop the servers if it was the last one."""
        with locked(self._start_lock):
            if self._use:
                self._use.close()
                self._use = None
            self._stop_if_alone()

    def stop_if_unused(self) -> bool:
        """Stop servers that a killed user left behind; False if somebody uses them."""
        with locked(self._start_lock):
            return self._stop_if_alone()

    def _stop_if_alone(self) -> bool:
        alone = try_lock(self._users_lock)
        if alone is None:
            return False
        with alone:
            for server in (self.valkey, self.postgres):
                server.stop()
        return True

    def environment(self) -> dict[str, str]:
        """Return the addresses of the servers that were wanted."""
        addresses: dict[str, str] = {}
        if self.postgres in self._wanted:
            addresses["DATABASE_URL"] = self.postgres.url(APP)
            addresses["MIGRATION_DATABASE_URL"] = self.postgres.url(OWNER)
        if self.valkey in self._wanted:
            addresses["REDIS_URL"] = self.valkey.url()
        return addresses

    @property
    def _start_lock(self) -> Path:
        return self.place.run / "start.lock"

    @property
    def _users_lock(self) -> Path:
        return self.place.run / "users.lock"


def settings_environment(place: Place, *, port: int = 8000) -> dict[str, str]:
    """Return what settings need on this machine alone: plain http on loopback, mail on the console."""
    return {
        "SECRET_KEY": place.secret("secret_key"),
        "EMBEDDED": "true",
        "DEBUG": "false",
        "ALLOWED_HOSTS": "127.0.0.1,localhost,[::1]",
        "SITE_URL": f"http://127.0.0.1:{port}",
        "EMAIL_URL": "consolemail://",
        "INSECURE_COOKIES": "true",
        "FILES_FOLDER": str(place.folder / "files"),
    }


def end_by_exception_on_sigterm() -> None:
    """Let SIGTERM unwind the stack, so that what was started is stopped."""
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


@contextmanager
def lent_to_this_process() -> Iterator[None]:
    """Run the servers that the environment does not name, and name them in it."""
    end_by_exception_on_sigterm()
    with Servers.missing_from(os.environ) as servers:
        os.environ.update(servers.environment())
        for name, value in settings_environment(servers.place).items():
            os.environ.setdefault(name, value)
        yield


@contextmanager
def throwaway(wanted: tuple[str, ...] = ADDRESSES) -> Iterator[Servers]:
    """Run servers whose data are deleted afterwards."""
    sweep_abandoned()
    place = throwaway_place()
    try:
        with Servers(place, wanted) as servers:
            yield servers
    finally:
        remove(place)


def sweep_abandoned() -> None:
    """Stop and delete the throw-away servers of runs that were killed; a living run holds its users' lock."""
    for folder in Path(tempfile.gettempdir()).glob(f"{THROWAWAY_PREFIX}{os.geteuid()}-*"):
        with suppress(FileNotFoundError):  # a run that ends, or that sweeps too, deletes it meanwhile
            if folder.stat().st_uid != os.geteuid() or not (folder / "run" / "users.lock").exists():
                continue
            place = Place(folder, throwaway=True)
            if Servers(place).stop_if_unused():
                remove(place)


def remove(place: Place) -> None:
    """Delete a throw-away place and the sockets it may have elsewhere."""
    shutil.rmtree(place.sockets, ignore_errors=True)
    shutil.rmtree(place.folder, ignore_errors=True)
