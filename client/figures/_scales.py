"""A parameter's values as places on an axis."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from tunesmith.client.figures import _style
from tunesmith.client.figures._choice import GOLDEN
from tunesmith.client.figures._text import escaped, value_text
from tunesmith.client.figures._ticks import tick_text, ticks
from tunesmith.study import CategoricalDomain, DiscreteDomain, DoubleDomain, IntDomain, Parameter, ParameterValue

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tunesmith.client._trial_values import Trial

_FEW: Final = 12
"""Numbers of a discrete parameter that are listed one by one; of more, the axis is one of numbers."""
_WORD: Final = 14
"""Characters of a category that an axis shows."""
_DECADES: Final = 2.5
"""Decades of a logarithmic axis below which Plotly's own ticks are too few."""
_MARGIN: Final = 0.04


@dataclass(frozen=True, eq=False)
class Scale:
    """A parameter, and where each trial lies on its axis.

    Attributes:
        parameter: The parameter.
        values: Shape (trials,); the number, or the place of a category; NaN where the parameter is not active.
        listed: The categories, in order; None: an axis of numbers.
    """

    parameter: Parameter
    values: "NDArray[np.float64]"
    listed: tuple[ParameterValue, ...] | None

    @classmethod
    def of(cls, parameter: Parameter, trials: Sequence["Trial"]) -> Self:
        """The column of a parameter."""
        domain, name = parameter.domain, parameter.name
        few = isinstance(domain, DiscreteDomain) and len(domain.values) <= _FEW
        found = [trial.assignment.get(name) for trial in trials]
        if not few and not isinstance(domain, CategoricalDomain):
            return cls(parameter, np.array(found, dtype=np.float64), None)
        places = {_key(value): float(place) for place, value in enumerate(domain.choices())}
        column = [np.nan if value is None else places.get(_key(value), np.nan) for value in found]
        return cls(parameter, np.array(column, dtype=np.float64), tuple(domain.choices()))

    @cached_property
    def name(self) -> str:
        """The parameter's name, as Plotly shows it."""
        return escaped(self.parameter.name)

    @property
    def log(self) -> bool:
        """Whether the axis is logarithmic."""
        distribution = getattr(self.parameter.domain, "distribution", None)
        return self.listed is None and distribution is not None and bool(distribution.log)

    @property
    def ordered(self) -> bool:
        """Whether more and less mean something."""
        return not isinstance(self.parameter.domain, CategoricalDomain) or len(self.parameter.domain.values) == 2

    @cached_property
    def places(self) -> "NDArray[np.float64]":
        """The values on an even axis: logarithms to base 10 where the axis is logarithmic."""
        return np.log10(self.values) if self.log else self.values

    @cached_property
    def span(self) -> tuple[float, float]:
        """The places of the smallest and the largest value that there may be."""
        if self.listed is not None:
            return -0.5, len(self.listed) - 0.5
        domain = self.parameter.domain
        if isinstance(domain, DoubleDomain | IntDomain):
            low, high = float(domain.min), float(domain.max)
        else:
            low, high = float(domain.values[0]), float(domain.values[-1])  # of many numbers, in order
        low, high = (math.log10(low), math.log10(high)) if self.log else (low, high)
        return (low, high) if low < high else (low - 0.5, high + 0.5)

    @cached_property
    def ticks(self) -> tuple[list[float], list[str]]:
        """Places and texts of ticks, for axes for which Plotly makes none of its own."""
        if self.listed is not None:
            places = np.unique(np.linspace(0, len(self.listed) - 1, min(len(self.listed), 30)).round())
            return places.tolist(), [value_text(self.listed[int(place)], _WORD) for place in places]
        found = ticks(*self.span, log=self.log)
        return found, [tick_text(10**place if self.log else place) for place in found]

    def axis(self, *, most: int = 6, **parts: Any) -> dict[str, Any]:
        """The axis, from end to end of what there may be; a logarithmic one with `most` ticks or a little more."""
        low, high = self.span
        margin = 0.0 if self.listed is not None else (high - low) * _MARGIN
        base = {"range": [low - margin, high + margin], "zeroline": False}
        if self.log:
            base |= {"type": "log", "dtick": math.ceil((high - low) / most), "exponentformat": "e"}
        if self.listed is not None or (self.log and high - low < _DECADES):
            places, texts = self.ticks
            values = [10**place for place in places] if self.log else places
            base |= {"tickmode": "array", "tickvals": values, "ticktext": texts}
        return _style.axis(self.name, **base) | parts

    def spread(self, numbers: "NDArray[np.int64]") -> "NDArray[np.float64]":
        """The values for an axis of `axis()`, those of one category side by side, always alike for the same trial."""
        if self.listed is None:
            return self.values
        return self.values + ((numbers * GOLDEN) % 1.0 - 0.5) * 0.5


def _key(value: ParameterValue) -> Hashable:
    """What tells values apart: 1 is 1.0, but not true."""
    return isinstance(value, bool), value
