"""The gRPC face of the algorithms: Describe, Validate and Suggest of tunesmith.v1.SuggestionService.

A study's history is kept between calls at the revision that the last call brought it to; `services.revisions` says how
a caller goes on from there. What is held never changes an answer.
"""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import grpc

from tunesmith.services.revisions import check_base, check_header, read_chunks, read_header
from tunesmith.services.studies import Studies
from tunesmith.services.turns import Turns
from tunesmith.services.workers import Kind, Workers
from tunesmith.suggestion._algorithm import Answer
from tunesmith.suggestion._check import unconfirmed, unreachable, warnings
from tunesmith.suggestion._registry import Registry
from tunesmith.suggestion._studies import Held
from tunesmith.suggestion._turn import advance, ask, read_job, refused
from tunesmith.suggestion._wire import algorithm_to_proto, answer_to_proto
from tunesmith.v1 import suggestion_pb2 as messages
from tunesmith.v1 import suggestion_pb2_grpc

SERVICE: str = messages.DESCRIPTOR.services_by_name["SuggestionService"].full_name

Context = grpc.aio.ServicerContext[Any, Any]


class SuggestionService(suggestion_pb2_grpc.SuggestionServiceServicer):
    """Answers for the algorithms of a registry. Their work is done in threads, so that other calls are answered."""

    def __init__(self, registry: Registry, studies: Studies[Held], workers: Workers | None = None) -> None:
        """Offer the registry's algorithms, and hold what `studies` has room for."""
        self._registry, self._workers = registry, workers or Workers()
        self._turns = Turns(studies, self._workers)

    def register(self, server: grpc.aio.Server) -> list[str]:
        """Add the service to a server."""
        suggestion_pb2_grpc.add_SuggestionServiceServicer_to_server(self, server)
        return [SERVICE]

    async def Describe(self, request: messages.DescribeRequest, context: Context) -> messages.DescribeResponse:
        """Say what is offered."""
        return messages.DescribeResponse(algorithms=[algorithm_to_proto(one) for one in self._registry])

    async def Validate(self, request: messages.ValidateRequest, context: Context) -> messages.ValidateResponse:
        """Check a study that is to be."""
        kind = Kind.WAITING if request.spec.algorithm.endpoint else Kind.QUICK
        return await self._workers.run(kind, partial(_validate, request, self._registry))

    async def Suggest(
        self, requests: AsyncIterator[messages.SuggestRequest], context: Context
    ) -> messages.SuggestResponse:
        """Take a header and the history after its base, and answer the names in it."""
        header = (await read_header(requests)).header
        check_header(header, [name.number for name in header.names], "names")
        fits = partial(check_base, header=header)
        fits(self._turns.held(header.study_uid))  # before the history is streamed in vain
        chunks = [request.history async for request in read_chunks(requests, "history")]
        kind = self._registry.kind_of(header.spec.algorithm.name, header.spec.algorithm.endpoint)
        work = partial(_take_turn, header=header, chunks=chunks, registry=self._registry)
        return await self._turns.take(header.study_uid, kind, work, fits)


def _take_turn(
    held: Held | None, header: messages.SuggestHeader, chunks: list[messages.HistoryChunk], registry: Registry
) -> tuple[Held, messages.SuggestResponse]:
    """Advance a study and ask its algorithm."""
    held = advance(held, header, (trial for chunk in chunks for trial in chunk.trials), registry)
    answer = ask(held, header.names) if header.names else Answer(())
    return held, answer_to_proto(answer)


def _validate(request: messages.ValidateRequest, registry: Registry) -> messages.ValidateResponse:
    """Check a spec; a seed is drawn later when it has none."""
    if not request.spec.HasField("seed"):
        request.spec.seed = 0
    job = read_job(request.spec, registry)
    if mistakes := unreachable(job.spec, job.seed) or unconfirmed(job.algorithm, job.spec, job.settings):
        raise refused(mistakes)
    return messages.ValidateResponse(warnings=warnings(job.algorithm, job.spec, job.settings))
