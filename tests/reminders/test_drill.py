"""The drill at its smallest: every experiment, each also without its protection, in a house of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from clinic.embedded.state import CHECKOUT

# What a busy machine with two processors cannot show, and other figures do not depend on.
OF_SPEED = ("under", "over", "took")
FIGURES = {
    "lost", "doubled", "uncertain", "kills", "concurrency", "messages_per_second", "floor_per_second",
    "claims_per_second", "worker_rss_mb", "experiments", "commit",
}  # fmt: skip


def drill(*words: str, seconds: float = 1800) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CHECKOUT / "manage.py"), "reminders", "drill", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)  # noqa: S603


@pytest.mark.long
def test_nothing_is_lost_or_doubled_and_without_its_protection_each_experiment_fails(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("Before.\n<!-- drill -->\nold\n<!-- /drill -->\nAfter.\n")

    done = drill("--messages", "100", "--json", str(tmp_path / "figures.json"), "--markdown", str(page))

    record = json.loads((tmp_path / "figures.json").read_text())
    assert set(record) >= FIGURES, done.stderr
    assert (record["lost"], record["doubled"]) == (0, 0)
    assert record["uncertain"] >= 0
    assert record["kills"] >= 2
    assert record["worker_rss_mb"] <= 150
    assert set(record["experiments"]) == {"R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8"}
    for name, one in record["experiments"].items():
        assert [sentence for sentence in one["wrong"] if not any(word in sentence for word in OF_SPEED)] == [], name
        assert one["without"]["wrong"], name
    written = page.read_text()
    assert "| R8 | changed when claimed |" in written
    assert "old" not in written
    assert (done.returncode != 0) == any(one["wrong"] for one in record["experiments"].values())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--only", "R9"], "there is no experiment R9; there are R1, R2, R3, R4, R5, R6, R7, R8"),
        (["--json", "/nowhere/figures.json"], "there is no folder /nowhere for the figures"),
        (["--markdown", "README.md"], "README.md has no place for the table: no line “<!-- drill -->”"),
    ],
)
def test_a_slip_of_the_operator_is_one_sentence_before_anything_is_started(words: list[str], sentence: str) -> None:
    done = drill(*words)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
