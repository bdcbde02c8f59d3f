"""Files are complete or not there, go the way of their rows, and nobody else on the machine reads them."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import transaction

from clinic.lib import files
from clinic.lib.files import kept_file, read_file, remove_with_its_row


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.FILES_FOLDER = str(tmp_path / "files")
    return tmp_path / "files"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_file_is_kept_under_a_random_name_and_read_again(folder: Path) -> None:
    with kept_file(b"one") as one, kept_file(b"one") as two:
        pass
    assert one != two
    assert len(one) == 32
    assert read_file(one) == b"one"
    assert names_in(folder) == sorted([one, two])


def test_nobody_else_on_the_machine_reads_it(folder: Path) -> None:
    with kept_file(b"one") as name:
        pass
    assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_where_the_row_is_refused_no_file_is_left(folder: Path) -> None:
    with pytest.raises(LookupError), kept_file(b"one"):
        raise LookupError
    assert names_in(folder) == []


@pytest.mark.parametrize("step", ["fsync", "fdopen"])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(ValidationError, match="no room left for files"), kept_file(b"one"):
        pytest.fail("There is no file to write a row for.")
    assert names_in(folder) == []


def test_another_fault_of_the_disk_is_not_called_a_lack_of_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="Input/output"), kept_file(b"one"):
        pytest.fail("There is no file to write a row for.")
    assert names_in(folder) == []


def test_what_a_killed_process_had_begun_is_forgotten_and_what_another_writes_now_is_not(folder: Path) -> None:
    with kept_file(b"one"):
        pass
    old, new = folder / "arriving" / "old", folder / "arriving" / "new"
    for begun in (old, new):
        begun.write_bytes(b"half")
    long_ago = time.time() - files.FORGOTTEN_AFTER - 1
    os.utime(old, (long_ago, long_ago))
    with kept_file(b"two"):
        pass
    assert (old.exists(), new.exists()) == (False, True)


@pytest.mark.django_db
def test_a_file_goes_only_once_the_removal_of_its_row_is_committed(
    folder: Path, django_capture_on_commit_callbacks: Callable[..., AbstractContextManager[object]]
) -> None:
    with kept_file(b"one") as name:
        pass
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        remove_with_its_row(name)
        transaction.set_rollback(True)
    assert names_in(folder) == [name]
    with django_capture_on_commit_callbacks(execute=True):
        remove_with_its_row(name)
        assert names_in(folder) == [name]
    assert names_in(folder) == []


def test_without_a_folder_it_says_what_to_set(settings: Any) -> None:
    settings.FILES_FOLDER = ""
    with pytest.raises(ImproperlyConfigured, match="FILES_FOLDER"), kept_file(b"one"):
        pass
