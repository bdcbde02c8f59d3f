"""What must not be in a log: links from mails carry a token in their path, and PostgreSQL quotes the row it refused."""

import logging
import re

# A long part of a path that is not a word.
TOKEN = re.compile(r"(?=[^/\s]*[0-9A-Z])[^/.\s?]{20,}")
PATH = re.compile(r"/\S*")
# The row and the statement, as psycopg puts them into its errors: they hold what clients told us, line breaks included.
# They end where the traceback goes on with another exception.
QUOTED = re.compile(r"^(?:DETAIL|LINE \d+):.*?(?=^The above exception|^During handling|\Z)", re.MULTILINE | re.DOTALL)


def without_tokens(path: str) -> str:
    """Put an ellipsis in the place of every part of a path that is long and not a word."""
    return TOKEN.sub("…", path)


class DiscreetFormatter(logging.Formatter):
    """Level, logger and message, without tokens and without rows."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # the standard library's name
        """Return the message with the tokens in its paths left out."""
        return PATH.sub(lambda path: without_tokens(path[0]), super().formatMessage(record))

    def formatException(self, ei: object) -> str:  # noqa: N802  # the standard library's name
        """Return the traceback without the rows and statements that PostgreSQL quotes."""
        return QUOTED.sub("", super().formatException(ei))  # type: ignore[arg-type]  # as the standard library has it
