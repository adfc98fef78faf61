"""The suggestion service, started for one question: what it offers, and what it says of a document."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.client._algorithm_values import Algorithm
from tunesmith.client._connection import tls_for
from tunesmith.services import errors
from tunesmith.services.channel import open_channel, rpc_errors
from tunesmith.services.own_suggestion import OwnSuggestion
from tunesmith.services.supervise import Supervisor
from tunesmith.study import StudySpec, wire
from tunesmith.v1 import suggestion_pb2
from tunesmith.v1.suggestion_pb2_grpc import SuggestionServiceStub

if TYPE_CHECKING:
    from tunesmith.v1.suggestion_pb2_grpc import SuggestionServiceAsyncStub

DEADLINE = 30.0


def describe() -> list[Algorithm]:
    """The algorithms that our own service offers."""

    async def ask() -> list[Algorithm]:
        async with _service(None) as stub:
            reply = await stub.Describe(suggestion_pb2.DescribeRequest(), timeout=DEADLINE)
            return [Algorithm.from_proto(described) for described in reply.algorithms]

    return asyncio.run(ask())


def validate(spec: StudySpec) -> list[str]:
    """The remarks of a document's algorithm about it. Raises FixRequest with its mistakes."""

    async def ask() -> list[str]:
        async with _service(spec.algorithm.endpoint or None) as stub:
            request = suggestion_pb2.ValidateRequest(spec=wire.spec_to_proto(spec))
            return list((await stub.Validate(request, timeout=DEADLINE)).warnings)

    try:
        return asyncio.run(ask())
    except errors.NotFound as error:  # an algorithm that is not offered
        from tunesmith.study._mistakes import Mistake

        raise errors.FixRequest(error.message, [Mistake("spec.algorithm.name", error.message)]) from None


@asynccontextmanager
async def _service(address: str | None) -> "AsyncIterator[SuggestionServiceAsyncStub]":
    """A service at an address, or our own for as long as the block lasts. No token is sent: a document named it."""
    with tempfile.TemporaryDirectory(prefix="tunesmith-") as folder:
        supervisor = Supervisor(Path(folder))
        try:
            address = address or await OwnSuggestion(supervisor, Path(folder)).address()
            with rpc_errors():
                async with open_channel(address, tls=tls_for(address)) as channel:
                    yield SuggestionServiceStub(channel)
        finally:
            await supervisor.stop()
