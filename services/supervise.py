"""Child services: started, watched, started again when they die, and gone when we are."""

import asyncio
import os
from pathlib import Path

from tunesmith.services._keeper import Child, Keeper
from tunesmith.services._parent import announce, leave_with_parent
from tunesmith.services._platform import check_platform
from tunesmith.services.errors import NotFound, TryAgain

__all__ = ["Child", "Supervisor", "announce", "leave_with_parent"]


class Supervisor:
    """Keeps children alive. Used inside one event loop; `stop` it before the loop ends."""

    def __init__(self, log_folder: Path, *, ready_within: float = 60) -> None:
        """Children log to `<log_folder>/<name>.log`, and are killed when they are not ready within so many seconds."""
        check_platform()
        self._log_folder, self._ready_within = log_folder, ready_within
        self._keepers: dict[str, Keeper] = {}
        # The children have the read end. Nothing is ever written: that we died closes the other end.
        self._read_end, self._write_end = os.pipe()

    async def start(self, child: Child) -> None:
        """Keep `child` alive from now on; does not wait until it is ready. A name that is kept changes nothing."""
        if child.name not in self._keepers:
            path = self._log_folder / f"{child.name}.log"
            self._keepers[child.name] = Keeper(child, path, self._read_end, self._ready_within)

    async def address(self, name: str, within: float = 30) -> str:
        """First address of a child that is ready, waiting for it while it is being started.

        Raises:
            NotFound: No such child.
            TryAgain: It was not ready in so many seconds, or died again and again; says where its log is.
        """
        keeper = self._keeper(name)
        try:
            async with asyncio.timeout(within):
                while keeper.addresses is None and not keeper.hopeless:
                    await keeper.news()
        except TimeoutError:
            pass
        if keeper.addresses is None:
            raise TryAgain(f"service {name} does not start; its log {keeper.log_path} ends: {_tail(keeper.log_path)}")
        return keeper.addresses[0]

    async def stop(self, grace: float = 6) -> None:
        """TERM to all, and KILL after `grace` seconds to the process groups of those that are left."""
        await asyncio.gather(*(keeper.stop(grace) for keeper in self._keepers.values()))
        self._keepers.clear()
        for fd in (self._read_end, self._write_end):
            if fd >= 0:
                os.close(fd)
        self._read_end = self._write_end = -1

    def _keeper(self, name: str) -> Keeper:
        try:
            return self._keepers[name]
        except KeyError:
            raise NotFound(f"no service {name!r} was started; there are {sorted(self._keepers)}") from None


def _tail(path: Path) -> str:
    try:
        lines = path.read_bytes()[-2000:].decode(errors="replace").splitlines()
    except OSError as error:
        return f"({error.strerror})"
    return next((line for line in reversed(lines) if line.strip()), "(it is empty)")
