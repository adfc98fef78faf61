"""What succeeded trials reported, as Katib's DB manager keeps it."""

import asyncio
import math
from collections.abc import Iterable, Sequence
from typing import Final

from tunesmith.katib.v1beta1 import api_pb2 as katib
from tunesmith.katib.v1beta1 import api_pb2_grpc
from tunesmith.services.channel import answer, open_channel
from tunesmith.services.errors import FixRequest, NotOffered

DEADLINE: Final = 50.0
"""Seconds for a log; Katib gives the whole call 60."""
_AT_ONCE: Final = 16
_MOST: Final = 100_000

Key = tuple[str, str, str, int]
"""Address, trial, metric, and reports."""


class ObservationLogs:
    """Averages of the first reports of trials that succeeded, whose logs do not change any more. Of one event loop."""

    def __init__(self, allowed: Sequence[str] = (), *, all_allowed: bool = False) -> None:
        """Ask the DB managers at these addresses, or at any."""
        self._allowed, self._all = frozenset(allowed), all_allowed
        self._known: dict[Key, float] = {}
        """Those used last come last."""

    async def averages(self, address: str, trials: Iterable[str], metric: str, reports: int) -> list[float]:
        """Average of the finite ones among the first so many reports of each trial that has some.

        Raises FixRequest for an address that is none, NotOffered for one that must not be asked, and TryAgain when
        nobody answers there.
        """
        keys = [(address, trial, metric, reports) for trial in sorted(set(trials))]
        found = {key: self._known.pop(key) for key in keys if key in self._known}
        self._known |= found  # used last
        if missing := [key for key in keys if key not in found]:
            self._check(address)
            learned = await self._learn(address, missing)
            found |= learned
            self._known |= learned
        while len(self._known) > _MOST:
            del self._known[next(iter(self._known))]
        return [found[key] for key in keys if math.isfinite(found[key])]

    def _check(self, address: str) -> None:
        if len(address.split(":")) != 2:
            raise FixRequest(f"Invalid Katib DB manager service address: {address[:100]}")
        if not self._all and address not in self._allowed:
            raise NotOffered(
                f"this early-stopping service does not ask the DB manager at {address[:100]} (see --db-manager and "
                "--follow-db-managers)"
            )

    async def _learn(self, address: str, keys: Sequence[Key]) -> dict[Key, float]:
        gate = asyncio.Semaphore(_AT_ONCE)
        async with open_channel(address, deadline=DEADLINE) as channel:
            stub = api_pb2_grpc.DBManagerStub(channel)

            async def learn(key: Key) -> float:
                async with gate:
                    _, trial, metric, reports = key
                    request = katib.GetObservationLogRequest(trial_name=trial, metric_name=metric)
                    reply = await answer(stub.GetObservationLog(request), address)
                    return _average(reply.observation_log.metric_logs[:reports])

            return dict(zip(keys, await asyncio.gather(*map(learn, keys)), strict=True))


def _average(logs: Sequence[katib.MetricLog]) -> float:
    """Average of those that are finite; NaN when none is."""
    values = [value for value in map(_number, (log.metric.value for log in logs)) if math.isfinite(value)]
    return sum(value / len(values) for value in values) if values else math.nan


def _number(text: str) -> float:
    """The number that a text is; NaN for any other, such as `unavailable`."""
    try:
        return float(text)
    except ValueError:
        return math.nan
