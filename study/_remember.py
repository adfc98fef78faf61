"""What was computed for values of a domain, remembered where they are few: thousands of trials may come at once."""

from collections.abc import Callable
from typing import Final, TypeVar

from tunesmith.study._domain import BaseDomain
from tunesmith.study._values import ParameterValue

T = TypeVar("T")

_FEW: Final = 4096


def remembered(domain: BaseDomain, compute: Callable[[ParameterValue], T]) -> Callable[[ParameterValue], T]:
    """Return `compute`, or where the domain has few values, one that computes for each of them once."""
    count = domain.count()
    if count is None or count > _FEW:
        return compute
    known: dict[tuple[type, ParameterValue], T] = {}

    def find(value: ParameterValue) -> T:
        key = (type(value), value)  # in Python, 1 == True
        found = known.get(key)
        if found is None:
            found = compute(value)
            if len(known) < 2 * _FEW and domain.check(value) is None:  # others may be many, and long
                known[key] = found
        return found

    return find
