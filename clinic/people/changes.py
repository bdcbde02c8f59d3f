"""What upper rooms do when facts of a client's record change: within the same transaction, her record locked."""

from collections.abc import Callable
from datetime import datetime

from clinic.lib.registry import Registry
from clinic.people.models import Client

# The client as she is known now, the names of the facts that changed, and the moment.
ClientChanged = Callable[[Client, frozenset[str], datetime], None]

client_changes: Registry[ClientChanged] = Registry("part that follows changes of a client")
