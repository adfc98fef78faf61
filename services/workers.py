"""Who computes what: threads for quick algorithms, few for those that think for long, many for those that ask others.

A call of a quick algorithm never waits behind one that takes seconds. Heavy calls take turns in the order in which they
came, as many at once as there are cores; a study has one call at a time, so none can crowd out the others. They share
the interpreter with the server, which stays responsive as long as they are this few. Calls that wait for another
service compute nothing; there may be many, and some of those services may hang.
"""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import Final, TypeVar

T = TypeVar("T")

QUICK_THREADS: Final = 32
WAITING_THREADS: Final = 512
THREAD_VARIABLES: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def limit_library_threads(environ: dict[str, str] | os._Environ[str] = os.environ) -> None:
    """Let numerical libraries compute with one thread each, unless the environment says otherwise.

    Studies are what runs side by side here; small matrices only get slower by more threads, and every library would
    start as many as there are cores, for every call at once. Must be called before such a library is imported.
    """
    for name in THREAD_VARIABLES:
        environ.setdefault(name, "1")


class Kind(Enum):
    """What a call does most of the time."""

    QUICK = "quick"
    HEAVY = "heavy"
    WAITING = "waiting"


class Workers:
    """The threads of one service."""

    def __init__(self, heavy: int | None = None) -> None:
        """Allow so many heavy calls at once; None: as many as there are cores."""
        threads = {
            Kind.QUICK: QUICK_THREADS,
            Kind.HEAVY: heavy or os.cpu_count() or 1,
            Kind.WAITING: WAITING_THREADS,
        }
        self._pools = {kind: ThreadPoolExecutor(most, kind.value) for kind, most in threads.items()}

    async def run(self, kind: Kind, work: Callable[[], T]) -> T:
        """Do a piece of work in a thread of its kind."""
        return await asyncio.get_running_loop().run_in_executor(self._pools[kind], work)
