"""The servers by themselves: lent, shared, refound after a crash, refused with a sentence."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import environ
import psutil
import psycopg
import pytest
import redis

from clinic.embedded import server, servers, state
from clinic.embedded.postgres import APP, DATABASE, OWNER
from clinic.embedded.processes import wait_until
from clinic.embedded.server import Server
from clinic.embedded.servers import Servers
from clinic.embedded.state import CannotStart, Place

CHECKOUT = Path(__file__).resolve().parents[2]


def connect(lent: Servers, role: str, database: str = DATABASE) -> "psycopg.Connection[tuple[object, ...]]":
    password = lent.place.secret(f"{role}.password")
    dsn = f"host={lent.place.sockets} user={role} password={password} dbname={database}"
    return psycopg.connect(dsn, autocommit=True)


def kill(dying: Server) -> None:
    """Kill it as a power cut would, and wait for its end: SIGKILL only asks, and a dying server still accepts."""
    pid = dying.pid()
    assert pid
    psutil.Process(pid).kill()
    assert wait_until(lambda: not psutil.pid_exists(pid) and not dying.listens(), 20)


def test_the_app_writes_what_the_owner_made_but_cannot_truncate_alter_or_create(place: Place) -> None:
    with Servers(place) as lent, connect(lent, OWNER) as owner:
        owner.execute("CREATE DATABASE test_another")
        for database in (DATABASE, "test_another"):
            with connect(lent, OWNER, database) as maker, connect(lent, APP, database) as app:
                for extension in ("btree_gist", "pg_trgm", "unaccent"):
                    maker.execute(f"CREATE EXTENSION {extension}")
                maker.execute("CREATE TABLE note (id bigserial PRIMARY KEY, text text)")
                app.execute("INSERT INTO note (text) VALUES ('Ménière')")
                assert app.execute("SELECT unaccent(text) FROM note").fetchone() == ("Meniere",)
                for refused in (
                    "TRUNCATE note",
                    "ALTER TABLE note ADD seen int",
                    "DROP TABLE note",
                    "CREATE TABLE x ()",
                ):
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        app.execute(refused)


def test_nobody_can_sign_in_as_the_superuser_or_without_a_password(place: Place) -> None:
    with Servers(place):
        for role in ("postgres", OWNER, APP):
            for password in ("", "postgres"):
                with pytest.raises(psycopg.OperationalError):
                    psycopg.connect(host=str(place.sockets), user=role, password=password, dbname=DATABASE)


def test_nothing_listens_on_the_network_and_nobody_else_can_read_the_data(place: Place) -> None:
    with Servers(place) as lent, connect(lent, OWNER) as owner:
        assert owner.execute("SHOW listen_addresses").fetchone() == ("",)
        for pid in (lent.postgres.pid(), lent.valkey.pid()):
            assert psutil.Process(pid).net_connections("inet") == []
        for private in (lent.postgres.data, lent.valkey.data, place.sockets, place.folder / "secrets"):
            assert stat.S_IMODE(private.stat().st_mode) == 0o700
        for secret in (place.folder / "secrets").iterdir():
            assert stat.S_IMODE(secret.stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change accounts")
def test_as_root_the_servers_run_as_nobody(place: Place) -> None:
    with Servers(place) as lent:
        for pid in (lent.postgres.pid(), lent.valkey.pid()):
            process = psutil.Process(pid)
            assert process.username() == "nobody"
            assert process.uids().saved != 0


def test_settings_can_read_the_addresses(place: Place) -> None:
    with Servers(place) as lent:
        read = environ.Env.db_url_config(lent.environment()["DATABASE_URL"])
        assert (read["HOST"], read["NAME"], read["USER"]) == (str(place.sockets), DATABASE, APP)
        with psycopg.connect(
            host=read["HOST"], user=read["USER"], password=read["PASSWORD"], dbname=read["NAME"]
        ) as app:
            assert app.execute("SELECT 1").fetchone() == (1,)
        broker = redis.from_url(lent.environment()["REDIS_URL"])
        assert broker.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        broker.close()


def test_the_second_user_attaches_and_the_last_one_out_stops_the_servers(place: Place) -> None:
    with Servers(place) as first:
        pids = first.postgres.pid(), first.valkey.pid()
        with Servers(place) as second:
            assert (second.postgres.pid(), second.valkey.pid()) == pids
        assert (first.postgres.pid(), first.valkey.pid()) == pids
        assert first.postgres.answers()
    assert not first.postgres.listens()
    assert not first.valkey.listens()
    assert not any(psutil.pid_exists(pid) for pid in pids if pid)


def test_only_the_missing_server_is_started(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "default_place", lambda: place)
    with Servers.missing_from({"DATABASE_URL": "postgres://elsewhere/clinic"}) as lent:
        assert list(lent.environment()) == ["REDIS_URL"]
        assert lent.valkey.answers()
        assert not lent.postgres.listens()


def test_what_was_acknowledged_survives_the_death_of_both_servers(open_folder: Path) -> None:
    kept = Place(open_folder / "kept")
    with Servers(kept) as lent:
        with connect(lent, OWNER) as owner:
            owner.execute("CREATE TABLE note (text text)")
            owner.execute("INSERT INTO note VALUES ('signed')")
        with redis.from_url(lent.valkey.url()) as broker:
            broker.set("task", "kept")
            broker.execute_command("WAITAOF", 1, 0, 2000)
        for dying in lent.both:
            kill(dying)
        assert sorted(lent.ensure()) == ["PostgreSQL", "Valkey"]
        with connect(lent, APP) as app, redis.from_url(lent.valkey.url()) as broker:
            assert app.execute("SELECT text FROM note").fetchone() == ("signed",)
            assert broker.get("task") == b"kept"


def test_a_pid_file_that_names_a_stranger_by_now_is_recognised(place: Place) -> None:
    with Servers(place) as lent:
        lines = lent.postgres.pidfile.read_text().splitlines(keepends=True)
        kill(lent.postgres)
        # As after a reboot: the number went to a program that has nothing to do with us.
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
            for path in (lent.postgres.pidfile, place.sockets / ".s.PGSQL.5432.lock"):
                path.write_text("".join([f"{stranger.pid}\n", *lines[1:]]))
            assert lent.postgres.pid() is None
            assert lent.ensure() == ["PostgreSQL"]
            assert stranger.poll() is None
            stranger.communicate(b"\n")


def test_data_of_another_major_are_refused_in_one_sentence(place: Place) -> None:
    with Servers(place) as lent:
        version = lent.postgres.data / "PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(CannotStart, match="was made by PostgreSQL 17 and cannot be opened by 18"), Servers(place):
        pass
    version.write_text("18\n")
    with Servers(place) as lent:
        assert lent.postgres.answers()


def test_a_nearly_full_disk_is_refused_before_anything_is_written(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=state.LEAST_FREE_BYTES - 1))
    with pytest.raises(CannotStart, match="is full: at least 300 MB must be free"), Servers(place):
        pass
    assert not (place.folder / "postgres").exists()


@pytest.fixture
def tiny_disk(open_folder: Path) -> Iterator[Path]:
    disk = open_folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk]
    if os.geteuid() or subprocess.run(mount, check=False).returncode:
        pytest.skip("only root can mount a tiny disk")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_disk_that_fills_up_meanwhile_is_told_in_one_sentence(
    tiny_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "LEAST_FREE_BYTES", 0)
    place = Place(tiny_disk / "state", throwaway=True)
    with pytest.raises(CannotStart, match="is full"), Servers(place):
        pass
    assert not (place.folder / "postgres").exists(), "half a cluster must not pass for a whole one"


def test_a_directory_that_cannot_be_written_is_told_in_one_sentence(open_folder: Path) -> None:
    (open_folder / "file").touch()
    with (
        pytest.raises(CannotStart, match=r"cannot be written .* STILLPOINT_STATE"),
        Servers(Place(open_folder / "file" / "x")),
    ):
        pass


def test_a_socket_directory_of_somebody_else_is_refused(open_folder: Path) -> None:
    open_to_all = open_folder / "sockets"
    open_to_all.mkdir(mode=0o777)
    open_to_all.chmod(0o777)
    with pytest.raises(CannotStart, match="open to others"):
        state.private_directory(open_to_all)
    (open_folder / "link").symlink_to(open_folder)
    with pytest.raises(CannotStart):
        state.private_directory(open_folder / "link")


def test_missing_wheels_are_told_in_one_sentence() -> None:
    with pytest.raises(CannotStart, match="Set DATABASE_URL and REDIS_URL"):
        server.package_folder("no_such_wheel")


def test_what_a_killed_test_run_left_behind_is_swept(monkeypatch: pytest.MonkeyPatch, open_folder: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(open_folder))
    script = (
        f"import os, sys, tempfile; sys.path.insert(0, {str(CHECKOUT)!r}); tempfile.tempdir = {str(open_folder)!r}\n"
        "from clinic.embedded.servers import throwaway\n"
        "with throwaway() as lent: print(lent.place.folder, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout
        left = Place(Path(run.stdout.readline().strip()), throwaway=True)
        servers.sweep_abandoned()
        assert Servers(left).postgres.answers(), "a living run keeps its servers"
        run.kill()
    assert Servers(left).postgres.answers()
    servers.sweep_abandoned()
    assert not Servers(left).postgres.pid()
    assert not left.folder.exists()


def test_a_run_that_ends_while_another_one_sweeps_does_not_disturb_it(
    monkeypatch: pytest.MonkeyPatch, open_folder: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(open_folder))
    ended = open_folder / f"{state.THROWAWAY_PREFIX}{os.geteuid()}-ended"
    ended.symlink_to(open_folder / "nowhere")  # listed, and no longer there when it is looked at
    servers.sweep_abandoned()
    with pytest.raises(FileNotFoundError):
        ended.stat()
