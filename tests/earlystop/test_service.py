"""The service over a socket: what it offers, what it refuses, what it holds, and that this changes no decision."""

import dataclasses
import math
import time
from typing import Any

import pytest
from tests.earlystop.caller import Caller, decide
from tests.earlystop.process import ServiceProcess
from tests.earlystop.studies import NAMES, make_spec

from tunesmith.earlystop._curves import Curves
from tunesmith.earlystop._wire import apply
from tunesmith.services.channel import rpc_errors
from tunesmith.services.errors import BaseRevision, FixRequest, NotFound
from tunesmith.study import Objective, ObjectiveType, RuleSpec, Strategy, StudySpec, TrialState, wire
from tunesmith.v1 import early_stopping_pb2 as messages
from tunesmith.v1 import suggestion_pb2, types_pb2


def told(caller: Caller) -> None:
    """Two trials that ended, and two that run: 2 is worse than they were, 3 is not."""
    caller.report(0, [1.0, 0.8, 0.6])
    caller.report(1, [1.2, 1.0, 0.8])
    caller.report(2, [2.0, 2.0])
    caller.report(3, [1.0, 0.9])
    caller.end(0, 0.6)
    caller.end(1, 0.8)


def test_describe(service: ServiceProcess) -> None:
    rules = service.stub.Describe(messages.EarlyStoppingServiceDescribeRequest()).rules
    assert [rule.name for rule in rules] == NAMES
    (median,) = (rule for rule in rules if rule.name == "median")
    assert "medianstop" in median.aliases
    start = next(setting for setting in median.settings if setting.name == "startStep")
    assert start.type == types_pb2.SETTING_TYPE_INT
    assert start.default_value.int_value == 3
    assert start.meaning.endswith("Also accepted as `start_step`.")


GIVEN_NAN = suggestion_pb2.TrialRecord(
    number=1,
    state=types_pb2.TRIAL_STATE_RUNNING,
    assignment=types_pb2.Assignment(values={"x": types_pb2.Value(double_value=math.nan)}),
)


class TestValidate:
    def validate(self, service: ServiceProcess, spec: StudySpec) -> list[str]:
        request = messages.EarlyStoppingServiceValidateRequest(spec=wire.spec_to_proto(spec))
        with rpc_errors():
            return list(service.stub.Validate(request).warnings)

    @pytest.mark.parametrize("name", [*NAMES, "medianstop"])
    def test_a_good_study(self, service: ServiceProcess, name: str) -> None:
        assert self.validate(service, make_spec(name, seed=None)) == []

    def test_an_unknown_rule(self, service: ServiceProcess) -> None:
        with pytest.raises(NotFound, match="rule 'medain' is not offered here; did you mean 'median'"):
            self.validate(service, make_spec("medain"))

    def test_all_mistakes_in_settings(self, service: ServiceProcess) -> None:
        with pytest.raises(FixRequest) as refused:
            self.validate(service, make_spec("median", startStep=-1, mintrials=3, interval="x"))
        assert {mistake.path: mistake.message for mistake in refused.value.mistakes} == {
            "spec.earlyStopping.settings.startStep": "`startStep >= 0` must hold, but got -1",
            "spec.earlyStopping.settings.mintrials": (
                "rule 'median' has no setting 'mintrials'; did you mean 'minTrials'?"
            ),
            "spec.earlyStopping.settings.interval": "must be of type int, but got 'x'",
        }

    def test_katibs_names_of_settings(self, service: ServiceProcess) -> None:
        assert self.validate(service, make_spec("medianstop", start_step=2, min_trials_required=1)) == []
        with pytest.raises(FixRequest, match="must not be given beside 'startStep'"):
            self.validate(service, make_spec("median", startStep=2, start_step=2))

    @pytest.mark.parametrize(
        ("name", "given", "field", "message"),
        [
            (
                rule,
                {"minResource": 5, "maxResource": 4},
                ".maxResource",
                "`minResource <= maxResource` must hold, but got (minResource=5, maxResource=4)",
            )
            for rule in ("asha", "hyperband")
        ]
        + [
            (
                "threshold",
                {"lower": 2, "upper": 1},
                ".upper",
                "`lower <= upper` must hold, but got (lower=2.0, upper=1.0)",
            ),
        ],
    )
    def test_settings_that_do_not_go_together(
        self, service: ServiceProcess, name: str, given: dict[str, float], field: str, message: str
    ) -> None:
        with pytest.raises(FixRequest) as refused:
            self.validate(service, make_spec(name, given))
        (mistake,) = refused.value.mistakes
        assert (mistake.path, mistake.message) == (f"spec.earlyStopping.settings{field}", message)

    def test_a_threshold_needs_a_bound(self, service: ServiceProcess) -> None:
        spec = dataclasses.replace(make_spec("threshold"), early_stopping=RuleSpec("threshold"))
        with pytest.raises(FixRequest) as refused:
            self.validate(service, spec)
        (mistake,) = refused.value.mistakes
        assert (mistake.path, mistake.message) == (
            "spec.earlyStopping.settings",
            "`lower` or `upper` must be given, but neither is",
        )

    def test_several_objectives(self, service: ServiceProcess) -> None:
        spec = make_spec("median")
        two = (*spec.objectives, Objective("size", ObjectiveType.MINIMIZE))
        with pytest.raises(FixRequest) as refused:
            self.validate(service, dataclasses.replace(spec, objectives=two))
        (mistake,) = refused.value.mistakes
        assert (mistake.path, mistake.message) == (
            "spec.objectives",
            "rule 'median' works with one objective, but got 2",
        )

    def test_no_rule(self, service: ServiceProcess) -> None:
        with pytest.raises(FixRequest) as refused:
            self.validate(service, dataclasses.replace(make_spec("median"), early_stopping=None))
        assert [mistake.path for mistake in refused.value.mistakes] == ["spec.earlyStopping"]


class TestDecide:
    def test_decisions(self, service: ServiceProcess, caller: Caller) -> None:
        told(caller)
        response = caller.ask(service.channel, 2, 3, 4)
        assert [(one.trial, one.stop, one.step) for one in response.decisions] == [(2, True, 2), (3, False, 2)]
        why = response.decisions[0].reason
        assert why == "at step 2 its best value so far 2 is worse than 0.9, the median of 3 trials"
        assert not response.decisions[0].HasField("predicted_final")

    def test_nothing_asked_brings_the_study_up_to_date(self, service: ServiceProcess, caller: Caller) -> None:
        told(caller)
        assert caller.ask(service.channel) == messages.DecideResponse()
        assert caller.one(service.channel, 2).stop
        assert caller.refusals == 0

    def test_another_attempt_voids_what_was_reported(self, service: ServiceProcess, caller: Caller) -> None:
        told(caller)
        assert caller.one(service.channel, 2).stop
        caller.restart(2)
        assert not caller.ask(service.channel, 2).decisions
        caller.report(2, [0.1])
        assert not caller.one(service.channel, 2).stop

    def test_one_chunk_is_applied_in_the_order_of_its_fields(self, service: ServiceProcess, caller: Caller) -> None:
        told(caller)
        record = suggestion_pb2.TrialRecord(number=2, state=types_pb2.TRIAL_STATE_SUCCEEDED, values=[0.2])
        caller.tell(messages.ObservationChunk(restarted=[2], trials=[2], steps=[2], values=[0.2], records=[record]))
        assert not caller.ask(service.channel, 2).decisions, "it has ended"
        decision = caller.one(service.channel, 3)
        assert decision.reason.endswith("0.9 is worse than 0.8, the median of 3 trials")

    def test_a_record_without_an_assignment_leaves_the_one_that_is_known(self) -> None:
        def record(state: TrialState, **given: Any) -> messages.ObservationChunk:
            kind = wire.TRIAL_STATE_TO_PROTO[state]
            return messages.ObservationChunk(records=[suggestion_pb2.TrialRecord(number=2, state=kind, **given)])

        curves = Curves()
        apply(curves, [record(TrialState.RUNNING, assignment=wire.assignment_to_proto({"x": 3}))], 1)
        apply(curves, [record(TrialState.SUCCEEDED, values=[1.0])], 1)
        assert curves.assignments == {2: {"x": 3}}
        assert curves.size == 2, "an end, and a value of a parameter"
        apply(curves, [record(TrialState.SUCCEEDED, assignment=wire.assignment_to_proto({}))], 1)
        assert curves.assignments == {2: {}}
        assert curves.size == 1

    def test_a_trial_that_finished_and_runs_again(self, service: ServiceProcess, caller: Caller) -> None:
        told(caller)
        caller.end(2, 2.0)
        assert not caller.ask(service.channel, 2).decisions
        caller.end(2, state=TrialState.RUNNING)
        assert caller.one(service.channel, 2).stop
        caller.end(2, 0.1, state=TrialState.EARLY_STOPPED)
        caller.end(2, 2.0)
        assert not caller.ask(service.channel, 2).decisions

    def test_the_first_value_of_a_step_counts(self, service: ServiceProcess, caller: Caller) -> None:
        told(caller)
        caller.report(3, {1: 90.0, 2: math.nan})
        assert not caller.one(service.channel, 3).stop

    def test_maximizing(self, service: ServiceProcess) -> None:
        caller = Caller(
            make_spec("median", compare="average", startStep=1, minTrials=1, maximize=True), uid="maximizing"
        )
        told(caller)
        assert [one.stop for one in caller.ask(service.channel, 2, 3).decisions] == [False, True]


class TestHolding:
    def test_only_news_are_sent(self, service: ServiceProcess, caller: Caller) -> None:
        told(caller)
        first = caller.one(service.channel, 2)
        assert len(list(caller.stream(2))) == 1
        assert caller.one(service.channel, 2) == first
        assert caller.refusals == 0

    def test_an_unknown_base_is_refused_before_the_observations_are_sent(
        self, service: ServiceProcess, caller: Caller
    ) -> None:
        told(caller)
        caller.base = 3
        with pytest.raises(BaseRevision) as refused:
            decide(service.channel, caller.header(2))
        assert refused.value.args == (0, 0)
        assert caller.one(service.channel, 2).stop
        assert caller.refusals == 1

    def test_the_held_revision_and_digest_are_told(self, service: ServiceProcess, caller: Caller) -> None:
        told(caller)
        caller.ask(service.channel, 2)
        caller.base = 2
        with pytest.raises(BaseRevision) as refused:
            decide(service.channel, caller.header(2))
        assert refused.value.args == (6, caller.digests[6])

    def test_another_digest_counts_as_nothing(self, service: ServiceProcess, caller: Caller) -> None:
        told(caller)
        caller.ask(service.channel, 2)
        header = caller.header(2)
        header.base_digest ^= 1
        with pytest.raises(BaseRevision) as refused:
            decide(service.channel, header)
        assert refused.value.args == (0, 0)

    def test_an_edited_rule_replaces_the_held_one(self, service: ServiceProcess, caller: Caller) -> None:
        told(caller)
        assert caller.one(service.channel, 2).stop
        caller.spec, caller.generation = make_spec("median", startStep=3, minTrials=1), 2
        assert not caller.ask(service.channel, 2).decisions
        assert caller.refusals == 0

    def test_an_edited_objective_makes_everything_anew(self, service: ServiceProcess, caller: Caller) -> None:
        told(caller)
        assert caller.one(service.channel, 2).stop
        caller.spec, caller.generation = make_spec("median", startStep=1, minTrials=1, maximize=True), 2
        assert not caller.one(service.channel, 2).stop
        assert caller.refusals == 1

    def test_evicted_studies_are_streamed_again(self) -> None:
        with ServiceProcess(["--max-studies", "1"]) as process:
            callers = [Caller(make_spec("median", startStep=1, minTrials=1), uid) for uid in ("one", "other")]
            for one in callers:
                told(one)
            answers = [[one.one(process.channel, 2) for one in callers] for _ in range(2)]
        assert answers[0] == answers[1]
        assert [one.refusals for one in callers] == [1, 1]

    def test_observations_are_bounded_too(self) -> None:
        with ServiceProcess(["--max-observations", "15"]) as process:
            callers = [Caller(make_spec("median", startStep=1, minTrials=1), uid) for uid in ("one", "other")]
            for one in (*callers, *callers):
                told(one)
                one.ask(process.channel, 2)
        assert [one.refusals for one in callers] == [1, 1]

    def test_killed_between_any_two_calls(self) -> None:
        lives, killed = (Caller(make_spec("median", startStep=1, minTrials=1), uid) for uid in ("lives", "killed"))
        with ServiceProcess() as process, ServiceProcess() as other:
            for step in range(1, 4):
                for caller in (lives, killed):
                    caller.report(step, [1.0 / step] * step)
                    caller.report(9, {step: 1.0})
                assert lives.ask(other.channel, 9) == killed.ask(process.channel, 9)
                process.restart()
        assert lives.refusals == 0
        assert killed.refusals == 2

    def test_a_caller_that_goes_away_leaves_the_study_usable(self, service: ServiceProcess, caller: Caller) -> None:
        for number in range(300):
            caller.report(number, [1.0] * 100)
        for wait in (0.001, 0.02, 0.05, 0.1):
            call = service.stub.Decide.future(caller.stream(3), timeout=30)
            time.sleep(wait)
            call.cancel()
        assert caller.one(service.channel, 3).trial == 3


class TestRefusals:
    def header(self, **changes: Any) -> messages.DecideHeader:
        header = Caller(make_spec("median"), "refused").header(1, 2)
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
            decide(service.channel, self.header(**changes))

    @pytest.mark.parametrize("numbers", [(1, 1), (2, 1), (-1, 0)])
    def test_numbers_that_do_not_rise(self, service: ServiceProcess, numbers: tuple[int, int]) -> None:
        header = self.header()
        header.trials[:] = numbers
        with pytest.raises(FixRequest, match="`trials` must have numbers of 0 or more that rise"):
            decide(service.channel, header)

    def test_no_header(self, service: ServiceProcess) -> None:
        with pytest.raises(FixRequest, match="the first message"):
            decide(service.channel)
        with pytest.raises(FixRequest, match="the first message"):
            decide(service.channel, messages.ObservationChunk())

    def test_two_headers(self, service: ServiceProcess) -> None:
        with pytest.raises(
            FixRequest, match="every message of the stream but the first must be a chunk of observations"
        ):
            decide(service.channel, self.header(), self.header())

    def test_a_seed_is_needed(self, service: ServiceProcess) -> None:
        header = self.header()
        header.spec.ClearField("seed")
        with pytest.raises(FixRequest) as refused:
            decide(service.channel, header)
        assert [mistake.path for mistake in refused.value.mistakes] == ["spec.seed"]

    @pytest.mark.parametrize(
        ("chunk", "why"),
        [
            (messages.ObservationChunk(trials=[1], steps=[1, 2], values=[1]), r"trials=1, steps=2, values=1"),
            (messages.ObservationChunk(trials=[-1], steps=[1], values=[1]), "numbers of 0 or more, but got -1"),
            (messages.ObservationChunk(restarted=[-2]), "numbers of 0 or more, but got -2"),
            (messages.ObservationChunk(records=[suggestion_pb2.TrialRecord(number=1)]), "must have a state"),
            (messages.ObservationChunk(records=[suggestion_pb2.TrialRecord(number=-1, state=3)]), "number=-1"),  # type: ignore[arg-type]
            (messages.ObservationChunk(records=[GIVEN_NAN]), r"trials\[1\].assignment.x: must be a finite number"),
        ],
    )
    def test_news_that_cannot_be(self, service: ServiceProcess, chunk: messages.ObservationChunk, why: str) -> None:
        with pytest.raises(FixRequest, match=why):
            decide(service.channel, self.header(), chunk)

    def test_a_refusal_leaves_nothing_half_done(self, service: ServiceProcess, caller: Caller) -> None:
        told(caller)
        before = caller.one(service.channel, 2)
        good = messages.ObservationChunk(trials=[2], steps=[3], values=[0.0])
        bad = messages.ObservationChunk(trials=[2])
        with pytest.raises(FixRequest):
            decide(service.channel, caller.header(2), good, bad)
        assert caller.one(service.channel, 2) == before
        assert caller.refusals == 1


def test_the_strategy_latest_is_told(service: ServiceProcess) -> None:
    caller = Caller(make_spec("median", startStep=1, minTrials=1, strategy=Strategy.LATEST), uid="latest")
    told(caller)
    assert caller.one(service.channel, 2).stop
