"""Ctrl-C while a study is under way: at first it only leaves; once trials may run, it is a wish to stop them."""

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self


class Interrupts:
    """Inside, Ctrl-C raises KeyboardInterrupt until `hold` is called.

    From then on the first one is only noted, so that it never strikes in the middle of a step, and a second one raises.
    """

    def __init__(self) -> None:
        self.pressed = False
        """Whether there was one that was only noted."""
        self._held = False
        self._tell: Callable[[], None] | None = None
        self._untold = [True]  # emptied by whoever tells: a signal may come between any two steps of `listen`
        self._before: Any = None

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def hold(self) -> None:
        """Something was or will be started that has to be stopped."""
        self._held = True

    def listen(self, tell: Callable[[], None]) -> None:
        """Call `tell` once when one is noted, also one that was before. It is called inside a signal handler."""
        self._tell = tell
        if self.pressed:
            self._tell_once()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.pressed or not self._held:
            raise KeyboardInterrupt
        self.pressed = True
        self._tell_once()

    def _tell_once(self) -> None:
        if self._tell is None:
            return
        try:
            self._untold.pop()
        except IndexError:
            return
        self._tell()
