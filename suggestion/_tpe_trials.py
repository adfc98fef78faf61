"""The trials that TPE learns from, and which of them are good."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.suggestion._ends import Ends
from tunesmith.suggestion._table import Standing, Table

MOST_GOOD = 25
"""At most so many trials are good."""


@dataclass(frozen=True, slots=True)
class Trials:
    """n trials in the order of their numbers, (n,); `units` are coordinates in the unit cube, (d, n).

    NaN: inactive in `units`, no value in `losses`, of which less is better. `standings` are numbers of `Standing`.
    """

    numbers: NDArray[np.int64]
    units: NDArray[np.float64]
    losses: NDArray[np.float64]
    standings: NDArray[np.int8]

    @classmethod
    def of(cls, table: Table, ends: Ends) -> "Trials":
        """Take all trials of a study; one whose end is forecast is as good as one that has ended there."""
        standings = np.where(ends.forecast, np.int8(Standing.DONE), table.standings)
        return cls(table.numbers, np.ascontiguousarray(table.units.T), ends.losses, standings)

    def with_pending(self, number: int, unit: Sequence[float]) -> "Trials":
        """Add a trial that has just been proposed, at coordinates of which there are d."""
        place = int(np.searchsorted(self.numbers, number))
        return Trials(
            np.insert(self.numbers, place, number),
            np.insert(self.units, place, unit, axis=1),
            np.insert(self.losses, place, np.nan),
            np.insert(self.standings, place, Standing.PENDING),
        )

    @property
    def finished(self) -> int:
        """Count the trials that have a value."""
        return int(np.count_nonzero((self.standings == Standing.DONE) | (self.standings == Standing.STOPPED)))

    def good(self, gamma: float) -> NDArray[np.bool_]:
        """Choose the best share `gamma` of the finished trials, MOST_GOOD at most: (n,).

        The best are those of least loss among the trials whose end is known, the lower number first. Only where these
        are too few, trials stopped early follow, in the same order.
        """
        wanted = min(math.ceil(gamma * self.finished), MOST_GOOD)
        good = np.zeros(len(self.numbers), bool)
        for standing in (Standing.DONE, Standing.STOPPED):
            rows = np.flatnonzero(self.standings == standing)
            good[rows[_least(self.losses[rows], wanted - int(good.sum()))]] = True
        return good


def _least(losses: NDArray[np.float64], wanted: int) -> NDArray[np.intp]:
    """Return the places of the least losses; of equal ones, the first."""
    if wanted >= len(losses):
        return np.arange(len(losses))
    if wanted == 0:
        return np.arange(0)
    limit = np.partition(losses, wanted - 1)[wanted - 1]
    below = np.flatnonzero(losses < limit)
    return np.concatenate((below, np.flatnonzero(losses == limit)[: wanted - len(below)]))
