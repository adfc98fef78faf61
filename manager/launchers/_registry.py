"""Launchers by name. A launcher is one public module of this package, or an entry point of the group below."""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TypeVar

from tunesmith.manager.launchers._launcher import Exit, Launcher

ENTRY_POINTS = "tunesmith.launchers"


@dataclass(frozen=True, slots=True)
class Lease:
    """An attempt that somebody outside took. `seconds`: how long they may be silent; `exit` None: it goes on."""

    seconds: float
    exit: Exit | None = None


async def _nobody(_trial: str, _attempt: int) -> Lease | None:
    return None


@dataclass(frozen=True, slots=True)
class LauncherContext:
    """What a launcher is made from.

    `runtime` is a folder of this user alone (0700) with a short path, for sockets and locks; `secrets` are names of
    environment variables that trials must not see; `logs` is where a launcher's own log lies, None: in `runtime`;
    `lease_of` tells who outside took an attempt, None: nobody.
    """

    runtime: Path
    secrets: frozenset[str] = frozenset()
    logs: Path | None = None
    lease_of: Callable[[str, int], Awaitable[Lease | None]] = _nobody


LauncherFactory = Callable[[LauncherContext], Launcher]
F = TypeVar("F", bound=LauncherFactory)

_factories: dict[str, LauncherFactory] = {}


def register(name: str) -> Callable[[F], F]:
    """Class decorator: offer a launcher under `name`."""

    def decorate(factory: F) -> F:
        if name in _factories:
            raise ValueError(f"a launcher's name must be unique, but got {name!r} twice")
        _factories[name] = factory
        return factory

    return decorate


def make_launcher(name: str, context: LauncherContext) -> Launcher:
    """Make the launcher of that name; only its module is imported. Raises KeyError when there is none."""
    package = importlib.import_module(__package__ or "")
    if name not in _factories and name in {module.name for module in pkgutil.iter_modules(package.__path__)}:
        importlib.import_module(f"{package.__name__}.{name}")
    if name not in _factories:
        for point in entry_points(group=ENTRY_POINTS, name=name):
            point.load()
    return _factories[name](context)
