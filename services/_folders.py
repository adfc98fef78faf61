"""Folders and files that nobody else on the machine may touch."""

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from tunesmith.services.errors import Forbidden, FreeSpace, NotOffered


def private_folder(path: Path, *, ours: bool) -> Path:
    """Make `path` with mode 0700, or see that what is there is as good.

    Args:
        path: Its parent exists; a symbolic link is not followed.
        ours: The name is one that only we give: where it is open to others it is closed. Otherwise it is refused, for
            it may be somebody's home, or /tmp.

    Raises:
        Forbidden: It is no folder, another user's, or open to others and not `ours`.
    """
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise Forbidden(f"{path} must be a folder, not a file or a symbolic link: remove it")
    if found.st_uid != os.getuid():
        raise Forbidden(f"{path} must be owned by this user ({os.getuid()}), but is owned by user {found.st_uid}")
    if found.st_mode & 0o077:
        if not ours:
            mode = stat.S_IMODE(found.st_mode)
            raise Forbidden(
                f"{path} must be closed to other users (mode 700), but has mode {mode:o}; name a new folder"
            )
        path.chmod(0o700)
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 in one step: a reader sees the old text or the new one."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise FreeSpace(f"the disk of {path} is full") from error
        raise


def still_there(path: Path, known: os.stat_result) -> bool:
    """Whether a file that was known by `known` still lies at `path`: not removed, and not another in its place."""
    try:
        return os.path.samestat(known, path.stat())
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # a file system that does not answer for now
        return True


class FileLock:
    """A lock that one process holds, until it releases it or dies. The file stays."""

    def __init__(self, path: Path) -> None:
        """Nothing is locked yet."""
        self._path = path
        self._fd = -1

    def acquire(self) -> bool:
        """Take the lock without waiting; False: another process, or another FileLock of this one, has it."""
        import fcntl  # here, so that Windows gets a sentence and not an ImportError

        if self._fd >= 0:
            return True
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        except OSError as error:
            os.close(fd)
            raise NotOffered(f"the file system of {self._path} must offer file locks (flock): {error}") from error
        self._fd = fd
        return True

    def in_place(self) -> bool:
        """Whether it is held, and its file still there: once that is removed, another process can lock a new one."""
        return self._fd >= 0 and still_there(self._path, os.fstat(self._fd))

    def release(self) -> None:
        """Give it back; nothing happens when it is not held."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
