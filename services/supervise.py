"""Child services: started, watched, started again when they die, and gone when we are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Child:
    """One service to keep alive: `python -m MODULE ARGS --parent-pipe FD`."""

    name: str
    """Of its log file and in messages."""
    module: str
    args: Sequence[str] = ("serve",)
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to our own environment."""


class Supervisor:
    """Keeps children alive. Used in one event loop; `stop` it before the loop ends."""

    def __init__(self, log_folder: Path) -> None:
        """Children log to `<log_folder>/<name>.log`."""
        raise NotImplementedError

    async def start(self, child: Child) -> None:
        """Keep `child` alive from now on; does not wait until it is ready. A name that is kept already changes nothing."""
        raise NotImplementedError

    async def address(self, name: str, timeout: float = 30) -> str:
        """First address of a child that is ready, waiting for it where it is just being started.

        Raises:
            NotFound: No such child.
            TryAgain: It was not ready in time; says where its log is, and its last line.
        """
        raise NotImplementedError

    async def stop(self, grace: float = 6) -> None:
        """TERM to all, KILL after `grace` seconds to what is left of their process groups."""
        raise NotImplementedError


def announce(addresses: list[str]) -> None:
    """A child says that it is ready: one JSON line on standard output. Fits `serve(ready=announce)`."""
    raise NotImplementedError


def leave_with_parent(fd: int, on_gone: Callable[[], None]) -> None:
    """A child calls `on_gone` in its running event loop when the other end of pipe `fd` is closed: the parent is gone."""
    raise NotImplementedError
