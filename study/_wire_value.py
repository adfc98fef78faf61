"""Parameter values, assignments and mistakes on the wire."""

import math
from collections.abc import Callable

from tunesmith.study._mistakes import DocumentError, Mistake
from tunesmith.study._space import Assignment
from tunesmith.study._values import ParameterValue
from tunesmith.study._where import below
from tunesmith.v1 import manager_pb2, types_pb2


def value_to_proto(value: ParameterValue) -> types_pb2.Value:
    """The value under its own kind: a bool is no int here."""
    if isinstance(value, bool):
        return types_pb2.Value(bool_value=value)
    if isinstance(value, int):
        return types_pb2.Value(int_value=value)
    if isinstance(value, float):
        return types_pb2.Value(double_value=value)
    return types_pb2.Value(string_value=value)


def plain_value(message: types_pb2.Value) -> ParameterValue | None:
    """The value; None when the message has none."""
    kind = message.WhichOneof("kind")
    return None if kind is None else getattr(message, kind)


def value_from_proto(message: types_pb2.Value, path: str = "") -> ParameterValue:
    """The value; DocumentError at `path` when there is none, or when it is not finite."""
    return _finite({"": message}, lambda _: path)[""]


def assignment_to_proto(assignment: Assignment) -> types_pb2.Assignment:
    """The assignment."""
    return types_pb2.Assignment(values={name: value_to_proto(value) for name, value in assignment.items()})


def assignment_from_proto(message: types_pb2.Assignment, path: str = "") -> dict[str, ParameterValue]:
    """The assignment, by name, since the wire keeps no order; DocumentError with all values that are none."""
    names = sorted(message.values)
    return _finite({name: message.values[name] for name in names}, lambda name: below(path, name))


def mistake_to_proto(mistake: Mistake) -> manager_pb2.Mistake:
    """The mistake."""
    return manager_pb2.Mistake(path=mistake.path, message=mistake.message, line=mistake.line, column=mistake.column)


def mistake_from_proto(message: manager_pb2.Mistake) -> Mistake:
    """The mistake."""
    return Mistake(message.path, message.message, message.line, message.column)


def _finite(messages: dict[str, types_pb2.Value], path_of: Callable[[str], str]) -> dict[str, ParameterValue]:
    values, mistakes = {}, []
    for name, message in messages.items():
        value = plain_value(message)
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            rule = (
                "a string, a number or a boolean, but got null"
                if value is None
                else f"a finite number, but got {value}"
            )
            mistakes.append(Mistake(path_of(name), f"must be {rule}"))
        else:
            values[name] = value
    if mistakes:
        raise DocumentError(mistakes)
    return values
