"""Attempts on a timeline: how long each took, and in which slot, as nobody recorded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

from tunesmith.study import AttemptEnding, TrialState

if TYPE_CHECKING:
    from tunesmith.client._trial_values import Trial

_BARS: Final = 1_500


@dataclass(frozen=True, slots=True)
class Stay:
    """One attempt, from `start` to `end` in seconds since the first start. `again`: the trial was tried again after it.

    `row`, `number`, `attempt`: of the trial among the study's, its number, and the attempt's.
    """

    row: int
    number: int
    attempt: int
    state: TrialState
    again: bool
    start: float
    end: float
    slot: int = 0


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: an attempt, or the attempts of a slot in a stretch that is too short to show them one by one."""

    slot: int
    state: TrialState
    again: bool
    start: float
    end: float
    stays: tuple[Stay, ...]


def stays_of(trials: Sequence["Trial"], now: datetime | None) -> list[Stay]:
    """All attempts by their start, each in the first slot that is free.

    Args:
        trials: The study's trials.
        now: Until when those that run have run; None: until something last happened.
    """
    spans = list(_spans(trials))
    if not spans:
        return []
    zero = min(start for *_, start, _ in spans)
    last = now or max(end or start for *_, start, end in spans)
    found = []
    free: list[int] = []
    busy: list[tuple[float, int]] = []
    for row, attempt, state, again, start, end in sorted(spans, key=lambda span: (span[4], span[0], span[1])):
        begin, until = _seconds(zero, start), _seconds(zero, end or max(last, start))
        while busy and busy[0][0] <= begin + 1e-3:  # stamps are of milliseconds
            heappush(free, heappop(busy)[1])
        slot = heappop(free) if free else len(busy)
        heappush(busy, (until, slot))
        found.append(Stay(row, trials[row].number, attempt, state, again, begin, until, slot))
    return found


_Span = tuple[int, int, TrialState, bool, datetime, datetime | None]


def _spans(trials: Sequence["Trial"]) -> Iterator[_Span]:
    for row, trial in enumerate(trials):
        for attempt in trial.attempts:
            if attempt.started is None:
                continue
            again = attempt is not trial.last or (trial.state is TrialState.PENDING and attempt.ending is not None)
            state = _state_of_lost(attempt.ending) if again else trial.state
            yield row, attempt.number, state, again, attempt.started, attempt.finished
        if not trial.attempts and trial.started is not None:
            yield row, 1, trial.state, False, trial.started, trial.finished


def _state_of_lost(ending: AttemptEnding | None) -> TrialState:
    """How an attempt that was not the last is shown."""
    return TrialState.FAILED if ending in (AttemptEnding.FAILED, None) else TrialState.KILLED


def _seconds(zero: datetime, moment: datetime) -> float:
    return (moment - zero).total_seconds()


def bars_of(stays: Sequence[Stay]) -> list[Bar]:
    """A bar for each attempt; where there are too many, one for each slot and stretch of time.

    Such a bar is shown as what took most of its time.
    """
    if len(stays) <= _BARS:
        return [Bar(stay.slot, stay.state, stay.again, stay.start, stay.end, (stay,)) for stay in stays]
    slots = max(stay.slot for stay in stays) + 1
    stretch = (max(stay.start for stay in stays) or 1.0) / max(_BARS // slots, 30)
    groups: dict[tuple[int, int], list[Stay]] = {}
    for stay in stays:
        groups.setdefault((stay.slot, int(stay.start / stretch)), []).append(stay)
    return [_merged(group) for group in groups.values()]


def _merged(stays: list[Stay]) -> Bar:
    spent: dict[tuple[TrialState, bool], float] = {}
    for stay in stays:
        key = (stay.state, stay.again)
        spent[key] = spent.get(key, 0.0) + stay.end - stay.start
    state, again = max(spent, key=lambda key: spent[key])
    return Bar(stays[0].slot, state, again, stays[0].start, max(stay.end for stay in stays), tuple(stays))
