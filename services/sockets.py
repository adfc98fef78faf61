"""A state folder's socket folder while it is used: the last process that leaves it removes it.

It lies in a place that nobody tidies, so it must not stay when its processes have gone. Each of them holds a shared
lock on one file in it; who can have that lock alone is the last. A newcomer that comes upon a folder being removed
waits, and makes a new one. The runner of local trials does the same by code of its own, for it imports nothing of ours.
"""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from tunesmith.services import local
from tunesmith.services._folders import still_there
from tunesmith.services.errors import TryAgain

USE = "in-use.lock"
"""The file in a socket folder that everybody who uses it has locked."""

_PATIENCE = 10.0  # seconds that somebody may take to remove a folder, which takes less than one ms
_PAUSE = 0.01


class Sockets:
    """The socket folder of a state folder, ours to use until `leave`."""

    def __init__(self, path: Path, lock: int) -> None:
        """`lock`: the descriptor of its lock, shared; see `of`."""
        self.path = path
        self._lock = lock

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Make it, or join those that use it. Raises Forbidden when another user made it, and TryAgain."""
        end = time.monotonic() + _PATIENCE
        while True:
            with suppress(FileNotFoundError):  # it was just removed
                path = local.socket_folder(folder)
                lock = _locked(path, os.O_CREAT, fcntl.LOCK_SH)
                if lock is not None:
                    return cls(path, lock)
            if time.monotonic() > end:
                raise TryAgain(f"the socket folder of {folder} must be there, but somebody removes it all the time")
            time.sleep(_PAUSE)

    def leave(self) -> bool:
        """Stop using it. True: nobody else does, and it was removed with all that was in it."""
        lock, self._lock = self._lock, -1
        try:
            if lock < 0 or not _is_free(lock) or not still_there(self.path / USE, os.fstat(lock)):
                return False
            _remove(self.path)
            return True
        finally:
            if lock >= 0:
                os.close(lock)


def remove_unused() -> int:
    """Remove the socket folders of this user that nobody uses, left by processes that were killed; how many."""
    removed = 0
    for path in local.socket_folders():
        with suppress(OSError):  # another process removes it, or it never was in use
            lock = _locked(path, 0, fcntl.LOCK_EX)
            if lock is not None:
                _remove(path)
                os.close(lock)
                removed += 1
    return removed


def _locked(path: Path, flags: int, kind: int) -> int | None:
    """The lock of that folder, open; None: somebody has it who does not share, or it was removed meanwhile."""
    lock = os.open(path / USE, flags | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with suppress(BlockingIOError):
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
        if still_there(path / USE, os.fstat(lock)):
            return lock
    os.close(lock)
    return None


def _is_free(lock: int) -> bool:
    """Have the lock alone, if nobody else has it. Two who try at once may both fail: the next one tidies up."""
    with suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _remove(path: Path) -> None:
    """Remove a folder whose lock we have alone. The lock goes last: while it is there, newcomers wait for us."""
    with suppress(OSError):  # a newcomer was in time to make another lock: the folder is its
        for name in sorted(os.listdir(path), key=USE.__eq__):
            os.unlink(path / name)
        path.rmdir()
