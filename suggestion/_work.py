"""Who computes what: threads for quick algorithms, and few of their own for those that think for long.

A call of a quick algorithm never waits behind one that takes seconds. Heavy calls take turns in the order in which they
came, as many at once as there are cores; a study has one call at a time, so none can crowd out the others. They share
the interpreter with the server, which stays responsive as long as they are this few.
"""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

T = TypeVar("T")

QUICK_THREADS: Final = 32
THREAD_VARIABLES: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def limit_library_threads(environ: dict[str, str] | os._Environ[str] = os.environ) -> None:
    """Let numerical libraries compute with one thread each, unless the environment says otherwise.

    Studies are what runs side by side here; small matrices only get slower by more threads, and every library would
    start as many as there are cores, for every call at once. Must be called before such a library is imported.
    """
    for name in THREAD_VARIABLES:
        environ.setdefault(name, "1")


class Workers:
    """The threads of one service."""

    def __init__(self, heavy: int | None = None) -> None:
        """Allow so many heavy calls at once; None: as many as there are cores."""
        self._quick = ThreadPoolExecutor(QUICK_THREADS, "quick")
        self._heavy = ThreadPoolExecutor(heavy or os.cpu_count() or 1, "heavy")

    async def run(self, work: Callable[[], T], *, heavy: bool) -> T:
        """Do a piece of work in a thread of its kind."""
        pool = self._heavy if heavy else self._quick
        return await asyncio.get_running_loop().run_in_executor(pool, work)
