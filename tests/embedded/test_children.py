"""A child that lives and leaves no sign of life is ended and started again."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from clinic.embedded import children
from clinic.embedded.children import Child
from clinic.embedded.log import Log
from tests.embedded.houses import eventually

LEAVES_ONE_SIGN = "import pathlib, sys, time; pathlib.Path(sys.argv[1], 'a.pulse').touch(); time.sleep(60)"
LEAVES_SIGNS = "import pathlib, sys, time\nwhile True: pathlib.Path(sys.argv[1], 'a.pulse').touch(); time.sleep(0.02)"


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Child]]:
    """Hold the children that a test starts, and end them."""
    monkeypatch.setattr(children, "SILENT_SECONDS", 1)
    living: list[Child] = []
    yield living
    for child in living:
        if child.process:
            child.process.kill()
            child.process.wait()


def child_of(started: list[Child], folder: Path, program: str) -> Child:
    child = Child("worker", [sys.executable, "-c", program, str(folder)], {}, Log(), pulses=folder)
    started.append(child)
    child.start()
    return child


def test_one_that_falls_silent_is_ended_and_started_again(
    started: list[Child], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    child = child_of(started, tmp_path, LEAVES_ONE_SIGN)
    first = child.process
    assert eventually(child.keep, 10), "started again"
    assert first
    assert first.returncode == -9
    assert child.process is not first
    assert "worker lives and hears nothing; ending it." in capsys.readouterr().out


@pytest.mark.parametrize("program", [LEAVES_SIGNS, "import time; time.sleep(60)"], ids=["heard", "still starting"])
def test_one_that_is_heard_or_still_starting_is_left_alone(started: list[Child], tmp_path: Path, program: str) -> None:
    child = child_of(started, tmp_path, program)
    first, until = child.process, time.monotonic() + 2.5
    while time.monotonic() < until:
        assert not child.keep()
        time.sleep(0.05)
    assert child.process is first
