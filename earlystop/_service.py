"""The gRPC face of the rules: Describe, Validate and Decide of tunesmith.v1.EarlyStoppingService.

A study's observations are kept between calls at the revision that the last call brought it to; `services.revisions`
says how a caller goes on from there. What is held never changes a decision.
"""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import grpc

from tunesmith.earlystop._check import warnings
from tunesmith.earlystop._registry import Registry
from tunesmith.earlystop._studies import Held
from tunesmith.earlystop._turn import advance, ask, check_fits, its_mistakes, read_job
from tunesmith.earlystop._wire import decisions_to_proto, rule_to_proto
from tunesmith.services.revisions import check_header, read_chunks, read_header
from tunesmith.services.studies import Studies
from tunesmith.services.turns import Turns
from tunesmith.services.workers import Kind, Workers
from tunesmith.v1 import early_stopping_pb2 as messages
from tunesmith.v1 import early_stopping_pb2_grpc

SERVICE: str = messages.DESCRIPTOR.services_by_name["EarlyStoppingService"].full_name

Context = grpc.aio.ServicerContext[Any, Any]


class EarlyStoppingService(early_stopping_pb2_grpc.EarlyStoppingServiceServicer):
    """Answers for the rules of a registry. Their work is done in threads, so that other calls are answered."""

    def __init__(self, registry: Registry, studies: Studies[Held], workers: Workers | None = None) -> None:
        """Offer the registry's rules, and hold what `studies` has room for."""
        self._registry, self._workers = registry, workers or Workers()
        self._turns = Turns(studies, self._workers)

    def register(self, server: grpc.aio.Server) -> list[str]:
        """Add the service to a server."""
        early_stopping_pb2_grpc.add_EarlyStoppingServiceServicer_to_server(self, server)
        return [SERVICE]

    async def Describe(
        self, request: messages.EarlyStoppingServiceDescribeRequest, context: Context
    ) -> messages.EarlyStoppingServiceDescribeResponse:
        """Say what is offered."""
        return messages.EarlyStoppingServiceDescribeResponse(rules=[rule_to_proto(one) for one in self._registry])

    async def Validate(
        self, request: messages.EarlyStoppingServiceValidateRequest, context: Context
    ) -> messages.EarlyStoppingServiceValidateResponse:
        """Check a study that is to be."""
        return await self._workers.run(Kind.QUICK, partial(_validate, request, self._registry))

    async def Decide(
        self, requests: AsyncIterator[messages.DecideRequest], context: Context
    ) -> messages.DecideResponse:
        """Take a header and the observations after its base, and decide about the trials in it."""
        header = (await read_header(requests)).header
        check_header(header, header.trials, "trials")
        fits = partial(check_fits, header=header)
        fits(self._turns.held(header.study_uid))  # before the observations are streamed in vain
        chunks = [request.observations async for request in read_chunks(requests, "observations")]
        work = partial(_take_turn, header=header, chunks=chunks, registry=self._registry)
        return await self._turns.take(header.study_uid, Kind.QUICK, work, fits)


def _take_turn(
    held: Held | None, header: messages.DecideHeader, chunks: list[messages.ObservationChunk], registry: Registry
) -> tuple[Held, messages.DecideResponse]:
    """Advance a study and ask its rule."""
    held = advance(held, header, chunks, registry)
    decisions = ask(held, header.trials)
    with its_mistakes(held.job.rule):
        return held, decisions_to_proto(decisions)


def _validate(
    request: messages.EarlyStoppingServiceValidateRequest, registry: Registry
) -> messages.EarlyStoppingServiceValidateResponse:
    """Check a spec; a seed is drawn later when it has none."""
    if not request.spec.HasField("seed"):
        request.spec.seed = 0
    job = read_job(request.spec, registry)
    with its_mistakes(job.rule):
        return messages.EarlyStoppingServiceValidateResponse(warnings=warnings(job.rule, job.spec, job.settings))
