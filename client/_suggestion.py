"""The suggestion service, started for one question: what it offers, and what it says of a document."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tunesmith.client._algorithm_values import Algorithm
from tunesmith.services import errors
from tunesmith.services.channel import answer, open_channel, tls_for
from tunesmith.services.own_suggestion import OwnSuggestion
from tunesmith.services.supervise import Supervisor
from tunesmith.study import StudySpec, wire
from tunesmith.v1 import suggestion_pb2
from tunesmith.v1.suggestion_pb2_grpc import SuggestionServiceStub

DEADLINE = 30.0


def describe() -> list[Algorithm]:
    """The algorithms that our own service offers."""

    async def ask() -> list[Algorithm]:
        async with _service() as address, open_channel(address) as channel:
            stub = SuggestionServiceStub(channel)
            reply = await answer(stub.Describe(suggestion_pb2.DescribeRequest(), timeout=DEADLINE), address)
            return [Algorithm.from_proto(described) for described in reply.algorithms]

    return asyncio.run(ask())


def validate(spec: StudySpec) -> list[str]:
    """The remarks of a document's algorithm about it. Raises FixRequest with its mistakes."""
    request = suggestion_pb2.ValidateRequest(spec=wire.spec_to_proto(spec))

    async def ask() -> list[str]:
        async with _service(spec.algorithm.endpoint) as address:
            tls = tls_for(address)
            async with open_channel(address, tls=tls) as channel:  # no token: a document named the address
                stub = SuggestionServiceStub(channel)
                return list((await answer(stub.Validate(request, timeout=DEADLINE), address, tls)).warnings)

    try:
        return asyncio.run(ask())
    except errors.NotFound as error:  # an algorithm that is not offered
        from tunesmith.study._mistakes import Mistake

        raise errors.FixRequest(error.message, [Mistake("spec.algorithm.name", error.message)]) from None


@asynccontextmanager
async def _service(address: str = "") -> AsyncIterator[str]:
    """The address, or for none that of our own service, which is there for as long as the block lasts."""
    if address:
        yield address
        return
    with tempfile.TemporaryDirectory(prefix="tunesmith-") as folder:
        supervisor = Supervisor(Path(folder))
        try:
            yield await OwnSuggestion(supervisor, Path(folder)).address()
        finally:
            await supervisor.stop()
