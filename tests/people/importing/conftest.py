"""A file and somebody who brings it; visits to see what was used since."""

from tests.importing import bring, send, take, worker  # noqa: F401 -- fixtures
from tests.scheduling.conftest import book, hours, service  # noqa: F401 -- fixtures
