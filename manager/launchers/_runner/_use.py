"""The folder of the socket is removed by the last process that leaves it: services/sockets.py, for the runner.

Where nobody says that the folder is in use (a test, a launcher of somebody else's), it stays.
"""

import contextlib
import fcntl
import os

from tunesmith.manager.launchers._runner._files import USE


def join() -> int:
    """Say that this process uses the current folder; what to give to `leave`."""
    try:
        use = os.open(USE, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    fcntl.flock(use, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return use


def leave(folder: str, use: int) -> None:
    """Stop using the folder, and remove it unless another process uses it, or it is another one by now."""
    with contextlib.suppress(OSError):
        fcntl.flock(use, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(use), os.stat(f"{folder}/{USE}")):
            return
        for name in sorted(os.listdir(folder), key=USE.__eq__):  # the lock last: while it is there, newcomers wait
            os.unlink(f"{folder}/{name}")
        os.rmdir(folder)
