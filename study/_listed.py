"""Domains that list their values; each value has an equal cell of the unit interval."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property

from tunesmith.study._domain import BaseDomain, Mistakes, cell
from tunesmith.study._values import ParameterValue, identity, is_number, is_value, show


class ListedDomain(BaseDomain):
    """Values in a fixed order, none of them twice."""

    values: tuple[ParameterValue, ...]

    def __eq__(self, other: object) -> bool:
        """Whether the same values are listed in the same order; [1] and [true] are not the same."""
        return type(self) is type(other) and isinstance(other, ListedDomain) and self._identity == other._identity

    def __hash__(self) -> int:
        """Hash of the values."""
        return hash(self._identity)

    @cached_property
    def _identity(self) -> tuple[Hashable, ...]:
        return tuple(map(identity, self.values))

    @cached_property
    def _places(self) -> Mapping[Hashable, int]:
        return {key: index for index, key in enumerate(self._identity)}

    def decode(self, unit: float) -> ParameterValue:
        """Return the value in whose cell `unit` lies."""
        return self.values[cell(unit, len(self.values))]

    def encode(self, value: ParameterValue) -> float:
        """Return the middle of the value's cell."""
        if rule := self.check(value):
            raise ValueError(rule)
        return (self._places[identity(value)] + 0.5) / len(self.values)

    def borders(self, unit: float) -> tuple[float, float]:
        """Return where the cell that holds `unit` begins and ends."""
        index = cell(unit, len(self.values))
        return index / len(self.values), (index + 1) / len(self.values)

    def count(self) -> int:
        """Return how many values there are."""
        return len(self.values)

    def choices(self, points: int | None = None) -> tuple[ParameterValue, ...]:
        """Return all values in order."""
        return self.values

    def check(self, value: object) -> str | None:
        """Return the rule that `value` breaks; None when it is listed."""
        if is_value(value) and identity(value) in self._places:
            return None
        return f"must be one of [{', '.join(map(show, self.values))}], but got {show(value)}"

    def canonical(self, value: ParameterValue) -> ParameterValue:
        """Return the value as it is listed."""
        place = self._places.get(identity(value))
        return value if place is None else self.values[place]

    def mistakes(self) -> Mistakes:
        """Tell of an empty list and of repetitions."""
        found: Mistakes = [] if self.values else [("values", "must list at least one value")]
        seen: dict[Hashable, int] = {}
        for index, value in enumerate(self.values):
            rule = self._refuse(value)
            if rule is None and (first := seen.setdefault(identity(value), index)) != index:
                rule = f"must not be listed twice, but values[{first}] and values[{index}] are both {show(value)}"
            if rule:
                found.append((f"values[{index}]", rule))
        return found

    def _refuse(self, value: object) -> str | None:
        return None if is_value(value) else f"must be a string, a finite number or a boolean, but got {show(value)}"


@dataclass(frozen=True, eq=False)
class CategoricalDomain(ListedDomain):
    """One of `values`, which have no order: strings, numbers, booleans."""

    values: tuple[ParameterValue, ...]

    def __post_init__(self) -> None:
        """Take any sequence for the values."""
        object.__setattr__(self, "values", tuple(self.values))


@dataclass(frozen=True, eq=False)
class DiscreteDomain(ListedDomain):
    """One of the numbers `values`, which are kept in ascending order, whatever order they come in."""

    values: tuple[float | int, ...]

    def __post_init__(self) -> None:
        """Sort the values when they are numbers; `mistakes` tells when they are not."""
        values = tuple(self.values)
        object.__setattr__(self, "values", tuple(sorted(values)) if all(map(is_number, values)) else values)

    def _refuse(self, value: object) -> str | None:
        if is_number(value):
            return None
        return f"must be a finite number (a categorical parameter takes others), but got {show(value)}"
