"""One call at a time on each study that is held, in threads, and to its end also when the caller is gone."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeVar

from tunesmith.services.studies import Holdable, Studies
from tunesmith.services.workers import Kind, Workers

H = TypeVar("H", bound=Holdable)
R = TypeVar("R")


class Turns(Generic[H]):
    """Takes turns on held studies. Belongs to one event loop."""

    def __init__(self, studies: Studies[H], workers: Workers) -> None:
        """Hold what `studies` has room for, and work in the threads of `workers`."""
        self._studies, self._workers = studies, workers
        self._running: set[asyncio.Task[Any]] = set()

    def held(self, uid: str) -> H | None:
        """Return what is held of a study now; it may be another when its turn comes."""
        return self._studies.get(uid)

    async def take(
        self,
        uid: str,
        kind: Kind,
        work: Callable[[H | None], tuple[H, R]],
        fits: Callable[[H | None], None] = lambda held: None,
    ) -> R:
        """Do `work` with what is held of a study, when no other call works on it; it gives what is held from now on.

        `fits` raises when what is held is of no use to the call. What `work` raises leaves nothing held.
        """
        turn = asyncio.create_task(self._take(uid, kind, work, fits))
        self._running.add(turn)
        turn.add_done_callback(self._done)
        return await asyncio.shield(turn)  # the thread goes on when the caller does not, and must keep the lock

    async def _take(
        self, uid: str, kind: Kind, work: Callable[[H | None], tuple[H, R]], fits: Callable[[H | None], None]
    ) -> R:
        async with self._studies.lock(uid):
            held = self._studies.get(uid)
            fits(held)
            try:
                advanced, answer = await self._workers.run(kind, partial(work, held))
            except BaseException:
                self._studies.drop(uid)  # it may be half done
                raise
            self._studies.put(advanced)
        return answer

    def _done(self, turn: "asyncio.Task[Any]") -> None:
        """Let go of a turn whose caller may be gone."""
        self._running.discard(turn)
        if not turn.cancelled():
            turn.exception()  # seen: asyncio would log it when the caller is gone
