"""The local manager's place: its folder, its socket, its lock, and who it is. Imports no gRPC."""

from dataclasses import dataclass
from pathlib import Path

STATE_FOLDER = ".tunesmith"


@dataclass(frozen=True)
class Process:
    """One process of this machine, told from every other that has or had its number."""

    pid: int
    start_time: float
    """Comparable only with that of the same machine and boot."""
    boot_id: str

    def alive(self) -> bool:
        """Whether it runs now; a zombie does not."""
        raise NotImplementedError


@dataclass(frozen=True)
class Place:
    """Where the local manager of a folder answers."""

    address: str
    """As `open_channel` takes it."""
    pid: int
    version: str
    start_time: float
    boot_id: str


def process(pid: int | None = None) -> Process | None:
    """The process that has this number now (None: ourselves); None when there is none."""
    raise NotImplementedError


def state_folder(base: Path) -> Path:
    """`base/.tunesmith`, made if needed: mode 0700, out of Git's sight; Forbidden when it is another user's."""
    raise NotImplementedError


def socket_folder(folder: Path) -> Path:
    """Where the sockets of a state folder lie: a short path, mode 0700, ours; Forbidden when somebody else made it."""
    raise NotImplementedError


def this_place(address: str) -> Place:
    """The place of this process."""
    raise NotImplementedError


def read_place(folder: Path) -> Place | None:
    """Who serves a state folder; None when nobody does, also when who did is gone."""
    raise NotImplementedError


def write_place(folder: Path, place: Place) -> None:
    """Record who serves a state folder."""
    raise NotImplementedError


def remove_place(folder: Path) -> None:
    """Forget the place if it is this process's."""
    raise NotImplementedError


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 in one step: a reader sees the old text or the new one."""
    raise NotImplementedError


class FileLock:
    """A lock that one process holds, until it releases it or dies. The file stays."""

    def __init__(self, path: Path) -> None:
        """Nothing is locked yet."""
        raise NotImplementedError

    def acquire(self) -> bool:
        """Take the lock without waiting; False: another process, or another FileLock of this one, has it."""
        raise NotImplementedError

    def release(self) -> None:
        """Give it back; nothing happens when it is not held."""
        raise NotImplementedError
