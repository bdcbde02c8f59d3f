"""Who leaves no sign of life any more is ended; who is starting, or well, is left alone."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from clinic.lib import pulse


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def sign_of(process: subprocess.Popen[bytes], folder: Path, *, age: float) -> None:
    path = folder / "worker.pulse"
    path.write_text(str(process.pid))
    os.utime(path, (time.time() - age,) * 2)


def test_a_sign_bears_the_number_of_who_left_it(tmp_path: Path) -> None:
    pulse.leave(tmp_path, "worker")
    assert (tmp_path / "worker.pulse").read_text() == str(os.getpid())
    assert pulse.check(tmp_path) == 0


def test_who_has_left_none_yet_is_not_well_and_not_ended(tmp_path: Path) -> None:
    assert pulse.check(tmp_path) == 1


def test_who_is_silent_is_ended(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    sign_of(sleeper, tmp_path, age=pulse.SILENT_SECONDS + 1)
    command = [sys.executable, "-m", "clinic.lib.pulse", str(tmp_path)]
    assert subprocess.run(command, check=False).returncode == 1  # noqa: S603
    assert sleeper.wait(timeout=5) == -9


def test_who_was_heard_lately_is_left_alone(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    sign_of(sleeper, tmp_path, age=pulse.SILENT_SECONDS - 5)
    assert pulse.check(tmp_path) == 0
    assert sleeper.poll() is None


def test_a_folder_that_is_gone_ends_nobody(tmp_path: Path) -> None:
    pulse.leave(tmp_path / "gone", "worker")
