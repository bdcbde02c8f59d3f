"""Put something else in the place of a function, in every module of the services that calls it."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from clinic.scheduling import services


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, other: Callable[..., Any]) -> None:
    """Let every service call `other`; fails where none calls the name."""
    modules = [import_module(f"{services.__name__}.{one.name}") for one in pkgutil.iter_modules(services.__path__)]
    callers = [module for module in modules if hasattr(module, name)]
    assert callers, name
    for module in callers:
        monkeypatch.setattr(module, name, other)
