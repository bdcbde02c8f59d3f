"""`demo`, `up`, `stop`: database, broker, web and worker with one command and one log. Loads no Django."""

import hashlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType

from clinic.embedded.children import Child, Record, end_all, ending, read_records, write_records
from clinic.embedded.log import Log, Tail
from clinic.embedded.processes import command_line, send, wait_until
from clinic.embedded.servers import Servers, settings_environment
from clinic.embedded.state import CHECKOUT, CannotStart, Place, default_place, locked, told_in_one_sentence, try_lock

TICK_SECONDS = 0.1
CHECK_SERVERS_SECONDS = 2
STOP_SECONDS = 40
HIGHEST_PORT = 65535
# A web server that ends this often before it ever answered will not get better by itself.
HOPELESS_FAILURES = 3
PYTHON = sys.executable


def main(command: str) -> int:
    """Do what was asked; raise CannotStart with a sentence for the terminal."""
    if command == "stop":
        return stop_everything(default_place())
    return Runner(with_example=command == "demo").run()


def chosen_port() -> int:
    """Return the port from PORT."""
    text = os.environ.get("PORT") or "8000"
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= HIGHEST_PORT:
        raise CannotStart(f"PORT must be a number from 1 to {HIGHEST_PORT}, not “{text}”.")
    return int(text)


def refuse_taken_port(host: str, port: int) -> None:
    """Find out before anything is started."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            raise CannotStart(
                f"Port {port} cannot be used ({problem.strerror}); choose another: PORT={other_port(port)} make demo."
            ) from problem


def other_port(port: int) -> int:
    """Return a port worth suggesting."""
    return 8123 if port != 8123 else 8124  # noqa: PLR2004


def migrations_stamp() -> str:
    """Return a digest that changes with every migration of ours and of the locked dependencies."""
    digest = hashlib.sha256()
    files = [*CHECKOUT.glob("*/migrations/*.py"), *CHECKOUT.glob("*/*/migrations/*.py"), CHECKOUT / "uv.lock"]
    for path in sorted(files):
        digest.update(f"{path.relative_to(CHECKOUT)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


class Runner:
    """One run of the house on one port."""

    def __init__(self, *, with_example: bool) -> None:
        self.with_example = with_example
        self.port = chosen_port()
        self.host = os.environ.get("HOST") or "127.0.0.1"
        self.address = f"http://127.0.0.1:{self.port}"
        self.place = default_place()
        self.servers = Servers.missing_from(os.environ)
        self.log = Log()
        self.tails: list[Tail] = []
        self.children: list[Child] = []
        self.stop_requests = 0
        self._servers_checked_at = 0.0

    def run(self) -> int:
        """Stay in the foreground until asked to stop; whatever was started ends with us."""
        self.place.prepare()
        with (
            told_in_one_sentence(self.place.folder),
            self._port_to_ourselves(),
            self._signals_counted(),
            self.servers,
            ExitStack() as ending,
        ):
            ending.callback(self._end_children)
            self._serve()
        self.log.say("runner", "Stopped.")
        return 0

    @contextmanager
    def _port_to_ourselves(self) -> Iterator[None]:
        with locked(self.place.run / "runners.lock"):
            end_orphans(self.place)
            lock = try_lock(self._records.with_suffix(".lock"))
        if lock is None:
            raise CannotStart(
                f"Stillpoint already runs at {self.address}: make stop ends it, "
                f"PORT={other_port(self.port)} make demo starts another."
            )
        with lock:
            refuse_taken_port(self.host, self.port)
            self._write_records()
            yield
            self._records.unlink(missing_ok=True)

    @contextmanager
    def _signals_counted(self) -> Iterator[None]:
        numbers = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup means it
            numbers.append(signal.SIGHUP)
        before = {number: signal.signal(number, self._asked_to_stop) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _asked_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stop_requests += 1

    def _serve(self) -> None:
        self.tails = [Tail(server.name, server.log) for server in self.servers.both]
        env = self._environment()
        with ExitStack() as turn:
            # The page comes first: on two busy cores everything started beside it would hold it up.
            is_open = self._take_turn(turn) and self._migrate(env) and self._open_doors(env) and self._introduce(env)
        if not is_open:
            return
        # Celery warns at length about root, at every start; nothing here is pickled.
        quiet = {"PYTHONWARNINGS": "ignore:You're running the worker"}
        schedule = {"BEAT_SCHEDULE": str(self._records.with_suffix(".beat"))}
        pulses = self._records.with_suffix(".pulses")
        pulses.mkdir(exist_ok=True)
        self._start("worker", self._worker(), env | quiet | schedule | {"PULSE_FOLDER": str(pulses)}, pulses=pulses)
        # Without a mail server there is no way to tell the owners; the example clinic has none.
        if "EMAIL_URL" in os.environ and not self.with_example:
            self._start("watch", [PYTHON, str(CHECKOUT / "manage.py"), "reminders", "watch"], env)
        self.log.say("runner", f"Stillpoint answers at {self.address} (Ctrl-C ends it)")
        self._watch_until(lambda: False)

    def _environment(self) -> dict[str, str]:
        named = settings_environment(self.place, port=self.port)
        if self.with_example and "EMAIL_URL" not in os.environ:
            named["MAILBOX"] = str(self.place.folder / "mailbox")
        named |= dict(os.environ) | self.servers.environment()
        # Two arenas instead of eight per core: threads otherwise keep tens of megabytes each.
        return named | {"PYTHONUNBUFFERED": "1", "MALLOC_ARENA_MAX": "2", "DJANGO_SETTINGS_MODULE": "clinic.settings"}

    def _take_turn(self, turn: ExitStack) -> bool:
        """Let one runner at a time migrate and fill; False if we are asked to stop meanwhile."""

        def is_ours() -> bool:
            lock = try_lock(self.place.run / "setup.lock")
            return lock is not None and turn.enter_context(lock) is lock

        if is_ours():
            return True
        self.log.say("runner", "Waiting for another start of this checkout to finish its set-up.")
        return self._watch_until(is_ours)

    def _migrate(self, env: dict[str, str]) -> bool:
        """Migrate unless this very set of migrations was already applied to these data."""
        # Beside the data, so that data moved away or made anew are migrated again.
        stamp, wanted = self.servers.postgres.data / "stillpoint_migrated", migrations_stamp()
        is_ours = "DATABASE_URL" in self.servers.environment()
        if is_ours and stamp.exists() and stamp.read_text() == wanted:
            return True
        self.log.say("runner", "Bringing the database up to date.")
        owner = {"MIGRATION_DATABASE_URL": env["DATABASE_URL"]} | env
        if not self._do("migrate", ["migrate", "--noinput", "--verbosity=0"], owner):
            return False
        if is_ours:
            stamp.write_text(wanted)
            stamp.chmod(0o644)
        return True

    def _open_doors(self, env: dict[str, str]) -> bool:
        self._start("web", self._web(), env | {"DATABASE_POOL": "true"})
        return self._watch_until(self._answers)

    def _introduce(self, env: dict[str, str]) -> bool:
        """Fill the example clinic, or say how to set up one's own."""
        if not self.with_example:
            return self._do("setup", ["setup_link", "--base", self.address], env)
        self.log.say("runner", "Filling the example clinic, if it is still empty.")
        return self._do("demo", ["fill_demo", "--base", self.address], env)

    def _do(self, name: str, words: list[str], env: dict[str, str]) -> bool:
        """Run a management command to its end; False if we are asked to stop before."""
        child = self._start(name, [PYTHON, str(CHECKOUT / "manage.py"), *words], env, once=True)

        def is_done() -> bool:
            code = child.ended()
            if code:
                raise CannotStart(f"“manage.py {words[0]}” failed ({ending(code)}); the reason stands above.")
            return code == 0

        return self._watch_until(is_done)

    def _answers(self) -> bool:
        if any(child.failures >= HOPELESS_FAILURES for child in self.children):
            raise CannotStart("The web server ends before it answers; the reason stands above.")
        with suppress(OSError), socket.create_connection((self._reachable_host, self.port), timeout=5) as line:
            line.sendall(b"GET /livez HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            return b" 200 " in line.recv(64)
        return False

    @property
    def _reachable_host(self) -> str:
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104  # compared, not bound

    def _web(self) -> list[str]:
        bound = f"[{self.host}]" if ":" in self.host else self.host
        return [
            PYTHON, "-m", "gunicorn", "clinic.wsgi:application", "--bind", f"{bound}:{self.port}",
            "--worker-class", "gthread", "--workers", "1", "--threads", "8", "--graceful-timeout", "5",
            "--worker-tmp-dir", str(self.place.run), "--no-control-socket", "--log-level", "warning",
            # No query strings, people search by name; and no tokens.
            "--logger-class", "clinic.lib.access_log.DiscreetLogger",
            "--access-logfile", "-", "--access-logformat", "%(m)s %(U)s %(s)s %(M)s ms",
        ]  # fmt: skip

    def _worker(self) -> list[str]:
        return [
            PYTHON, "-m", "celery", "--quiet", "-A", "clinic.embedded.worker", "worker", "--pool", "threads",
            "--concurrency", "2", "--without-gossip", "--without-mingle", "--loglevel", "WARNING",
            "--hostname", f"port-{self.port}@%h",
        ]  # fmt: skip

    def _start(
        self, name: str, command: list[str], env: dict[str, str], *, once: bool = False, pulses: Path | None = None
    ) -> Child:
        child = Child(name, command, env, self.log, once=once, pulses=pulses)
        self.children.append(child)
        child.start()
        self._write_records()
        return child

    def _watch_until(self, done: Callable[[], bool]) -> bool:
        """Keep everything running until something holds; False if we are asked to stop before."""
        while not self.stop_requests:
            self._keep_children()
            self._keep_servers()
            if done():
                return True
            time.sleep(TICK_SECONDS)
        return False

    def _keep_children(self) -> None:
        for child in self.children:
            if child.keep():
                self._write_records()

    def _keep_servers(self) -> None:
        for tail in self.tails:
            for line in tail.new_lines():
                self.log.say(tail.name, line)
        if time.monotonic() - self._servers_checked_at < CHECK_SERVERS_SECONDS:
            return
        try:
            for title in self.servers.ensure():
                self.log.say("runner", f"{title} had ended and was started again.")
        except CannotStart as problem:
            self.log.say("runner", f"{problem} Trying again.")
        self._servers_checked_at = time.monotonic()

    def _end_children(self) -> None:
        self.log.say("runner", "Stopping.")
        end_all(self._living(), hurry=lambda: self.stop_requests > 1)
        for child in self.children:
            child.ended()

    def _living(self) -> list[Record]:
        return [Record(child.process.pid, child.command) for child in self.children if child.process]

    @property
    def _records(self) -> Path:
        return self.place.run / f"runner-{self.port}.json"

    def _write_records(self) -> None:
        write_records(self._records, Record(os.getpid(), command_line(os.getpid())), self._living())


def end_orphans(place: Place) -> None:
    """End what killed runners left behind: the lock of a living one is taken."""
    for records in place.run.glob("runner-*.json"):
        if lock := try_lock(records.with_suffix(".lock")):
            with lock:
                end_all(read_records(records)[1:])
                records.unlink(missing_ok=True)


def stop_everything(place: Place) -> int:
    """End every runner of this checkout, what killed ones left behind, and the servers."""
    log = Log()
    if not (place.run / "start.lock").exists():
        log.say("runner", "Nothing was running.")
        return 0
    for path in place.run.glob("runner-*.json"):
        for runner in read_records(path)[:1]:
            stop_runner(runner)
    end_orphans(place)
    unused = Servers(place).stop_if_unused()
    log.say(
        "runner", "Stopped." if unused else "Stopped; another command still uses the database, which stops with it."
    )
    return 0


def stop_runner(runner: Record) -> None:
    """Ask a living runner to end, and wait until it has ended what it started."""
    if runner.is_alive:
        send(runner.pid, signal.SIGTERM)
        if not wait_until(lambda: not runner.is_alive, STOP_SECONDS):
            send(runner.pid, signal.SIGKILL)
