"""Specs and jobs to the wire."""

from google.protobuf.duration_pb2 import Duration

from tunesmith.study._domains import DiscreteDomain, DoubleDomain, IntDomain
from tunesmith.study._kinds_quantity import nanoseconds
from tunesmith.study._parameters import Condition, Parameter
from tunesmith.study._space import SearchSpace
from tunesmith.study._spec import AlgorithmSpec, Limits, Objective, Retry, RuleSpec, StudyJob, StudySpec, TrialTemplate
from tunesmith.study._wire_enums import (
    DISTRIBUTION_TO_PROTO,
    FAILURE_CLASS_TO_PROTO,
    OBJECTIVE_TYPE_TO_PROTO,
    ON_COMPLETION_TO_PROTO,
    STRATEGY_TO_PROTO,
)
from tunesmith.study._wire_value import assignment_to_proto, value_to_proto
from tunesmith.v1 import manager_pb2, types_pb2


def job_to_proto(job: StudyJob) -> manager_pb2.StudyJob:
    """The job."""
    return manager_pb2.StudyJob(
        key=manager_pb2.StudyKey(namespace=job.namespace, name=job.name),
        labels=dict(job.labels),
        spec=spec_to_proto(job.spec),
    )


def spec_to_proto(spec: StudySpec) -> types_pb2.StudySpec:
    """The spec."""
    return types_pb2.StudySpec(
        objectives=map(_objective, spec.objectives),
        metrics=_metrics(spec),
        space=space_to_proto(spec.space),
        algorithm=_named(spec.algorithm),
        early_stopping=None if spec.early_stopping is None else _named(spec.early_stopping),
        limits=limits_to_proto(spec.limits),
        retry=_retry(spec.retry),
        initial=map(assignment_to_proto, spec.initial),
        trial=_trial(spec.trial),
        collector=types_pb2.CollectorSpec(
            kind=spec.collector.kind, path=spec.collector.path, patterns=spec.collector.patterns
        ),
        on_completion=ON_COMPLETION_TO_PROTO[spec.on_completion],
        seed=spec.seed,
    )


def space_to_proto(space: SearchSpace) -> types_pb2.SearchSpace:
    """The search space."""
    return types_pb2.SearchSpace(parameters=map(_parameter, space.parameters), constraints=space.constraints)


def limits_to_proto(limits: Limits) -> types_pb2.Limits:
    """The limits; those that are None stay absent."""
    return types_pb2.Limits(
        trials=limits.trials,
        parallel=limits.parallel,
        failed=limits.failed,
        duration=_duration(limits.duration),
        trial_duration=_duration(limits.trial_duration),
    )


def _duration(seconds: float | None) -> Duration | None:
    if seconds is None:
        return None
    whole, nanos = divmod(nanoseconds(seconds), 10**9)
    return Duration(seconds=whole, nanos=nanos)


def _objective(objective: Objective) -> types_pb2.Objective:
    return types_pb2.Objective(
        metric=objective.metric,
        type=OBJECTIVE_TYPE_TO_PROTO[objective.type],
        goal=objective.goal,
        strategy=STRATEGY_TO_PROTO[objective.strategy],
    )


def _metrics(spec: StudySpec) -> types_pb2.MetricSelection | None:
    if spec.metrics is None:
        return None
    metrics = (types_pb2.MetricSpec(name=m.name, strategy=STRATEGY_TO_PROTO[m.strategy]) for m in spec.metrics)
    return types_pb2.MetricSelection(metrics=metrics)


def _named(spec: AlgorithmSpec | RuleSpec) -> types_pb2.AlgorithmSpec:
    settings = {name: value_to_proto(value) for name, value in spec.settings.items()}
    return types_pb2.AlgorithmSpec(name=spec.name, settings=settings, endpoint=spec.endpoint)


def _retry(retry: Retry) -> types_pb2.Retry:
    on = (FAILURE_CLASS_TO_PROTO[one] for one in retry.on)
    return types_pb2.Retry(attempts=retry.attempts, on=on, backoff=_duration(retry.backoff))


def _trial(trial: TrialTemplate) -> types_pb2.TrialTemplate:
    asked = trial.resources
    return types_pb2.TrialTemplate(
        command=trial.command,
        working_dir=trial.working_dir,
        env=dict(trial.env),
        resources=types_pb2.Resources(cpu=asked.cpu, memory=asked.memory, gpu=asked.gpu),
        workers=trial.workers,
    )


def _parameter(parameter: Parameter) -> types_pb2.Parameter:
    message = types_pb2.Parameter(name=parameter.name, when=map(_condition, parameter.when))
    if parameter.default is not None:
        message.default_value.CopyFrom(value_to_proto(parameter.default))
    match parameter.domain:
        case DoubleDomain(low, high, distribution, step):
            message.double_domain.MergeFrom(
                types_pb2.DoubleDomain(min=low, max=high, distribution=DISTRIBUTION_TO_PROTO[distribution], step=step)
            )
        case IntDomain(low, high, distribution, step):
            message.int_domain.MergeFrom(
                types_pb2.IntDomain(min=low, max=high, distribution=DISTRIBUTION_TO_PROTO[distribution], step=step)
            )
        case DiscreteDomain(values):
            message.discrete_domain.values.extend(map(value_to_proto, values))
        case domain:
            message.categorical_domain.values.extend(map(value_to_proto, domain.values))
    return message


def _condition(condition: Condition) -> types_pb2.Condition:
    return types_pb2.Condition(parameter=condition.parameter, values=map(value_to_proto, condition.values))
