"""Trials that workers of the user's own run: offered here, taken over gRPC, and held by a lease.

Who took an attempt, and how it ended, is in the database before it is here; this keeps the time. An attempt whose
worker is silent for as long as its lease lasts is `lost`. A manager that comes back gives every lease its full time.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from tunesmith.manager.launchers._book import Exits
from tunesmith.manager.launchers._held import Held
from tunesmith.manager.launchers._launcher import Exit, Launch, Launcher
from tunesmith.manager.launchers._offers import Key, Offer, Offers
from tunesmith.manager.launchers._registry import LauncherContext, register
from tunesmith.study import FailureClass

_NEVER_TAKEN = "it was stopped before a worker took it"


@register("workers")
class WorkersLauncher(Launcher):
    """Offers attempts to workers. Starts nothing."""

    def __init__(self, context: LauncherContext, *, clock: Callable[[], float] = time.time) -> None:
        """`context.lease_of` tells who took an attempt that an earlier manager offered."""
        self._lease_of = context.lease_of
        self._clock = clock
        self._exits = Exits()
        self._held: dict[Key, Held] = {}
        self._early: dict[Key, Exit] = {}  # ended before the attempt was adopted
        self.offers = Offers()

    async def start(self) -> None:
        """There is nothing to get ready."""

    async def launch(self, launch: Launch) -> None:
        """Offer an attempt, and wait until a worker has it."""
        key = (launch.trial, launch.attempt)
        if key in self._held:
            return
        held = self._hold(key)
        self.offers.add(Offer(launch.namespace, launch.study, *key))
        try:
            await asyncio.shield(held.taken)
        except asyncio.CancelledError:
            held.wanted = False
            if self.offers.remove(key):
                del self._held[key]
            raise

    async def adopt(self, trial: str, attempt: int, folder: Path) -> bool:
        """Give the worker that has the attempt its time anew. False: none has it."""
        key = (trial, attempt)
        if (known := self._held.get(key)) is not None:
            known.wanted = True
            return True
        lease = await self._lease_of(trial, attempt)
        if lease is None:
            return False
        held = self._hold(key)
        held.lease(lease.seconds)
        if (exit := lease.exit or self._early.pop(key, None)) is not None:
            self._end(held, exit)
        return True

    async def stop(self, trial: str, attempt: int, grace: float, notice: float = 0.0) -> None:
        """Have the worker told; without a word from it the attempt ends after `notice` and `grace` seconds."""
        held = self._held.get((trial, attempt))
        if held is None or held.ended:
            return
        held.stopping = True
        held.stop_within(notice + grace)
        if self.offers.remove(held.key):
            self._time_is_up(held, _NEVER_TAKEN)

    def exits(self) -> AsyncIterator[Exit]:
        """Every exit, as it happens."""
        return self._exits

    def forget(self, trial: str, attempt: int) -> None:
        """See Launcher."""
        held = self._held.get((trial, attempt))
        self._early.pop((trial, attempt), None)
        if held is not None and held.ended:
            del self._held[trial, attempt]

    async def close(self) -> None:
        """Workers keep what they have."""
        for held in self._held.values():
            held.pause()
        self.offers.close()
        self._exits.put(None)

    # ---- what workers do, once it is in the database

    def give(self, offer: Offer, seconds: float) -> None:
        """A worker has taken the offer, and may be silent for so long."""
        self._hold(offer.key).lease(seconds)

    def give_back(self, offer: Offer) -> None:
        """The worker did not get it: the next one may."""
        held = self._held.get(offer.key)
        if held is None or held.ended:
            return
        if not held.wanted:
            del self._held[offer.key]
        elif held.stopping:
            self._time_is_up(held, _NEVER_TAKEN)
        else:
            self.offers.add(offer, first=True)

    def over(self, key: Key) -> bool:
        """Whether the attempt has ended here, which the database may not know yet."""
        held = self._held.get(key)
        return held is not None and held.ended

    def hear(self, key: Key, *, told: bool) -> None:
        """The worker was heard, and so has its full time again; `told`: it was answered that it should stop."""
        held = self._held.get(key)
        if held is not None:
            held.told = held.told or told
            held.listen()

    def was_told(self, key: Key) -> bool:
        """Whether the worker knows that it should stop, so that it is no wonder when it does."""
        held = self._held.get(key)
        return held is not None and held.told

    def pause(self, key: Key) -> None:
        """No time passes for the attempt, because its completion is being stored."""
        if (held := self._held.get(key)) is not None:
            held.pause()

    def resume(self, key: Key) -> None:
        """The completion was not stored: time passes again."""
        if (held := self._held.get(key)) is not None:
            held.resume()

    def complete(self, exit: Exit) -> None:
        """The completion is stored."""
        held = self._held.get((exit.trial, exit.attempt))
        if held is None:
            self._early[exit.trial, exit.attempt] = exit
        else:
            self._end(held, exit)

    # ---- ends

    def _hold(self, key: Key) -> Held:
        if key not in self._held:
            self._held[key] = Held(key, self._time_is_up)
        return self._held[key]

    def _time_is_up(self, held: Held, message: str) -> None:
        failure = None if held.stopping else FailureClass.LOST
        self._end(held, Exit(*held.key, failure=failure, message=message, time=self._clock()))

    def _end(self, held: Held, exit: Exit) -> None:
        if not held.ended:
            held.end()
            self._exits.put(exit)
