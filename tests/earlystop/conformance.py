"""What holds of every rule.

`test_conformance.py` runs it over all that the registry finds, so that a rule is under test when its file is there. A
study is a list of events, as a manager would tell them; the suite tells them in other orders, in other chunks, to a
service that is killed between any two calls, and compares the decisions.
"""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.earlystop.studies import NEEDS, Study, make_spec

from tunesmith.earlystop import Decision
from tunesmith.earlystop._check import read_study
from tunesmith.earlystop._wire import apply, decisions_to_proto
from tunesmith.study import ParameterValue, RuleSpec, Strategy, StudySpec, TrialState, wire
from tunesmith.v1 import early_stopping_pb2 as messages
from tunesmith.v1 import suggestion_pb2

SLOW = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
OWN = ("threshold", "patience")
"""Rules that look at a trial alone, so that the best one may be stopped too."""
EAGER: dict[str, dict[str, ParameterValue]] = {
    "median": {"startStep": 1, "minTrials": 1},
    "percentile": {"startStep": 1, "minTrials": 1},
    "asha": {"minResource": 1, "reductionFactor": 2},
    "hyperband": {"reductionFactor": 2, "maxResource": 8},
    "patience": {"patience": 2},
    "threshold": {"upper": 5.0, "lower": -5.0},
    "curve": {"maxResource": 9, "minTrials": 1},
}
"""Settings with which a rule decides in small studies."""


def spec_of(name: str, *, maximize: bool = False, strategy: Strategy | None = None) -> StudySpec:
    """A study in which a rule decides soon."""
    return make_spec(name, EAGER.get(name, {}), maximize=maximize, strategy=strategy)


@dataclass(frozen=True)
class Event:
    """A trial reported a value, or ended when `state` is set."""

    trial: int
    step: int
    value: float
    state: TrialState | None = None
    x: int = 0
    """What the trial was given, which is told with its state."""

    def negated(self) -> "Event":
        return replace(self, value=-self.value)

    def told(self) -> messages.ObservationChunk:
        if self.state is None:
            return messages.ObservationChunk(trials=[self.trial], steps=[self.step], values=[self.value])
        state, values = wire.TRIAL_STATE_TO_PROTO[self.state], [self.value]
        given = wire.assignment_to_proto({"x": self.x})
        record = suggestion_pb2.TrialRecord(number=self.trial, state=state, values=values, assignment=given)
        return messages.ObservationChunk(records=[record])


_VALUES = st.one_of(
    st.sampled_from([0.0, 1.0, 2.0, 0.5, -1.0]),
    st.floats(-10, 10),
    st.sampled_from([math.nan, math.inf, -math.inf, 1.7e308, -1.7e308, 5e-324]),
)
_REPORTS = st.dictionaries(
    st.tuples(st.integers(0, 6), st.one_of(st.integers(0, 9), st.sampled_from([-(2**63), 2**63 - 1]))),
    _VALUES,
    max_size=40,
)
_STATES = st.sampled_from([*TrialState, TrialState.SUCCEEDED, TrialState.SUCCEEDED])
_ENDS = st.dictionaries(st.integers(0, 6), st.tuples(_STATES, _VALUES, st.integers(0, 9)), max_size=5)


def events_of(reports: dict[tuple[int, int], float], ends: dict[int, tuple[TrialState, float, int]]) -> list[Event]:
    """One value for each trial and step, and one end for each trial."""
    told = [Event(trial, step, value) for (trial, step), value in reports.items()]
    return told + [Event(trial, 0, value, state, x) for trial, (state, value, x) in ends.items()]


EVENTS = st.builds(events_of, _REPORTS, _ENDS)


def tell(study: Study, events: Sequence[Event]) -> None:
    apply(study.held.curves, [event.told() for event in events], study.sign)


def decide(study: Study) -> list[Decision]:
    """Ask about all trials, and look at what is said."""
    found = study.ask(*range(8))
    running = study.held.curves.running
    assert all(decision.trial in running for decision in found)
    for decision in found:
        assert decision.reason.strip() == decision.reason
        assert decision.reason[0].islower()
        assert not re.search(r"\b(nan|inf)\b", decision.reason), decision.reason
        assert decision.predicted_final is None or math.isfinite(decision.predicted_final)
        assert decision.step in study.held.curves.curves[decision.trial].steps
    decisions_to_proto(found)
    return found


def anew(spec: StudySpec, events: Sequence[Event]) -> list[Decision]:
    """What is decided of a study that is told at once."""
    study = Study(spec)
    tell(study, events)
    return decide(study)


class Conformance:
    """The suite; `name` is that of a rule."""

    @given(events=EVENTS, seed=st.integers(0, 99), maximize=st.booleans(), strategy=st.sampled_from(Strategy))
    @SLOW
    def test_reports_may_arrive_in_any_order(
        self, name: str, events: list[Event], seed: int, maximize: bool, strategy: Strategy
    ) -> None:
        spec = spec_of(name, maximize=maximize, strategy=strategy)
        shuffled = Random(seed).sample(events, len(events))
        assert anew(spec, shuffled) == anew(spec, events)

    @given(events=EVENTS, again=st.lists(st.integers(0, 99), max_size=9), value=_VALUES)
    @SLOW
    def test_what_comes_twice_changes_nothing(
        self, name: str, events: list[Event], again: list[int], value: float
    ) -> None:
        spec, study = spec_of(name), Study(spec_of(name))
        tell(study, events)
        for place in again if events else ():
            event = events[place % len(events)]
            tell(study, [event if event.state else replace(event, value=value)])
        assert decide(study) == anew(spec, events)

    @given(
        events=EVENTS,
        asked=st.lists(st.booleans(), min_size=1, max_size=7),
        maximize=st.booleans(),
        strategy=st.sampled_from(Strategy),
    )
    @SLOW
    def test_calls_may_be_split_anyhow_and_the_service_killed_between_any_two(
        self, name: str, events: list[Event], asked: list[bool], maximize: bool, strategy: Strategy
    ) -> None:
        spec = spec_of(name, maximize=maximize, strategy=strategy)
        study = Study(spec)
        for place, event in enumerate(events):
            tell(study, [event])
            if asked[place % len(asked)]:
                assert decide(study) == anew(spec, events[: place + 1])
        assert decide(study) == decide(study) == anew(spec, events)

    @given(events=EVENTS, strategy=st.sampled_from(Strategy))
    @SLOW
    def test_a_trial_that_begins_again_is_as_if_it_had_never_been(
        self, name: str, events: list[Event], strategy: Strategy
    ) -> None:
        spec = spec_of(name, strategy=strategy)
        study = Study(spec)
        tell(study, events)
        decide(study)
        apply(study.held.curves, [messages.ObservationChunk(restarted=[0, 1, 9])], study.sign)
        assert decide(study) == anew(spec, [event for event in events if event.trial > 1])

    @given(events=EVENTS)
    @SLOW
    def test_both_directions_are_alike(self, name: str, events: list[Event]) -> None:
        down = anew(spec_of(name), events)
        up = anew(spec_of(name, maximize=True), [event.negated() for event in events])
        assert [(one.trial, one.step) for one in down] == [(one.trial, one.step) for one in up]
        assert [one.stop for one in down] == [one.stop for one in up]
        for one, other in zip(down, up, strict=True):
            assert one.predicted_final == (None if other.predicted_final is None else -other.predicted_final)

    @given(events=EVENTS, strategy=st.sampled_from([Strategy.MIN, Strategy.LATEST, Strategy.AVERAGE, Strategy.MAX]))
    @SLOW
    def test_the_best_is_never_stopped(self, name: str, events: list[Event], strategy: Strategy) -> None:
        if name in OWN:
            pytest.skip("it looks at a trial alone")
        study = Study(spec_of(name, strategy=strategy))
        finite = [event for event in events if math.isfinite(event.value) and abs(event.value) < 1e3]
        tell(study, [event for event in finite if event.state is None or event.trial != 7])
        study.report(7, {0: 5.0, 3: -2e3, 5: -1e3 - 1, 8: -1e3})
        assert not any(decision.stop for decision in decide(study) if decision.trial == 7)

    def test_trials_without_observations_are_not_weighed(self, name: str) -> None:
        study = Study(spec_of(name))
        assert study.ask(*range(8)) == []
        study.end(0, 1.0)
        assert study.ask(*range(8)) == []
        study.report(1, [1.0, 2.0, 3.0])
        study.end(1, 1.0)
        assert study.ask(*range(8)) == []

    def test_it_decides(self, name: str) -> None:
        """Not a suite in which nothing ever happens."""
        study = Study(spec_of(name))
        for number in range(6):
            study.finish(number, [3.0 / step + number / 10 for step in range(1, 10)])
        study.report(6, [9.0 - step for step in range(3)])
        study.report(6, dict.fromkeys(range(4, 8), 9.0))
        study.report(7, [2.0 / step for step in range(1, 8)])
        stopped = {decision.trial: decision.stop for decision in decide(study)}
        if name != "hyperband":  # there each may be alone in its bracket
            assert stopped == {6: True, 7: False}

    @given(given_settings=st.data())
    @settings(SLOW, max_examples=60)
    def test_hostile_settings_are_mistakes_or_do_no_harm(self, name: str, given_settings: st.DataObject) -> None:
        study = Study(spec_of(name))
        described = study.held.job.rule.description.settings
        names = st.one_of(
            st.sampled_from([alias for one in described for alias in (one.name, *one.aliases)]), st.text(max_size=5)
        )
        values: st.SearchStrategy[Any] = st.one_of(
            st.integers(-3, 12), st.integers(), st.floats(), st.booleans(), st.text(max_size=5), st.just(10**9)
        )
        given = given_settings.draw(st.dictionaries(names, values, max_size=4))
        rule = study.held.job.rule
        spec = replace(study.spec, early_stopping=RuleSpec(name, {**NEEDS.get(name, {}), **given}))
        _, mistakes = read_study(rule, spec)
        for mistake in mistakes:
            assert mistake.path.startswith("spec.earlyStopping.settings")
            assert mistake.message
        if mistakes:
            return
        study = Study(spec)
        for number in range(5):
            study.finish(number, [3.0 / step + number for step in range(1, 8)])
        study.report(5, [9.0] * 7)
        study.report(6, {2**62: 1.0, -(2**62): 2.0})
        decide(study)

    def test_it_describes_itself(self, name: str) -> None:
        described = Study(spec_of(name)).held.job.rule.description
        assert described.name == name
        assert described.summary.endswith(".")
        assert "\n" not in described.summary
        assert len(described.description) > 100
        assert described.source.endswith(".")
        assert all(setting.meaning.endswith(".") for setting in described.settings)
        json.dumps([setting.default for setting in described.settings])
