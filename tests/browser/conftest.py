"""A real Chromium against the running site. Skipped, with the line that installs it, where none is found."""

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.signals import request_finished, request_started
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
INSTALL = (
    "No Chromium found. Install one with: apt-get install chromium (Debian) or brew install --cask chromium (macOS)."
)

WIDTHS = {"phone": 390, "tablet": 820, "desk": 1440}
THEMES = {"light": "light", "dim": "dark"}


def find_chromium() -> str | None:
    """Return the path of a Chromium or Chrome on this machine."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or (MAC if Path(MAC).exists() else None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--pictures", help="Folder that gets the screenshots of the walk-through (docs/pictures for the docs)."
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            # One worker drives the one browser.
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def browser(django_db_setup: None) -> Iterator[Browser]:
    path = find_chromium()
    if path is None:
        pytest.skip(INSTALL)
    # Playwright's loop lives in this thread; the ORM is called from it only between its calls.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    # Beside a loop Django keeps another connection, which must know the rows of the migrations as well.
    rows_of_migrations = connection._test_serialized_contents
    arguments = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=arguments)
        connection._test_serialized_contents = rows_of_migrations
        yield chromium
        chromium.close()


class InHand:
    """Counts what the live server is answering just now."""

    def __init__(self) -> None:
        self._lock, self._count = Lock(), 0

    def begin(self, **_: object) -> None:
        with self._lock:
            self._count += 1

    def end(self, **_: object) -> None:
        with self._lock:
            self._count -= 1

    def wait_for_none(self, seconds: float = 10) -> None:
        """Return when nothing has been in hand for a moment: a page that closes may still send its last words."""
        limit, quiet = time.monotonic() + seconds, 0
        while quiet < 4 and time.monotonic() < limit:
            time.sleep(0.05)
            quiet = quiet + 1 if self._count <= 0 else 0


@pytest.fixture
def _server_at_rest(live_server: object) -> Iterator[None]:
    """Let the server finish before the database is emptied: the two would wait for each other."""
    in_hand = InHand()
    request_started.connect(in_hand.begin)
    request_finished.connect(in_hand.end)
    yield
    in_hand.wait_for_none()
    request_started.disconnect(in_hand.begin)
    request_finished.disconnect(in_hand.end)


@pytest.fixture
def open_as(browser: Browser, live_server: object, _server_at_rest: None) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a browser window of a given width, one per person."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def listen(said: ConsoleMessage) -> None:
        if said.type == "error" and "Content Security" in said.text:
            complaints.append(said.text)

    def open_window(width: int = 1440, height: int = 1000, **options: object) -> Page:
        context = browser.new_context(
            base_url=str(live_server),
            viewport={"width": width, "height": height},
            locale="en-GB",
            reduced_motion="reduce",
            **options,
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        # Told at the end: whatever a listener raises ends the connection to the browser, for every test to come.
        page.on("pageerror", lambda error: complaints.append(f"Script error on {page.url}: {error}\n{error.stack}"))
        page.on("console", listen)
        return page

    yield open_window
    for context in contexts:
        context.close()
    assert not complaints, "\n".join(complaints)


def is_the_librarys(rule: str, node: dict[str, Any]) -> bool:
    """Tell whether it is about the calendar library's own elements, which it makes buttons of a table that is none.

    Everybody can take the list instead, which holds the same.
    """
    return (
        rule in {"aria-allowed-role", "aria-required-children"}
        and re.match(r'<[^>]*\bclass="ec[ -]', node["html"]) is not None
    )


@pytest.fixture
def must_be_accessible() -> Callable[[Page], None]:
    """Return a check that fails when axe finds anything on the page."""

    def check(page: Page) -> None:
        violations = Axe().run(page).response["violations"]
        found = {v["id"]: [n["target"] for n in v["nodes"] if not is_the_librarys(v["id"], n)] for v in violations}
        told = [f"{v['id']}: {v['help']} {found[v['id']]}" for v in violations if found[v["id"]]]
        assert not told, f"{page.url}\n" + "\n".join(told)

    return check


@pytest.fixture
def picture(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., None]:
    """Return a function that keeps screenshots of what is in view, in every width and theme asked for."""
    # The option is unknown where the run began further up than this folder.
    folder = Path(request.config.getoption("--pictures", None) or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)

    def take(
        page: Page, name: str, *, widths: tuple[str, ...] = tuple(WIDTHS), themes: tuple[str, ...] = tuple(THEMES)
    ) -> None:
        before = page.viewport_size or {"width": 1440, "height": 1000}
        for width in widths:
            page.set_viewport_size({"width": WIDTHS[width], "height": before["height"]})
            for theme in themes:
                page.evaluate("theme => document.documentElement.setAttribute('data-bs-theme', theme)", THEMES[theme])
                page.screenshot(path=folder / f"{name}-{width}-{theme}.png")
        page.set_viewport_size(before)

    return take
