"""Files about people: in one private folder, under random names, each complete or not there at all.

They go the way of their rows: written before the row is committed, removed after its removal is.
"""

from __future__ import annotations

import errno
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# What a process that was killed had begun to write is forgotten after so many seconds.
FORGOTTEN_AFTER = 3600
OURS_ALONE = 0o700


def _folder() -> Path:
    if not settings.FILES_FOLDER:
        raise ImproperlyConfigured("Set FILES_FOLDER to a folder that only this server reads (see .env.example).")
    return Path(settings.FILES_FOLDER)


@contextmanager
def kept_file(content: bytes) -> Iterator[str]:
    """Keep a file and give its name to a block that writes its row; if the block fails, nothing is left.

    The block holds the whole transaction. Raises ValidationError where the disk is full.
    """
    name = secrets.token_hex(16)
    path = _folder() / name
    try:
        _write(path, content)
    except OSError as problem:
        if problem.errno not in NO_ROOM:
            raise
        words = _("There is no room left for files. Please tell whoever looks after the server; nothing was kept.")
        raise ValidationError(words, code="no_room") from problem
    try:
        yield name
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _write(path: Path, content: bytes) -> None:
    """Write beside, and rename once all of it is on the disk."""
    arriving = path.parent / "arriving"
    path.parent.mkdir(mode=OURS_ALONE, parents=True, exist_ok=True)
    arriving.mkdir(mode=OURS_ALONE, exist_ok=True)
    _forget_begun(arriving)
    begun = arriving / path.name
    try:
        with os.fdopen(os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        begun.rename(path)
        _settle(path.parent)
    except BaseException:
        begun.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        raise


def _settle(folder: Path) -> None:
    """Let the folder's list of names survive a power cut, too."""
    listed = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(listed)
    finally:
        os.close(listed)


def _forget_begun(arriving: Path) -> None:
    long_ago = time.time() - FORGOTTEN_AFTER
    for begun in arriving.iterdir():
        try:
            if begun.stat().st_mtime < long_ago:
                begun.unlink()
        except FileNotFoundError:  # another process was quicker
            continue


def read_file(name: str) -> bytes:
    """Return a file by the name that its row holds, never by one that came from outside."""
    return (_folder() / name).read_bytes()


def remove_with_its_row(name: str) -> None:
    """Remove a file once the removal of its row is committed."""
    path = _folder() / name
    transaction.on_commit(lambda: path.unlink(missing_ok=True))
