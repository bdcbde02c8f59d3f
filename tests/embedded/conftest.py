"""Houses and places for the embedded servers."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from clinic.embedded.servers import Servers
from clinic.embedded.state import Place
from tests.embedded.houses import House, build_house


@pytest.fixture(autouse=True)
def _as_in_a_checkout() -> None:
    """Need neither settings nor the run's own database, unlike the rooms."""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a directory through which the servers' account may pass; pytest's own are closed to it."""
    folder = Path(tempfile.mkdtemp(prefix="house-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def house(open_folder: Path) -> Iterator[House]:
    """Return a house in a path with a space and 200 characters, which no socket would fit into."""
    long = open_folder / "a clinic" / ("x" * (200 - len(str(open_folder)) - len("/a clinic/")))
    house = House(build_house(long), state=long / "the state")
    yield house
    house.end_all()
    house.ends("stop")


@pytest.fixture
def place(open_folder: Path) -> Iterator[Place]:
    """Return a place for servers that deletes itself."""
    place = Place(open_folder / "state", throwaway=True)
    yield place
    if place.run.exists():
        assert Servers(place).stop_if_unused()
