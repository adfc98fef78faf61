"""Parameter values: what kinds there are, when two are the same, and how a message shows them."""

import sys
from collections.abc import Hashable
from typing import TypeGuard

ParameterValue = float | int | str | bool

LARGEST = sys.float_info.max


def is_number(value: object) -> TypeGuard[float | int]:
    """Whether `value` is a finite number. Booleans are none, nor are integers beyond every double."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= LARGEST


def is_whole(value: object) -> TypeGuard[float | int]:
    """Whether `value` is a number without a fraction, be it 3 or 3.0."""
    return is_number(value) and (isinstance(value, int) or value.is_integer())


def is_value(value: object) -> TypeGuard[ParameterValue]:
    """Whether `value` can be a parameter's value at all."""
    return isinstance(value, (str, bool)) or is_number(value)


def identity(value: ParameterValue) -> Hashable:
    """A key that is equal for equal values: 1 and 1.0 are one value, 1 and true are two (Python has 1 == True)."""
    return (isinstance(value, bool), value)


def same(one: ParameterValue, other: ParameterValue) -> bool:
    """Whether two values are equal; see `identity`."""
    return isinstance(one, bool) is isinstance(other, bool) and one == other


def show(value: object) -> str:
    """A value for a message: as JSON has it, and 3.0 as 3."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return repr(value)
