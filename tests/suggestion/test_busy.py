"""The service in this process, around an algorithm that is slow, limited and broken."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.suggestion.caller import Caller
from tests.suggestion.conformance import ONE_POINT, make_spec

from tunesmith.services.channel import open_channel, rpc_errors
from tunesmith.services.errors import FixRequest, TunesmithError
from tunesmith.services.server import serving
from tunesmith.study import Condition, IntDomain, Mistake, Parameter, SearchSpace, StudySpec, wire
from tunesmith.suggestion import AlgorithmDescription, Answer, Capabilities, Registry, Settings, StudyView
from tunesmith.suggestion._service import SERVICE, SuggestionService
from tunesmith.suggestion._studies import Studies
from tunesmith.v1 import suggestion_pb2 as messages
from tunesmith.v1 import suggestion_pb2_grpc


class Busy:
    """Computes for a second, then fails."""

    description = AlgorithmDescription(
        "busy", "", "", "", capabilities=Capabilities(conditional=False, constraints=False, max_useful_trials=10)
    )

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        return []

    def suggest(self, study: StudyView, names: Sequence[tuple[str, int]]) -> Answer:
        end = time.monotonic() + 1
        while time.monotonic() < end:
            sum(range(1000))
        raise RuntimeError("a secret")


@asynccontextmanager
async def serve_busy(studies: Studies) -> AsyncIterator[grpc.aio.Channel]:
    service = SuggestionService(Registry([Busy()]), studies)
    with tempfile.TemporaryDirectory(prefix="ts-") as folder:
        async with (
            serving(service.register, listen=[f"unix:{folder}/d/s"], token_check=None) as (address,),
            open_channel(address) as channel,
        ):
            yield channel


async def ask(channel: grpc.aio.Channel) -> None:
    caller = Caller(make_spec("busy", ONE_POINT))
    with rpc_errors():
        await suggestion_pb2_grpc.SuggestionServiceStub(channel).Suggest(caller.stream(1))


async def test_health_answers_while_an_algorithm_computes() -> None:
    async with serve_busy(Studies()) as channel:
        call, answers = asyncio.create_task(ask(channel)), 0
        while not call.done():
            request = health_pb2.HealthCheckRequest(service=SERVICE)
            reply = await health_pb2_grpc.HealthStub(channel).Check(request)
            assert reply.status == health_pb2.HealthCheckResponse.SERVING
            answers += 1
        with pytest.raises(TunesmithError) as failed:
            await call
    assert answers > 10
    assert failed.value.code == "INTERNAL"
    assert "secret" not in failed.value.message


async def test_a_study_whose_algorithm_failed_is_not_held() -> None:
    studies = Studies()
    async with serve_busy(studies) as channel:
        for _ in range(2):
            with pytest.raises(TunesmithError):
                await ask(channel)
    assert len(studies) == 0


async def test_missing_capabilities_are_told() -> None:
    parameter = Parameter("more", IntDomain(1, 2), when=(Condition("only", (3,)),))
    space = SearchSpace((*ONE_POINT.parameters, parameter), ("params.only > 1.0",))
    request = messages.ValidateRequest(spec=wire.spec_to_proto(make_spec("busy", space)))
    async with serve_busy(Studies()) as channel:
        with pytest.raises(FixRequest) as refused, rpc_errors():
            await suggestion_pb2_grpc.SuggestionServiceStub(channel).Validate(request)
    assert [mistake.path for mistake in refused.value.mistakes] == ["spec.parameters[1].when", "spec.constraints"]


async def test_trials_that_bring_nothing_are_remarked_on() -> None:
    space = SearchSpace((Parameter("n", IntDomain(0, 99)),))
    request = messages.ValidateRequest(spec=wire.spec_to_proto(make_spec("busy", space, trials=50)))
    async with serve_busy(Studies()) as channel:
        response = await suggestion_pb2_grpc.SuggestionServiceStub(channel).Validate(request)
    assert response.warnings == ["`busy` gains nothing from more than 10 trials, and `limits.trials` is 50"]
