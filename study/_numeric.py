"""Numbers between bounds, with a distribution and perhaps steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from tunesmith.study._domain import BaseDomain, Mistakes, clip
from tunesmith.study._scale import Distribution, Scale
from tunesmith.study._steps import Steps
from tunesmith.study._values import ParameterValue, is_number, is_whole, show

_TOLERANCE = 1e-9  # how far from a step a value may be, in steps: 3 * 0.1 is not 0.3 everywhere


class NumericDomain(BaseDomain):
    """Numbers in [min, max]; those of `grid` when there is one."""

    min: float
    max: float
    distribution: Distribution

    @cached_property
    def grid(self) -> Sequence[float] | None:
        """The values in order; None: a continuum."""
        raise NotImplementedError

    @property
    def width(self) -> float:
        """Distance between two neighbours; 0: a continuum."""
        raise NotImplementedError

    @cached_property
    def _size(self) -> int:
        return 0 if self.grid is None else len(self.grid)

    @cached_property
    def _scale(self) -> Scale:
        """The distribution, between the outer borders of the first and the last cell."""
        half = self.width / 2
        low = max(self.min - half, self.min / 2) if self.distribution.log else self.min - half
        high = self.max if self.grid is None else self.grid[-1] + half
        return Scale.between((self.min, self.max), (low if half else self.min, high), self.distribution)

    def decode(self, unit: float) -> float:
        """Return the value at `unit`."""
        unit = clip(unit)
        if self.grid is None:
            return self._quantile(unit)
        if self.distribution is Distribution.UNIFORM:
            return self.grid[min(int(unit * self._size), self._size - 1)]
        return self.grid[self._nearest(self._scale.number(unit))]

    def encode(self, value: ParameterValue) -> float:
        """Return where `value` lies."""
        rule = self.check(value)
        if rule or not is_number(value):
            raise ValueError(rule)
        if self.grid is None:
            return self._scale.unit(value)
        index = self._nearest(value)
        if self.distribution is Distribution.UNIFORM:
            return (index + 0.5) / self._size
        return self._middle(index)

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
        if not is_number(value):
            return f"must be a finite number, but got {show(value)}"
        if not self.min <= value <= self.max:
            bounds = f"value={show(value)}, min={show(self.min)}, max={show(self.max)}"
            return f"`min <= value <= max` must hold, but got ({bounds})"
        if self.grid is not None and abs(value - self.grid[self._nearest(value)]) > self.width * _TOLERANCE:
            steps = f"value={show(value)}, min={show(self.min)}, step={show(self.width)}"
            return f"`value = min + k * step` must hold for a whole k, but got ({steps})"
        return None

    def canonical(self, value: ParameterValue) -> float:
        """Return the domain's own form of `value`."""
        assert is_number(value)
        return float(value) + 0.0 if self.grid is None else self.grid[self._nearest(value)]  # + 0.0: no -0.0

    def _quantile(self, unit: float) -> float:
        if unit in (0.0, 1.0):
            return self.max if unit else self.min  # a logarithm and back is not exact
        return min(max(self._scale.number(unit), self.min), self.max) + 0.0

    def _nearest(self, value: float) -> int:
        return min(max(round((value - self.min) / self.width), 0), self._size - 1)

    def _middle(self, index: int) -> float:
        assert self.grid is not None
        half, value = self.width / 2, self.grid[index]
        low = 0.0 if index == 0 else self._scale.unit(value - half)
        high = 1.0 if index == self._size - 1 else self._scale.unit(value + half)
        return low + (high - low) / 2


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

    @property
    def width(self) -> float:
        """Distance between two neighbours; 0: a continuum."""
        return self.step or 0.0

    def mistakes(self) -> Mistakes:
        """Tell of bounds and steps that cannot be."""
        return []


@dataclass(frozen=True)
class IntDomain(NumericDomain):
    """A whole number in [min, max], one of min + k * step."""

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

    @property
    def width(self) -> float:
        """Distance between two neighbours."""
        return self.step

    def mistakes(self) -> Mistakes:
        """Tell of bounds and steps that cannot be."""
        return []
