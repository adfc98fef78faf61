"""An early-stopping service of a test: it holds what it is told as any service does, and decides what the test says."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tunesmith.services.errors import BaseRevision, NotFound
from tunesmith.services.server import serving
from tunesmith.study import wire
from tunesmith.v1 import early_stopping_pb2 as pb
from tunesmith.v1 import early_stopping_pb2_grpc as rpc
from tunesmith.v1 import suggestion_pb2 as suggestion
from tunesmith.v1 import types_pb2 as types

Curves = dict[int, list[tuple[int, float]]]
"""By number of a trial: steps and values in the order in which they were told."""


@dataclass
class Stopper(rpc.EarlyStoppingServiceServicer):
    """Stops what `decide(curves, trial)` says, with its reason; empty: it goes on; None: nothing was to be decided.

    `unasked` are trials that it stops without being asked about them. An exception of `decide` is the call's.
    """

    decide: Callable[[Curves, int], str | None] = lambda _curves, _trial: None
    complete: bool = False
    """Those that it stops are done, and not hopeless."""
    unasked: tuple[int, ...] = ()
    before_reply: Callable[[], Awaitable[None]] | None = None
    """Awaited before each reply of Decide."""
    curves: Curves = field(default_factory=dict)
    records: dict[int, suggestion.TrialRecord] = field(default_factory=dict)
    restarted: list[int] = field(default_factory=list)
    """Trials of which another attempt was told, each time that it was."""
    calls: list[pb.DecideHeader] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    """How many observations came with each call."""
    validated: list[types.StudySpec] = field(default_factory=list)
    _held: tuple[int, int] = (0, 0)

    @property
    def finished(self) -> list[int]:
        """The trials that ended, by their records."""
        return [number for number, one in self.records.items() if wire.TRIAL_STATE_FROM_PROTO[one.state].final]

    async def Describe(self, request: Any, context: Any) -> pb.EarlyStoppingServiceDescribeResponse:
        return pb.EarlyStoppingServiceDescribeResponse(rules=[types.RuleDescription(name="scripted")])

    async def Validate(self, request: Any, context: Any) -> pb.EarlyStoppingServiceValidateResponse:
        self.validated.append(request.spec)
        if request.spec.early_stopping.name != "scripted":
            raise NotFound("there is only `scripted`")
        return pb.EarlyStoppingServiceValidateResponse(warnings=["it is scripted"])

    async def Decide(self, requests: AsyncIterator[pb.DecideRequest], context: Any) -> pb.DecideResponse:
        header = (await anext(requests)).header
        self.calls.append(header)
        if header.base_revision == 0:
            self.curves, self.records = {}, {}
        elif (header.base_revision, header.base_digest) != self._held:
            raise BaseRevision(*self._held)
        self.rows.append(sum([self._take(request.observations) async for request in requests]))
        self._held = (header.revision, header.digest)
        verdicts = {trial: self.decide(self.curves, trial) for trial in header.trials if trial in self.curves}
        decisions = [
            pb.Decision(
                trial=trial,
                stop=bool(reason),
                reason=reason,
                step=self.curves[trial][-1][0],
                complete=self.complete,
            )
            for trial, reason in verdicts.items()
            if reason is not None
        ]
        if self.before_reply is not None:
            await self.before_reply()
        return pb.DecideResponse(decisions=[*decisions, *(pb.Decision(trial=one, stop=True) for one in self.unasked)])

    def forget(self) -> None:
        """As a service that was killed and started again."""
        self._held = (0, 0)

    def _take(self, chunk: pb.ObservationChunk) -> int:
        self.restarted += chunk.restarted
        for trial in chunk.restarted:
            self.curves.pop(trial, None)
        for trial, step, value in zip(chunk.trials, chunk.steps, chunk.values, strict=True):
            self.curves.setdefault(trial, []).append((step, value))
        self.records.update((record.number, record) for record in chunk.records)
        return len(chunk.values)


@asynccontextmanager
async def stopping(stopper: Stopper) -> AsyncIterator[str]:
    """Its address, as long as the block lasts."""

    def register(server: Any) -> list[str]:
        rpc.add_EarlyStoppingServiceServicer_to_server(stopper, server)
        return []

    async with serving(register, listen=["127.0.0.1:0"], token_check=None, harmless=True) as addresses:
        yield addresses[0]
