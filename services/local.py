"""The local manager's place: its folder, its socket, its lock, and who it is. Imports no gRPC."""

import json
import os
import stat
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from tunesmith.services._folders import FileLock, private_folder, still_there, write_private
from tunesmith.services._platform import check_platform
from tunesmith.services._process import Process, process
from tunesmith.services._version import VERSION
from tunesmith.services.errors import Forbidden

__all__ = [
    "MAX_SOCKET_PATH",
    "STATE_FOLDER",
    "FileLock",
    "Place",
    "Process",
    "process",
    "read_place",
    "remove_place",
    "socket_folder",
    "state_folder",
    "still_there",
    "this_place",
    "write_place",
    "write_private",
]

STATE_FOLDER = ".tunesmith"
MAX_SOCKET_PATH = 100
"""Bytes of a socket's path: the kernel takes 107 on Linux and 103 on macOS."""

_PLACE = "manager.json"
_ROOM_FOR_NAME = 24
_LAST_BASE = Path("/tmp")  # short and there, whatever the environment says


@dataclass(frozen=True)
class Place:
    """Where the local manager of a folder answers."""

    address: str
    """As `open_channel` takes it."""
    pid: int
    version: str
    start_time: float
    boot_id: str

    @property
    def process(self) -> Process:
        """Who answers there."""
        return Process(self.pid, self.start_time, self.boot_id)


def state_folder(base: Path, name: str = STATE_FOLDER) -> Path:
    """`base/.tunesmith`, or another name there, made if needed: mode 0700, out of Git's sight.

    A link to a folder elsewhere is followed.

    Raises:
        Forbidden: It is another user's, who could make us run commands by it.
        NotOffered: On Windows.
    """
    check_platform()
    folder = private_folder((base / name).resolve(), ours=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        write_private(ignore, "*\n")
    return folder


def socket_folder(folder: Path) -> Path:
    """Where the sockets of a state folder lie: a short path, mode 0700, ours; made if needed.

    Raises:
        Forbidden: Somebody else made it.
    """
    tag = sha256(os.fsencode(folder.resolve())).hexdigest()[:12]
    name = f"{_socket_prefix()}{tag}"
    fits = (place for place in _bases() if len(os.fsencode(place / name)) <= MAX_SOCKET_PATH - _ROOM_FOR_NAME)
    return private_folder(next(fits, _LAST_BASE) / name, ours=True)


def socket_folders() -> list[Path]:
    """Every socket folder of this user, of whichever state folder."""
    found = [entry for base in {*_bases(), _LAST_BASE} for entry in _entries(base)]
    return sorted(path for path in found if path.name.startswith(_socket_prefix()) and _is_ours(path))


def _socket_prefix() -> str:
    return f"tunesmith-{os.getuid()}-"


def _entries(base: Path) -> list[Path]:
    try:
        return [base / name for name in os.listdir(base)]
    except OSError:
        return []


def _is_ours(path: Path) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()


def _bases() -> list[Path]:
    from tempfile import gettempdir  # 10 ms, and most commands find their manager without

    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    # After `su` the variable still names the other user's folder.
    usable = runtime.is_absolute() and runtime.is_dir() and runtime.stat().st_uid == os.getuid()
    return [*([runtime] if usable else []), Path(gettempdir())]


def this_place(address: str) -> Place:
    """The place of this process."""
    me = process()
    assert me is not None, "this process runs"
    return Place(address, me.pid, VERSION, me.start_time, me.boot_id)


def read_place(folder: Path) -> Place | None:
    """Who serves a state folder; None when nobody does, also when who did is gone."""
    path = folder / _PLACE
    try:
        if path.stat().st_uid != os.getuid():
            raise Forbidden(f"{path} must be owned by this user ({os.getuid()}), but is owned by {path.stat().st_uid}")
        place = Place(**json.loads(path.read_text()))
    except PermissionError as error:
        raise Forbidden(f"{folder} must be owned by this user ({os.getuid()}): {error.strerror}") from error
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
        return None
    return place if place.process.alive() else None


def write_place(folder: Path, place: Place) -> None:
    """Record who serves a state folder."""
    write_private(folder / _PLACE, json.dumps(asdict(place)))


def remove_place(folder: Path) -> None:
    """Forget the place if it is this process's."""
    place = read_place(folder)
    if place is not None and place.process == process():
        (folder / _PLACE).unlink(missing_ok=True)
