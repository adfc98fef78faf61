"""Opening the database when a manager starts: brought up to date where that was asked for, waited for while away."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from tunesmith.manager._patience import patiently
from tunesmith.manager.storage import Store, open_store
from tunesmith.manager.storage import upgrade as bring_up
from tunesmith.services.errors import TunesmithError

log = logging.getLogger(__name__)


def opened(url: str, *, upgrade: bool) -> Store:
    """The store at `url`; with `upgrade` on this version's tables, whatever was there. Raises as `open_store`."""
    if upgrade:
        bring_up(url)
    return open_store(url)


async def open_patiently(open_it: Callable[[], Awaitable[Store]], stop: asyncio.Event) -> Store:
    """Open it as soon as it can be reached. Raises what `open_it` says when told to `stop` meanwhile."""

    async def sit_out(error: TunesmithError, delay: float) -> None:
        log.warning("waiting: %s", error)
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await stop.wait()
        if stop.is_set():
            raise error

    return await patiently(open_it, sit_out)
