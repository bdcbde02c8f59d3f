"""What an upper room adds to a lower one's page or run: the lower room owns a registry, the upper one fills it.

Filled in `AppConfig.ready`, read at run time; the order is that of INSTALLED_APPS, so it is the same in every process.
"""

from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Registry(Generic[T]):
    """Named entries, each registered once."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._entries: dict[str, T] = {}

    def register(self, name: str, entry: T) -> None:
        """Add an entry. Raises ValueError when the name is taken by another one."""
        if self._entries.get(name, entry) is not entry:
            raise ValueError(f"There is another {self._what} called {name}.")
        self._entries[name] = entry

    def __iter__(self) -> Iterator[T]:
        return iter(self._entries.values())

    def __getitem__(self, name: str) -> T:
        return self._entries[name]

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def items(self) -> Iterator[tuple[str, T]]:
        """Yield name and entry, in the order of registration."""
        return iter(self._entries.items())
