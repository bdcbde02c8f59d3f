"""The one command: start, share, restart, refuse, and leave nothing behind."""

import os
import pwd
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from clinic.embedded.children import read_records
from clinic.embedded.processes import command_line
from clinic.embedded.runner import chosen_port
from clinic.embedded.state import CannotStart
from tests.embedded.houses import House, build_house, end, eventually, free_port, is_answered

NOBODY = pwd.getpwnam("nobody")


def children_of(house: House, port: int) -> list[int]:
    """Return the numbers of web and worker as the runner recorded them."""
    assert house.state
    return [record.pid for record in read_records(house.state / "run" / f"runner-{port}.json")[1:] if record.is_alive]


def test_it_starts_stays_shares_and_leaves_nothing_behind_in_a_long_path_with_spaces(house: House) -> None:
    one, two = free_port(), free_port()
    first = house.start(PORT=str(one))
    log = house.answers(first)
    assert f"guests: 1 at http://127.0.0.1:{one}" in log
    assert "Bringing the database up to date." in log
    assert is_answered(one)

    second = house.start(PORT=str(two))
    log = house.answers(second)
    assert "guests: 2" in log, "the same data"
    assert "Bringing the database" not in log, "nothing to migrate"

    with urlopen(f"http://127.0.0.1:{one}/link/Jx3_k9vRq2mT7bYw5cZd8f/?q=Alice", timeout=5):
        first.send_signal(signal.SIGINT)
    log, _ = first.communicate(timeout=30)
    assert first.returncode == 0
    assert "GET /link/…/ 200" in log
    assert "Jx3_k9" not in log
    assert "Alice" not in log
    assert not is_answered(one)
    assert is_answered(two)
    assert end(second, signal.SIGTERM) == 0
    assert house.processes() == []


def test_after_the_runner_was_killed_the_next_one_ends_its_orphans_and_keeps_the_data(house: House) -> None:
    port = free_port()
    killed = house.start(PORT=str(port))
    house.answers(killed)
    assert eventually(lambda: len(children_of(house, port)) == 2)
    orphans = children_of(house, port)
    killed.kill()
    killed.communicate()
    assert all(command_line(pid) for pid in orphans)

    log = house.answers(house.start(PORT=str(port)))
    assert "guests: 2" in log
    assert not any(command_line(pid) for pid in orphans)

    house.running[-1].kill()
    house.running[-1].communicate()
    code, log = house.ends("stop")
    assert (code, log[9:].strip()) == (0, "runner   Stopped.")
    assert house.processes() == []


def database_of(house: House) -> int | None:
    """Return the number that the database has written down, if there is one just now."""
    assert house.state
    with suppress(FileNotFoundError, IndexError):
        return int((house.state / "postgres" / "postmaster.pid").read_text().split()[0])
    return None


def test_what_crashes_is_started_again_and_the_log_says_so(house: House) -> None:
    port = free_port()
    runner = house.start(PORT=str(port))
    house.answers(runner)
    assert eventually(lambda: len(children_of(house, port)) == 2)
    web, worker = children_of(house, port)
    assert house.state
    database = database_of(house)
    for pid in (web, worker, database):
        psutil.Process(pid).kill()
    assert eventually(lambda: is_answered(port) and len(children_of(house, port)) == 2)
    # Whoever asks for the database first starts it; here it shall be the runner, whose log is read below.
    assert eventually(lambda: database_of(house) not in {None, database})
    code, output = house.ends("fill_demo")
    assert (code, output) == (0, "guests: 2 at None\n")

    run = house.state / "run"
    assert eventually((run / "ticked").exists), "beat ticks beside the worker"
    (run / "spoil").touch()
    assert eventually(lambda: not (run / "spoil").exists())
    (run / "ticked").unlink()
    assert eventually((run / "ticked").exists), "where beat fails, both start again"

    runner.send_signal(signal.SIGHUP)
    log, _ = runner.communicate(timeout=30)
    for name in ("web", "worker"):
        assert f"{name} ended (SIGKILL); starting it again in 1 s." in log
    assert "RuntimeError: spoilt" in log
    assert "worker ended (exit code 0); starting it again in 2 s." in log
    assert "PostgreSQL had ended and was started again." in log
    assert house.processes() == []


@pytest.mark.parametrize("port", ["http", "0", "70000", "8000.5", "-1"])
def test_a_port_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("PORT", port)
    with pytest.raises(CannotStart, match=f"not “{port}”"):
        chosen_port()


def test_a_refusal_is_one_sentence_without_a_traceback(house: House) -> None:
    assert house.ends(PORT="http") == (1, "PORT must be a number from 1 to 65535, not “http”.\n")


def test_a_taken_port_is_refused_before_anything_is_started(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, output = house.ends(PORT=str(port))
    assert code == 1
    assert output == f"Port {port} cannot be used (Address already in use); choose another: PORT=8123 make demo.\n"
    assert house.processes() == []


def test_a_second_runner_on_the_same_port_is_refused_and_stop_ends_the_first(house: House) -> None:
    port = free_port()
    runner = house.start("up", PORT=str(port))
    house.answers(runner)
    code, output = house.ends("up", PORT=str(port))
    assert code == 1
    assert output.startswith(f"Stillpoint already runs at http://127.0.0.1:{port}: make stop ends it")
    assert is_answered(port)
    assert house.ends("stop")[0] == 0
    assert runner.wait(timeout=10) == 0
    assert house.processes() == []
    assert "Nothing was running" in house.ends("stop", STILLPOINT_STATE=str(house.folder / "never"))[1]


def test_a_clinic_with_a_mail_server_is_watched_and_the_others_are_not(house: House) -> None:
    def is_watched(command: str, **env: str) -> bool:
        runner = house.start(command, PORT=str(free_port()), **env)
        house.answers(runner)
        found = any("reminders watch" in line for line in house.processes())
        end(runner)
        return found

    assert is_watched("up", EMAIL_URL="smtp://127.0.0.1:9")
    assert not is_watched("up")
    assert not is_watched("demo", EMAIL_URL="smtp://127.0.0.1:9")


def test_a_migration_that_fails_ends_with_a_sentence_and_is_tried_again(house: House) -> None:
    migration = house.folder / "clinic" / "demo" / "migrations" / "0001_initial.py"
    good = migration.read_text()
    migration.write_text(good + "\nraise RuntimeError('half written')\n")
    code, log = house.ends(PORT=str(free_port()))
    assert code == 1
    assert log.splitlines()[-1].startswith("“manage.py migrate” failed (exit code 1); the reason stands above.")
    assert house.processes() == []
    migration.write_text(good)
    assert "guests: 1" in house.answers(house.start(PORT=str(free_port())))


def test_a_web_server_that_never_answers_ends_with_a_sentence(house: House) -> None:
    (house.folder / "clinic" / "wsgi.py").write_text("raise RuntimeError('broken')\n")
    code, log = house.ends("up", PORT=str(free_port()))
    assert code == 1
    assert "RuntimeError: broken" in log
    assert log.splitlines()[-1] == "The web server ends before it answers; the reason stands above."
    assert house.processes() == []


def test_a_command_borrows_the_servers_and_gives_them_back(house: House) -> None:
    assert house.ends("migrate")[0] == 0
    assert house.ends("fill_demo --base here") == (0, "guests: 1 at here\n")
    assert house.processes() == []


def test_a_command_with_both_addresses_starts_nothing(house: House) -> None:
    env = {"DATABASE_URL": "postgres://u:p@127.0.0.1:9/none", "REDIS_URL": "redis://127.0.0.1:9", "SECRET_KEY": "x"}
    code, output = house.ends("fill_demo", **env, ALLOWED_HOSTS="")
    assert code == 1
    assert "OperationalError" in output
    assert house.state
    assert not house.state.exists()


def test_without_the_embedded_group_one_sentence_says_what_is_missing(house: House) -> None:
    (house.folder / "psutil.py").write_text("raise ModuleNotFoundError(name='psutil')\n")
    sentence = "Set DATABASE_URL and REDIS_URL: the embedded servers are not installed here (no psutil).\n"
    assert house.ends("check") == (1, sentence)


def may_run_python_as_nobody() -> bool:
    if os.geteuid():
        return False
    probe = [sys.executable, "-c", "import psutil, django"]
    try:
        result = subprocess.run(probe, user=NOBODY.pw_uid, group=NOBODY.pw_gid, extra_groups=[], cwd="/", check=False)
    except PermissionError:
        return False
    return result.returncode == 0


@pytest.fixture
def house_of_nobody(open_folder: Path) -> Iterator[House]:
    """Return a house below a home that only its unprivileged owner may enter, with nothing chosen by us."""
    if not may_run_python_as_nobody():
        pytest.skip("only root can start it as another, and only where that one may run this Python")
    home = open_folder / "home"
    home.mkdir(mode=0o700)
    house = House(build_house(home / "stillpoint"), state=None, user=NOBODY, env={"HOME": str(home)})
    for path in [home, *home.rglob("*")]:
        os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
    yield house
    house.end_all()
    house.ends("stop")


def test_an_ordinary_user_runs_it_below_a_closed_home(house_of_nobody: House) -> None:
    runner = house_of_nobody.start(PORT=str(free_port()))
    assert "guests: 1" in house_of_nobody.answers(runner)
    home = house_of_nobody.folder.parent
    assert (next((home / ".local/state/stillpoint").iterdir()) / "postgres" / "PG_VERSION").exists()
    assert end(runner, signal.SIGINT) == 0
    assert house_of_nobody.processes() == []


def test_an_ordinary_user_without_a_writable_place_is_told_in_one_sentence(house_of_nobody: House) -> None:
    code, output = house_of_nobody.ends(STILLPOINT_STATE="/stillpoint")
    assert code == 1
    assert output == "/stillpoint cannot be written (Permission denied); name another directory in STILLPOINT_STATE.\n"
