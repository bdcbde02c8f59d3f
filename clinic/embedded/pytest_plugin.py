"""Give a test run its own database and broker, before pytest-django reads the settings."""

import os
import secrets
import signal
from collections.abc import Generator
from contextlib import ExitStack
from urllib.parse import unquote, urlsplit

import pytest

from clinic.embedded.postgres import APP, OWNER
from clinic.embedded.servers import ADDRESSES, throwaway
from clinic.embedded.state import CannotStart

APP_ADDRESS = "TEST_APP_DATABASE_URL"


def app_role_dsn(database: str) -> str:
    """Return a libpq connection string for the app's role in a test database; the tests themselves are the owner."""
    if APP_ADDRESS not in os.environ:
        raise pytest.UsageError(f"Name the app role's address in {APP_ADDRESS}, as you do the owner's in DATABASE_URL.")
    address = urlsplit(os.environ[APP_ADDRESS])
    sockets = unquote(address.path[1:]).rpartition("/")[0]
    return f"host={sockets} user={address.username} password={address.password} dbname={database}"


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    """Start the servers that the environment does not name; workers of xdist inherit the controller's environment."""
    os.environ.setdefault("SECRET_KEY", secrets.token_hex(32))
    missing = tuple(name for name in ADDRESSES if not os.environ.get(name))
    if missing:
        # A test would swallow a SystemExit; an interrupt ends the run, and with it the servers.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        stack = ExitStack()
        early_config.add_cleanup(stack.close)
        try:
            servers = stack.enter_context(throwaway(missing))
        except CannotStart as problem:
            raise pytest.UsageError(str(problem)) from None
        os.environ.update(servers.environment())
        if "DATABASE_URL" in missing:
            os.environ["DATABASE_URL"] = servers.postgres.url(OWNER)
            os.environ[APP_ADDRESS] = servers.postgres.url(APP)
    return (yield)
