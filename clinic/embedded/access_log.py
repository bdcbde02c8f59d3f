"""The web server's access log without what opens a door: links from mails carry their token in the path."""

import re

from gunicorn.glogging import Logger

TOKEN = re.compile(r"(?=[^/]*[0-9A-Z])[^/.]{20,}")


def without_tokens(path: str) -> str:
    """Put an ellipsis in the place of every part of a path that is long and not a word."""
    return TOKEN.sub("…", path)


class DiscreetLogger(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """Gunicorn's logger, except for the path."""

    def atoms(self, *args: object) -> dict[str, object]:
        """Return the values for one line."""
        atoms: dict[str, object] = super().atoms(*args)
        return atoms | {"U": without_tokens(str(atoms["U"]))}
