"""Katib's contract: its own cases as calls over a socket, with its texts, and rules from a DB manager's logs."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.earlystop.process import ServiceProcess

from tunesmith.earlystop import _katib_logs, load_registry
from tunesmith.earlystop._katib import KatibEarlyStopping
from tunesmith.earlystop._katib_logs import ObservationLogs
from tunesmith.earlystop._katib_trials import Cluster, KatibTrials
from tunesmith.katib.v1beta1 import api_pb2 as katib
from tunesmith.katib.v1beta1 import api_pb2_grpc
from tunesmith.services.channel import open_channel, rpc_errors
from tunesmith.services.errors import FixRequest, NotOffered, TryAgain
from tunesmith.services.server import serving

SUCCEEDED = katib.TrialStatus.SUCCEEDED


def stopping(name: str, settings: Mapping[str, str]) -> katib.EarlyStoppingSpec:
    given = [katib.EarlyStoppingSetting(name=key, value=value) for key, value in settings.items()]
    return katib.EarlyStoppingSpec(algorithm_name=name, algorithm_settings=given)


@pytest.mark.parametrize(
    ("name", "settings", "told"),
    [
        ("medianstop", {"min_trials_required": "2", "start_step": "5"}, None),
        ("medianstop", {}, None),
        ("median", {}, None),
        ("unknown", {}, "unknown algorithm name unknown"),
        ("asha", {}, "unknown algorithm name asha"),
        ("medianstop", {"unknown_conf": "100"}, "unknown setting unknown_conf for algorithm medianstop"),
        ("medianstop", {"min_trials_required": "0"}, "min_trials_required must be greater than zero (>0)"),
        ("medianstop", {"start_step": "0"}, "start_step must be greater or equal than one (>=1)"),
        (
            "medianstop",
            {"start_step": "x"},
            "failed to validate start_step(x): invalid literal for int() with base 10: 'x'",
        ),
        ("medianstop", {"interval": "1"}, "unknown setting interval for algorithm medianstop"),
    ],
)
def test_validation(service: ServiceProcess, name: str, settings: Mapping[str, str], told: str | None) -> None:
    stub = api_pb2_grpc.EarlyStoppingStub(service.channel)
    request = katib.ValidateEarlyStoppingSettingsRequest(early_stopping=stopping(name, settings))
    if told is None:
        stub.ValidateEarlyStoppingSettings(request)
        return
    with pytest.raises(grpc.RpcError) as refused:
        stub.ValidateEarlyStoppingSettings(request)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert refused.value.details() == told


def test_rules_of_trials_that_have_not_succeeded(service: ServiceProcess) -> None:
    """Katib's own case: nobody answers at the address, and nobody is asked."""
    request = katib.GetEarlyStoppingRulesRequest(
        experiment=katib.Experiment(name="test"),
        trials=[katib.Trial(name="test-asfjh"), katib.Trial(name="test-234hs")],
        db_manager_address="katib-db-manager.kubeflow:6789",
    )
    reply = api_pb2_grpc.EarlyStoppingStub(service.channel).GetEarlyStoppingRules(request)
    assert not reply.early_stopping_rules


def test_health(service: ServiceProcess) -> None:
    request = health_pb2.HealthCheckRequest(service="manager.v1beta1.EarlyStopping")
    reply = health_pb2_grpc.HealthStub(service.channel).Check(request)
    assert reply.status == health_pb2.HealthCheckResponse.SERVING


@dataclass
class DbManager(api_pb2_grpc.DBManagerServicer):
    """Katib's, as far as it is asked."""

    values: dict[str, Sequence[str]]
    asked: list[str] = field(default_factory=list)
    held: dict[str, asyncio.Event] = field(default_factory=dict)
    """Set when the reply about a trial may go."""
    waiting: asyncio.Event = field(default_factory=asyncio.Event)

    def register(self, server: grpc.aio.Server) -> list[str]:
        api_pb2_grpc.add_DBManagerServicer_to_server(self, server)
        return []

    async def GetObservationLog(
        self, request: katib.GetObservationLogRequest, context: object
    ) -> katib.GetObservationLogReply:
        assert request.metric_name == "accuracy"
        self.asked.append(request.trial_name)
        if (event := self.held.get(request.trial_name)) is not None:
            self.waiting.set()
            await event.wait()
        metrics = (katib.Metric(name="accuracy", value=value) for value in self.values[request.trial_name])
        logs = [katib.MetricLog(time_stamp="2026-01-01T00:00:00Z", metric=metric) for metric in metrics]
        return katib.GetObservationLogReply(observation_log=katib.ObservationLog(metric_logs=logs))

    async def ReportObservationLog(self, request: object, context: object) -> katib.ReportObservationLogReply:
        raise NotImplementedError

    async def DeleteObservationLog(self, request: object, context: object) -> katib.DeleteObservationLogReply:
        raise NotImplementedError


LOGS = {
    "one": ["0.1", "0.3", "0.9"],
    "two": ["0.2", "0.2"],
    "three": ["0.9", "0.8", "0.1"],
    "late": ["0.5", "unavailable", "0.7"],
    "none": ["unavailable"],
}


@asynccontextmanager
async def katib_side(
    *, follow: bool = True, allowed: Sequence[str] = ()
) -> AsyncIterator[tuple["api_pb2_grpc.EarlyStoppingAsyncStub", DbManager, str]]:
    database = DbManager(dict(LOGS))
    async with serving(database.register, listen=["127.0.0.1:0"], token_check=None) as (address,):
        logs = ObservationLogs(allowed or [address][: not follow], all_allowed=follow)
        ours = KatibEarlyStopping(load_registry(), logs, KatibTrials(Cluster()))
        async with (
            serving(ours.register, listen=["127.0.0.1:0"], token_check=None) as (own,),
            open_channel(own) as channel,
        ):
            yield api_pb2_grpc.EarlyStoppingStub(channel), database, address


def asked(address: str, *names: str, least: int = 3, maximize: bool = True) -> katib.GetEarlyStoppingRulesRequest:
    objective = katib.ObjectiveSpec(
        type=katib.MAXIMIZE if maximize else katib.MINIMIZE, objective_metric_name="accuracy"
    )
    settings = {"min_trials_required": str(least), "start_step": "2"}
    spec = katib.ExperimentSpec(objective=objective, early_stopping=stopping("medianstop", settings))
    status = katib.TrialStatus(condition=SUCCEEDED)
    trials = [katib.Trial(name=name, status=status) for name in names]
    trials.append(katib.Trial(name="runs", status=katib.TrialStatus(condition=katib.TrialStatus.RUNNING)))
    return katib.GetEarlyStoppingRulesRequest(
        experiment=katib.Experiment(name="test", spec=spec), trials=trials, db_manager_address=address
    )


async def test_the_rule_is_a_median() -> None:
    """The averages of the first two reports are 0.2, 0.2 and 0.85: Katib's own service would say 0.4167."""
    async with katib_side() as (stub, database, address):
        reply = await stub.GetEarlyStoppingRules(asked(address, "one", "two", "three"))
        (rule,) = reply.early_stopping_rules
        assert (rule.name, float(rule.value), rule.comparison, rule.start_step) == ("accuracy", 0.2, katib.LESS, 2)
        reply = await stub.GetEarlyStoppingRules(asked(address, "one", "late", "two", "three", "none", maximize=False))
        (rule,) = reply.early_stopping_rules
        assert (float(rule.value), rule.comparison) == (0.35, katib.GREATER)
        assert sorted(database.asked) == ["late", "none", "one", "three", "two"], "a trial is asked for once"


async def test_too_few_trials_make_no_rule() -> None:
    async with katib_side() as (stub, _, address):
        assert not (await stub.GetEarlyStoppingRules(asked(address, "one", "two", "none"))).early_stopping_rules


async def test_what_is_known_is_bounded_also_while_a_call_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_katib_logs, "_MOST", 1)
    async with katib_side() as (stub, database, address):
        await stub.GetEarlyStoppingRules(asked(address, "one"))
        database.held["two"] = asyncio.Event()
        waits = asyncio.ensure_future(stub.GetEarlyStoppingRules(asked(address, "one", "two", least=2)))
        await database.waiting.wait()
        await stub.GetEarlyStoppingRules(asked(address, "three"))
        database.held["two"].set()
        assert (await waits).early_stopping_rules
        assert database.asked == ["one", "two", "three"], "what was known is not asked for again"
        await stub.GetEarlyStoppingRules(asked(address, "one"))
        assert database.asked[3:] == ["one"], "it was forgotten"


async def test_addresses_are_followed_only_when_that_was_asked_for() -> None:
    async with katib_side(follow=False) as (stub, _, address):
        assert (await stub.GetEarlyStoppingRules(asked(address, "one", "two", "three"))).early_stopping_rules
        with pytest.raises(NotOffered, match="see --db-manager and --follow-db-managers"), rpc_errors():
            await stub.GetEarlyStoppingRules(asked("127.0.0.1:1", "one"))
        with pytest.raises(FixRequest, match="Invalid Katib DB manager service address: nowhere"), rpc_errors():
            await stub.GetEarlyStoppingRules(asked("nowhere", "one"))


async def test_a_database_that_is_away() -> None:
    async with katib_side() as (stub, _, _):
        with pytest.raises(TryAgain), rpc_errors():
            await stub.GetEarlyStoppingRules(asked("127.0.0.1:1", "one"))


@pytest.fixture
def narrow() -> Iterator[ServiceProcess]:
    with ServiceProcess(["--rule", "asha", "--db-manager", "127.0.0.1:1"]) as process:
        yield process


def test_a_service_that_does_not_offer_the_median(narrow: ServiceProcess) -> None:
    stub = api_pb2_grpc.EarlyStoppingStub(narrow.channel)
    request = katib.ValidateEarlyStoppingSettingsRequest(early_stopping=stopping("medianstop", {}))
    with pytest.raises(FixRequest, match="unknown algorithm name medianstop"), rpc_errors():
        stub.ValidateEarlyStoppingSettings(request)
