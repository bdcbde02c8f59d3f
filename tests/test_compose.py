"""What the production files promise. They are read, not run: a machine that runs the tests need not have Docker."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands
from django.urls import resolve

ROOT = Path(__file__).resolve().parent.parent
COMPOSE = (ROOT / "docker-compose.yml").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SETTINGS = (ROOT / "clinic" / "settings.py").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()

HOUSE: Mapping[str, Any] = yaml.safe_load(COMPOSE)
SERVICES: Mapping[str, Any] = HOUSE["services"]
HEARING = ("worker", "slow", "beat", "watch")
OURS = ("web", *HEARING, "migrate")
LASTING = tuple(name for name in SERVICES if name != "migrate")

IN_COMPOSE = re.compile(r"(?<!\$)\$\{(\w+)([^}]*)\}")
READ_BY_SETTINGS = re.compile(r"""(?:required|env\.\w+)\(\s*"(\w+)\"""")
# A clinic may write by mail alone.
MAY_BE_EMPTY = {"TEXT_URL"}
# Programs of the images that are not ours.
THEIRS = {"postgres", "valkey-server", "valkey-cli", "pg_isready", "wget"}


def words_of(command: str | list[str]) -> list[str]:
    """Return a command as the words that are run; a health check's first word says only how it is run."""
    words = shlex.split(command) if isinstance(command, str) else list(command)
    if words[0] == "CMD-SHELL":
        return shlex.split(words[1])
    return words[1:] if words[0] == "CMD" else words


def commands() -> Iterator[tuple[str, list[str]]]:
    """Yield every command and health check, with the name of its service."""
    for name, service in SERVICES.items():
        if "command" in service:
            yield name, words_of(service["command"])
        if "healthcheck" in service:
            yield f"{name} health", words_of(service["healthcheck"]["test"])
    yield "web", yaml.safe_load(DOCKERFILE[DOCKERFILE.index("CMD [") + 4 :].split("]")[0].replace("\\\n", "") + "]")


ALL_COMMANDS = list(commands())


def listed(pattern: str) -> set[str]:
    return set(re.findall(pattern, EXAMPLE, flags=re.MULTILINE))


def test_every_part_of_the_house_is_there() -> None:
    assert set(SERVICES) == {"proxy", "postgres", "valkey", *OURS}
    assert SERVICES["postgres"]["image"] == "postgres:18"


@pytest.mark.parametrize("name", LASTING)
def test_every_service_says_whether_it_is_well_and_comes_back_when_it_ends(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_migrations_run_once_before_anything_of_ours_starts() -> None:
    assert SERVICES["migrate"]["restart"] == "no"
    for name in ("web", *HEARING):
        assert SERVICES[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert SERVICES["migrate"]["depends_on"]["postgres"] == {"condition": "service_healthy"}


def test_nothing_runs_as_root() -> None:
    for name, service in SERVICES.items():
        assert service["image"].startswith("stillpoint") or service["user"] not in {"root", "0"}, name
    stages = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]
    users = {stage.split()[2]: re.findall(r"^USER (\S+)", stage, flags=re.MULTILINE)[-1:] for stage in stages}
    assert users == {"build": [], "app": ["stillpoint"], "proxy": ["10001:10001"]}


@pytest.mark.parametrize("name", OURS)
def test_our_containers_can_change_nothing_but_a_scratch_folder_and_the_web_its_files(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["tmpfs"] == ["/tmp"]  # noqa: S108
    assert service.get("volumes", []) == (["files:/files"] if name == "web" else [])


def test_every_variable_must_be_given_and_nothing_secret_stands_in_the_files() -> None:
    assert {name for name, rest in IN_COMPOSE.findall(COMPOSE) if rest != ":?"} == MAY_BE_EMPTY
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if re.search(r"SECRET|PASSWORD|EMAIL_URL|TEXT_URL|DATABASE_URL", key):
                assert IN_COMPOSE.search(str(value)), f"{name}: {key} has a value of its own"


def test_only_migrations_know_the_owners_password() -> None:
    knowing = {name for name, service in SERVICES.items() if "OWNER_PASSWORD" in str(service)}

    assert knowing == {"migrate", "postgres"}
    assert "stillpoint_app:" in SERVICES["web"]["environment"]["DATABASE_URL"]
    assert "stillpoint_owner:" in SERVICES["migrate"]["environment"]["MIGRATION_DATABASE_URL"]


@pytest.mark.parametrize("name", ["web", "worker", "slow"])
def test_more_of_them_can_be_started(name: str) -> None:
    assert "container_name" not in SERVICES[name]
    assert "hostname" not in SERVICES[name]
    assert "ports" not in SERVICES[name]


def test_requests_reach_every_web_container_through_the_one_proxy() -> None:
    with_ports = {name for name, service in SERVICES.items() if "ports" in service}

    assert with_ports == {"proxy"}
    assert re.search(r"dynamic a \{\s+name web\s+port 8000\b", DOCKERFILE)
    assert "0.0.0.0:8000" in dict(ALL_COMMANDS)["web"]
    assert set(SERVICES["proxy"]["networks"]) & set(SERVICES["web"]["networks"])


@pytest.mark.parametrize("name", HEARING)
def test_what_no_longer_hears_is_ended_from_beside_it(name: str) -> None:
    folder = SERVICES[name]["environment"]["PULSE_FOLDER"]

    assert words_of(SERVICES[name]["healthcheck"]["test"]) == ["python", "-m", "clinic.lib.pulse", folder]
    assert find_spec("clinic.lib.pulse")
    assert folder in SERVICES[name]["tmpfs"], "forgotten at a restart"
    assert SERVICES[name]["init"] is True


def test_somebody_listens_to_every_queue() -> None:
    commands_of = [" ".join(SERVICES[name]["command"]) for name in ("worker", "slow")]
    heard = [queue for command in commands_of for queue in re.search(r"--queues=(\S+)", command)[1].split(",")]  # type: ignore[index]

    assert sorted(heard) == sorted(settings.CELERY_TASK_QUEUES)


def test_the_database_and_the_broker_are_reached_from_inside_only_and_keep_their_data() -> None:
    assert HOUSE["networks"]["back"]["internal"] is True
    for name in ("postgres", "valkey"):
        assert SERVICES[name]["networks"] == ["back"]
        assert SERVICES[name]["volumes"][0].split(":")[0] in HOUSE["volumes"]
    assert "--appendonly yes" in " ".join(SERVICES["valkey"]["command"])


def test_postgres_quotes_no_row_in_its_log() -> None:
    words = SERVICES["postgres"]["command"]
    assert {"log_min_error_statement=panic", "log_error_verbosity=terse"} <= set(words)


@pytest.mark.parametrize(("name", "words"), ALL_COMMANDS, ids=[name for name, _ in ALL_COMMANDS])
def test_every_command_names_a_program_that_exists(name: str, words: list[str]) -> None:
    scripts = {point.name for point in entry_points(group="console_scripts")}

    assert words[0] in scripts | THEIRS | {"python"}
    if words[1:2] == ["manage.py"]:
        assert words[2] in get_commands()
    if words[:2] == ["python", "-c"]:
        compile(words[2], name, "exec")
    if words[0] == "celery":
        assert find_spec(f"{words[1].removeprefix('--app=')}.celery")
    if words[0] == "gunicorn":
        module, _, attribute = words[1].partition(":")
        assert attribute == "application"
        assert find_spec(module)


@pytest.mark.parametrize("command", re.findall(r"manage\.py ([a-z_]+)", COMPOSE + DOCKERFILE + EXAMPLE))
def test_every_command_that_is_told_of_exists(command: str) -> None:
    assert command in get_commands()


def test_the_health_check_asks_an_address_that_answers_without_tls_and_by_its_number() -> None:
    check = words_of(SERVICES["web"]["healthcheck"]["test"])[2]

    assert "http://127.0.0.1:8000/livez" in check
    assert resolve("/livez").view_name == "livez"
    assert any(re.match(pattern, "livez") for pattern in settings.SECURE_REDIRECT_EXEMPT)
    assert SERVICES["web"]["environment"]["ALLOWED_HOSTS"].endswith(",127.0.0.1")


def test_the_example_lists_every_variable_that_is_read_and_none_that_is_not() -> None:
    asked_for = {name for name, _ in IN_COMPOSE.findall(COMPOSE)}
    either = re.findall(r'required\("(\w+)" if .* else "(\w+)"', SETTINGS)
    read = set(READ_BY_SETTINGS.findall(SETTINGS)).union(*either)

    assert listed(r"^([A-Z_]+)=") == asked_for
    assert listed(r"^#? ?([A-Z_]+)=") == asked_for | read


def test_every_variable_given_to_our_containers_is_read() -> None:
    for name in OURS:
        for key in SERVICES[name]["environment"]:
            assert f'"{key}"' in SETTINGS, f"{name}: nobody reads {key}"


def test_the_example_gives_no_secret_away() -> None:
    given = re.findall(r"^[A-Z_]+=(.+)$", EXAMPLE, flags=re.MULTILINE)

    assert given == []


def test_the_image_is_made_from_the_lock_and_holds_only_what_it_runs() -> None:
    assert "uv sync --locked --no-default-groups" in DOCKERFILE
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    taken = {line[1:].rstrip("/") for line in ignored if line.startswith("!")}
    assert taken == {"clinic", "intake", "sessions", "plans", "templates", "manage.py", "pyproject.toml", "uv.lock"}
    assert all((ROOT / name).exists() for name in taken)


def test_the_runner_and_the_image_take_the_same_uv() -> None:
    makefile = (ROOT / "Makefile").read_text()

    assert re.search(r"uv==(\S+)", DOCKERFILE)[1] == re.search(r"UV_VERSION := (\S+)", makefile)[1]  # type: ignore[index]
