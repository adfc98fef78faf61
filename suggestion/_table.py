"""A study's history as arrays, for algorithms that compute with it; kept up to date at the price of what changed."""

from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from tunesmith.study import ObjectiveType, SearchSpace, StudySpec, TrialState
from tunesmith.suggestion._algorithm import StudyView, TrialRecord

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_MEMO: Final = "table"
_FIRST: Final = 64


class Standing(IntEnum):
    """What is known of a trial."""

    PENDING = 0
    """It waits or runs: it has no value yet."""
    DONE = 1
    """It succeeded with a finite value."""
    STOPPED = 2
    """It was stopped early, with a finite value."""
    FAILED = 3
    """It ended without a value that counts: failed, killed, nothing reported, not a number."""


_STANDINGS: Final = {
    TrialState.PENDING: Standing.PENDING,
    TrialState.RUNNING: Standing.PENDING,
    TrialState.SUCCEEDED: Standing.DONE,
    TrialState.EARLY_STOPPED: Standing.STOPPED,
}


class Table:
    """The trials by number, which is the same order after any restart.

    Arrays have a row for each trial whose assignment is a point of the space (n rows, d parameters), and are views that
    hold until the table takes more. The others of the history, which no honest caller sends, are left out.
    """

    def __init__(self, spec: StudySpec) -> None:
        """Begin without trials."""
        import numpy as np  # the room's face must stay cheap

        self._space: SearchSpace = spec.space
        self._spec = spec
        self._rows: dict[int, int] = {}
        self._read = 0
        self._units = np.full((_FIRST, len(spec.space.names)), np.nan)
        self._numbers = np.zeros(_FIRST, np.int64)
        self._losses = np.full(_FIRST, np.nan)
        self._standings = np.zeros(_FIRST, np.int8)
        self._ranks = np.zeros(_FIRST, np.int64)

    def __len__(self) -> int:
        """Count the rows."""
        return len(self._rows)

    @property
    def units(self) -> "Floats":
        """Coordinates in the unit cube, (n, d); NaN where a parameter is inactive."""
        return self._units[: len(self)]

    @property
    def numbers(self) -> "NDArray[np.int64]":
        """Numbers of the trials, (n,), ascending."""
        return self._numbers[: len(self)]

    @property
    def losses(self) -> "Floats":
        """The first objective, signed so that less is better, (n,); NaN unless DONE or STOPPED."""
        return self._losses[: len(self)]

    @property
    def standings(self) -> "NDArray[np.int8]":
        """What is known of each trial: numbers of `Standing`, (n,)."""
        return self._standings[: len(self)]

    @property
    def ranks(self) -> "NDArray[np.int64]":
        """Completion ranks, (n,); 0: not finished."""
        return self._ranks[: len(self)]

    def take(self, study: StudyView) -> None:
        """Take what changed since this was called last."""
        changed = [study.history[number] for number in dict.fromkeys(study.log[self._read :])]
        self._read = len(study.log)
        if new := [record for record in changed if record.number not in self._rows]:
            self._add(new)
        if held := [record for record in changed if record.number in self._rows]:
            rows = [self._rows[record.number] for record in held]
            self._ranks[rows] = [record.completion_rank for record in held]
            outcomes = [outcome_of(self._spec, record) for record in held]
            self._standings[rows], self._losses[rows] = zip(*outcomes, strict=True)
            self._sort()

    def _add(self, records: Sequence[TrialRecord]) -> None:
        """Make rows for trials, but for those whose assignment is no point of the space."""
        units = {one.number: unit for one in records if (unit := self._space.locate(one.assignment)) is not None}
        first, end = len(self), len(self) + len(units)
        self._rows |= zip(units, range(first, end), strict=True)
        while end > len(self._numbers):
            self._grow()
        self._numbers[first:end] = [min(number, 2**63 - 1) for number in units]
        if units:
            self._units[first:end] = list(units.values())

    def _grow(self) -> None:
        import numpy as np

        for name in ("_units", "_numbers", "_losses", "_standings", "_ranks"):
            old = getattr(self, name)
            setattr(self, name, np.concatenate([old, np.empty_like(old)]))

    def _sort(self) -> None:
        """Trials come by the time of their change; rows lie by number, so that no sum depends on who was told when."""
        numbers = self.numbers
        if (numbers[1:] > numbers[:-1]).all():
            return
        order = numbers.argsort()
        for array in (self.units, self._numbers[: len(self)], self.losses, self.standings, self.ranks):
            array[:] = array[order]
        self._rows = {int(number): row for row, number in enumerate(self.numbers)}


def outcome_of(spec: StudySpec, record: TrialRecord) -> tuple[Standing, float]:
    """What is known of a trial, and its loss: the first objective, less is better; NaN unless DONE or STOPPED."""
    standing = _STANDINGS.get(record.state, Standing.FAILED)
    value = record.values[0] if record.values else float("nan")
    if standing is Standing.PENDING:
        return standing, float("nan")
    if standing is Standing.FAILED or not abs(value) < float("inf"):
        return Standing.FAILED, float("nan")
    return standing, -value if spec.objective.type is ObjectiveType.MAXIMIZE else value


def table_of(study: StudyView) -> Table:
    """The study's table, as of its whole history."""
    if _MEMO not in study.memo:
        study.memo[_MEMO] = Table(study.spec)
    table: Table = study.memo[_MEMO]
    table.take(study)
    return table
