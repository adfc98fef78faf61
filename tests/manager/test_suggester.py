"""Which service the manager asks for a study: its own, the one at the study's endpoint, or its own for that one."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent import futures
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.manager.test_decider import UID, Trials, database

from tunesmith.katib.v1beta1 import api_pb2_grpc
from tunesmith.manager import _context, _suggester, _told
from tunesmith.manager._context import Database
from tunesmith.manager._suggester import Suggester
from tunesmith.manager.storage import open_store
from tunesmith.services.errors import FixRequest, TryAgain
from tunesmith.study import (
    AlgorithmSpec,
    IntDomain,
    Objective,
    ObjectiveType,
    Parameter,
    SearchSpace,
    StudyJob,
    StudySpec,
    TrialState,
    TrialTemplate,
)
from tunesmith.v1 import suggestion_pb2 as pb
from tunesmith.v1 import suggestion_pb2_grpc as rpc
from tunesmith.v1 import types_pb2 as types

__all__ = ["database"]  # the fixture


@dataclass
class Ours(rpc.SuggestionServiceServicer):
    """Speaks our contract, and offers an algorithm that may be asked ahead."""

    asked: list[types.AlgorithmSpec] = field(default_factory=list)
    offers: str = "golden"
    parameter: str = "n"
    uses_steps: bool = False
    told: dict[int, dict[int, float]] = field(default_factory=dict)
    """Values at steps, by number of the trial."""

    def Describe(self, request: Any, context: Any) -> pb.DescribeResponse:
        can = types.Capabilities(uses_steps=self.uses_steps)
        one = types.AlgorithmDescription(name=self.offers, aliases=[f"{self.offers}-search"], capabilities=can)
        return pb.DescribeResponse(algorithms=[one])

    def Validate(self, request: Any, context: Any) -> pb.ValidateResponse:
        self.asked.append(request.spec.algorithm)
        return pb.ValidateResponse()

    def Suggest(self, requests: Iterator[pb.SuggestRequest], context: Any) -> pb.SuggestResponse:
        header = next(requests).header
        self.asked.append(header.spec.algorithm)
        self.told = {trial.number: dict(trial.steps) for request in requests for trial in request.history.trials}
        point = types.Assignment(values={self.parameter: types.Value(int_value=3)})
        answers = [pb.Suggestion(name=one.name, assignment=point) for one in header.names]
        return pb.SuggestResponse(suggestions=answers)


class Katibs(api_pb2_grpc.SuggestionServicer):
    """Speaks Katib's contract."""

    GetSuggestions = ValidateAlgorithmSettings = None  # type: ignore[assignment]


@dataclass
class Servers:
    """Servers of this test, which stop with it."""

    running: list[grpc.Server] = field(default_factory=list)

    def start(self, servicer: Any, port: int = 0) -> int:
        server = grpc.server(futures.ThreadPoolExecutor(2), options=[("grpc.so_reuseport", 0)])
        if isinstance(servicer, Ours):
            rpc.add_SuggestionServiceServicer_to_server(servicer, server)
        else:
            api_pb2_grpc.add_SuggestionServicer_to_server(servicer, server)
        bound = server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()
        self.running.append(server)
        return bound

    def stop(self) -> None:
        for server in self.running:
            server.stop(0).wait()
        self.running.clear()


@pytest.fixture
def servers() -> Any:
    made = Servers()
    yield made
    made.stop()


@pytest.fixture
async def own(servers: Servers) -> AsyncIterator[tuple[Ours, Suggester]]:
    """The manager's own service, and its client."""
    service = Ours()
    port = servers.start(service)

    async def address() -> str:
        return f"127.0.0.1:{port}"

    async def unused(*_: object) -> Any:
        raise AssertionError

    suggester = Suggester(address, unused, unused, unused)
    yield service, suggester
    await suggester.close()


def spec(endpoint: str = "", algorithm: str = "golden") -> StudySpec:
    return StudySpec(
        objectives=(Objective("loss", ObjectiveType.MINIMIZE),),
        space=SearchSpace((Parameter("n", IntDomain(1, 9)),)),
        trial=TrialTemplate(("true",)),
        algorithm=AlgorithmSpec(algorithm, {}, endpoint),
    )


async def test_without_an_endpoint_its_own(own: tuple[Ours, Suggester]) -> None:
    service, suggester = own
    await suggester.validate(spec())
    assert [one.endpoint for one in service.asked] == [""]
    assert await suggester.looks_ahead(spec())


async def test_an_endpoint_that_speaks_our_contract_is_asked_itself(
    own: tuple[Ours, Suggester], servers: Servers
) -> None:
    """And told of no endpoint, lest it follow it to itself."""
    service, suggester = own
    other = Ours()
    endpoint = f"127.0.0.1:{servers.start(other)}"
    await suggester.validate(spec(endpoint))
    assert ([one.endpoint for one in other.asked], service.asked) == ([""], [])
    assert await suggester.looks_ahead(spec(endpoint))


async def test_one_that_speaks_katibs_is_asked_by_its_own_service(
    own: tuple[Ours, Suggester], servers: Servers
) -> None:
    service, suggester = own
    endpoint = f"127.0.0.1:{servers.start(Katibs())}"
    await suggester.validate(spec(endpoint))
    assert [one.endpoint for one in service.asked] == [endpoint]
    assert not await suggester.looks_ahead(spec(endpoint)), "its own algorithm of that name may be asked ahead"


async def test_a_service_of_the_other_contract_takes_its_place(own: tuple[Ours, Suggester], servers: Servers) -> None:
    service, suggester = own
    there = Servers()
    port = there.start(Ours())
    await suggester.validate(spec(f"127.0.0.1:{port}"))
    assert await suggester.looks_ahead(spec(f"127.0.0.1:{port}"))
    there.stop()
    there.start(Katibs(), port)
    await _when_it_answers(lambda: suggester.validate(spec(f"127.0.0.1:{port}")))
    assert [one.endpoint for one in service.asked] == [f"127.0.0.1:{port}"]
    assert not await suggester.looks_ahead(spec(f"127.0.0.1:{port}"))
    there.stop()


async def test_a_study_goes_on_when_a_service_of_the_other_contract_takes_its_place(
    own: tuple[Ours, Suggester], servers: Servers, tmp_path: Path
) -> None:
    service, suggester = own
    there, before = Servers(), Ours()
    endpoint = f"127.0.0.1:{(port := there.start(before))}"
    database = Database(open_store(f"sqlite:///{tmp_path / 'tunesmith.db'}"))
    job = StudyJob("moves", spec(endpoint))
    await database.write(lambda tx: tx.insert_study("a" * 32, job, 1.0))
    suggester.load, suggester.digest_at = database.history, database.digest_at
    reply = await suggester.suggest("a" * 32, 2)
    assert [number for number, _ in reply.trials] == [0, 1]
    assert ([one.endpoint for one in before.asked], service.asked) == ([""], [])
    there.stop()
    there.start(Katibs(), port)
    await _when_it_answers(lambda: suggester.suggest("a" * 32, 1))
    assert [one.endpoint for one in service.asked] == [endpoint]
    there.stop()
    database.close()


async def test_nobody_at_the_endpoint(own: tuple[Ours, Suggester]) -> None:
    _, suggester = own
    with pytest.raises(TryAgain, match=r"127\.0\.0\.1:1 does not answer"):
        await suggester.validate(spec("127.0.0.1:1"))


async def test_each_algorithm_is_asked_at_the_first_of_its_own_services_that_offers_it(
    own: tuple[Ours, Suggester], servers: Servers
) -> None:
    service, suggester = own
    others = [Ours(offers=name) for name in ("golden", "silver")]
    suggester.others = [f"127.0.0.1:{servers.start(other)}" for other in others]
    for name in ("silver-search", "golden", "silver"):
        await suggester.validate(spec(algorithm=name))
    assert [[one.name for one in each.asked] for each in (service, *others)] == [
        ["golden"],
        [],
        ["silver-search", "silver"],
    ]
    with pytest.raises(FixRequest, match="'lead' is not offered here"):
        await suggester.validate(spec(algorithm="lead"))
    assert [one.name for one in await suggester.algorithms()] == ["golden", "silver"]


async def test_one_of_its_own_services_that_is_away(own: tuple[Ours, Suggester], servers: Servers) -> None:
    """What the others offer goes on; what nobody offers may be its."""
    _, suggester = own
    away = Servers()
    port = away.start(Ours())
    away.stop()
    suggester.others = [f"127.0.0.1:{port}"]
    await suggester.validate(spec())
    assert [one.name for one in await suggester.algorithms()] == ["golden"]
    with pytest.raises(TryAgain, match=f"{port} does not answer"):
        await suggester.validate(spec(algorithm="silver"))
    servers.start(late := Ours(offers="silver"), port)
    await _when_it_answers(lambda: suggester.validate(spec(algorithm="silver")))
    assert [one.name for one in late.asked] == ["silver"]


async def told_of(
    own: tuple[Ours, Suggester], database: Database, prepare: Callable[[Trials], None], **spec: Any
) -> dict[int, dict[int, float]]:
    """Steps that an algorithm is told, by number of the trial, in a study of three trials that stops some."""
    service, unread = own
    service.parameter = "x"
    parameters = [{"name": "x", "type": "int", "min": 0, "max": 9}]
    prepare(Trials(database, 3, algorithm={"name": "golden"}, parameters=parameters, **spec))
    suggester = Suggester(unread.address_of, database.history, database.digest_at, database.sample)
    suggester._held[UID] = (0, 0)  # as if the service held nothing
    await suggester.suggest(UID, 1)
    await suggester.close()
    return service.told


@pytest.mark.parametrize("asks", [True, False])
@pytest.mark.parametrize("stops", [True, False])
async def test_values_at_steps_are_told_to_those_who_ask_where_trials_are_stopped(
    own: tuple[Ours, Suggester], database: Database, asks: bool, stops: bool
) -> None:
    def prepare(trials: Trials) -> None:
        trials.report(0, 5.0, 4.0)
        trials.report(0, 9.0, metric="noise")
        trials.end(0, TrialState.SUCCEEDED)
        trials.report(1, 3.0)
        trials.end(1, TrialState.EARLY_STOPPED)
        trials.report(2, 7.0)

    own[0].uses_steps = asks
    told = await told_of(own, database, prepare, stops=stops)
    assert told == ({0: {0: 5.0, 1: 4.0}, 1: {0: 3.0}, 2: {}} if asks and stops else {0: {}, 1: {}, 2: {}})


async def test_only_of_the_latest_trials(
    own: tuple[Ours, Suggester], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(trials: Trials) -> None:
        for number in range(3):
            trials.report(number, 1.0)
            trials.end(number, TrialState.SUCCEEDED)

    monkeypatch.setattr(_suggester, "MOST_TRIALS", 2)
    own[0].uses_steps = True
    assert await told_of(own, database, prepare) == {0: {}, 1: {0: 1.0}, 2: {0: 1.0}}


async def test_of_a_long_trial_some_values_that_lie_evenly(
    own: tuple[Ours, Suggester], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(trials: Trials) -> None:
        trials.report(0, *map(float, range(101)))
        for _ in range(20):
            trials.report(0, -1.0, first=3)  # late, and again
        trials.end(0, TrialState.SUCCEEDED)

    monkeypatch.setattr(_told, "MOST_STEPS", 10)
    own[0].uses_steps = True
    steps = (await told_of(own, database, prepare))[0]
    assert steps == {step: step for step in (0, 11, 22, 33, 44, 55, 66, 77, 88, 100)}


async def test_of_a_trial_that_reports_without_end_a_sample_is_read(
    own: tuple[Ours, Suggester], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(trials: Trials) -> None:
        trials.report(0, *map(float, range(3000)))
        trials.report(0, *[-1.0] * 1000)  # told again, as by who began anew; but the first value of a step counts
        trials.report(0, 3000.0, first=3000)
        trials.end(0, TrialState.SUCCEEDED)

    monkeypatch.setattr(_context, "SAMPLED", 200)
    own[0].uses_steps = True
    steps = (await told_of(own, database, prepare))[0]
    assert all(step == value for step, value in steps.items())
    assert 100 <= len(steps) <= 200
    assert max(steps) == 3000


async def _when_it_answers(call: Callable[[], Awaitable[Any]]) -> None:
    """A channel takes a moment to see that a server is there again."""
    for _ in range(100):
        try:
            await call()
        except TryAgain:
            continue
        return
    raise AssertionError("it never answers")
