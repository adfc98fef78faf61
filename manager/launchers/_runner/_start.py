"""Become the one runner of a folder, in the background."""

import fcntl
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Sequence

from tunesmith.manager.launchers._runner import _processes
from tunesmith.manager.launchers._runner._files import LOCK, SOCKET
from tunesmith.manager.launchers._runner._guard import Ledger, guard
from tunesmith.manager.launchers._runner._server import Server
from tunesmith.manager.launchers._runner._use import join, leave

_LONGEST_LOG = 1 << 20  # bytes; a longer one is begun anew


def main(arguments: Sequence[str]) -> None:
    """Arguments: the folder, after how many idle seconds to leave, and the log. Returns when another has the folder."""
    os.chdir(arguments[0])  # a socket's path is limited to some 100 bytes, so it is bound by a relative one
    lock = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    use, log, listener = join(), _open_log(arguments[2]), _listen()
    if os.fork():  # what can go wrong has been tried: who waits for this process is told
        os._exit(0)
    _detach(log)
    ledger = Ledger()
    if runner := _fork_runner():
        listener.close()
        os.close(lock)  # the runner's alone: when it dies, another may have its place
        os.close(use)
        guard(runner, ledger, _log)
    else:
        _serve(listener, float(arguments[1]), ledger, arguments[0])
        leave(arguments[0], use)


def _fork_runner() -> int:
    """The runner's pid in its guard; 0 in the runner, also where it has none."""
    if not _processes.become_subreaper():
        return 0
    try:
        return os.fork()
    except OSError as error:  # no means for another process: it works without
        _log(f"runner {os.getpid()} has no guard: {error}")
        return 0


def _serve(listener: socket.socket, idle: float, ledger: Ledger, folder: str) -> None:
    _log(f"runner {os.getpid()} serves {folder}")
    try:
        Server(listener, idle, _log, ledger.write).run()
    except BaseException:
        _log(traceback.format_exc())
        raise
    finally:
        _log(f"runner {os.getpid()} leaves")


def _listen() -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    if os.path.exists(SOCKET):
        os.unlink(SOCKET)  # its runner is dead: we have the lock
    listener.bind(SOCKET)
    listener.listen(16)
    return listener


def _open_log(path: str) -> int:
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    if os.fstat(log).st_size > _LONGEST_LOG:
        os.ftruncate(log, 0)
    return log


def _detach(log: int) -> None:
    """A session of our own, no terminal, no folder held, and no signal meant for a terminal's users."""
    os.setsid()
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    for source, target in ((nothing, 0), (nothing, 1), (log, 2)):
        os.dup2(source, target)
    os.chdir("/")


def _log(text: str) -> None:
    try:
        sys.stderr.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S')} {text}\n")
        sys.stderr.flush()
    except OSError:  # a full disk is no reason to stop
        pass
