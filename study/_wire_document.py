"""The document that a message says. It takes the message as it is: what is wrong is left for the document's reader.

Proto3 cannot tell an absent string or enumeration from an empty one, so those are left out. An enumeration's unknown
number stands as the number, and a value without a kind as null.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TypeVar

from google.protobuf.duration_pb2 import Duration

from tunesmith.study._node import Plain
from tunesmith.study._wire_enums import (
    DISTRIBUTION_FROM_PROTO,
    FAILURE_CLASS_FROM_PROTO,
    OBJECTIVE_TYPE_FROM_PROTO,
    ON_COMPLETION_FROM_PROTO,
    STRATEGY_FROM_PROTO,
)
from tunesmith.study._wire_value import plain_value
from tunesmith.v1 import types_pb2

V = TypeVar("V", bound=int)
Document = dict[str, Plain]


def spec_document(message: types_pb2.StudySpec) -> Document:
    """The `spec` of a document."""
    document: Document = {
        **_objectives(message.objectives),
        **space_document(message.space),
        "algorithm": _algorithm(message),
        "limits": limits_document(message.limits),
        "initial": [_values(assignment.values) for assignment in message.initial],
        "collector": _given(
            kind=message.collector.kind, path=message.collector.path, patterns=list(message.collector.patterns)
        ),
    }
    if message.HasField("metrics"):
        document["metrics"] = [
            _given(name=metric.name, strategy=_member(metric.strategy, STRATEGY_FROM_PROTO))
            for metric in message.metrics.metrics
        ]
    if message.HasField("early_stopping"):
        document["earlyStopping"] = _named(message.early_stopping)
    if message.HasField("retry"):
        document["retry"] = _retry(message.retry)
    if message.HasField("trial"):
        document["trial"] = _trial(message.trial)
    return document | _given(onCompletion=_member(message.on_completion, ON_COMPLETION_FROM_PROTO))


def space_document(message: types_pb2.SearchSpace) -> Document:
    """The `parameters` and `constraints` of a spec."""
    return {"parameters": list(map(_parameter, message.parameters)), "constraints": list(message.constraints)}


def limits_document(message: types_pb2.Limits) -> Document:
    """The `limits` of a spec."""
    document: Document = {}
    for name in ("trials", "parallel", "failed"):
        if message.HasField(name):
            document[name] = getattr(message, name)
    if message.HasField("duration"):
        document["duration"] = _seconds(message.duration)
    if message.HasField("trial_duration"):
        document["trialDuration"] = _seconds(message.trial_duration)
    return document


def _given(**fields: Plain) -> Document:
    """The fields that are not empty."""
    return {name: value for name, value in fields.items() if value not in ("", None, [])}


def _member(number: V, members: Mapping[V, StrEnum]) -> Plain:
    """The word of an enumeration's number; None: unspecified."""
    return str(members[number]) if number in members else number or None


def _seconds(duration: Duration) -> float:
    return (duration.seconds * 10**9 + duration.nanos) / 10**9


def _values(messages: Mapping[str, types_pb2.Value]) -> Document:
    return {name: plain_value(messages[name]) for name in sorted(messages)}


def _objectives(messages: Iterable[types_pb2.Objective]) -> Document:
    documents: list[Plain] = [_objective(message) for message in messages]
    return {"objective": documents[0]} if len(documents) == 1 else {"objectives": documents} if documents else {}


def _objective(message: types_pb2.Objective) -> Document:
    document = _given(
        metric=message.metric,
        type=_member(message.type, OBJECTIVE_TYPE_FROM_PROTO),
        strategy=_member(message.strategy, STRATEGY_FROM_PROTO),
    )
    return document | ({"goal": message.goal} if message.HasField("goal") else {})


def _algorithm(message: types_pb2.StudySpec) -> Document:
    document = _named(message.algorithm)
    if message.HasField("seed"):
        document["settings"] = {**_values(message.algorithm.settings), "seed": message.seed}
    return document


def _named(message: types_pb2.AlgorithmSpec) -> Document:
    return _given(name=message.name, endpoint=message.endpoint) | {"settings": _values(message.settings)}


def _retry(message: types_pb2.Retry) -> Document:
    on: list[Plain] = [_member(number, FAILURE_CLASS_FROM_PROTO) for number in message.on]
    document: Document = {"attempts": message.attempts, **_given(on=on)}
    if message.HasField("backoff"):
        document["backoff"] = _seconds(message.backoff)
    return document


def _trial(message: types_pb2.TrialTemplate) -> Document:
    resources: Document = {
        name: getattr(message.resources, name) for name in ("cpu", "memory", "gpu") if message.resources.HasField(name)
    }
    env: Document = {name: message.env[name] for name in sorted(message.env)}
    command: list[Plain] = list(message.command)
    document: Document = {"env": env, "resources": resources, "workers": message.workers}
    return document | _given(command=command, workingDir=message.working_dir)


def _parameter(message: types_pb2.Parameter) -> Document:
    document = _given(name=message.name)
    if (kind := message.WhichOneof("domain")) is not None:
        document["type"] = kind.removesuffix("_domain")
        document |= _domain(getattr(message, kind))
    if message.HasField("default_value"):
        document["default"] = plain_value(message.default_value)
    if message.when:
        document["when"] = _conditions(message.when)
    return document


def _domain(
    message: types_pb2.DoubleDomain | types_pb2.IntDomain | types_pb2.DiscreteDomain | types_pb2.CategoricalDomain,
) -> Document:
    if isinstance(message, (types_pb2.DiscreteDomain, types_pb2.CategoricalDomain)):
        return {"values": list(map(plain_value, message.values))}
    document = _given(distribution=_member(message.distribution, DISTRIBUTION_FROM_PROTO))
    document |= {"min": message.min, "max": message.max}
    return document | ({"step": message.step} if message.HasField("step") else {})


def _conditions(messages: Iterable[types_pb2.Condition]) -> Document:
    """By parameter. Conditions on one parameter must all hold, so they leave the values that all of them list."""
    document: dict[str, list[Plain]] = {}
    for message in messages:
        values: list[Plain] = list(map(plain_value, message.values))
        before = document.setdefault(message.parameter, values)
        document[message.parameter] = [value for value in before if value in values]
    return {name: list(values) for name, values in document.items()}
