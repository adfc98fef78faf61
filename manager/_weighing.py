"""Asks a study's early-stopping rule when trials have reported, and keeps what it says until a round records it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from tunesmith.manager._context import Context
from tunesmith.manager._patience import patiently
from tunesmith.manager.storage import Fence, NewDecision
from tunesmith.services.errors import TunesmithError

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Weigher:
    """One study's questions to its rule, one after the other.

    `sit_out` tells of a fault of the platform and waits for so many seconds; `wake` has a round run.
    """

    uid: str
    fence: Fence
    context: Context
    sit_out: Callable[[TunesmithError, float], Awaitable[None]]
    wake: Callable[[], None]
    verdicts: list[NewDecision] = field(default_factory=list)
    """Decisions that are not in the store yet."""
    _reported: asyncio.Event = field(default_factory=asyncio.Event)

    def reported(self) -> None:
        """Trials may have reported something."""
        self._reported.set()

    async def run(self) -> None:
        """Ask after each report, until the rule fails for good. The study then goes on without it."""
        while True:
            await self._reported.wait()
            self._reported.clear()
            try:
                self.verdicts += await patiently(partial(self.context.decider.decide, self.uid), self.sit_out)
            except TunesmithError as error:
                await self._give_up(error)
                return
            if self.verdicts:
                self.wake()

    def recorded(self, count: int) -> None:
        """The first so many verdicts are in the store."""
        del self.verdicts[:count]

    async def _give_up(self, error: TunesmithError) -> None:
        """Trials run to their ends until another manager asks: an error of a rule is no reason to lose a study."""
        log.error("study %s: its early-stopping rule failed: %s", self.uid, error)
        await patiently(
            partial(self._note, f"no trial is stopped early until the manager is started again: {error}"), self.sit_out
        )
        self.context.changed(self.uid)

    async def _note(self, message: str) -> None:
        now = self.context.clock()
        await self.context.database.write(
            lambda tx: tx.add_event(self.uid, None, "", "ruleFailed", message, now), self.fence
        )
