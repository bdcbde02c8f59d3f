"""The example clinic, as a newcomer meets it: filled by one command, and each role finds her day."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from django.core.management import call_command
from playwright.sync_api import Page, expect

from clinic.demo.filling import demo_password

THURSDAY_NOON = datetime(2026, 11, 19, 13, 24, tzinfo=UTC)

DESK = ("/day/", "/clients/", "/clients/1/", "/messages/", "/appointments/new/?client=1", "/series/new/?client=1")
THERAPIST = (
    "/my-day/",
    "/day/",
    "/reviews/",
    "/notes/",
    "/clients/1/",
    "/clients/1/findings/",
    "/clients/1/plan/",
    "/clients/1/progress/",
    "/clients/1/history/",
    "/notes/1/",
)
SHOWN = {"/clients/1/": "chart", "/clients/1/progress/": "progress", "/notes/1/": "note-signed"}
WIDTHS = (390, 820, 1440)


@pytest.fixture
def example_clinic(transactional_db: None, capsys: pytest.CaptureFixture[str]) -> Iterator[str]:
    """Fill the example clinic as on a Thursday afternoon, and return what the command printed."""
    with time_machine.travel(THURSDAY_NOON, tick=True):
        call_command("fill_demo", base="http://clinic.example")
        yield capsys.readouterr().out


def sign_in(page: Page, email: str) -> None:
    page.goto("/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(demo_password())
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_the_printed_sign_ins_open_the_pages_of_each_role(
    example_clinic: str,
    open_as: Callable[..., Page],
    must_be_accessible: Callable[[Page], None],
    picture: Callable[..., None],
) -> None:
    for role, paths in (("front desk", DESK), ("therapist", THERAPIST), ("owner", DESK[:3])):
        found = re.search(rf"^\s*{role}\s+(\S+@\S+)\s+password (\S+)$", example_clinic, re.MULTILINE)
        assert found, example_clinic
        assert found[2] == demo_password()
        page = open_as()
        sign_in(page, found[1])
        for path in paths:
            page.goto(path)
            expect(page.get_by_role("heading", level=1).first).to_be_attached()
            assert_it_fits(page)
            must_be_accessible(page)
            if role == "front desk" and path == "/day/":
                page.locator(".blk").nth(1).click()
                picture(page, "day")
            elif role == "therapist" and path in SHOWN:
                picture(page, SHOWN[path], widths=("desk",))


TOO_WIDE = """() => [...document.querySelectorAll("body *")]
  .filter(node => node.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map(node => `${node.tagName} ${node.getAttribute("class") ?? ""}`).slice(0, 6)"""


def assert_it_fits(page: Page) -> None:
    """Fail where a page scrolls sideways in any width."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 1000})
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{page.url} is {overflow} px too wide at {width}: {page.evaluate(TOO_WIDE)}"
