"""One attempt's summaries and sources while a batch of observations is entered. No database here.

Observations are numbered from 1 in an attempt. Each stored one is counted by exactly one summary, so the number of the
next, and the step of one that names none, follow from the counts.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import inf, isfinite, isnan, nan
from typing import Any, Final

from tunesmith.manager.storage._rows import ObservationRow
from tunesmith.manager.storage._text import clean
from tunesmith.study import MetricSummary, StudySpec

MAX_METRICS: Final = 100
"""Names kept of one attempt when the study records every metric."""

KINDS: Final = (None, nan, inf, -inf)
"""A stored value that is not finite, by its kind; kind 0 is finite."""

Key = tuple[str, int, str]
"""Source, sequence and metric: what makes an observation the same one."""

_LOWEST, _HIGHEST = -(1 << 63), (1 << 63) - 1


@dataclass(slots=True)
class Source:
    """`highest`: the highest sequence stored; `position`: up to which it has been read. None: not known."""

    slot: int
    name: str
    highest: int | None = None
    position: int | None = None
    dirty: bool = False


@dataclass(slots=True)
class Metric:
    """A summary and the finite values that are still to enter it."""

    slot: int
    summary: MetricSummary
    seen: int
    waiting: list[float] = field(default_factory=list)
    non_finite: int = 0


class Selection:
    """Which metrics a study records."""

    def __init__(self, spec: StudySpec) -> None:
        """From the study's document."""
        objectives = {objective.metric for objective in spec.objectives}
        self._named = objectives | {metric.name for metric in spec.metrics or ()}
        self._others = 0 if spec.metrics is not None else MAX_METRICS - len(objectives)

    def takes(self, metric: str, present: Iterable[str]) -> bool:
        """Whether a further metric is recorded beside those present."""
        return metric in self._named or sum(name not in self._named for name in present) < self._others


class Ledger:
    """What an attempt has reported so far, in numbers."""

    def __init__(self, summaries: Sequence[MetricSummary], sources: Sequence[Source], selection: Selection) -> None:
        """The summaries and sources as stored, by slot."""
        self.metrics = {s.metric: Metric(i, s, s.count + s.non_finite) for i, s in enumerate(summaries)}
        self.sources = {source.name: source for source in sources}
        self._selection = selection
        self._position = sum(metric.seen for metric in self.metrics.values())

    def cleaned(self, rows: Sequence[ObservationRow]) -> list[ObservationRow]:
        """The rows, with names as they can be stored; those of metrics that are not recorded are left out."""
        kept, names = [], {}
        for row in rows:
            for name in (row.metric, row.source):
                if name not in names:
                    names[name] = clean(name)
            if self._metric(names[row.metric]) is None:
                continue
            metric, source = names[row.metric], names[row.source]
            same = metric == row.metric and source == row.source
            kept.append(row if same else replace(row, metric=metric, source=source))
        return kept

    def doubtful(self, rows: Sequence[ObservationRow]) -> dict[int, set[int]]:
        """By the slot of their source, sequences of rows that may be stored already: those not above the highest."""
        doubtful: dict[int, set[int]] = {}
        for row in rows:
            source = self.sources.get(row.source)
            if source is not None and source.highest is not None and row.sequence <= source.highest:
                doubtful.setdefault(source.slot, set()).add(row.sequence)
        return doubtful

    def enter(self, rows: Sequence[ObservationRow], stored: set[tuple[int, int, int]]) -> Iterator[tuple[Any, ...]]:
        """Enter the rows that are new, and give what to store of each: position, slots of metric and source, and so on.

        Args:
            rows: Cleaned rows.
            stored: Source slot, sequence and metric slot of what is stored among the doubtful; those entered are added.
        """
        for row in rows:
            source = self.source(row.source)
            metric = self.metrics[row.metric]
            key = (source.slot, row.sequence, metric.slot)
            if key in stored:
                continue
            stored.add(key)
            ...
