"""The files of an attempt's folder, written by the runner and read by the manager."""

import contextlib
import errno
import json
import os
from collections.abc import Mapping
from typing import Any

CLAIM = "claim"  # made exclusively before anything else: who made it, launches; holds the slots granted
PROCESS = "process.json"  # pid, start, boot, time: the identity of the trial's first process
EXIT = "exit.json"  # status, signal, failure, message, stopped, time
OUTPUT = "output.log"  # standard output and error
STOP = "stop"  # exists once the attempt was asked to end
ASKS = "asks"  # made by the trial: it looks for STOP, and ends by itself when it is given time

PROTOCOL = 1  # in the socket's name: a manager never talks to a runner that it does not understand
SOCKET = f"runner-{PROTOCOL}.sock"
LOCK = f"runner-{PROTOCOL}.lock"
USE = "in-use.lock"  # everybody who uses the folder has locked it; as in services/sockets.py
LOG = "runner.log"


def write_all(path: str, data: bytes, flags: int) -> None:
    """Write a new file at once; a disk that takes a part only is full. Leaves no file behind when it fails."""
    descriptor = os.open(path, flags | os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        if os.write(descriptor, data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(path)
        raise
    finally:
        os.close(descriptor)


def is_claimed(folder: str | os.PathLike[str]) -> bool:
    """Whether an attempt was claimed."""
    return os.path.exists(os.path.join(folder, CLAIM))


def write_record(folder: str, name: str, record: Mapping[str, Any]) -> None:
    """Put a record in place by rename, so that a reader sees all of it or nothing.

    Without fsync: a record must survive the death of any process, and that it does; after the death of the machine the
    trial is gone too, its boot id says so, and an empty record reads as none.
    """
    temporary = f"{folder}/.{name}"
    write_all(temporary, json.dumps(record).encode(), os.O_TRUNC)
    os.rename(temporary, f"{folder}/{name}")


def read_record(folder: str | os.PathLike[str], name: str) -> dict[str, Any] | None:
    """Read a record; None when there is none, or only a part of one."""
    try:
        with open(os.path.join(folder, name), "rb") as file:
            record = json.loads(file.read())
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None
