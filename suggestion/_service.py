"""The gRPC face of the algorithms: Describe, Validate and Suggest of tunesmith.v1.SuggestionService.

**What is held.** A study's history is kept between calls at the revision that the last call brought it to. A call whose
`base_revision` (and digest) is another is refused with BASE_REVISION and the one that is held; the caller streams from
there, or from 0, which always works and replaces what is held. So does a caller whose reply was lost: the history it
sent is held already, its base is not the held one any more, and it asks again from the held one.

The digest is the caller's own; the service only compares. When the revision fits and the digest does not (a restored
database), nothing is held of the study. What is held never changes an answer, so any number of these services may run
side by side, and any of them may die.
"""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import grpc

from tunesmith.services.errors import FixRequest
from tunesmith.suggestion._algorithm import Answer
from tunesmith.suggestion._check import unconfirmed, unreachable, warnings
from tunesmith.suggestion._registry import Registry
from tunesmith.suggestion._studies import Held, Studies
from tunesmith.suggestion._turn import advance, ask, base_of, check_header, fits, read_job, refused
from tunesmith.suggestion._wire import algorithm_to_proto, answer_to_proto
from tunesmith.suggestion._work import Kind, Workers
from tunesmith.v1 import suggestion_pb2 as messages
from tunesmith.v1 import suggestion_pb2_grpc

SERVICE: str = messages.DESCRIPTOR.services_by_name["SuggestionService"].full_name

Context = grpc.aio.ServicerContext[Any, Any]


class SuggestionService(suggestion_pb2_grpc.SuggestionServiceServicer):
    """Answers for the algorithms of a registry. Their work is done in threads, so that other calls are answered."""

    def __init__(self, registry: Registry, studies: Studies, workers: Workers | None = None) -> None:
        """Offer the registry's algorithms, and hold what `studies` has room for."""
        self._registry, self._studies, self._workers = registry, studies, workers or Workers()
        self._turns: set[asyncio.Task[messages.SuggestResponse]] = set()

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
        header = await _header(requests)
        self._check_base(header)  # before the history is streamed in vain; it is checked again when its turn comes
        chunks = [chunk async for chunk in _chunks(requests)]
        turn = asyncio.create_task(self._turn(header, chunks))
        self._turns.add(turn)
        turn.add_done_callback(self._done)
        return await asyncio.shield(turn)  # the thread goes on when the caller does not, and must keep the lock

    async def _turn(
        self, header: messages.SuggestHeader, chunks: list[messages.HistoryChunk]
    ) -> messages.SuggestResponse:
        """Do a call's work when no other call works on the study."""
        uid = header.study_uid
        async with self._studies.lock(uid):
            held = self._check_base(header)
            try:
                work = partial(_take_turn, held, header, chunks, self._registry)
                kind = self._registry.kind_of(header.spec.algorithm.name, header.spec.algorithm.endpoint)
                advanced, response = await self._workers.run(kind, work)
            except BaseException:
                self._studies.drop(uid)  # it may be half done
                raise
            self._studies.put(advanced)
        return response

    def _check_base(self, header: messages.SuggestHeader) -> Held | None:
        """Return what is held of the study. Raises BaseRevision when the history that follows does not fit to it."""
        held = self._studies.get(header.study_uid)
        if not fits(held, header):
            raise base_of(held, header)
        return held

    def _done(self, turn: "asyncio.Task[messages.SuggestResponse]") -> None:
        """Let go of a turn whose caller may be gone."""
        self._turns.discard(turn)
        if not turn.cancelled():
            turn.exception()  # seen: asyncio would log it when the caller is gone


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


async def _header(requests: AsyncIterator[messages.SuggestRequest]) -> messages.SuggestHeader:
    """Read the first message of the stream."""
    async for request in requests:
        if request.WhichOneof("part") == "header":
            check_header(request.header)
            return request.header
        break
    raise FixRequest("the first message of the stream must be a header")


async def _chunks(requests: AsyncIterator[messages.SuggestRequest]) -> AsyncIterator[messages.HistoryChunk]:
    """Read the messages after the first one."""
    async for request in requests:
        if request.WhichOneof("part") != "history":
            raise FixRequest("every message of the stream but the first must be a chunk of history")
        yield request.history
