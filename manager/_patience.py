"""Waiting out faults of the platform: a service or a database that is away, a disk that is full."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tunesmith.services.errors import FreeSpace, TryAgain, TunesmithError

T = TypeVar("T")

FIRST_DELAY, LAST_DELAY = 0.2, 5.0
"""Seconds before a fault of the platform is tried again: the first wait, doubled up to the last."""


async def patiently(work: Callable[[], Awaitable[T]], sit_out: Callable[[TunesmithError, float], Awaitable[None]]) -> T:
    """Do it as often as it takes until the platform is well; `sit_out` waits for so many seconds after an error."""
    delay = FIRST_DELAY
    while True:
        try:
            return await work()
        except (FreeSpace, TryAgain) as error:
            await sit_out(error, delay)
            delay = min(delay * 2, LAST_DELAY)
