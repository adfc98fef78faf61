"""Start one process: claim its folder, and spawn it in a session of its own with its output in a file."""

import errno
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass

from tunesmith.manager.launchers._runner._files import CLAIM, OUTPUT, write_all

_IGNORED_BY_US = (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE, signal.SIGXFSZ)
_OUT_OF_THE_MACHINE = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)


@dataclass(frozen=True, slots=True)
class Order:
    """What to start. `folder` gets the output; `env` is all of the environment."""

    folder: str
    command: list[str]
    env: Mapping[bytes, bytes]
    working_dir: str


class CannotStartError(Exception):
    """The command as written can never start; the message is for its author."""


def claim(folder: str, content: bytes) -> bool:
    """Claim an attempt; False when somebody has. Raises OSError, with nothing claimed."""
    path = f"{folder}/{CLAIM}"
    try:
        write_all(path, content, os.O_EXCL)
    except FileExistsError:
        return False
    except FileNotFoundError:
        os.makedirs(folder, exist_ok=True)
        return claim(folder, content)
    return True


def spawn(order: Order) -> int:
    """Start the command and return its pid, which leads a session. Raises CannotStartError, or OSError: not its fault.

    `os.posix_spawn` cannot change the folder, so we do: this process has one thread and needs no folder of its own.
    """
    output = os.open(f"{order.folder}/{OUTPUT}", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    try:
        _enter(order.working_dir)
        return _spawn(order, output)
    except ValueError as error:  # a NUL, or a name with `=`
        raise CannotStartError(f"the command cannot be started: {error}") from None
    except OSError as error:
        if error.errno in _OUT_OF_THE_MACHINE:
            raise
        raise CannotStartError(_why(order.command[0], order.working_dir, error)) from None
    finally:
        os.close(output)
        os.chdir("/")


def _spawn(order: Order, output: int) -> int:
    return os.posix_spawn(
        _find(order.command[0], os.fsdecode(order.env.get(b"PATH", os.defpath.encode()))),
        order.command,
        order.env,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, output, 1),
            (os.POSIX_SPAWN_DUP2, output, 2),
        ],
        setsid=True,
        setsigmask=[],
        setsigdef=_IGNORED_BY_US,
    )


def _enter(working_dir: str) -> None:
    try:
        os.chdir(working_dir)
    except FileNotFoundError:
        raise CannotStartError(f"the working directory must exist, but got {working_dir}") from None
    except OSError as error:
        raise CannotStartError(f"the working directory {working_dir} cannot be entered: {error.strerror}") from None


def _find(program: str, path: str) -> str:
    """Find a program as the shell does: on PATH unless its name has a slash."""
    if "/" in program:
        return program
    found = ""
    for folder in path.split(os.pathsep):
        candidate = os.path.join(folder or ".", program)
        if os.path.isfile(candidate):
            if os.access(candidate, os.X_OK):
                return candidate
            found = found or candidate
    if not found:
        raise CannotStartError(f"the program must be on PATH, but {program} is not")
    return found


def _why(program: str, working_dir: str, error: OSError) -> str:
    match error.errno:
        case errno.ENOENT if os.path.exists(os.path.join(working_dir, program)) or "/" not in program:
            return f"the interpreter that {program} names in its first line must exist, but does not"
        case errno.ENOENT | errno.ENOTDIR:
            return f"the program must exist, but {program} does not (working directory {working_dir})"
        case errno.EACCES:
            return f"the program must be executable, but {program} is not (chmod +x, or name its interpreter)"
        case errno.ENOEXEC:
            return f"the program must be a binary of this machine or begin with `#!`, but {program} does not"
        case errno.E2BIG:
            return "the command and its environment are too long for this machine"
        case _:
            return f"{program} cannot be started: {error.strerror}"
