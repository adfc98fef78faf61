"""The time that a worker has for an attempt: a lease that each sign of life renews, and a grace that nothing renews."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from tunesmith.manager.launchers._offers import Key


@dataclass(slots=True, eq=False)
class Held:
    """An attempt whose exit is not stored yet. Its owner is told when its time is up."""

    key: Key
    time_is_up: Callable[["Held", str], None]
    """With what happened, for people."""
    taken: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    """Done when a worker has it, or when it has ended before."""
    seconds: float = 0.0
    """How long the worker may be silent; 0: no worker has it."""
    stopping: bool = False
    told: bool = False
    """The worker knows that it should stop."""
    wanted: bool = True
    """Somebody waits for its exit."""
    ended: bool = False
    _grace: float = math.inf
    _die_at: float = math.inf
    _paused: bool = False
    _timers: list[asyncio.TimerHandle] = field(default_factory=list)

    def lease(self, seconds: float) -> None:
        """A worker has it from now on."""
        self.seconds = seconds
        self.stop_within(self._grace)
        if not self.taken.done():
            self.taken.set_result(None)

    def stop_within(self, grace: float) -> None:
        """It is to end within so many seconds, or within those named before. They pass while a worker has it."""
        self._grace = min(self._grace, grace)
        if self.seconds:
            self._die_at = min(self._die_at, asyncio.get_running_loop().time() + self._grace)
            self.listen()

    def listen(self) -> None:
        """The worker was heard just now."""
        self._disarm()
        if self.ended or self._paused or not self.seconds:
            return
        loop = asyncio.get_running_loop()
        silence = f"its worker was silent for {self.seconds:g} s, as long as its lease lasted"
        self._timers.append(loop.call_later(self.seconds, self.time_is_up, self, silence))
        if self._die_at < math.inf:
            death = f"its worker did not complete it within {self._grace:g} s"
            self._timers.append(loop.call_at(self._die_at, self.time_is_up, self, death))

    def pause(self) -> None:
        """No time passes."""
        self._paused = True
        self._disarm()

    def resume(self) -> None:
        """Time passes again."""
        self._paused = False
        self.listen()

    def end(self) -> None:
        """Nothing is awaited any more."""
        self.ended = True
        self._disarm()
        if not self.taken.done():
            self.taken.set_result(None)

    def _disarm(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
