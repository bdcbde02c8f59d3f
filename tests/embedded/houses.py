"""A small house with the real runner: the rooms are left out, so that each start takes a moment."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

import psutil

CHECKOUT = Path(__file__).resolve().parents[2]
FILES = {
    "clinic/__init__.py": "",
    "clinic/settings.py": """
import os, sys, environ
env = environ.Env()
SECRET_KEY = env.str("SECRET_KEY")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS")
ROOT_URLCONF = "clinic.urls"
INSTALLED_APPS = ["django.contrib.contenttypes", "clinic.demo"]
DATABASES = {"default": env.db_url("MIGRATION_DATABASE_URL" if sys.argv[1:2] == ["migrate"] else "DATABASE_URL")}
CELERY_BROKER_URL = env.str("REDIS_URL").replace("unix://", "redis+socket://", 1)
USE_TZ = True
""",
    "clinic/wsgi.py": """
import os
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
""",
    "clinic/celery.py": """
import os
from pathlib import Path
from celery import Celery
from celery.beat import PersistentScheduler
app = Celery("house")
app.config_from_object("django.conf:settings", namespace="CELERY")
RUN = Path(os.environ.get("BEAT_SCHEDULE", ".")).parent
class Beat(PersistentScheduler):
    def tick(self, *args, **kwargs):
        if (RUN / "spoil").exists():
            (RUN / "spoil").unlink()
            raise RuntimeError("spoilt")
        return super().tick(*args, **kwargs)
@app.task
def tick():
    (RUN / "ticked").touch()
app.conf.beat_scheduler = Beat
app.conf.beat_schedule = {"tick": {"task": "clinic.celery.tick", "schedule": 0.5}}
""",
    "clinic/urls.py": """
from django.http import HttpResponse
from django.urls import path

def alive(request, token=""):
    return HttpResponse("alive")
urlpatterns = [path("livez", alive), path("link/<token>/", alive)]
""",
    "clinic/demo/__init__.py": "",
    "clinic/demo/migrations/__init__.py": "",
    "clinic/demo/migrations/0001_initial.py": """
from django.db import migrations, models
class Migration(migrations.Migration):
    operations = [migrations.CreateModel("Guest", [("id", models.BigAutoField(primary_key=True))])]
""",
    "clinic/demo/models.py": """
from django.db import models
class Guest(models.Model):
    id = models.BigAutoField(primary_key=True)
""",
    "clinic/demo/management/__init__.py": "",
    "clinic/demo/management/commands/__init__.py": "",
    "clinic/demo/management/commands/fill_demo.py": """
from django.core.management.base import BaseCommand
from clinic.demo.models import Guest
class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("--base")
    def handle(self, *, base, **options):
        Guest.objects.create()
        self.stdout.write(f"guests: {Guest.objects.count()} at {base}")
""",
    "clinic/demo/management/commands/setup_link.py": """
from django.core.management.base import BaseCommand
class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("--base")
    def handle(self, *, base, **options):
        self.stdout.write(f"{base}/setup")
""",
    "clinic/demo/management/commands/reminders.py": """
import time
from django.core.management.base import BaseCommand
class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("what")
    def handle(self, *, what, **options):
        time.sleep(600)
""",
    "uv.lock": "",
}


def build_house(folder: Path) -> Path:
    """Lay out a checkout with the real runner and hardly any rooms."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    shutil.copytree(
        CHECKOUT / "clinic" / "embedded", folder / "clinic" / "embedded", ignore=shutil.ignore_patterns("__pycache__")
    )
    # The web server's access log is written by these.
    (folder / "clinic" / "lib").mkdir()
    for module in ("__init__.py", "logs.py", "access_log.py"):
        shutil.copy(CHECKOUT / "clinic" / "lib" / module, folder / "clinic" / "lib")
    shutil.copy(CHECKOUT / "manage.py", folder)
    return folder


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class House:
    """A checkout and what it runs."""

    folder: Path
    state: Path | None
    user: pwd.struct_passwd | None = None
    env: dict[str, str] = field(default_factory=dict)
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, command: str = "demo", **env: str) -> subprocess.Popen[str]:
        """Start manage.py in this house, as an ordinary environment would: no server is named."""
        named = {
            n: v for n, v in os.environ.items() if n not in {"DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL"}
        }
        state = {"STILLPOINT_STATE": str(self.state)} if self.state else {}
        process = subprocess.Popen(
            [sys.executable, str(self.folder / "manage.py"), *command.split()],
            env=named | {"DJANGO_SETTINGS_MODULE": "clinic.settings"} | state | self.env | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            user=self.user.pw_uid if self.user else None,
            group=self.user.pw_gid if self.user else None,
            extra_groups=[] if self.user else None,
        )
        self.running.append(process)
        return process

    def ends(self, command: str = "demo", **env: str) -> tuple[int, str]:
        """Run a command to its end."""
        output, _ = self.start(command, **env).communicate(timeout=60)
        return self.running[-1].returncode, output

    def answers(self, process: subprocess.Popen[str]) -> str:
        """Read the log until the house says that it answers."""
        lines = []
        for line in process.stdout or ():
            lines.append(line)
            if "Stillpoint answers at" in line:
                return "".join(lines)
        raise AssertionError("".join(lines))

    def end_all(self) -> None:
        """End what a test has left running and close its pipes."""
        for process in self.running:
            with process:
                if process.poll() is None:
                    end(process)

    def processes(self) -> list[str]:
        """Return the command lines of everything that this house still runs."""
        marks = [str(self.folder), str(self.state or self.folder)]
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                line = " ".join(process.cmdline())
                if line and any(mark in line or mark == process.cwd() for mark in marks):
                    found.append(line)
        return found


def end(process: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> int:
    """Signal a runner and wait for its end."""
    process.send_signal(number)
    process.communicate(timeout=30)  # reads and closes the pipe as well
    return process.returncode


def is_answered(port: int) -> bool:
    with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/livez", timeout=5) as answer:
        return bool(answer.status == 200)
    return False


def eventually(holds: Callable[[], bool], seconds: float = 30) -> bool:
    """Wait for something that another process does."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if holds():
            return True
        time.sleep(0.05)
    return False
