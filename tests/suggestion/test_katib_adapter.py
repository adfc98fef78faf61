"""The adapter to services that speak Katib's contract: what it tells them, and what it makes of their answers."""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from dataclasses import dataclass, field, replace
from typing import Any

import grpc
import pytest
from tests.suggestion.studies import MIXED

from tunesmith.katib.v1beta1 import api_pb2 as katib
from tunesmith.katib.v1beta1 import api_pb2_grpc
from tunesmith.services.errors import FixRequest, NotOffered, TryAgain
from tunesmith.services.settings import Settings
from tunesmith.study import (
    AlgorithmSpec,
    Assignment,
    CategoricalDomain,
    DiscreteDomain,
    Distribution,
    DoubleDomain,
    IntDomain,
    Limits,
    Objective,
    ObjectiveType,
    Parameter,
    SearchSpace,
    StudySpec,
    TrialState,
    TrialTemplate,
)
from tunesmith.suggestion import Answer, Status, StudyView, TrialRecord
from tunesmith.suggestion._check import read_study
from tunesmith.suggestion._history import History
from tunesmith.suggestion._katib_adapter import KatibAdapter
from tunesmith.suggestion._katib_told import LABELS, NAME, SETTINGS, VALUES

SPACE = SearchSpace(
    (
        Parameter("rate", DoubleDomain(1e-5, 1, Distribution.LOG_UNIFORM)),
        Parameter("decay", DoubleDomain(0, 1, step=0.25)),
        Parameter("layers", IntDomain(1, 9, Distribution.NORMAL, step=2)),
        Parameter("batch", DiscreteDomain((32, 64.5))),
        Parameter("kernel", CategoricalDomain(("rbf", True, 2))),
    )
)
GOOD = {"rate": "0.10", "decay": "0.5", "layers": "3", "batch": "64.50", "kernel": "true"}
Reply = Callable[[katib.GetSuggestionsRequest], katib.GetSuggestionsReply]


@dataclass
class Fake(api_pb2_grpc.SuggestionServicer):
    """Answers as it is told, and keeps what it was asked."""

    reply: Reply = field(default=lambda request: proposals(GOOD))
    refusal: tuple[grpc.StatusCode, str] | None = None
    asked: list[Any] = field(default_factory=list)

    def GetSuggestions(self, request: Any, context: Any) -> katib.GetSuggestionsReply:
        self._hear(request, context)
        return self.reply(request)

    def ValidateAlgorithmSettings(self, request: Any, context: Any) -> katib.ValidateAlgorithmSettingsReply:
        self._hear(request, context)
        return katib.ValidateAlgorithmSettingsReply()

    def _hear(self, request: Any, context: Any) -> None:
        self.asked.append(request)
        if self.refusal is not None:
            context.abort(*self.refusal)


def proposals(*values: dict[str, str], **settings: str) -> katib.GetSuggestionsReply:
    reply = katib.GetSuggestionsReply()
    for one in values:
        made = reply.parameter_assignments.add()
        for name, value in one.items():
            made.assignments.add(name=name, value=value)
    for name, value in settings.items():
        reply.algorithm.algorithm_settings.add(name=name, value=value)
    return reply


@pytest.fixture
def fake() -> Iterator[tuple[Fake, str]]:
    servicer = Fake()
    server = grpc.server(futures.ThreadPoolExecutor(2))
    api_pb2_grpc.add_SuggestionServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield servicer, f"127.0.0.1:{port}"
    server.stop(0).wait()


@dataclass
class Study:
    """A study whose endpoint is asked through the adapter."""

    endpoint: str
    space: SearchSpace = SPACE
    records: dict[int, TrialRecord] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.adapter = KatibAdapter()
        self.spec = StudySpec(
            objectives=(Objective("loss", ObjectiveType.MAXIMIZE, 0.9),),
            space=self.space,
            trial=TrialTemplate(),
            algorithm=AlgorithmSpec("theirs", {"depth": 3, "wide": True, "rate": 0.5}, self.endpoint),
            limits=Limits(trials=20, parallel=4),
            seed=1,
        )
        self.history, self.memo = History(self.space), dict[str, Any]()

    def ask(self, count: int) -> Answer:
        first = len(self.records)
        view = StudyView(
            "0123abc", self.spec, 1, Settings({}), self.history.records, self.history.tried, self.history.log, self.memo
        )
        return self.adapter.suggest(view, [(f"mine-{n}-abcde", n) for n in range(first, first + count)])

    def run(self, count: int) -> Answer:
        answer = self.ask(count)
        for one in answer.suggestions:
            self.put(TrialRecord(len(self.records), one.name, TrialState.RUNNING, one.assignment, labels=one.labels))
        return answer

    def put(self, record: TrialRecord) -> None:
        self.records[record.number] = record
        self.history.apply([record])

    def end(self, number: int, state: TrialState, *values: float) -> None:
        rank = 1 + max(record.completion_rank for record in self.records.values())
        self.put(replace(self.records[number], state=state, values=values, completion_rank=rank))


def told(request: katib.GetSuggestionsRequest) -> dict[str, dict[str, str]]:
    return {
        trial.name: {one.name: one.value for one in trial.spec.parameter_assignments.assignments}
        for trial in request.trials
    }


class TestWhatIsTold:
    def test_the_study(self, fake: tuple[Fake, str]) -> None:
        servicer, address = fake
        Study(address).ask(1)
        (request,) = servicer.asked
        spec = request.experiment.spec
        parameters = {one.name: one for one in spec.parameter_specs.parameters}
        spaces = {name: one.feasible_space for name, one in parameters.items()}
        assert [one.parameter_type for one in parameters.values()] == [
            katib.DOUBLE,
            katib.DOUBLE,
            katib.INT,
            katib.DISCRETE,
            katib.CATEGORICAL,
        ]
        assert spaces["rate"] == katib.FeasibleSpace(min="1e-05", max="1.0", distribution=katib.LOG_UNIFORM)
        assert spaces["decay"] == katib.FeasibleSpace(min="0.0", max="1.0", step="0.25", distribution=katib.UNIFORM)
        assert spaces["layers"] == katib.FeasibleSpace(min="1", max="9", step="2", distribution=katib.NORMAL)
        assert list(spaces["batch"].list) == ["32", "64.5"]
        assert list(spaces["kernel"].list) == ["rbf", "true", "2"]
        assert spec.objective == katib.ObjectiveSpec(type=katib.MAXIMIZE, goal=0.9, objective_metric_name="loss")
        assert {one.name: one.value for one in spec.algorithm.algorithm_settings} == {
            "depth": "3",
            "wide": "true",
            "rate": "0.5",
        }
        assert (spec.algorithm.algorithm_name, spec.parallel_trial_count, spec.max_trial_count) == ("theirs", 4, 20)
        assert request.experiment.name == "study-0123abc"
        assert (request.current_request_number, request.total_request_number) == (1, 1)

    def test_trials_by_their_own_texts_and_in_katibs_states(self, fake: tuple[Fake, str]) -> None:
        servicer, address = fake
        study = Study(address)
        servicer.reply = lambda request: proposals(*({**GOOD, "decay": text} for text in ("0.00", "0.25", "0.50", "1")))
        study.run(4)
        servicer.reply = lambda request: proposals()
        study.end(1, TrialState.SUCCEEDED, 0.75)
        study.end(0, TrialState.FAILED)
        study.end(2, TrialState.METRICS_UNAVAILABLE)
        study.ask(1)
        request = servicer.asked[-1]
        assert told(request)["mine-1-abcde"] == {**GOOD, "decay": "0.25"}
        assert told(request)["mine-0-abcde"] == {**GOOD, "decay": "0.00"}
        by_name = {trial.name: trial.status for trial in request.trials}
        status = katib.TrialStatus
        assert {name: one.condition for name, one in by_name.items()} == {
            "mine-0-abcde": status.FAILED,
            "mine-1-abcde": status.SUCCEEDED,
            "mine-3-abcde": status.RUNNING,
        }
        succeeded = by_name["mine-1-abcde"]
        assert list(succeeded.observation.metrics) == [katib.Metric(name="loss", value="0.75")]
        assert succeeded.completion_time < by_name["mine-0-abcde"].completion_time
        assert by_name["mine-0-abcde"].start_time < succeeded.start_time
        assert by_name["mine-3-abcde"].completion_time == ""
        assert request.total_request_number == 5

    def test_only_what_changed_is_made_anew(self, fake: tuple[Fake, str]) -> None:
        servicer, address = fake
        study = Study(address)
        study.run(1)
        study.ask(1)
        kept = study.memo["katib told"].trials[0]
        study.ask(1)
        assert study.memo["katib told"].trials[0] is kept
        study.end(0, TrialState.SUCCEEDED, 1.0)
        study.ask(1)
        assert servicer.asked[-1].trials[0].status.condition == katib.TrialStatus.SUCCEEDED

    def test_trials_of_others_are_not_told(self, fake: tuple[Fake, str]) -> None:
        servicer, address = fake
        study = Study(address)
        assignment: Assignment = {"rate": 0.5, "decay": 0.5, "layers": 3, "batch": 32, "kernel": "rbf"}
        study.put(TrialRecord(0, "initial", TrialState.SUCCEEDED, assignment, (1.0,), completion_rank=1))
        study.ask(2)
        assert (told(servicer.asked[0]), servicer.asked[0].total_request_number) == ({}, 2)


class TestWhatComesBack:
    def test_values_by_type_and_labels(self, fake: tuple[Fake, str]) -> None:
        servicer, address = fake
        (one,) = Study(address).run(1).suggestions
        assert one.assignment == {"rate": 0.1, "decay": 0.5, "layers": 3, "batch": 64.5, "kernel": True}
        assert {name: type(value) for name, value in one.assignment.items()} == {
            "rate": float,
            "decay": float,
            "layers": int,
            "batch": float,
            "kernel": bool,
        }
        assert json.loads(one.labels[VALUES]) == {"rate": "0.10", "batch": "64.50"}
        assert one.labels[NAME] == "mine-0-abcde"
        assert "theirs" in one.explanation.text
        assert servicer.asked

    def test_settings_travel_with_the_last_trial(self, fake: tuple[Fake, str]) -> None:
        servicer, address = fake
        study = Study(address)
        servicer.reply = lambda request: proposals(GOOD, {**GOOD, "layers": "5"}, current_s="2", depth="4")
        first, _ = study.run(2).suggestions
        assert SETTINGS not in first.labels
        study.memo.clear()  # as after a restart
        servicer.reply = lambda request: proposals({**GOOD, "layers": "7"})
        study.run(1)
        study.ask(1)
        for request in servicer.asked[1:]:
            settings = {one.name: one.value for one in request.experiment.spec.algorithm.algorithm_settings}
            assert settings == {"depth": "4", "wide": "true", "rate": "0.5", "current_s": "2"}

    def test_names_labels_and_parents_of_the_service(self, fake: tuple[Fake, str]) -> None:
        servicer, address = fake
        study = Study(address)
        reply = proposals(GOOD)
        reply.parameter_assignments[0].trial_name = "pbt-1"
        reply.parameter_assignments[0].labels["pbt.suggestion.katib.kubeflow.org/generation"] = "0"
        servicer.reply = lambda request: reply
        study.run(1)
        child = proposals({**GOOD, "layers": "5"})
        child.parameter_assignments[0].labels["pbt.suggestion.katib.kubeflow.org/parent"] = "pbt-1"
        servicer.reply = lambda request: child
        (one,) = study.ask(1).suggestions
        assert one.parent == 0
        assert json.loads(one.labels[LABELS]) == {"pbt.suggestion.katib.kubeflow.org/parent": "pbt-1"}
        (trial,) = servicer.asked[-1].trials
        assert (trial.name, dict(trial.spec.labels)) == (
            "pbt-1",
            {"pbt.suggestion.katib.kubeflow.org/generation": "0"},
        )

    WRONG: Sequence[tuple[dict[str, str], str]] = [
        ({**GOOD, "rate": "2"}, "`min <= value <= max` must hold"),
        ({**GOOD, "decay": "0.3"}, "for a whole k"),
        ({**GOOD, "layers": "3.5"}, "must be a whole number"),
        ({**GOOD, "kernel": "True"}, "must be one of"),
        ({**GOOD, "other": "1"}, "other: the search space has no such parameter"),
        ({name: text for name, text in GOOD.items() if name != "batch"}, "batch: must be given"),
    ]

    @pytest.mark.parametrize(("values", "rule"), WRONG)
    def test_no_point_of_the_space(self, fake: tuple[Fake, str], values: dict[str, str], rule: str) -> None:
        servicer, address = fake
        servicer.reply = lambda request: proposals(values)
        with pytest.raises(FixRequest) as refused:
            Study(address).ask(1)
        shown = ", ".join(f"{name}={text}" for name, text in values.items())
        assert f"{address} proposed ({shown}), which the search space does not allow" in str(refused.value)
        assert rule in str(refused.value)

    def test_more_than_asked_for(self, fake: tuple[Fake, str]) -> None:
        servicer, address = fake
        servicer.reply = lambda request: proposals(GOOD, GOOD)
        with pytest.raises(FixRequest, match="proposed 2 assignments, but was asked for 1"):
            Study(address).ask(1)


class TestFewerThanAskedFor:
    def test_with_trials_that_run_it_waits_and_without_it_has_ended(self, fake: tuple[Fake, str]) -> None:
        servicer, address = fake
        study = Study(address)
        answer = study.run(2)
        assert (len(answer.suggestions), answer.status) == (1, Status.WAIT)
        assert answer.message == f"{address} proposed 1 of the 2 assignments that it was asked for"
        servicer.reply = lambda request: proposals()
        assert study.ask(2).status is Status.WAIT
        study.end(0, TrialState.SUCCEEDED, 1.0)
        assert study.ask(2).status is Status.EXHAUSTED

    def test_an_error_while_trials_run(self, fake: tuple[Fake, str]) -> None:
        servicer, address = fake
        study = Study(address)
        study.run(1)
        servicer.refusal = (grpc.StatusCode.UNKNOWN, "There are some trials which are not completed yet")
        answer = study.ask(1)
        assert (answer.status, answer.suggestions) == (Status.WAIT, ())
        assert "not completed yet" in answer.message
        study.end(0, TrialState.SUCCEEDED, 1.0)
        with pytest.raises(FixRequest, match=f"the suggestion service {address} failed: There are some trials"):
            study.ask(1)

    def test_a_wrong_request_is_wrong_at_once(self, fake: tuple[Fake, str]) -> None:
        servicer, address = fake
        study = Study(address)
        study.run(1)
        servicer.refusal = (grpc.StatusCode.INVALID_ARGUMENT, "unknown algorithm name theirs")
        with pytest.raises(FixRequest, match="unknown algorithm name theirs"):
            study.ask(1)

    def test_every_point_was_tried(self, fake: tuple[Fake, str]) -> None:
        """Katib's services would repeat them for ever."""
        servicer, address = fake
        study = Study(address, SearchSpace((Parameter("n", IntDomain(1, 2)),)))
        servicer.reply = lambda request: proposals({"n": "1"}, {"n": "2"})
        study.run(2)
        assert study.ask(1).status is Status.EXHAUSTED
        assert len(servicer.asked) == 1


class TestValidation:
    def confirm(self, study: Study) -> list[tuple[str, str]]:
        return [(one.path, one.message) for one in study.adapter.confirm(study.spec, Settings({}))]

    def test_what_the_service_says(self, fake: tuple[Fake, str]) -> None:
        servicer, address = fake
        study = Study(address)
        assert self.confirm(study) == []
        for code in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNKNOWN):
            servicer.refusal = (code, "depth should be great than zero")
            assert self.confirm(study) == [("spec.algorithm", "depth should be great than zero")]

    def test_nobody_answers(self, fake: tuple[Fake, str]) -> None:
        study = Study("127.0.0.1:1")
        for call in (lambda: self.confirm(study), lambda: study.ask(1)):
            with pytest.raises(TryAgain, match=r"the suggestion service 127\.0\.0\.1:1 does not answer"):
                call()

    def test_somebody_else_answers(self) -> None:
        server = grpc.server(futures.ThreadPoolExecutor(1))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        study = Study(f"127.0.0.1:{port}")
        ((path, message),) = self.confirm(study)
        assert path == "spec.algorithm.endpoint"
        assert "speaks neither tunesmith.v1 nor Katib's api.v1.beta1" in message
        with pytest.raises(NotOffered):
            study.ask(1)
        server.stop(0).wait()

    def test_what_katibs_contract_cannot_say(self) -> None:
        spaces = {
            "spec.parameters[0].values": SearchSpace((Parameter("x", CategoricalDomain(("1", 1))),)),
            "spec.parameters[5].when": MIXED,
            "spec.constraints": SearchSpace((Parameter("x", IntDomain(1, 9)),), ("params.x < 5.0",)),
        }
        for path, space in spaces.items():
            study = Study("127.0.0.1:1", space)
            _, mistakes = read_study(study.adapter, study.spec)
            assert [one.path for one in mistakes] == [path]
