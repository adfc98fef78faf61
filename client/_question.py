"""Our own services, started for one question: what they offer, and what they say of a document.

Most of the time goes by while a service starts, so gRPC is imported meanwhile, and not before.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tunesmith.services import errors
from tunesmith.services.own_service import OwnService, own_earlystop, own_suggestion
from tunesmith.services.supervise import Supervisor

if TYPE_CHECKING:
    from tunesmith.client._algorithm_values import Algorithm, Rule
    from tunesmith.study import StudySpec

DEADLINE = 30.0
_NEEDED = ("services.channel", "client._algorithm_values", "v1.suggestion_pb2_grpc", "v1.early_stopping_pb2_grpc")

T = TypeVar("T")
Start = Callable[[Supervisor, Path], OwnService]
Call = Callable[[Any], Awaitable[T]]
"""Asks something over a channel."""


def describe_algorithms() -> "list[Algorithm]":
    """The algorithms that our own service offers."""

    async def ask(channel: Any) -> "list[Algorithm]":
        from tunesmith.client._algorithm_values import Algorithm
        from tunesmith.v1.suggestion_pb2 import DescribeRequest
        from tunesmith.v1.suggestion_pb2_grpc import SuggestionServiceStub

        reply = await SuggestionServiceStub(channel).Describe(DescribeRequest(), timeout=DEADLINE)
        return [Algorithm.from_proto(told) for told in reply.algorithms]

    return asyncio.run(_ask_own(own_suggestion, ask))


def describe_rules() -> "list[Rule]":
    """The early-stopping rules that our own service offers."""

    async def ask(channel: Any) -> "list[Rule]":
        from tunesmith.client._algorithm_values import Rule
        from tunesmith.v1.early_stopping_pb2 import EarlyStoppingServiceDescribeRequest
        from tunesmith.v1.early_stopping_pb2_grpc import EarlyStoppingServiceStub

        request = EarlyStoppingServiceDescribeRequest()
        reply = await EarlyStoppingServiceStub(channel).Describe(request, timeout=DEADLINE)
        return [Rule.from_proto(told) for told in reply.rules]

    return asyncio.run(_ask_own(own_earlystop, ask))


def validate(spec: "StudySpec") -> list[str]:
    """The remarks of a document's algorithm and of its rule about it. Raises FixRequest with the mistakes of both."""

    async def ask() -> list[list[str] | BaseException]:
        questions = [_algorithm_says(spec), *([_rule_says(spec)] if spec.early_stopping else [])]
        return await asyncio.gather(*questions, return_exceptions=True)

    answers = asyncio.run(ask())
    if refusals := [answer for answer in answers if isinstance(answer, errors.FixRequest)]:
        mistakes = [mistake for refusal in refusals for mistake in refusal.mistakes]
        raise errors.FixRequest("; ".join(refusal.message for refusal in refusals), mistakes)
    warnings = list[str]()
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
        warnings += answer
    return warnings


async def _algorithm_says(spec: "StudySpec") -> list[str]:
    async def ask(channel: Any, spec: "StudySpec" = spec) -> list[str]:
        from tunesmith.study import wire
        from tunesmith.v1.suggestion_pb2 import ValidateRequest
        from tunesmith.v1.suggestion_pb2_grpc import SuggestionServiceStub

        request = ValidateRequest(spec=wire.spec_to_proto(spec))
        return list((await SuggestionServiceStub(channel).Validate(request, timeout=DEADLINE)).warnings)

    with _unknown_is_a_mistake("spec.algorithm.name"):
        if endpoint := spec.algorithm.endpoint:
            there = replace(spec, algorithm=replace(spec.algorithm, endpoint=""))
            try:
                return await _ask_at(endpoint, lambda channel: ask(channel, there))
            except errors.NotOffered:
                pass  # our own service asks it, by Katib's contract
        return await _ask_own(own_suggestion, ask)


async def _rule_says(spec: "StudySpec") -> list[str]:
    rule = spec.early_stopping
    assert rule is not None  # nobody asks about a document without one

    async def ask(channel: Any) -> list[str]:
        from tunesmith.study import wire
        from tunesmith.v1.early_stopping_pb2 import EarlyStoppingServiceValidateRequest
        from tunesmith.v1.early_stopping_pb2_grpc import EarlyStoppingServiceStub

        there = replace(spec, early_stopping=replace(rule, endpoint=""))
        request = EarlyStoppingServiceValidateRequest(spec=wire.spec_to_proto(there))
        return list((await EarlyStoppingServiceStub(channel).Validate(request, timeout=DEADLINE)).warnings)

    with _unknown_is_a_mistake("spec.earlyStopping.name"):
        return await (_ask_at(rule.endpoint, ask) if rule.endpoint else _ask_own(own_earlystop, ask))


@contextmanager
def _unknown_is_a_mistake(path: str) -> Iterator[None]:
    """Inside, a name that is not offered is a mistake of the document."""
    try:
        yield
    except errors.NotFound as error:
        from tunesmith.study._mistakes import Mistake

        raise errors.FixRequest(error.message, [Mistake(path, error.message)]) from None


async def _ask_own(start: Start, ask: Call[T]) -> T:
    """Ask a service of our own, which lives as long as that takes."""
    with tempfile.TemporaryDirectory(prefix="tunesmith-") as folder:
        supervisor = Supervisor(Path(folder))
        own = start(supervisor, Path(folder))
        try:
            await own.start()
            await asyncio.to_thread(_import_grpc)
            return await _ask_at(await own.address(), ask)
        finally:
            await supervisor.stop(grace=0)  # it holds nothing that would have to be put away


async def _ask_at(address: str, ask: Call[T]) -> T:
    """Ask whoever listens there. No token: a document may have named the address."""
    await asyncio.to_thread(_import_grpc)
    from tunesmith.services.channel import answer, open_channel, tls_for

    tls = tls_for(address)
    async with open_channel(address, tls=tls) as channel:
        return await answer(ask(channel), address, tls)


def _import_grpc() -> None:
    """Everything that a call needs, in the order in which the modules need one another."""
    from tunesmith.client._quiet import quiet_grpc

    quiet_grpc()
    for name in _NEEDED:
        import_module(f"tunesmith.{name}")
