"""The service over a socket: what it holds, what it refuses, and that being killed changes nothing."""

import asyncio
import dataclasses
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.suggestion.caller import Caller
from tests.suggestion.conformance import FINITE, FINITE_COUNT, MIXED, NAMES, ONE_POINT, Study, make_spec, pure
from tests.suggestion.process import ServiceProcess
from tunesmith.services.channel import open_channel, rpc_errors
from tunesmith.services.errors import BaseRevision, FixRequest, NotFound
from tunesmith.services.server import serving
from tunesmith.study import Condition, IntDomain, Parameter, SearchSpace, StudySpec, TrialState, wire
from tunesmith.suggestion import (
    AlgorithmDescription,
    Answer,
    Capabilities,
    Registry,
    Settings,
    StudyView,
    load_registry,
)
from tunesmith.suggestion._service import SuggestionService
from tunesmith.suggestion._studies import Studies
from tunesmith.v1 import suggestion_pb2 as messages
from tunesmith.v1 import suggestion_pb2_grpc


@pytest.fixture(scope="module")
def service() -> Iterator[ServiceProcess]:
    with ServiceProcess() as process:
        yield process


@pytest.fixture
def caller(request: pytest.FixtureRequest) -> Caller:
    return Caller(make_spec("random", MIXED), uid=request.node.name)


def stub(service: ServiceProcess) -> Any:
    return suggestion_pb2_grpc.SuggestionServiceStub(service.channel)


def suggest(
    service: ServiceProcess, *parts: messages.SuggestHeader | messages.HistoryChunk
) -> messages.SuggestResponse:
    """Send these messages, whatever they are."""
    requests = [
        messages.SuggestRequest(header=part)
        if isinstance(part, messages.SuggestHeader)
        else messages.SuggestRequest(history=part)
        for part in parts
    ]
    with rpc_errors():
        response: messages.SuggestResponse = stub(service).Suggest(iter(requests), timeout=30)
        return response


class TestDescribe:
    def test_every_algorithm_with_its_settings(self, service: ServiceProcess) -> None:
        found = {one.name: one for one in stub(service).Describe(messages.DescribeRequest()).algorithms}
        assert sorted(found) == NAMES
        (points, seed) = found["grid"].settings
        assert (points.name, points.type, points.default_value.int_value) == ("points", messages.SETTING_TYPE_INT, 5)
        assert (points.min, points.HasField("max"), seed.name, seed.HasField("default_value")) == (
            2,
            True,
            "seed",
            False,
        )
        can = found["random"].capabilities
        assert (can.conditional, can.constraints, can.keeps_history, can.uses_values) == (True, True, True, False)


class TestValidate:
    def validate(self, service: ServiceProcess, spec: StudySpec) -> list[str]:
        with rpc_errors():
            return list(stub(service).Validate(messages.ValidateRequest(spec=wire.spec_to_proto(spec))).warnings)

    @pytest.mark.parametrize("name", NAMES)
    def test_a_good_study(self, service: ServiceProcess, name: str) -> None:
        assert self.validate(service, dataclasses.replace(make_spec(name, MIXED, trials=10**6), seed=None)) == []

    def test_an_unknown_algorithm(self, service: ServiceProcess) -> None:
        with pytest.raises(NotFound, match="did you mean 'sobol'"):
            self.validate(service, make_spec("soboll", MIXED))

    def test_all_mistakes_in_settings(self, service: ServiceProcess) -> None:
        with pytest.raises(FixRequest) as refused:
            self.validate(service, make_spec("grid", MIXED, points=1, pionts=3, other="x"))
        assert {mistake.path.rpartition(".")[2] for mistake in refused.value.mistakes} == {"points", "pionts", "other"}

    def test_more_parameters_than_sobol_has_dimensions(self, service: ServiceProcess) -> None:
        space = SearchSpace(tuple(Parameter(f"p{n}", IntDomain(0, 9)) for n in range(257)))
        with pytest.raises(FixRequest, match="at most 256 parameters, but got 257"):
            self.validate(service, make_spec("sobol", space))
        assert self.validate(service, make_spec("auto", space)) == []

    def test_constraints_that_nothing_fulfils(self, service: ServiceProcess) -> None:
        space = SearchSpace(MIXED.parameters, ("params.rate > 2.0",))
        with pytest.raises(FixRequest) as refused:
            self.validate(service, make_spec("random", space))
        assert [mistake.path for mistake in refused.value.mistakes] == ["spec.constraints"]

    def test_a_space_that_cannot_be(self, service: ServiceProcess) -> None:
        message = wire.spec_to_proto(make_spec("random", MIXED))
        message.space.parameters[0].double_domain.min = 3
        with pytest.raises(FixRequest) as refused, rpc_errors():
            stub(service).Validate(messages.ValidateRequest(spec=message))
        assert refused.value.mistakes[0].path.startswith("spec.parameters[0]")

    def test_remarks(self, service: ServiceProcess) -> None:
        assert self.validate(service, make_spec("random", FINITE, trials=100)) == [
            "the space has only 24 points, so the study ends before its 100 trials"
        ]
        (remark,) = self.validate(service, make_spec("grid", MIXED, trials=100))
        assert remark.startswith("the grid has more than the 100 points")


class TestHistory:
    def test_only_what_changed_is_sent(self, service: ServiceProcess, caller: Caller) -> None:
        for size in (1, 2, 1):
            caller.run(service.channel, size)
            caller.move(0, TrialState.RUNNING)
        assert caller.refusals == 0
        assert len(list(caller.stream(1))) == 2  # the header, and one chunk

    def test_an_unknown_base_is_refused_before_the_history_is_sent(
        self, service: ServiceProcess, caller: Caller
    ) -> None:
        with pytest.raises(BaseRevision) as refused:
            caller.run(service.channel, 1)
            header = caller.header(1)
            header.study_uid += "-other"
            header.base_revision = 1
            suggest(service, header)
        assert refused.value.args == (0, 0)

    def test_the_held_revision_and_digest_are_told(self, service: ServiceProcess, caller: Caller) -> None:
        for _ in range(2):
            caller.run(service.channel, 1)
        caller.ask(service.channel, 1)
        header = caller.header(1)
        header.base_revision = 1
        with pytest.raises(BaseRevision) as refused:
            suggest(service, header)
        assert refused.value.args == (2, caller.digests[2])

    def test_another_digest_counts_as_nothing(self, service: ServiceProcess, caller: Caller) -> None:
        caller.run(service.channel, 1)
        caller.ask(service.channel, 1)
        header = caller.header(1)
        header.base_digest ^= 1
        with pytest.raises(BaseRevision) as refused:
            suggest(service, header)
        assert refused.value.args == (0, 0)

    def test_a_restored_database_is_believed(self, service: ServiceProcess, caller: Caller) -> None:
        caller.run(service.channel, 3)
        caller.run(service.channel, 3)
        other = Caller(caller.spec, caller.uid)
        for _ in range(6):  # as many revisions, but another history
            other.add(MIXED.decode([0.5] * 6), TrialState.FAILED)
        other.base = 6
        assert other.ask(service.channel, 1).suggestions
        assert other.refusals >= 1

    def test_a_lost_reply_is_asked_for_again(self, service: ServiceProcess, caller: Caller) -> None:
        caller.run(service.channel, 2)
        first = caller.ask(service.channel, 2)
        caller.base = 0
        caller.move(0, TrialState.RUNNING)
        caller.ask(service.channel, 2)
        caller.base = 2  # the caller never heard of that answer
        again = caller.ask(service.channel, 2)
        assert caller.refusals == 1
        assert again == first

    def test_the_same_request_has_the_same_answer(self, service: ServiceProcess, caller: Caller) -> None:
        assert suggest(service, caller.header(3)) == suggest(service, caller.header(3))

    def test_no_names_bring_the_study_up_to_date(self, service: ServiceProcess, caller: Caller) -> None:
        caller.add(MIXED.decode([0.5] * 6))
        assert caller.ask(service.channel, 0) == messages.SuggestResponse()
        assert caller.base == 1

    def test_an_edited_spec_replaces_the_held_one(self, service: ServiceProcess) -> None:
        caller = Caller(make_spec("auto", FINITE, trials=20), uid="edited")
        assert "sobol" in caller.run(service.channel, 1).suggestions[0].explanation.text
        caller.spec = make_spec("auto", FINITE, trials=30)
        caller.generation += 1
        assert "grid" in caller.run(service.channel, 1).suggestions[0].explanation.text
        assert caller.refusals == 0

    def test_an_edited_space_has_other_points(self, service: ServiceProcess) -> None:
        caller = Caller(make_spec("random", ONE_POINT), uid="edited space")
        assert caller.run(service.channel, 2).status == messages.SUGGEST_STATUS_EXHAUSTED
        caller.spec = make_spec("random", SearchSpace((Parameter("only", IntDomain(3, 4)),)))
        (suggestion,) = caller.run(service.channel, 2).suggestions
        assert suggestion.assignment.values["only"].int_value == 4
        assert caller.refusals == 0

    def test_ten_megabytes_in_chunks(self, service: ServiceProcess, caller: Caller) -> None:
        for number in range(12_000):
            point = MIXED.decode([(number % 997) / 997, 0.3, 0.6, 0.9, 0.4, number / 12_000])
            caller.add(point, TrialState.SUCCEEDED, {"filler": "x" * 700}, [0.5])
        assert sum(request.ByteSize() for request in caller.stream(1)) > 10 * 2**20
        assert len(caller.ask(service.channel, 2).suggestions) == 2
        caller.move(0, TrialState.RUNNING)
        assert len(caller.ask(service.channel, 2).suggestions) == 2
        assert caller.refusals == 0

    def test_evicted_studies_are_streamed_again(self) -> None:
        with ServiceProcess(["--max-studies", "1"]) as process:
            one, other = Caller(make_spec("sobol", MIXED), "one"), Caller(make_spec("random", MIXED), "other")
            for _ in range(3):
                one.run(process.channel, 2)
                other.run(process.channel, 2)
        assert one.refusals == other.refusals == 2
        unbroken = Study(make_spec("sobol", MIXED))
        unbroken.run(6)
        assert one.keys == unbroken.keys

    def test_calls_at_once_are_served_one_after_the_other(self, service: ServiceProcess) -> None:
        """All have the base 0, so all are right, and all must be the same."""
        caller = Caller(make_spec("sobol", FINITE), "many calls")
        answers: list[messages.SuggestResponse] = []
        header = caller.header(10)
        threads = [threading.Thread(target=lambda: answers.append(suggest(service, header))) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(answers) == 12
        assert all(answer == answers[0] for answer in answers)


class TestRefusals:
    def header(self, **changes: Any) -> messages.SuggestHeader:
        header = Caller(make_spec("random", MIXED), "refused").header(2)
        for name, value in changes.items():
            setattr(header, name, value)
        return header

    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"study_uid": ""}, "`study_uid` must not be empty"),
            ({"base_revision": -1}, "`0 <= base_revision <= revision` must hold"),
            ({"base_revision": 2, "revision": 1}, "`0 <= base_revision <= revision` must hold"),
        ],
    )
    def test_a_bad_header(self, service: ServiceProcess, changes: dict[str, Any], why: str) -> None:
        with pytest.raises(FixRequest, match=why):
            suggest(service, self.header(**changes))

    @pytest.mark.parametrize("numbers", [(1, 1), (2, 1), (-1, 0)])
    def test_numbers_that_do_not_rise(self, service: ServiceProcess, numbers: tuple[int, int]) -> None:
        header = self.header()
        for name, number in zip(header.names, numbers, strict=True):
            name.number = number
        with pytest.raises(FixRequest, match="must have numbers of 0 or more that rise"):
            suggest(service, header)

    def test_a_name_twice(self, service: ServiceProcess) -> None:
        header = self.header()
        header.names[1].name = header.names[0].name
        with pytest.raises(FixRequest, match="must not repeat a name"):
            suggest(service, header)

    @pytest.mark.parametrize(("name", "number"), [("trial-0", 7), ("trial-7", 0)])
    def test_a_trial_of_the_history(self, service: ServiceProcess, name: str, number: int) -> None:
        caller = Caller(make_spec("random", MIXED), "asked again")
        caller.run(service.channel, 1)
        header = caller.header(1)
        header.base_revision = 0
        header.names[0].name, header.names[0].number = name, number
        chunk = messages.HistoryChunk(trials=caller.records.values())
        with pytest.raises(FixRequest, match="a trial in the history cannot be asked for"):
            suggest(service, header, chunk)

    def test_no_header(self, service: ServiceProcess) -> None:
        with pytest.raises(FixRequest, match="the first message"):
            suggest(service)
        with pytest.raises(FixRequest, match="the first message"):
            suggest(service, messages.HistoryChunk())

    def test_two_headers(self, service: ServiceProcess) -> None:
        with pytest.raises(FixRequest, match="every message of the stream but the first"):
            suggest(service, self.header(), self.header())

    def test_a_seed_is_needed(self, service: ServiceProcess) -> None:
        header = self.header()
        header.spec.ClearField("seed")
        with pytest.raises(FixRequest) as refused:
            suggest(service, header)
        assert [mistake.path for mistake in refused.value.mistakes] == ["spec.seed"]

    @pytest.mark.parametrize(("state", "number"), [(0, 0), (99, 0), (1, -1)])
    def test_a_trial_that_cannot_be(self, service: ServiceProcess, state: int, number: int) -> None:
        trial = messages.TrialRecord(name="x", number=number, state=state)  # type: ignore[arg-type]
        with pytest.raises(FixRequest, match="must have a state"):
            suggest(service, self.header(), messages.HistoryChunk(trials=[trial]))

    def test_a_refusal_leaves_nothing_half_done(self, service: ServiceProcess) -> None:
        caller = Caller(make_spec("random", MIXED), "half done")
        caller.run(service.channel, 2)
        caller.ask(service.channel, 1)
        header = caller.header(1)
        good, bad = caller.records[0], messages.TrialRecord(name="x", number=9)
        with pytest.raises(FixRequest):
            suggest(service, header, messages.HistoryChunk(trials=[good, bad]))
        assert (
            caller.run(service.channel, 2)
            == Caller(caller.spec, "fresh", records=dict(caller.records)).ask(service.channel, 2)
            or len(caller.records) == 4
        )


class TestKills:
    @pytest.mark.parametrize("name", NAMES)
    def test_killed_between_any_two_calls(self, name: str) -> None:
        if not pure(name):
            pytest.skip("compared call by call below")
        caller = Caller(make_spec(name, FINITE, trials=20), "killed")
        with ServiceProcess(["--algorithm", name]) as process:
            for size in (1, 3, 2, 9, 6, 8):
                response = caller.run(process.channel, size)
                assert caller.ask(process.channel, 1) == caller.ask(process.channel, 1)
                process.restart()
        unbroken = Study(caller.spec)
        unbroken.run(FINITE_COUNT)
        assert caller.keys == unbroken.keys
        assert response.status == messages.SUGGEST_STATUS_EXHAUSTED

    @pytest.mark.parametrize("name", NAMES)
    def test_the_answer_of_a_restarted_service_is_the_same(self, name: str) -> None:
        caller = Caller(make_spec(name, MIXED), "restarted")
        with ServiceProcess() as process:
            caller.run(process.channel, 5)
            for number, state in enumerate(list(TrialState)[1:6]):
                caller.move(number, state)
            before = caller.ask(process.channel, 4)
            process.restart()
            assert caller.ask(process.channel, 4) == before

    def test_a_caller_that_goes_away_leaves_the_study_usable(self, service: ServiceProcess, caller: Caller) -> None:
        for number in range(3000):
            caller.add(MIXED.decode([number / 3000, 0.3, 0.6, 0.9, 0.4, 0.1]), TrialState.SUCCEEDED)
        for wait in (0.001, 0.02, 0.05, 0.1):
            call = stub(service).Suggest.future(caller.stream(3), timeout=30)
            time.sleep(wait)
            call.cancel()
        assert len(caller.ask(service.channel, 3).suggestions) == 3

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_it_leaves_when_told_to(self, number: signal.Signals) -> None:
        process = ServiceProcess()
        process.start()
        assert process.kill(number) == 0


class Busy:
    """Computes for a second."""

    description = AlgorithmDescription(
        "busy", "", "", "", capabilities=Capabilities(conditional=False, constraints=False)
    )

    def check(self, spec: StudySpec, settings: Settings) -> list[Any]:
        return []

    def suggest(self, study: StudyView, names: Sequence[tuple[str, int]]) -> Answer:
        end = time.monotonic() + 1
        while time.monotonic() < end:
            sum(range(1000))
        raise RuntimeError("and then fails")


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ts-") as path:
        yield Path(path)


class TestInProcess:
    async def test_health_answers_while_an_algorithm_computes(self, folder: Path) -> None:
        service = SuggestionService(Registry([Busy()]), Studies())
        caller = Caller(make_spec("busy", ONE_POINT))
        async with serving(service.register, listen=[f"unix:{folder}/d/s"], token_check=None) as (address,):
            async with open_channel(address) as channel:

                async def busy() -> None:
                    with rpc_errors():
                        await suggestion_pb2_grpc.SuggestionServiceStub(channel).Suggest(caller.stream(1))  # type: ignore[arg-type]

                task = asyncio.create_task(busy())
                await asyncio.sleep(0.1)
                answers = 0
                while not task.done():
                    request = health_pb2.HealthCheckRequest(service="tunesmith.v1.SuggestionService")
                    reply = await health_pb2_grpc.HealthStub(channel).Check(request)
                    assert reply.status == health_pb2.HealthCheckResponse.SERVING
                    answers += 1
                with pytest.raises(Exception, match="internal|bug|unexpected|failed"):
                    await task
        assert answers > 10
        assert len(service._studies) == 0

    async def test_missing_capabilities_are_told(self, folder: Path) -> None:
        service = SuggestionService(Registry([Busy()]), Studies())
        parameter = Parameter("more", IntDomain(1, 2), when=(Condition("only", (3,)),))
        space = SearchSpace((*ONE_POINT.parameters, parameter), ("params.only > 1.0",))
        async with serving(service.register, listen=[f"unix:{folder}/d/s"], token_check=None) as (address,):
            async with open_channel(address) as channel:
                request = messages.ValidateRequest(spec=wire.spec_to_proto(make_spec("busy", space)))
                with pytest.raises(FixRequest) as refused, rpc_errors():
                    await suggestion_pb2_grpc.SuggestionServiceStub(channel).Validate(request)
        assert [mistake.path for mistake in refused.value.mistakes] == ["spec.parameters[1].when", "spec.constraints"]


class TestCommand:
    def run(self, *args: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "tunesmith.suggestion", *args]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    def test_help_has_an_example(self) -> None:
        assert "--listen unix:" in self.run("serve", "--help").stdout

    def test_an_unknown_algorithm_is_a_mistake_of_the_call(self) -> None:
        done = self.run("serve", "--algorithm", "gird", "--listen", "127.0.0.1:0")
        assert done.returncode == 2
        assert "did you mean 'grid'?" in done.stderr

    def test_a_wide_address_needs_to_be_asked_for(self) -> None:
        done = self.run("serve", "--listen", "0.0.0.0:0")
        assert done.returncode == 2
        assert "Traceback" not in done.stderr

    def test_half_of_tls_is_a_mistake(self) -> None:
        done = self.run("serve", "--tls-cert", __file__)
        assert done.returncode == 2
        assert "belong together" in done.stderr

    def test_neither_scipy_nor_cel_is_loaded(self) -> None:
        code = "import sys, tunesmith.suggestion._service as s, tunesmith.suggestion as t; t.load_registry(); print(*sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
        assert not {"scipy", "cel", "alembic", "sqlalchemy"} & set(done.stdout.split())
