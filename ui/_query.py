"""Which trials are asked for, and in which order: pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tunesmith.client._trial_values import Trial
from tunesmith.services.errors import FixRequest
from tunesmith.study import TrialState

_SIMPLE: dict[str, Callable[[Trial], Any]] = {
    "number": lambda trial: trial.number,
    "name": lambda trial: trial.name,
    "state": lambda trial: str(trial.state),
    "value": lambda trial: trial.value,
    "created": lambda trial: trial.created,
    "started": lambda trial: trial.span[0],
    "finished": lambda trial: trial.span[1],
    "duration": lambda trial: seconds(trial),
    "attempts": lambda trial: trial.last.number if trial.last else 0,
}


@dataclass(frozen=True, slots=True)
class TrialQuery:
    """One page of a study's trials.

    Attributes:
        states: Only these; empty: all.
        search: Words that must all occur in its name, number, parameters or labels.
        sort: `number`, `value`, ..., `params.NAME` or `metrics.NAME`.
        descending: The largest first. Trials without the value come last in either order.
        offset: How many are left out before the page.
        limit: How many there are on the page; None: all the others.
    """

    states: tuple[TrialState, ...] = ()
    search: str = ""
    sort: str = "number"
    descending: bool = False
    offset: int = 0
    limit: int | None = 50

    def of(self, trials: Sequence[Trial]) -> tuple[list[Trial], int]:
        """The page, and how many trials there are on all pages. Raises FixRequest for an order that is none."""
        found = [trial for trial in trials if self._wanted(trial)]
        key = sort_key(self.sort)
        has = [(value, trial) for trial in found if (value := key(trial)) is not None]
        has.sort(key=lambda pair: _rank(pair[0]), reverse=self.descending)
        ordered = [trial for _, trial in has] + [trial for trial in found if key(trial) is None]
        end = None if self.limit is None else self.offset + self.limit
        return ordered[self.offset : end], len(found)

    def _wanted(self, trial: Trial) -> bool:
        if self.states and trial.state not in self.states:
            return False
        if not self.search:
            return True
        text = text_of(trial)
        return all(word in text for word in self.search.lower().split())


def text_of(trial: Trial) -> str:
    """What a search looks at."""
    values = [f"{name}={value}" for name, value in (*trial.assignment.items(), *trial.labels.items())]
    return " ".join((f"#{trial.number}", trial.name, str(trial.state), trial.reason, *values)).lower()


def sort_key(sort: str) -> Callable[[Trial], Any]:
    """What trials are ordered by. Raises FixRequest."""
    if sort in _SIMPLE:
        return _SIMPLE[sort]
    kind, _, name = sort.partition(".")
    if kind == "params" and name:
        return lambda trial: trial.assignment.get(name)
    if kind == "metrics" and name:
        return lambda trial: next((one.latest for one in trial.metrics if one.metric == name), None)
    known = ", ".join((*_SIMPLE, "params.NAME", "metrics.NAME"))
    raise FixRequest(f"sort must be one of {known}, but got {sort!r}")


def seconds(trial: Trial) -> float | None:
    """How long its last attempt took; None while it runs, or when there is none."""
    start, end = trial.span
    return None if start is None or end is None else (end - start).total_seconds()


def _rank(value: Any) -> tuple[int, Any]:
    """Numbers before times before texts, so that values of different kinds can be put in order."""
    if isinstance(value, int | float):
        return 0, value
    return (1, value) if isinstance(value, datetime) else (2, str(value))
