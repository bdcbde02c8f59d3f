"""Where the embedded servers keep data, sockets and secrets, and who may read them."""

import errno
import fcntl
import hashlib
import os
import pwd
import re
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO

CHECKOUT = Path(__file__).resolve().parents[2]
LEAST_FREE_BYTES = 300 * 1024 * 1024
# The kernel's limit for a socket's path is 104 bytes on macOS and 108 on Linux; the longest name is ".s.PGSQL.5432".
LONGEST_SOCKET_DIR = 75
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")


class CannotStart(Exception):  # noqa: N818  # reads as the sentence it carries
    """Say in one sentence, fit for the terminal, why nothing can be started."""


def checkout_hash() -> str:
    """Return a short name for this checkout's path, so that two clones never share data."""
    return hashlib.sha256(os.fsencode(CHECKOUT)).hexdigest()[:12]


def is_root() -> bool:
    """Say whether this process may switch to the servers' own account."""
    return os.geteuid() == 0


def default_folder() -> Path:
    """Return where this checkout's state lives; STILLPOINT_STATE names another place."""
    if chosen := os.environ.get("STILLPOINT_STATE"):
        return Path(chosen).expanduser().absolute()
    if is_root():
        return Path("/var/lib/stillpoint") / checkout_hash()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Stillpoint" / checkout_hash()
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "stillpoint" / checkout_hash()


@dataclass(frozen=True)
class Account:
    """Whom the servers run as when root starts them: PostgreSQL refuses to run as root."""

    uid: int
    gid: int


def server_account() -> Account | None:
    """Return the unprivileged account for the servers, or None where we are unprivileged ourselves."""
    if not is_root():
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as missing:
        raise CannotStart(
            "As root the servers run as the account “nobody”, which this machine does not have."
        ) from missing
    return Account(nobody.pw_uid, nobody.pw_gid)


def no_space(folder: Path) -> CannotStart:
    """Return the sentence for a full disk."""
    return CannotStart(f"The disk that holds {folder} is full: at least {LEAST_FREE_BYTES >> 20} MB must be free.")


def need_space(folder: Path) -> None:
    """Refuse to start on a disk that is nearly full, before anything is half written."""
    if shutil.disk_usage(folder).free < LEAST_FREE_BYTES:
        raise no_space(folder)


@contextmanager
def told_in_one_sentence(folder: Path) -> Iterator[None]:
    """Turn what the file system refuses into a sentence."""
    try:
        yield
    except OSError as problem:
        if problem.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise no_space(folder) from problem
        if problem.errno in {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR}:
            raise CannotStart(
                f"{folder} cannot be written ({problem.strerror}); name another directory in STILLPOINT_STATE."
            ) from problem
        raise


@dataclass(frozen=True)
class Place:
    """One directory of state. A throw-away place trades safety for speed and is deleted after use."""

    folder: Path
    throwaway: bool = False

    def prepare(self) -> None:
        """Make the directories with the modes they need; a place that exists is left as it is."""
        with told_in_one_sentence(self.folder):
            for missing in reversed([path for path in (self.folder, *self.folder.parents) if not path.exists()]):
                make_passable(missing)
            for name in ("secrets", "logs", "run"):
                (self.folder / name).mkdir(mode=0o700, exist_ok=True)
        self._refuse_closed_parents()

    def _refuse_closed_parents(self) -> None:
        closed = [p for p in (self.folder, *self.folder.parents) if is_root() and not p.stat().st_mode & stat.S_IXOTH]
        if closed:
            raise CannotStart(
                f"The servers run as “nobody”, who may not enter {closed[0]}; name another place in STILLPOINT_STATE."
            )

    @property
    def logs(self) -> Path:
        """Where each server writes its log."""
        return self.folder / "logs"

    @property
    def run(self) -> Path:
        """Locks, records and temporary files of the runners."""
        return self.folder / "run"

    @cached_property
    def sockets(self) -> Path:
        """Return a directory of ours whose path is short and plain enough for a socket."""
        with told_in_one_sentence(self.folder):
            inside = self.folder / "sockets"
            if len(os.fsencode(inside)) <= LONGEST_SOCKET_DIR and PLAIN_PATH.fullmatch(str(inside)):
                return private_directory(inside)
            name = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:12]
            return private_directory(Path("/tmp") / f"stillpoint-{os.geteuid()}-{name}")  # noqa: S108  # short everywhere, checked below

    def secret(self, name: str) -> str:
        """Return the password or key of this name, made on first use and readable by its owner only."""
        path = self.folder / "secrets" / name
        with told_in_one_sentence(self.folder), locked(self.folder / "secrets.lock"):
            if not path.exists():
                fresh = path.with_suffix(".new")
                fresh.touch(mode=0o600)
                fresh.write_text(secrets.token_hex(32))
                fresh.rename(path)
            return path.read_text()


def make_passable(path: Path) -> None:
    """Make a directory; as root the servers' account must pass through, and what is secret has its own mode."""
    with suppress(FileExistsError):
        path.mkdir()
        path.chmod(0o711 if is_root() else 0o700)


def private_directory(path: Path) -> Path:
    """Make a directory only the servers' account may enter, or refuse one that somebody else has put there."""
    account = server_account()
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
        if account:
            os.chown(path, account.uid, account.gid)
    found = path.lstat()
    owner = account.uid if account else os.geteuid()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {owner, os.geteuid()} or found.st_mode & 0o077:
        raise CannotStart(f"{path} belongs to somebody else or is open to others; remove it and try again.")
    if account and found.st_uid != account.uid:
        os.chown(path, account.uid, account.gid)
    return path


def default_place() -> Place:
    """Return the place of this checkout."""
    return Place(default_folder())


THROWAWAY_PREFIX = "stillpoint-test-"


def throwaway_place() -> Place:
    """Make an empty place below the system's temporary directory."""
    folder = Path(tempfile.mkdtemp(prefix=f"{THROWAWAY_PREFIX}{os.geteuid()}-"))
    folder.chmod(0o711 if is_root() else 0o700)
    return Place(folder, throwaway=True)


def try_lock(path: Path, *, shared: bool = False) -> IO[str] | None:
    """Take a lock that the kernel gives back when this process ends, however it ends; None if it is taken."""
    handle = path.open("a")
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return None
    return handle


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait for the lock and hold it."""
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
