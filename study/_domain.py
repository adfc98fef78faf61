"""The contract of a domain: the values that one parameter can take, and how they lie in the unit interval.

A domain of finitely many values gives each a cell of the unit interval, in their order: cells of equal size, or of the
share that a distribution gives the value. `decode` maps a cell to its value and `encode` maps a value to the middle of
its cell, so `decode(encode(v)) == v` holds exactly. In a continuum it holds up to rounding.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from tunesmith.study._values import ParameterValue

Mistakes = list[tuple[str, str]]


class BaseDomain(ABC):
    """What a search space and the algorithms need of a domain.

    Making a domain never fails: `mistakes()` tells what is wrong with it, and the search space raises that, so that all
    mistakes of a document are told at once. Nothing else may be asked of a domain that has some. Immutable, so threads
    may share it.
    """

    @abstractmethod
    def decode(self, unit: float) -> ParameterValue:
        """Return the value at `unit`, which is clipped to [0, 1]; ValueError for NaN."""

    @abstractmethod
    def encode(self, value: ParameterValue) -> float:
        """Return where `value` lies in [0, 1]; ValueError when it is not in the domain."""

    @abstractmethod
    def borders(self, unit: float) -> tuple[float, float]:
        """Return where the cell that holds `unit` begins and ends; in a continuum both are `unit`."""

    @abstractmethod
    def count(self) -> int | None:
        """Return how many values there are; None: a continuum."""

    @abstractmethod
    def choices(self, points: int | None = None) -> Sequence[ParameterValue]:
        """Return all values in order, lazily; of a continuum its `points` quantiles, bounds included.

        Raises ValueError for a continuum without `points`; ignores `points` otherwise.
        """

    @abstractmethod
    def check(self, value: object) -> str | None:
        """Return the rule that `value` breaks, with the values; None when it is in the domain."""

    @abstractmethod
    def canonical(self, value: ParameterValue) -> ParameterValue:
        """Return the domain's own form of `value`: 3 for an int 3.0, the exact step for one almost on it.

        A value that is not in the domain may come back as it is.
        """

    @abstractmethod
    def mistakes(self) -> Mistakes:
        """Return what is wrong with the domain itself, as (field, message) pairs."""


def clip(unit: float) -> float:
    """Return a unit coordinate as a plain float in [0, 1]; ValueError for NaN."""
    unit = float(unit)  # numpy's floats would spread into assignments
    if unit != unit:
        raise ValueError("a unit coordinate must be a number, but got nan")
    return min(max(unit, 0.0), 1.0)


def cell(unit: float, cells: int) -> int:
    """Return which of `cells` equal cells of the unit interval holds `unit`."""
    return min(int(clip(unit) * cells), cells - 1)
