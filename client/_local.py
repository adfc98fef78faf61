"""The local manager of a folder: reached where one answers, started in a session of its own where none does.

`.tunesmith/manager.json` says where it answers. Starting two at once is no harm: the lock there lets one live,
the other leaves, and whoever waited for either finds the one that lives. This module imports no gRPC, so that a manager
starts up while its client is still importing.
"""

import errno
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tunesmith.client._errors import ManagerDied, NoStudiesHere
from tunesmith.client._program import program
from tunesmith.services import errors, local

LOG = "manager.log"
READY = 15.0
"""Seconds that a started manager has until it must answer."""
_LOOK = 0.02
"""Seconds between two looks at the place of a manager that is starting."""
_TAIL = 4096
"""Bytes of a dead manager's log that are shown."""
_FULL = 1 << 20
"""Bytes free on a disk below which a manager that could not be started died of it."""
_TAKEN = ("another manager serves", "another process listens at unix:")
"""What a manager says when it leaves because the folder is held; or was, before somebody removed it."""
IDLE = 10.0
"""Seconds after which a local manager that nobody uses leaves."""
_STARTED: dict[Path, tuple["subprocess.Popen[bytes]", int]] = {}
"""Managers that this process started, by folder, with the length of the log before; polling reaps one that died."""
DATABASE = "TUNESMITH_DATABASE"
"""Environment variable that tells a manager its database: a URL may hold a password, and arguments can be seen."""


def reach(base: Path, *, database: str | None = None, create: bool = True, ready: float = READY) -> str:
    """Address of the manager of `base/.tunesmith`, started first when none answers.

    Args:
        base: The folder that holds `.tunesmith`.
        database: URL of the database it must run on, remembered for later; None: the remembered one.
        create: Whether `.tunesmith` may be made. False: NoStudiesHere when it is not there.
        ready: Seconds to wait for a started manager.

    Raises:
        NoStudiesHere: `create` is False and the folder is not there.
        ManagerDied: It did not come up.
        FreeSpace: No room for its folder.
        NotNow: The running manager uses another database.
    """
    if not create and not (base / local.STATE_FOLDER).is_dir():
        raise NoStudiesHere(
            f"no studies here: {base} has no {local.STATE_FOLDER} folder (`tunesmith run FILE` makes one)"
        )
    with _disk_errors(base):
        folder = local.state_folder(base)
        address = answering(folder)
        database = _agree_on_database(folder, database, running=address is not None)
        return address or _start(folder, _command(folder), database, ready)


def begin(base: Path, database: str | None = None) -> bool:
    """Start the manager of `base/.tunesmith` for a study if none answers; `reach` will find it. Whether it was."""
    with _disk_errors(base):
        folder = local.state_folder(base)
        address = answering(folder)
        database = _agree_on_database(folder, database, running=address is not None)
        started = address is None and not _starting(folder)
        if started:
            _spawn(folder, [*_command(folder), "--warm"], database)
        return started


def _starting(folder: Path) -> bool:
    """Whether this process started a manager that lives."""
    started = _STARTED.get(folder)
    return started is not None and started[0].poll() is None


@contextmanager
def _disk_errors(base: Path) -> Iterator[None]:
    """What the file system says, as errors of ours."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise errors.FreeSpace(f"the disk of {base} is full") from None
        raise errors.FixRequest(f"{base / local.STATE_FOLDER} cannot be used: {error.strerror}") from None


def answering(folder: Path) -> str | None:
    """Address of the manager that serves a state folder now; None when nobody does."""
    place = local.read_place(folder)
    if place is None:
        return None
    if not place.address.startswith("unix:"):
        return place.address
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(2)
        try:
            probe.connect(place.address.removeprefix("unix:"))
        except OSError:
            return None
    return place.address


def _command(folder: Path) -> list[str]:
    """How a manager is started."""
    return program("manager", "serve", "--folder", str(folder), "--idle", f"{IDLE:g}")


def _start(folder: Path, command: Sequence[str], database: str | None, ready: float) -> str:
    """Start a manager and wait until one answers: ours, or one that was started at the same time."""
    end = time.monotonic() + ready
    child, seen = _STARTED[folder] if _starting(folder) else _spawn(folder, command, database)
    while not (address := answering(folder)):
        status = child.poll()
        if time.monotonic() >= end:
            raise _died(f"the manager did not answer within {ready:g} seconds", folder, seen)
        if status is not None and not _waited(lambda: answering(folder) is not None, until=time.monotonic() + 0.5):
            last = _tail(folder / LOG, seen)
            if status and not _held(folder) and not any(words in last for words in _TAKEN):
                raise _died(f"the manager could not be started: {_how(status)}", folder, seen)
            child, seen = _spawn(folder, command, database)  # the one that held the folder was on its way out
        time.sleep(_LOOK)
    return address


def _held(folder: Path) -> bool:
    """Whether some manager holds the folder, be it one that is not ready yet or one that is leaving."""
    lock = local.FileLock(folder / "manager.lock")
    if lock.acquire():
        lock.release()
        return False
    return True


def _died(message: str, folder: Path, seen: int) -> ManagerDied:
    full = shutil.disk_usage(folder).free < _FULL
    return ManagerDied(message, _tail(folder / LOG, seen), full_disk=full, log_path=folder / LOG)


def _how(status: int) -> str:
    return f"signal {-status} ended it" if status < 0 else f"it ended with status {status}"


def _spawn(folder: Path, command: Sequence[str], database: str | None) -> tuple["subprocess.Popen[bytes]", int]:
    """A manager in a session of its own, out of reach of our terminal's signals; and how long its log was before."""
    environment = {**os.environ, **({DATABASE: database} if database else {})}
    log = folder / LOG
    with log.open("ab") as output:
        log.chmod(0o600)
        seen = output.tell()
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
        )
    _STARTED[folder] = child, seen
    return child, seen


def _waited(done: Callable[[], bool], until: float) -> bool:
    """Whether `done` came true in time."""
    while time.monotonic() < until:
        if done():
            return True
        time.sleep(_LOOK)
    return False


def _tail(log: Path, seen: int, lines: int = 15) -> str:
    """The last lines that were written after the first `seen` bytes."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(seen, size - _TAIL))
            return _text(file, lines)
    except OSError:
        return ""


def _text(file: BinaryIO, lines: int) -> str:
    return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])


def _agree_on_database(folder: Path, database: str | None, *, running: bool) -> str | None:
    """The database to run on, asked for or remembered, so that later commands find the same studies."""
    memory = folder / "database"
    remembered = memory.read_text().strip() if memory.exists() else None
    if database is None or database == remembered:
        return remembered
    if running:
        raise errors.NotNow(
            "the manager of this folder is running on another database; it leaves some seconds after its last study "
            "has ended or is paused, or use another folder"
        )
    local.write_private(memory, database + "\n")
    return database
