"""The web server's access log, without what opens a door."""

from gunicorn.glogging import Logger

from clinic.lib.logs import without_tokens


class DiscreetLogger(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """Gunicorn's logger, except for the path."""

    def atoms(self, *args: object) -> dict[str, object]:
        """Return the values for one line."""
        atoms: dict[str, object] = super().atoms(*args)
        return atoms | {"U": without_tokens(str(atoms["U"]))}
