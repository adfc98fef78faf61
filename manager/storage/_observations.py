"""Observations: stored once each, with the summaries and offsets that they change, and read in pages."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, bindparam, func, select

from tunesmith.manager.storage import _tables as t
from tunesmith.manager.storage._ledger import Columns, Ledger, Source
from tunesmith.manager.storage._numbers import evenly, spans, value_of
from tunesmith.manager.storage._rows import ObservationRow, Sample, StoredObservation
from tunesmith.manager.storage._summaries import Summaries
from tunesmith.manager.storage._trials import Trials
from tunesmith.services.errors import NotNow

_f = t.offsets.c
_SOURCES = (
    select(_f.slot, _f.source, _f.highest, _f.position)
    .where(_f.trial_id == bindparam("trial"), _f.attempt == bindparam("attempt"))
    .order_by(_f.slot)
)

_o = t.observations.c
_STORED = select(_o.source, _o.sequence, _o.metric).where(
    _o.trial_id == bindparam("trial"),
    _o.attempt == bindparam("attempt"),
    _o.source == bindparam("source"),
    _o.sequence.between(bindparam("first"), bindparam("last")),
)
_OF_ATTEMPT = (
    select(_o.position, _o.metric, _o.kind, _o.value, _o.step, _o.time, _o.source, _o.sequence)
    .where(_o.trial_id == bindparam("trial"), _o.attempt == bindparam("attempt"))
    .order_by(_o.position)
)
_PAGE = _OF_ATTEMPT.where(_o.position > bindparam("after")).limit(bindparam("most"))
_PAGE_OF_METRICS = _PAGE.where(_o.metric.in_(bindparam("slots", expanding=True)))
_AT_POSITIONS = _OF_ATTEMPT.where(_o.position.in_(bindparam("positions", expanding=True)))
_COUNTED = (
    select(_o.position, func.row_number().over(order_by=_o.position).label("number"))
    .where(_o.trial_id == bindparam("trial"), _o.attempt == bindparam("attempt"), _o.metric == bindparam("slot"))
    .subquery()
)
_POSITIONS = select(_COUNTED.c.position).where(_COUNTED.c.number.in_(bindparam("numbers", expanding=True)))


class Observations(Trials, Summaries):
    """The part of a transaction that is about observations."""

    def add_observations(
        self,
        trial_id: int,
        attempt: int,
        rows: Sequence[ObservationRow],
        offset: tuple[str, int] | None = None,
    ) -> int:
        """Store what is new, and bring the attempt's summaries up to date.

        A row whose (source, sequence, metric) the attempt has already changes nothing. Metrics that the study does not
        record are left out, and so are those beyond 100 names when it records every metric (objectives always count).

        Args:
            trial_id: The trial.
            attempt: One of its attempts, usually the last.
            rows: In the order in which they were reported.
            offset: Source and position up to which it has been read; committed with the rows.

        Returns:
            How many rows were stored.

        Raises:
            NotFound: No such trial.
            NotNow: No such attempt, or the trial is final and there are new rows.
        """
        self._check_writable()
        trial = self._trial(self._head_of_trial(trial_id), trial_id)
        if not 1 <= attempt <= trial.attempt:
            raise NotNow(f"an attempt is opened before it reports, but got attempt {attempt} (last={trial.attempt})")
        ledger = self._take_ledger(trial_id, attempt)
        columns = self._enter_rows(ledger, trial_id, attempt, rows)
        if columns and trial.state.final:
            raise NotNow(
                f"a trial takes observations until it ends, but got {len(columns)} new ones (state={trial.state})"
            )
        if offset is not None:
            source = ledger.source(offset[0])
            source.position, source.dirty = offset[1], True
        self._store_rows(ledger, trial_id, attempt, columns)
        if not trial.state.final:
            self._live.ledgers[trial_id, attempt] = ledger
        return len(columns)

    def offsets(self, trial_id: int, attempt: int) -> dict[str, int]:
        """Position up to which each source of the attempt has been read."""
        sources = self._sources(trial_id, attempt)
        return {source.name: source.position for source in sources if source.position is not None}

    def observations(
        self, trial_id: int, attempt: int, metrics: Sequence[str] = (), after: int = 0, limit: int = 10_000
    ) -> list[StoredObservation]:
        """Observations in the order in which they came, after position `after`; empty `metrics`: all."""
        page: dict[str, Any] = {"trial": trial_id, "attempt": attempt, "after": after, "most": limit}
        if metrics:
            names = [summary.metric for summary in self._attempt_summaries(trial_id, attempt)]
            page["slots"] = [slot for slot, name in enumerate(names) if name in metrics]
        return self._observed(_PAGE_OF_METRICS if metrics else _PAGE, page)

    def sample(self, trial_id: int, attempt: int, metric: str, most: int) -> Sample:
        """All observations of a metric, or `most` of them that lie evenly in the order in which they came.

        The first and the last are among them. Where no other metric was reported it takes no longer for millions; where
        others were, the database counts through all of them.

        Args:
            trial_id: The trial.
            attempt: One of its attempts.
            metric: Whose observations; of one that it did not report there are none.
            most: 2 or more, and what a database takes as parameters of a statement, which is some 10,000.
        """
        counts = {one.metric: one.count + one.non_finite for one in self._attempt_summaries(trial_id, attempt)}
        if (count := counts.get(metric, 0)) <= most:
            return Sample(self.observations(trial_id, attempt, [metric], limit=most), whole=True)
        of_attempt = {"trial": trial_id, "attempt": attempt}
        positions = [1 + place for place in evenly(count, most)]  # as long as nothing else has one
        if len(counts) > 1:
            asked = of_attempt | {"slot": list(counts).index(metric), "numbers": positions}
            positions = [position for (position,) in self._all(_POSITIONS, asked)]
        return Sample(self._observed(_AT_POSITIONS, of_attempt | {"positions": positions}), whole=False)

    def _observed(self, statement: Select[Any], asked: dict[str, Any]) -> list[StoredObservation]:
        trial_id, attempt = asked["trial"], asked["attempt"]
        names = [summary.metric for summary in self._attempt_summaries(trial_id, attempt)]
        sources = {source.slot: source.name for source in self._sources(trial_id, attempt)}
        return [
            StoredObservation(position, names[metric], value_of(kind, value), step, time, sources[source], sequence)
            for position, metric, kind, value, step, time, source, sequence in self._all(statement, asked)
        ]

    def _take_ledger(self, trial_id: int, attempt: int) -> Ledger:
        """The attempt's ledger, which is kept again only once all that is entered in it is stored."""
        ledger = self._live.ledgers.pop((trial_id, attempt), None)
        if ledger is None:
            spec = self._job(self._head_of_trial(trial_id)).spec
            ledger = Ledger(spec, self._attempt_summaries(trial_id, attempt), self._sources(trial_id, attempt))
        return ledger

    def _sources(self, trial_id: int, attempt: int) -> list[Source]:
        return [Source(*row) for row in self._all(_SOURCES, {"trial": trial_id, "attempt": attempt})]

    def _enter_rows(self, ledger: Ledger, trial_id: int, attempt: int, rows: Sequence[ObservationRow]) -> list[Columns]:
        """Enter the rows in the ledger; only those that may be there already are looked up."""
        entries = ledger.resolve(rows)
        stored: set[tuple[int, int, int]] = set()
        for source, sequences in ledger.doubtful(entries).items():
            for first, last in spans(sequences):
                key = {"trial": trial_id, "attempt": attempt, "source": source, "first": first, "last": last}
                stored.update((row[0], row[1], row[2]) for row in self._all(_STORED, key))
        return ledger.enter(entries, stored)

    def _store_rows(self, ledger: Ledger, trial_id: int, attempt: int, columns: list[Columns]) -> None:
        if columns:
            self._insert_rows(t.observations, [(trial_id, attempt, *row) for row in columns])
            for slot, summary in ledger.settle_summaries():
                self._later.summarize(trial_id, attempt, slot, summary)
        for source in ledger.settle_sources():
            row = {"source": source.name, "highest": source.highest, "position": source.position}
            self._later.sources[trial_id, attempt, source.slot] = row
