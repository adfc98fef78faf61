"""What a model of the objective learns from: points and losses, with lies about what is pending or failed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunesmith.suggestion._algorithm import StudyView
from tunesmith.suggestion._ends import Ends
from tunesmith.suggestion._table import Standing, table_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Told:
    """What a model learns from: points (n, d) in unit coordinates and losses (n,)."""

    units: "Floats"
    losses: "Floats"
    finished: int
    """Trials that ended, of those in the history."""


def told(study: StudyView, pending: Sequence[Sequence[float]], most: int) -> Told | None:
    """What a model learns from, of at most so many trials and those just proposed; None: no value is known.

    Failed trials count as having the worst value known, pending ones the mean of all; inactive parameters as being in
    their middle. Of trials stopped early it is a forecast of where they would have ended.
    """
    import numpy as np

    table = table_of(study)
    valued = np.isfinite(table.losses)
    if not valued.any():
        return None
    losses = Ends.of(study).losses
    known = losses[valued]
    losses[table.standings == Standing.FAILED] = known.max()
    losses[table.standings == Standing.PENDING] = known.mean()
    rows = chosen(losses, table.ranks, most)
    units = np.vstack([np.nan_to_num(table.units[rows], nan=0.5), *([list(unit)] for unit in pending)])
    lies = np.full(len(pending), known.mean())
    return Told(units, np.concatenate([losses[rows], lies]), int((table.standings != Standing.PENDING).sum()))


def chosen(losses: "Floats", ranks: "NDArray[np.int64]", most: int) -> "NDArray[np.int64]":
    """Rows of the best and the latest trials, in the order of the table; pending ones (rank 0) are the latest."""
    import numpy as np

    if len(losses) <= most:
        return np.arange(len(losses))
    best = np.argsort(losses, kind="stable")[: most // 2]
    age = np.where(ranks == 0, np.iinfo(np.int64).max, ranks)
    age[best] = -1
    return np.sort(np.concatenate([best, np.argsort(-age, kind="stable")[: most - len(best)]]))
