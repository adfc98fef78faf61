"""One child process: started, listened to, started again when it dies, ended."""

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from tunesmith.services._parent import announced

_log = logging.getLogger("tunesmith.services")

_LOG_LIMIT = 8 * 1024 * 1024  # bytes; then the log is set aside, when the child is started next
_HOPELESS = 3  # deaths in a row without having been ready, after which nobody is kept waiting


@dataclass(frozen=True)
class Child:
    """One service to keep alive: `python -m MODULE ARGS --parent-pipe FD`."""

    name: str
    """Of its log file and in messages."""
    module: str
    args: Sequence[str] = ("serve",)
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to our own environment."""


@dataclass
class Backoff:
    """Seconds to wait before a child is started again."""

    first: float = 0.1
    last: float = 5
    good_life: float = 10
    """A child that lived this long had a good life, and the next wait is the first again."""
    _next: float = 0

    def after(self, life: float) -> float:
        """The wait after a life of so many seconds; doubles with each short one."""
        wait = self.first if self._next == 0 or life >= self.good_life else self._next
        self._next = min(2 * wait, self.last)
        return wait


class Keeper:
    """Keeps one child alive from `start` to `stop`."""

    def __init__(self, child: Child, log_path: Path, pipe: int, ready_within: float) -> None:
        """The child gets the read end `pipe`, and is killed when it is not ready in `ready_within` seconds."""
        self.child, self.log_path = child, log_path
        self.addresses: list[str] | None = None
        self._pipe, self._ready_within = pipe, ready_within
        self._news = asyncio.Event()
        self._unready_deaths = 0
        self._grace = 0.0
        self._task = asyncio.create_task(self._keep())

    @property
    def hopeless(self) -> bool:
        """Whether it died several times in a row and was never ready; it is still being started again."""
        return self._unready_deaths >= _HOPELESS

    async def news(self) -> None:
        """Wait until it became ready or died."""
        await self._news.wait()

    async def stop(self, grace: float) -> None:
        """TERM, and KILL to its process group after `grace` seconds."""
        self._grace = grace
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _keep(self) -> None:
        backoff = Backoff()
        while True:
            begun = time.monotonic()
            ending = await self._live()
            life = time.monotonic() - begun
            wait = backoff.after(life)
            text = "service %s %s after %.1f s; it is started again in %.1f s; its log is %s"
            _log.warning(text, self.child.name, ending, life, wait, self.log_path)
            await asyncio.sleep(wait)

    async def _live(self) -> str:
        try:
            with _open_log(self.log_path) as log:
                return await self._run(log)
        except OSError as error:
            self._tell(None)
            return f"could not be started ({error})"

    async def _run(self, log: BinaryIO) -> str:
        with _Output(log, self._tell) as output:
            process = await self._spawn(output.child_end, log)
            output.close_child_end()
            timer = asyncio.get_running_loop().call_later(self._ready_within, self._check_ready, process.pid)
            try:
                status = await process.wait()
            finally:
                timer.cancel()
                if process.returncode is None:
                    await _end(process, self._grace)
        self._tell(None)
        return f"was ended by signal {-status}" if status < 0 else f"ended with exit status {status}"

    async def _spawn(self, stdout: int, log: BinaryIO) -> asyncio.subprocess.Process:
        # -P: a user's folder may hold a random.py. Own process group: the terminal's Ctrl-C is for us alone.
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", self.child.module, *self.child.args, "--parent-pipe", str(self._pipe)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=stdout,
            stderr=log,
            env={**os.environ, **self.child.env},
            pass_fds=(self._pipe,),
            process_group=0,
        )

    def _tell(self, addresses: list[str] | None) -> None:
        if addresses is not None:
            self._unready_deaths = 0
        elif self.addresses is None:
            self._unready_deaths += 1
        self.addresses = addresses
        self._news.set()
        self._news = asyncio.Event()

    def _check_ready(self, pid: int) -> None:
        if self.addresses is None:
            _log.warning("service %s was not ready within %g s and is killed", self.child.name, self._ready_within)
            _kill_group(pid)


class _Output:
    """What a child prints: its addresses on the line that says so, and everything else into its log.

    A pipe of our own, not asyncio's, whose `wait` does not end while a grandchild still holds the pipe.
    """

    def __init__(self, log: BinaryIO, on_ready: Callable[[list[str]], None]) -> None:
        self._log, self._on_ready = log, on_ready
        self._line: bytes | None = b""  # begun and not ended; None once it is ready
        self._fd, self.child_end = os.pipe()
        os.set_blocking(self._fd, False)

    def __enter__(self) -> "_Output":
        asyncio.get_running_loop().add_reader(self._fd, self._read)
        return self

    def __exit__(self, *exception: object) -> None:
        for _ in range(64):  # its last words; a grandchild may go on for ever
            if not self._read():
                break
        asyncio.get_running_loop().remove_reader(self._fd)
        os.close(self._fd)
        self.close_child_end()

    def close_child_end(self) -> None:
        if self.child_end >= 0:
            os.close(self.child_end)
            self.child_end = -1

    def _read(self) -> bool:
        try:
            data = os.read(self._fd, 65536)
        except BlockingIOError:
            return False
        if not data:
            asyncio.get_running_loop().remove_reader(self._fd)
        with suppress(OSError):  # a full disk is no reason to stop reading
            self._log.write(data if self._line is None else self._search(self._line + data))
        return bool(data)

    def _search(self, data: bytes) -> bytes:
        *lines, self._line = data.split(b"\n")
        for number, line in enumerate(lines):
            if addresses := announced(line):
                rest = b"\n".join([*lines[:number], *lines[number + 1 :], self._line])
                self._line = None
                self._on_ready(addresses)
                return rest
        return b"".join(line + b"\n" for line in lines)


def _open_log(path: Path) -> BinaryIO:
    with suppress(FileNotFoundError):
        if path.stat().st_size > _LOG_LIMIT:
            path.replace(path.with_name(path.name + ".1"))
    return path.open("ab", buffering=0)


async def _end(process: asyncio.subprocess.Process, grace: float) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(grace):
            await process.wait()
    except TimeoutError:
        _kill_group(process.pid)
        await process.wait()


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
