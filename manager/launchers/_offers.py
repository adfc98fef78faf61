"""Attempts that wait for a worker, and workers that wait for an attempt: first come, first served."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Offer:
    """An attempt that a worker may take. The study is named by namespace and name."""

    namespace: str
    study: str
    trial: str
    attempt: int

    @property
    def key(self) -> Key:
        """How the launcher knows the attempt."""
        return self.trial, self.attempt


Wanted = Callable[[Offer], bool]


class Offers:
    """Used from one event loop. An offer is with one worker at a time, or here."""

    def __init__(self) -> None:
        """Nothing is offered yet."""
        self._open: dict[Key, Offer] = {}
        self._asking: list[tuple[Wanted, asyncio.Future[Offer | None]]] = []

    def add(self, offer: Offer, *, first: bool = False) -> None:
        """Offer an attempt; `first`: before all others, because it was taken and is given back."""
        for wanted, future in self._asking:
            if not future.done() and wanted(offer):
                future.set_result(offer)
                return
        self._open = {offer.key: offer, **self._open} if first else {**self._open, offer.key: offer}

    def remove(self, key: Key) -> bool:
        """Withdraw an offer. False: a worker is taking it, or it is not offered."""
        return self._open.pop(key, None) is not None

    async def take(self, wanted: Wanted, seconds: float) -> Offer | None:
        """The first offer that is wanted, once there is one; None: there was none in time."""
        for offer in self._open.values():
            if wanted(offer):
                del self._open[offer.key]
                return offer
        return await self._wait(wanted, seconds) if seconds > 0 else None

    async def _wait(self, wanted: Wanted, seconds: float) -> Offer | None:
        future: asyncio.Future[Offer | None] = asyncio.get_running_loop().create_future()
        self._asking.append((wanted, future))
        try:
            await asyncio.wait({future}, timeout=seconds)
        except asyncio.CancelledError:
            if future.done() and (offer := future.result()) is not None:
                self.add(offer, first=True)
            raise
        finally:
            self._asking.remove((wanted, future))
        return future.result() if future.done() else None

    def close(self) -> None:
        """Nothing will be offered any more: whoever waits gets nothing."""
        for _, future in self._asking:
            if not future.done():
                future.set_result(None)
