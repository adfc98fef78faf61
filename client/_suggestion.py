"""The suggestion service, started for one question: what it offers, and what it says of a document.

Most of the time goes by while the service starts, so gRPC is imported meanwhile, and not before.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.services import errors
from tunesmith.services.own_service import own_suggestion
from tunesmith.services.supervise import Supervisor

if TYPE_CHECKING:
    from tunesmith.client._algorithm_values import Algorithm
    from tunesmith.study import StudySpec

DEADLINE = 30.0


def describe() -> "list[Algorithm]":
    """The algorithms that our own service offers."""

    async def ask() -> "list[Algorithm]":
        async with _service() as address_of:
            from tunesmith.client._algorithm_values import Algorithm
            from tunesmith.services.channel import answer, open_channel
            from tunesmith.v1.suggestion_pb2 import DescribeRequest
            from tunesmith.v1.suggestion_pb2_grpc import SuggestionServiceStub

            address = await address_of()
            async with open_channel(address) as channel:
                stub = SuggestionServiceStub(channel)
                reply = await answer(stub.Describe(DescribeRequest(), timeout=DEADLINE), address)
            return [Algorithm.from_proto(described) for described in reply.algorithms]

    return asyncio.run(ask())


def validate(spec: "StudySpec") -> list[str]:
    """The remarks of a document's algorithm about it. Raises FixRequest with its mistakes."""

    async def ask() -> list[str]:
        if endpoint := spec.algorithm.endpoint:
            await asyncio.to_thread(_import_grpc)
            try:
                return await _validated(endpoint, replace(spec, algorithm=replace(spec.algorithm, endpoint="")))
            except errors.NotOffered:
                pass  # our own service asks it, by Katib's contract
        async with _service() as address_of:
            return await _validated(await address_of(), spec)

    try:
        return asyncio.run(ask())
    except errors.NotFound as error:  # an algorithm that is not offered
        from tunesmith.study._mistakes import Mistake

        raise errors.FixRequest(error.message, [Mistake("spec.algorithm.name", error.message)]) from None


async def _validated(address: str, spec: "StudySpec") -> list[str]:
    from tunesmith.services.channel import answer, open_channel, tls_for
    from tunesmith.study import wire
    from tunesmith.v1.suggestion_pb2 import ValidateRequest
    from tunesmith.v1.suggestion_pb2_grpc import SuggestionServiceStub

    request, tls = ValidateRequest(spec=wire.spec_to_proto(spec)), tls_for(address)
    async with open_channel(address, tls=tls) as channel:  # no token: a document named the address
        stub = SuggestionServiceStub(channel)
        return list((await answer(stub.Validate(request, timeout=DEADLINE), address, tls)).warnings)


@asynccontextmanager
async def _service() -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """Gives what waits for the address of our own service, which lives as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="tunesmith-") as folder:
        supervisor = Supervisor(Path(folder))
        own = own_suggestion(supervisor, Path(folder))
        try:
            await own.start()
            await asyncio.to_thread(_import_grpc)
            yield own.address
        finally:
            await supervisor.stop(grace=0)  # it holds nothing that would have to be put away


def _import_grpc() -> None:
    """Everything that a call needs, in the order in which the modules need one another."""
    from tunesmith.client._quiet import quiet_grpc

    quiet_grpc()
    for name in ("services.channel", "client._algorithm_values", "v1.suggestion_pb2_grpc"):
        import_module(f"tunesmith.{name}")
