"""Enumerations on the wire. A member's proto name is its own behind a prefix; UNSPECIFIED is in no map."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from tunesmith.study._domains import Distribution
from tunesmith.study._spec import ObjectiveType, OnCompletion, Strategy
from tunesmith.study._states import AttemptEnding, FailureClass, StudyState, TrialState
from tunesmith.v1 import manager_pb2, types_pb2

if TYPE_CHECKING:
    from google.protobuf.internal.enum_type_wrapper import _EnumTypeWrapper

E = TypeVar("E", bound=StrEnum)
V = TypeVar("V", bound=int)


def _to_proto(members: type[E], wrapper: "_EnumTypeWrapper[V]", prefix: str) -> Mapping[E, V]:
    return MappingProxyType({member: wrapper.Value(f"{prefix}_{member.name}") for member in members})


def _inverse(mapping: Mapping[E, V]) -> Mapping[V, E]:
    return MappingProxyType({number: member for member, number in mapping.items()})


TRIAL_STATE_TO_PROTO = _to_proto(TrialState, types_pb2.TrialState, "TRIAL_STATE")
STUDY_STATE_TO_PROTO = _to_proto(StudyState, types_pb2.StudyState, "STUDY_STATE")
ATTEMPT_ENDING_TO_PROTO = _to_proto(AttemptEnding, manager_pb2.AttemptEnding, "ATTEMPT_ENDING")
FAILURE_CLASS_TO_PROTO = _to_proto(FailureClass, types_pb2.FailureClass, "FAILURE_CLASS")
OBJECTIVE_TYPE_TO_PROTO = _to_proto(ObjectiveType, types_pb2.ObjectiveType, "OBJECTIVE_TYPE")
STRATEGY_TO_PROTO = _to_proto(Strategy, types_pb2.Strategy, "STRATEGY")
DISTRIBUTION_TO_PROTO = _to_proto(Distribution, types_pb2.Distribution, "DISTRIBUTION")
ON_COMPLETION_TO_PROTO = _to_proto(OnCompletion, types_pb2.OnCompletion, "ON_COMPLETION")

TRIAL_STATE_FROM_PROTO = _inverse(TRIAL_STATE_TO_PROTO)
STUDY_STATE_FROM_PROTO = _inverse(STUDY_STATE_TO_PROTO)
ATTEMPT_ENDING_FROM_PROTO = _inverse(ATTEMPT_ENDING_TO_PROTO)
FAILURE_CLASS_FROM_PROTO = _inverse(FAILURE_CLASS_TO_PROTO)
OBJECTIVE_TYPE_FROM_PROTO = _inverse(OBJECTIVE_TYPE_TO_PROTO)
STRATEGY_FROM_PROTO = _inverse(STRATEGY_TO_PROTO)
DISTRIBUTION_FROM_PROTO = _inverse(DISTRIBUTION_TO_PROTO)
ON_COMPLETION_FROM_PROTO = _inverse(ON_COMPLETION_TO_PROTO)
