"""A folder with a local launcher and a runner of its own, for tests that start real processes."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from tunesmith.manager.launchers import Exit, Launch, LauncherContext
from tunesmith.manager.launchers.local import LocalLauncher
from tunesmith.study import Resources

IDLE = 0.5


def processes_of(folder: Path) -> list[psutil.Process]:
    """Every living process whose environment or command names something in the folder."""
    found = []
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), *process.environ().values()]
            living = process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.Error, OSError):
            continue
        if living and any(str(folder) in word for word in words):
            found.append(process)
    return found


def gone(process: psutil.Process) -> bool:
    """Whether it has ended, be it buried or not: the system's first process may take its time."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether it comes true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def words_of(process: psutil.Process) -> list[str]:
    """Its command line; empty when it has just ended."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def _guards(process: psutil.Process) -> bool:
    try:
        return process.name() == "runner-guard"
    except psutil.NoSuchProcess:
        return False


class Place:
    """A folder with a launcher; `launch` and its like name trials by a short name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runtime = folder / "run"
        self.runtime.mkdir(mode=0o700)
        self.launcher = self.new_launcher()
        self.exits = self.launcher.exits()

    def new_launcher(self, environ: Mapping[str, str] | None = None) -> LocalLauncher:
        return LocalLauncher(LauncherContext(self.runtime, frozenset({"SECRET"})), environ=environ, idle=IDLE)

    async def replace(self, environ: Mapping[str, str] | None = None) -> None:
        """Have another manager take over."""
        await self.launcher.close()
        self.launcher = self.new_launcher(environ)
        self.exits = self.launcher.exits()

    def attempt(self, trial: str) -> Path:
        return self.folder / "trials" / trial / "1"

    def order(
        self,
        trial: str,
        *command: str,
        env: Mapping[str, str] | None = None,
        working_dir: str = "",
        resources: Resources | None = None,
    ) -> Launch:
        return Launch(trial, 1, self.attempt(trial), command, env or {}, working_dir, resources or Resources())

    async def launch(self, trial: str, *command: str, **rest: object) -> None:
        await self.launcher.launch(self.order(trial, *command, **rest))  # type: ignore[arg-type]

    async def next_exit(self, seconds: float = 20.0) -> Exit:
        async with asyncio.timeout(seconds):
            return await anext(self.exits)

    async def run(self, trial: str, *command: str, **rest: object) -> Exit:
        await self.launch(trial, *command, **rest)
        return await self.next_exit()

    async def no_exit(self, seconds: float = 0.3) -> bool:
        """Whether nothing else has ended. Uses the stream up when it is wrong."""
        try:
            await self.next_exit(seconds)
        except TimeoutError:
            return True
        return False

    def output(self, trial: str) -> bytes:
        return (self.attempt(trial) / "output.log").read_bytes()

    async def started(self, trial: str) -> None:
        """Wait until the trial's program prints."""
        log = self.attempt(trial) / "output.log"
        async with asyncio.timeout(20):
            while not log.exists() or not log.stat().st_size:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    def runners(self) -> list[psutil.Process]:
        """The runners of this place."""
        return [process for process in self._parents() if not _guards(process)]

    def guards(self) -> list[psutil.Process]:
        """Those that inherit the trials of a runner of this place."""
        return [process for process in self._parents() if _guards(process)]

    def eldest(self, *words: str) -> psutil.Process:
        """The first of those whose command begins so: what it has forked is called the same until it runs another."""
        found = [process for process in processes_of(self.folder) if words_of(process)[: len(words)] == [*words]]
        return min(found, key=lambda process: (process.create_time(), process.pid))

    def kill_runners(self) -> None:
        """Kill all of these, so that nobody learns how their trials end."""
        for process in [*self.guards(), *self.runners()]:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def _parents(self) -> list[psutil.Process]:
        return [process for process in processes_of(self.runtime) if any("_runner" in w for w in words_of(process))]

    @property
    def runner(self) -> psutil.Process:
        """The runner; there is exactly one."""
        (runner,) = self.runners()
        return runner
