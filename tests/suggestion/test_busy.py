"""The service in this process, around an algorithm that is slow, limited and broken."""

import asyncio
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.suggestion.caller import Caller
from tests.suggestion.studies import ONE_POINT, make_spec

from tunesmith.services.channel import open_channel, rpc_errors
from tunesmith.services.errors import FixRequest, TunesmithError
from tunesmith.services.server import serving
from tunesmith.services.studies import Studies
from tunesmith.services.workers import THREAD_VARIABLES, Workers, limit_library_threads
from tunesmith.study import Condition, IntDomain, Mistake, Parameter, SearchSpace, StudySpec, wire
from tunesmith.suggestion import AlgorithmDescription, Answer, Capabilities, Registry, Settings, Status, StudyView
from tunesmith.suggestion._service import SERVICE, SuggestionService
from tunesmith.suggestion._studies import Held
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
        raise RuntimeError("no way")


class Thinking:
    """Waits until it is let go, one call at a time; notes which study was answered. Heavy, or quick."""

    def __init__(self, *, heavy: bool) -> None:
        self.description = AlgorithmDescription("heavy" if heavy else "quick", "", "", "", heavy=heavy)
        self.begun, self.answered, self.go = list[str](), list[str](), threading.Semaphore(0)

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        return []

    def suggest(self, study: StudyView, names: Sequence[tuple[str, int]]) -> Answer:
        self.begun.append(study.uid)
        if self.description.heavy:
            assert self.go.acquire(timeout=30)
        self.answered.append(study.uid)
        return Answer((), Status.WAIT, "nothing yet")


@asynccontextmanager
async def serve(service: SuggestionService) -> AsyncIterator[grpc.aio.Channel]:
    with tempfile.TemporaryDirectory(prefix="ts-") as folder:
        async with (
            serving(service.register, listen=[f"unix:{folder}/d/s"], token_check=None) as (address,),
            open_channel(address) as channel,
        ):
            yield channel


def serve_busy(studies: Studies[Held]) -> AbstractAsyncContextManager[grpc.aio.Channel]:
    return serve(SuggestionService(Registry([Busy()]), studies))


async def think(channel: grpc.aio.Channel, name: str, uid: str, endpoint: str = "") -> None:
    spec = make_spec(name, ONE_POINT)
    caller = Caller(replace(spec, algorithm=replace(spec.algorithm, endpoint=endpoint)), uid=uid)
    await suggestion_pb2_grpc.SuggestionServiceStub(channel).Suggest(caller.stream(1), timeout=30)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


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
    assert failed.value.message == "RuntimeError: no way"


async def test_a_study_whose_algorithm_failed_is_not_held() -> None:
    studies = Studies[Held]()
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


async def test_quick_answers_do_not_wait_for_slow_ones() -> None:
    heavy, quick = Thinking(heavy=True), Thinking(heavy=False)
    async with serve(SuggestionService(Registry([heavy, quick]), Studies(), Workers(heavy=2))) as channel:
        waiting = [asyncio.create_task(think(channel, "heavy", f"slow-{n}")) for n in range(20)]
        await until(lambda: len(heavy.begun) == 2)
        await asyncio.gather(*(think(channel, "quick", f"quick-{n}") for n in range(40)))
        assert len(quick.answered) == 40
        assert not heavy.answered
        heavy.go.release(20)
        await asyncio.gather(*waiting)


async def test_services_that_hang_hold_up_nobody() -> None:
    hangs, quick = Thinking(heavy=True), Thinking(heavy=False)
    registry = Registry([quick]).following(hangs)
    async with serve(SuggestionService(registry, Studies(), Workers(heavy=2))) as channel:
        waiting = [asyncio.create_task(think(channel, "x", f"far-{n}", "127.0.0.1:1")) for n in range(40)]
        await until(lambda: len(hangs.begun) == 40)
        await asyncio.gather(*(think(channel, "quick", f"quick-{n}") for n in range(40)))
        assert len(quick.answered) == 40
        hangs.go.release(40)
        await asyncio.gather(*waiting)


async def test_many_studies_take_turns() -> None:
    heavy = Thinking(heavy=True)
    studies = [f"study-{n}" for n in range(32)]
    async with serve(SuggestionService(Registry([heavy]), Studies(), Workers(heavy=2))) as channel:

        async def twice(uid: str) -> None:
            await think(channel, "heavy", uid)
            await think(channel, "heavy", uid)

        calls = [asyncio.create_task(twice(uid)) for uid in studies]
        for turn in range(2 * len(studies)):
            heavy.go.release()
            await until(lambda turn=turn: len(heavy.answered) > turn)  # type: ignore[misc]
        await asyncio.gather(*calls)
    # Each has had its first turn before any has its second but those that came back while the last were at it.
    assert len(set(heavy.answered[:32])) >= 30
    assert sorted(heavy.answered) == sorted(2 * studies)


def test_libraries_compute_with_one_thread_unless_told_otherwise() -> None:
    environ = {"OMP_NUM_THREADS": "4"}
    limit_library_threads(environ)
    assert environ == {**dict.fromkeys(THREAD_VARIABLES, "1"), "OMP_NUM_THREADS": "4"}
