"""Numbers between bounds, with a distribution and perhaps steps."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ulp

from tunesmith.study._bounds import numeric_mistakes
from tunesmith.study._domain import BaseDomain, Mistakes, clip
from tunesmith.study._scale import Distribution, Scale
from tunesmith.study._steps import Steps
from tunesmith.study._values import LARGEST, ParameterValue, is_number, is_whole, show

MAX_WHOLE = 2**53  # beyond it a whole number is no double, which CEL, JSON and the unit interval all need

_TOLERANCE = 1e-9  # how far from a step a value may be, in steps: 3 * 0.1 is not 0.3 everywhere


class NumericDomain(BaseDomain):
    """Numbers in [min, max], with `distribution`; those of `grid` where there are steps."""

    min: float
    max: float
    distribution: Distribution
    step: float | None

    @property
    @abstractmethod
    def grid(self) -> Sequence[float] | None:
        """The values in order; None: a continuum."""

    @cached_property
    def _width(self) -> float:
        return self.step or 0.0

    @cached_property
    def _size(self) -> int:
        return 0 if self.grid is None else len(self.grid)

    @cached_property
    def _scale(self) -> Scale:
        """The distribution, between the outer borders of the first and the last cell."""
        bounds = ends = (self.min, self.max)
        if self.grid is not None:
            half = self._width / 2
            low = max(self.min - half, self.min / 2, ulp(0.0)) if self.distribution.log else self.min - half
            ends = (low, min(self.grid[-1] + half, LARGEST))
        return Scale.between(bounds, ends, self.distribution)

    def decode(self, unit: float) -> float:
        """Return the value at `unit`."""
        unit = clip(unit)
        if self.grid is None:
            return self._quantile(unit)
        return self.grid[self._index(unit)]

    def encode(self, value: ParameterValue) -> float:
        """Return where `value` lies."""
        if self.grid is None and type(value) is float and self.min <= value <= self.max:  # they come in thousands
            return self._scale.unit(value)
        rule = self.check(value)
        if rule or not is_number(value):
            raise ValueError(rule)
        if self.grid is None:
            return self._scale.unit(value)
        index = self._nearest(value)
        if self.distribution is Distribution.UNIFORM:
            return (index + 0.5) / self._size
        low, high = self._cell(index)
        return low + (high - low) / 2

    def borders(self, unit: float) -> tuple[float, float]:
        """Return where the cell that holds `unit` begins and ends; in a continuum both are `unit`."""
        unit = clip(unit)
        if self.grid is None:
            return (0.0, 1.0) if self.min == self.max else (unit, unit)
        return self._cell(self._index(unit))

    def count(self) -> int | None:
        """Return how many values there are; None: a continuum."""
        if self.grid is None:
            return 1 if self.min == self.max else None
        return self._size

    def choices(self, points: int | None = None) -> Sequence[float]:
        """Return all values in order; of a continuum its `points` quantiles, bounds included."""
        if self.grid is not None:
            return self.grid
        if self.min == self.max:
            return (self.min,)
        if points is None or points < 1:
            raise ValueError(f"`points >= 1` must hold for a parameter without steps, but got (points={points})")
        units = [0.5] if points == 1 else [i / (points - 1) for i in range(points)]
        return tuple(dict.fromkeys(map(self._quantile, units)))

    def check(self, value: object) -> str | None:
        """Return the rule that `value` breaks; None when it is in the domain."""
        rule = self._refuse(value)
        if rule or not is_number(value):
            return rule
        if not self.min <= value <= self.max:
            bounds = f"value={show(value)}, min={show(self.min)}, max={show(self.max)}"
            return f"`min <= value <= max` must hold, but got ({bounds})"
        if self.grid is not None and not self._on_step(value, self.grid[self._nearest(value)]):
            steps = f"value={show(value)}, min={show(self.min)}, step={show(self._width)}"
            return f"`value = min + k * step` must hold for a whole k, but got ({steps})"
        return None

    def canonical(self, value: ParameterValue) -> ParameterValue:
        """Return the domain's own form of `value`."""
        if not is_number(value):
            return value
        if self.grid is None:
            return float(value) + 0.0  # -0.0 becomes 0.0
        step = self.grid[self._nearest(value)]
        return step if self._on_step(value, step) else value

    def _refuse(self, value: object) -> str | None:
        return None if is_number(value) else f"must be a finite number, but got {show(value)}"

    def _quantile(self, unit: float) -> float:
        if unit in (0.0, 1.0):
            return self.max if unit else self.min  # a logarithm and back is not exact
        return min(max(self._scale.number(unit), self.min), self.max) + 0.0

    def _nearest(self, value: float) -> int:
        """Index of the grid's value that is nearest to `value`."""
        return min(max(round((value - self.min) / self._width), 0), self._size - 1)

    def _on_step(self, value: float, step: float) -> bool:
        return abs(value - step) <= max(self._width * _TOLERANCE, 4 * ulp(value))

    def _index(self, unit: float) -> int:
        """Index of the grid's value in whose cell `unit` lies."""
        if self.distribution is Distribution.UNIFORM:
            return min(int(unit * self._size), self._size - 1)
        return self._nearest(self._scale.number(unit))

    def _cell(self, index: int) -> tuple[float, float]:
        """Borders of the cell of the grid's value at `index`."""
        if self.distribution is Distribution.UNIFORM:
            return index / self._size, (index + 1) / self._size
        value, half = self.choices()[index], self._width / 2
        low = 0.0 if index == 0 else self._scale.unit(value - half)
        high = 1.0 if index == self._size - 1 else self._scale.unit(value + half)
        return low, high

    def mistakes(self) -> Mistakes:
        """Tell of bounds, distributions and steps that cannot be."""
        given = (("min", self.min), ("max", self.max), ("step", 1 if self.step is None else self.step))
        found = [(field, rule) for field, value in given if (rule := self._refuse(value))]
        if not isinstance(self.distribution, Distribution):
            names = ", ".join(Distribution)
            found.append(("distribution", f"must be one of [{names}], but got {show(self.distribution)}"))
        return found or numeric_mistakes(self.min, self.max, self.distribution, self.step)


@dataclass(frozen=True)
class DoubleDomain(NumericDomain):
    """A real number in [min, max]; with `step`, one of min + k * step. min == max is a single value."""

    min: float
    max: float
    distribution: Distribution = Distribution.UNIFORM
    step: float | None = None

    def __post_init__(self) -> None:
        """Turn whole numbers into doubles."""
        for field in ("min", "max", "step"):
            if is_number(value := getattr(self, field)):
                object.__setattr__(self, field, float(value))

    @cached_property
    def grid(self) -> Sequence[float] | None:
        """The values in order; None: a continuum."""
        return None if self.step is None else Steps(self.min, self.max, self.step)


@dataclass(frozen=True)
class IntDomain(NumericDomain):
    """A whole number in [min, max], one of min + k * step. min == max is a single value."""

    min: int
    max: int
    distribution: Distribution = Distribution.UNIFORM
    step: int = 1

    def __post_init__(self) -> None:
        """Turn doubles without a fraction into whole numbers."""
        for field in ("min", "max", "step"):
            if is_whole(value := getattr(self, field)):
                object.__setattr__(self, field, int(value))

    @cached_property
    def grid(self) -> Sequence[int]:
        """The values in order."""
        return range(self.min, self.max + 1, self.step)

    def _on_step(self, value: float, step: float) -> bool:
        return value == step

    def _refuse(self, value: object) -> str | None:
        if is_whole(value) and abs(value) <= MAX_WHOLE:
            return None
        return f"must be a whole number from -2^53 to 2^53, but got {show(value)}"
