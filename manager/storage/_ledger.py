"""One attempt's summaries and sources while a batch of observations is entered. No database here.

Observations are numbered from 1 in an attempt. Each stored one is counted by exactly one summary, so the number of the
next, and the step of one that names none, follow from the counts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Final

from tunesmith.manager.storage._numbers import add_all, kind_of
from tunesmith.manager.storage._rows import ObservationRow
from tunesmith.manager.storage._text import clean
from tunesmith.study import MetricSummary, StudySpec

MAX_METRICS: Final = 100
"""Names kept of one attempt when the study records every metric."""

_LOWEST, _HIGHEST = -(1 << 63), (1 << 63) - 1


@dataclass(slots=True)
class Source:
    """Where observations come from.

    `highest`: the highest sequence stored; `position`: up to which a followed source has been read; None: not known.
    """

    slot: int
    name: str
    highest: int | None = None
    position: int | None = None
    dirty: bool = False


@dataclass(slots=True)
class Metric:
    """A summary, with the values that are still to enter it. `seen`: observations, those included."""

    slot: int
    summary: MetricSummary
    seen: int
    finite: list[float] = field(default_factory=list)
    non_finite: int = 0


Entry = tuple[ObservationRow, Source, Metric]
Columns = tuple[int, int, int, int, int, float, int, float | None]
"""Position, slots of metric and source, sequence, step, time, kind, value."""


class Ledger:
    """What an attempt has reported so far, in numbers."""

    def __init__(self, spec: StudySpec, summaries: Iterable[MetricSummary], sources: Iterable[Source]) -> None:
        """The study's document, and the summaries and sources that are stored, by slot."""
        self._metrics = {s.metric: Metric(slot, s, s.count + s.non_finite) for slot, s in enumerate(summaries)}
        self._sources = {source.name: source for source in sources}
        self._position = sum(metric.seen for metric in self._metrics.values())
        objectives = {objective.metric for objective in spec.objectives}
        self._named = objectives | {metric.name for metric in spec.metrics or ()}
        self._room = 0 if spec.metrics is not None else MAX_METRICS - len(objectives)

    def resolve(self, rows: Sequence[ObservationRow]) -> list[Entry]:
        """Each row with its source and metric; rows of metrics that are not recorded are left out."""
        metrics: dict[str, Metric | None] = {}
        sources: dict[str, Source] = {}
        entries = []
        for row in rows:
            if row.metric not in metrics:
                metrics[row.metric] = self._metric(clean(row.metric))
            metric = metrics[row.metric]
            if metric is not None:
                if row.source not in sources:
                    sources[row.source] = self.source(row.source)
                entries.append((row, sources[row.source], metric))
        return entries

    @staticmethod
    def doubtful(entries: Sequence[Entry]) -> dict[int, set[int]]:
        """By slot of the source, the sequences that may be stored already: those not above the highest one."""
        doubtful: dict[int, set[int]] = {}
        for row, source, _ in entries:
            if source.highest is not None and row.sequence <= source.highest:
                doubtful.setdefault(source.slot, set()).add(row.sequence)
        return doubtful

    def enter(self, entries: Sequence[Entry], stored: set[tuple[int, int, int]]) -> list[Columns]:
        """Enter what is new, and give the columns to store of it.

        Args:
            entries: From `resolve`.
            stored: Slot of the source, sequence, and slot of the metric, of those doubtful ones that are stored. What
                is entered is added to it: of several in a batch that are the same, the first counts.
        """
        columns = []
        for row, source, metric in entries:
            key = (source.slot, row.sequence, metric.slot)
            if key not in stored:
                stored.add(key)
                columns.append(self._enter(row, source, metric))
        return columns

    def settle_summaries(self) -> list[tuple[int, MetricSummary]]:
        """Bring the summaries up to date; gives slot and summary of each that changed."""
        changed = [metric for metric in self._metrics.values() if metric.finite or metric.non_finite]
        for metric in changed:
            metric.summary = add_all(metric.summary, metric.finite, metric.non_finite)
            metric.finite, metric.non_finite = [], 0
        return [(metric.slot, metric.summary) for metric in changed]

    def settle_sources(self) -> list[Source]:
        """The sources of which something changed since this was asked."""
        changed = [source for source in self._sources.values() if source.dirty]
        for source in changed:
            source.dirty = False
        return changed

    def summaries(self) -> list[MetricSummary]:
        """The summaries by slot."""
        return [metric.summary for metric in self._metrics.values() if metric.seen]

    def source(self, name: str) -> Source:
        """The source, which is new when the attempt has none of that name."""
        name = clean(name)
        return self._sources.setdefault(name, Source(len(self._sources), name))

    def _metric(self, name: str) -> Metric | None:
        metric = self._metrics.get(name)
        if metric is None and self._records(name):
            metric = self._metrics[name] = Metric(len(self._metrics), MetricSummary(name), 0)
        return metric

    def _records(self, name: str) -> bool:
        return name in self._named or sum(other not in self._named for other in self._metrics) < self._room

    def _enter(self, row: ObservationRow, source: Source, metric: Metric) -> Columns:
        kind = kind_of(row.value)
        if kind == 0:
            metric.finite.append(row.value)
        else:
            metric.non_finite += 1
        if source.highest is None or row.sequence > source.highest:
            source.highest, source.dirty = row.sequence, True
        self._position += 1
        step = row.step if row.step is not None and _LOWEST <= row.step <= _HIGHEST else metric.seen
        metric.seen += 1
        time, value = row.time if isfinite(row.time) else 0.0, row.value if kind == 0 else None
        return (self._position, metric.slot, source.slot, row.sequence, step, time, kind, value)
