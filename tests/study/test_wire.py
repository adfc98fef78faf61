"""The wire: everything survives it, and what is wrong is told as a document's mistakes are."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.documents import RIGHT, SMALL
from tests.job_strategies import jobs, values
from tests.strategies import search_spaces

from tunesmith.study import (
    AttemptEnding,
    Distribution,
    DocumentError,
    FailureClass,
    Limits,
    MetricSummary,
    Mistake,
    ObjectiveType,
    OnCompletion,
    ParameterValue,
    SearchSpace,
    Strategy,
    StudyJob,
    StudyMetricSummary,
    StudyState,
    TrialState,
    read_study_job,
    to_document,
    wire,
)
from tunesmith.v1 import manager_pb2, types_pb2

JOB = read_study_job(RIGHT, base=None)


def exact(job: StudyJob) -> str:
    """Text that tells 1, 1.0 and true apart, which `==` does not."""
    return json.dumps(to_document(job), sort_keys=True)


@given(jobs())
@settings(deadline=None)
def test_a_job_survives_the_wire(job: StudyJob) -> None:
    message = manager_pb2.StudyJob.FromString(wire.job_to_proto(job).SerializeToString())
    read = wire.job_from_proto(message)
    assert read == job
    assert exact(read) == exact(job)
    assert wire.spec_from_proto(message.spec) == job.spec
    assert wire.limits_from_proto(message.spec.limits) == job.spec.limits


@given(search_spaces(constraints=False))
@settings(deadline=None)
def test_a_space_survives_the_wire(space: SearchSpace) -> None:
    assert wire.space_from_proto(wire.space_to_proto(space)) == space


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), values))
def test_an_assignment_survives_the_wire(assignment: dict[str, ParameterValue]) -> None:
    read = wire.assignment_from_proto(wire.assignment_to_proto(assignment))
    assert read == assignment
    assert {name: type(value) for name, value in read.items()} == {n: type(v) for n, v in assignment.items()}


@pytest.mark.parametrize(
    ("members", "to_proto", "from_proto"),
    [
        (TrialState, wire.TRIAL_STATE_TO_PROTO, wire.TRIAL_STATE_FROM_PROTO),
        (StudyState, wire.STUDY_STATE_TO_PROTO, wire.STUDY_STATE_FROM_PROTO),
        (AttemptEnding, wire.ATTEMPT_ENDING_TO_PROTO, wire.ATTEMPT_ENDING_FROM_PROTO),
        (FailureClass, wire.FAILURE_CLASS_TO_PROTO, wire.FAILURE_CLASS_FROM_PROTO),
        (ObjectiveType, wire.OBJECTIVE_TYPE_TO_PROTO, wire.OBJECTIVE_TYPE_FROM_PROTO),
        (Strategy, wire.STRATEGY_TO_PROTO, wire.STRATEGY_FROM_PROTO),
        (Distribution, wire.DISTRIBUTION_TO_PROTO, wire.DISTRIBUTION_FROM_PROTO),
        (OnCompletion, wire.ON_COMPLETION_TO_PROTO, wire.ON_COMPLETION_FROM_PROTO),
    ],
)
def test_enumerations(members: type[StrEnum], to_proto: Mapping[Any, int], from_proto: Mapping[int, Any]) -> None:
    assert set(to_proto) == set(members)
    assert 0 not in from_proto
    assert all(from_proto[to_proto[member]] is member for member in members)


def test_every_member_of_the_protos_is_known() -> None:
    pairs: list[tuple[Any, Mapping[Any, Any]]] = [
        (types_pb2.TrialState, wire.TRIAL_STATE_FROM_PROTO),
        (types_pb2.StudyState, wire.STUDY_STATE_FROM_PROTO),
        (types_pb2.FailureClass, wire.FAILURE_CLASS_FROM_PROTO),
        (types_pb2.Distribution, wire.DISTRIBUTION_FROM_PROTO),
        (manager_pb2.AttemptEnding, wire.ATTEMPT_ENDING_FROM_PROTO),
    ]
    for proto, known in pairs:
        assert set(proto.values()) - {0} == set(known)


def test_summaries() -> None:
    summary = MetricSummary("a").add(1.0).add(nan).add(3.0)
    assert wire.summary_from_proto(wire.summary_to_proto(summary)) == summary
    empty = MetricSummary("a").add(inf)
    message = wire.summary_to_proto(empty)
    assert not message.HasField("average")
    assert wire.summary_from_proto(message) == empty
    study = StudyMetricSummary.of("a", 1.0).add(3.0)
    assert wire.study_summary_from_proto(wire.study_summary_to_proto(study)) == study


def test_mistakes() -> None:
    mistake = Mistake("spec.x", "no", 3, 4)
    assert wire.mistake_from_proto(wire.mistake_to_proto(mistake)) == mistake


def changed(change: Callable[[types_pb2.StudySpec], object]) -> list[str]:
    """The mistakes of a job whose spec was changed on the wire."""
    message = wire.job_to_proto(JOB)
    change(message.spec)
    with pytest.raises(DocumentError) as caught:
        wire.job_from_proto(message)
    return [str(mistake) for mistake in caught.value.mistakes]


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        (lambda s: s.ClearField("objectives"), "spec.objective: must be given"),
        (lambda s: s.objectives.add(), "spec.objectives: several objectives are not supported yet"),
        (lambda s: s.objectives[0].ClearField("type"), "spec.objective.type: must be given"),
        (
            lambda s: setattr(s.objectives[0], "type", 9),
            "spec.objective.type: must be one of minimize, maximize, but got 9",
        ),
        (lambda s: setattr(s.objectives[0], "goal", nan), "spec.objective.goal: must be a finite number, but got nan"),
        (lambda s: setattr(s.objectives[0], "metric", ""), "spec.objective.metric: must be given"),
        (
            lambda s: setattr(s.metrics.metrics[0], "strategy", 9),
            "spec.metrics[0].strategy: must be one of min, max, average, latest, but got 9",
        ),
        (
            lambda s: setattr(s.space.parameters[0].double_domain, "min", -inf),
            "spec.parameters[0].min: must be a finite number, but got -inf",
        ),
        (
            lambda s: setattr(s.space.parameters[0].double_domain, "min", 200),
            "spec.parameters[0].min: `min <= max` must hold, but got (min=200, max=100)",
        ),
        (
            lambda s: s.space.parameters[0].ClearField("double_domain"),
            "spec.parameters[0].type: must be given: one of double, int, discrete, categorical",
        ),
        (lambda s: s.space.parameters[0].ClearField("name"), "spec.parameters[0].name: must be given"),
        (
            lambda s: s.space.parameters[1].categorical_domain.values.add(),
            "spec.parameters[1].values[3]: must be a string, a number or a boolean, but got null",
        ),
        (
            lambda s: s.space.parameters[0].default_value.SetInParent(),
            "spec.parameters[0].default: must be a string, a number or a boolean, but got null",
        ),
        (
            lambda s: s.space.parameters[2].when[0].ClearField("values"),
            "spec.parameters[2].when.kernel: must not be empty",
        ),
        (lambda s: s.ClearField("space"), "spec.parameters: must not be empty"),
        (
            lambda s: setattr(s.algorithm.settings["points"], "double_value", nan),
            "spec.algorithm.settings.points: must be a finite number, but got nan",
        ),
        (
            lambda s: setattr(s, "seed", 2**63),
            "spec.algorithm.settings.seed: `seed <= 9223372036854775807` must hold, but got 9223372036854775808",
        ),
        (lambda s: setattr(s.limits, "parallel", 0), "spec.limits.parallel: `parallel >= 1` must hold, but got 0"),
        (
            lambda s: setattr(s.limits.duration, "seconds", -5),
            "spec.limits.duration: `duration > 0` must hold, but got -5.0",
        ),
        (lambda s: s.retry.on.append(0), "spec.retry.on[2]: must be one of userError, outOfMemory, preempted, timeout, "
         "lost, noMetrics, notANumber, but got null"),
        (lambda s: setattr(s.retry, "attempts", 0), "spec.retry.attempts: `attempts >= 1` must hold, but got 0"),
        (
            lambda s: setattr(s.initial[0].values["kernel"], "bool_value", True),
            "spec.initial[0].kernel: must be one of ['rbf', 'poly', 'linear'], but got true",
        ),
        (lambda s: s.ClearField("trial"), "spec.trial: must be given"),
        (lambda s: s.trial.ClearField("command"), "spec.trial.command: must be given, unless `workers` is true"),
        (
            lambda s: s.trial.command.append("${params.gama}"),
            "spec.trial.command[4]: unknown placeholder `${params.gama}`; did you mean gamma?",
        ),
        (lambda s: s.trial.command.append("a\0b"), "spec.trial.command[4]: must not hold a NUL character"),
        (
            lambda s: setattr(s.trial, "working_dir", "x"),
            "spec.trial.workingDir: must be absolute, since the document's folder is not known, but got 'x'",
        ),
        (lambda s: setattr(s.trial.resources, "gpu", -1), "spec.trial.resources.gpu: `gpu >= 0` must hold, but got -1"),
        (lambda s: setattr(s.collector, "kind", "push"), "spec.collector.kind: `push` is not supported yet"),
        (lambda s: setattr(s, "on_completion", 9), "spec.onCompletion: must be one of stop, wait, but got 9"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_message(change: Callable[[types_pb2.StudySpec], object], mistake: str) -> None:
    assert changed(change) == [mistake]


def test_mistakes_of_a_message_together() -> None:
    message = manager_pb2.StudyJob(key=manager_pb2.StudyKey(name="A"))
    with pytest.raises(DocumentError) as caught:
        wire.job_from_proto(message)
    paths = [mistake.path for mistake in caught.value.mistakes]
    assert paths == ["metadata.name", "spec.parameters", "spec.trial", "spec.objective"]


def test_what_is_not_said_on_the_wire_has_its_default() -> None:
    small = read_study_job(SMALL, base=None)
    message = wire.job_to_proto(small)
    for name in ("limits", "retry", "collector", "on_completion", "algorithm", "metrics", "seed"):
        message.spec.ClearField(name)
    message.spec.objectives[0].ClearField("strategy")
    message.key.ClearField("namespace")
    assert wire.job_from_proto(message) == small


def test_a_spec_for_a_suggestion_service_needs_no_trial_and_no_limits() -> None:
    message = wire.spec_to_proto(JOB.spec)
    message.ClearField("trial")
    message.ClearField("limits")
    message.objectives.add(metric="loss", type=types_pb2.OBJECTIVE_TYPE_MINIMIZE)
    spec = wire.spec_from_proto(message)
    assert spec.limits == Limits()
    assert [objective.metric for objective in spec.objectives] == ["accuracy", "loss"]
    assert wire.spec_from_proto(wire.spec_to_proto(spec)) == spec
    assert replace(spec, objectives=JOB.spec.objectives, limits=JOB.spec.limits, trial=JOB.spec.trial) == JOB.spec


def test_values_that_are_none() -> None:
    with pytest.raises(DocumentError, match=r"^a: must be a string, a number or a boolean, but got null$"):
        wire.value_from_proto(types_pb2.Value(), "a")
    message = types_pb2.Assignment(values={"b": types_pb2.Value(), "a": types_pb2.Value(double_value=nan)})
    with pytest.raises(DocumentError) as caught:
        wire.assignment_from_proto(message, "spec.initial[0]")
    assert [mistake.path for mistake in caught.value.mistakes] == ["spec.initial[0].a", "spec.initial[0].b"]


def test_conditions_on_one_parameter_must_all_hold() -> None:
    message = wire.spec_to_proto(JOB.spec)
    condition = message.space.parameters[2].when.add(parameter="kernel")
    condition.values.add(string_value="poly")
    assert wire.spec_from_proto(message).space.parameters[2].when[0].values == ("poly",)
