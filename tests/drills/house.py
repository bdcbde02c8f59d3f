"""A house of the drill's own: servers, sink, workers and beat as processes, kept running as the runner keeps them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
from redis import Redis, RedisError

from clinic.embedded.children import Child
from clinic.embedded.log import Log
from clinic.embedded.processes import wait_until
from clinic.embedded.servers import Servers
from clinic.embedded.state import CannotStart

PYTHON = sys.executable
CONCURRENCY = 2
WORKERS, FEW = 4, 2


class Diary(Log):
    """What all processes say, in a file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1)
        self._lock = threading.Lock()

    def say(self, name: str, text: str) -> None:
        with self._lock, suppress(ValueError):
            self._file.write(f"{time.time():.2f} {name:<9} {text}\n")


class Sink:
    """The two providers, and what they have passed on."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "taken.log"
        self.log.touch()
        command = [PYTHON, "-m", "tests.drills.sink", str(self.log)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.mail_port, self.text_port = (int(port) for port in self.process.stdout.readline().split())
        self._begins = 0

    def behave(self, **behaviour: float | bool) -> None:
        """Tell it how slow, refusing and silent to be, and begin a new count."""
        httpx.put(f"http://127.0.0.1:{self.text_port}/", json=behaviour).raise_for_status()
        self._begins = self.log.stat().st_size

    def taken(self) -> list[tuple[str, int]]:
        """Return key and moment (nanoseconds) of each message that was passed on since, in order."""
        with self.log.open() as file:
            file.seek(self._begins)
            return [(key, int(at)) for key, at in (line.split() for line in file)]

    def count(self) -> int:
        """Return how many were passed on since."""
        with self.log.open("rb") as file:
            file.seek(self._begins)
            return file.read().count(b"\n")

    def end(self) -> None:
        """Let it go."""
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()


class House:
    """Servers and sink of one drill, and for each experiment the workers and beats that it asks for."""

    def __init__(self, servers: Servers, folder: Path) -> None:
        self.servers = servers
        self.sink = Sink(folder)
        self.diary = Diary(folder / "diary.log")
        self.folder = folder
        self.children: list[Child] = []
        # How many workers there are, where an experiment does not ask for a number.
        self.hands = WORKERS
        self.kills = 0
        self.most_rss_mb = 0.0
        self._lock = threading.RLock()
        self._is_over = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def _keep(self) -> None:
        """Do unattended what the runner does: start what ended, end who is silent."""
        while not self._is_over.wait(0.1):
            with self._lock, suppress(CannotStart):
                for title in self.servers.ensure():
                    self.diary.say("keeper", f"{title} was started again.")
                for child in self.children:
                    child.keep()
                self._weigh()

    def _weigh(self) -> None:
        for child in self.children:
            if child.name.startswith("worker") and child.process:
                with suppress(psutil.NoSuchProcess):
                    rss = psutil.Process(child.process.pid).memory_info().rss / 1e6
                    self.most_rss_mb = max(self.most_rss_mb, rss)

    def busy_seconds(self) -> float:
        """Return how long processors have worked for the workers that are running."""
        times = [psutil.Process(one.process.pid).cpu_times() for one in self.workers if one.process]
        return sum(one.user + one.system for one in times)

    @property
    def workers(self) -> list[Child]:
        """The workers that this experiment runs."""
        return [child for child in self.children if child.name.startswith("worker")]

    @contextmanager
    def working(
        self, *, workers: int | None = None, beats: int = 1, keys: bool = False, **drill: object
    ) -> Iterator[None]:
        """Run workers and beats for the length of a `with`; `drill` becomes DRILL_… for them."""
        with Redis.from_url(self.servers.valkey.url()) as broker:
            broker.flushall()
        env = os.environ | {
            "EMAIL_URL": f"smtp://127.0.0.1:{self.sink.mail_port}",
            "TEXT_URL": f"loopback://drill:drill@127.0.0.1:{self.sink.text_port}?keys={'yes' if keys else 'no'}",
            "PYTHONWARNINGS": "ignore:You're running the worker",
            "PYTHONUNBUFFERED": "1",
            "MALLOC_ARENA_MAX": "2",
            **{f"DRILL_{name.upper()}": str(value) for name, value in drill.items() if value},
        }
        try:
            for number in range(workers or self.hands):
                self._start(f"worker{number}", worker_command(number), env)
            wait_until(self._all_listen, 60)
            for number in range(beats):
                self._start(f"beat{number}", beat_command(self.folder / f"beat{number}"), env)
            yield
        finally:
            self._end_children()

    def _start(self, name: str, command: list[str], env: dict[str, str]) -> None:
        pulses = self.folder / f"{name}.pulses"
        pulses.mkdir(exist_ok=True)
        child = Child(name, command, env | {"PULSE_FOLDER": str(pulses)}, self.diary, pulses=pulses)
        child.start()
        with self._lock:
            self.children.append(child)

    def _all_listen(self) -> bool:
        with suppress(RedisError), Redis.from_url(self.servers.valkey.url()) as broker:
            return sum(client["cmd"] == "brpop" for client in broker.client_list()) >= len(self.children)
        return False

    def _end_children(self) -> None:
        with self._lock:
            ending, self.children = self.children, []
        for child in ending:
            if child.process:
                child.process.kill()
                child.process.wait()

    def kill_worker(self, number: int) -> None:
        """End a worker as a power cut would; the keeper starts it again at once, for it was none of its faults."""
        with self._lock:
            child = self.workers[number % len(self.workers)]
            if child.process and child.process.poll() is None:
                child.process.kill()
                child.process.wait()
                child.failures = 0
                self.kills += 1

    def strike_broker(self, how: str) -> None:
        """Empty it, stop it, or kill it."""
        valkey = self.servers.valkey
        if how == "flush":
            with Redis.from_url(valkey.url()) as broker:
                broker.flushall()
        else:
            self._strike(valkey, signal.SIGTERM if how == "stop" else signal.SIGKILL)

    def strike_database(self, how: str) -> None:
        """Stop it while it works, or kill it."""
        self._strike(self.servers.postgres, signal.SIGINT if how == "stop" else signal.SIGKILL)

    @staticmethod
    def _strike(server: object, number: signal.Signals) -> None:
        pid = server.pid()
        if pid is not None:
            os.kill(pid, number)

    def wait(self, done: Callable[[], bool], seconds: float, *, every: float = 0.05) -> bool:
        """Wait until something holds; False if the time ran out. Who asks while the database is away asks again."""
        from django.db import DatabaseError, InterfaceError, connections  # settings need what we start

        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            try:
                if done():
                    return True
            except (DatabaseError, InterfaceError):
                connections.close_all()
            time.sleep(every)
        return False

    def close(self) -> None:
        """End everything of this house but the servers."""
        self._is_over.set()
        self._keeper.join()
        self._end_children()
        self.sink.end()


def worker_command(number: int) -> list[str]:
    """Return the command of a worker as the runner starts it, but for beat."""
    return [
        PYTHON, "-m", "celery", "--quiet", "-A", "tests.drills.worker", "worker", "--pool", "threads",
        "--concurrency", str(CONCURRENCY), "--without-gossip", "--without-mingle", "--loglevel", "WARNING",
        "--hostname", f"drill-{number}@%h",
    ]  # fmt: skip


def beat_command(schedule: Path) -> list[str]:
    """Return the command of beat."""
    return [
        PYTHON, "-m", "celery", "--quiet", "-A", "tests.drills.worker", "beat",
        "--schedule", str(schedule), "--pidfile=", "--loglevel", "WARNING", "--max-interval", "1",
    ]  # fmt: skip
