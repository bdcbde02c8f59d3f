"""A test run has servers of its own, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from clinic.embedded.postgres import APP, OWNER
from clinic.embedded.pytest_plugin import app_role_dsn
from tests.embedded.houses import House, eventually


@pytest.mark.django_db
def test_the_tests_are_the_owner_and_can_become_the_app() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == (OWNER,)
    with psycopg.connect(app_role_dsn(connection.settings_dict["NAME"])) as app:
        rights = "has_table_privilege('people_client', 'INSERT'), has_table_privilege('people_client', 'TRUNCATE')"
        assert app.execute(f"SELECT current_user::text, {rights}").fetchone() == (APP, True, False)


def test_without_the_apps_address_a_sentence_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_APP_DATABASE_URL")
    with pytest.raises(pytest.UsageError, match="TEST_APP_DATABASE_URL"):
        app_role_dsn("test")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing_behind(house: House, open_folder: Path, number: signal.Signals) -> None:
    (house.folder / "test_long.py").write_text(
        "import os, pathlib, time\n"
        "def test_long():\n"
        "    pathlib.Path(os.environ['MARK']).write_text(os.environ['DATABASE_URL'])\n"
        "    time.sleep(60)\n"
    )
    temporary, mark = open_folder / "tmp", open_folder / "mark"
    temporary.mkdir(mode=0o711)
    unnamed = {"DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL", "PYTEST_ADDOPTS"}
    env = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST") and name not in unnamed
    }
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "clinic.embedded.pytest_plugin", "-p", "no:django", "test_long.py"],
        cwd=house.folder,
        env=env | {"TMPDIR": str(temporary), "MARK": str(mark), "STILLPOINT_STATE": str(house.state)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as run:
        assert eventually(mark.exists)
        assert str(temporary) in mark.read_text()
        run.send_signal(number)
        run.communicate(timeout=30)
    assert list(temporary.iterdir()) == []
    assert house.processes() == []
