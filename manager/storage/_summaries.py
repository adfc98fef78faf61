"""Metric summaries of trials, and study summaries over the trials that succeeded."""

from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, select

from tunesmith.manager.storage import _tables as t
from tunesmith.manager.storage._base import Base
from tunesmith.manager.storage._head import Head
from tunesmith.manager.storage._rows import TrialRow
from tunesmith.study import MetricSummary, Strategy, StudyMetricSummary, StudySpec

_m = t.metric_summaries.c
NUMBERS = (_m.metric, _m.min, _m.max, _m.total, _m.latest, _m.first, _m.count, _m.non_finite)
"""In the order of MetricSummary's fields."""

_OF_ATTEMPT = (
    select(*NUMBERS).where(_m.trial_id == bindparam("trial"), _m.attempt == bindparam("attempt")).order_by(_m.slot)
)
_OF_TRIALS = (
    select(_m.trial_id, *NUMBERS)
    .join_from(t.trials, t.metric_summaries, (_m.trial_id == t.trials.c.id) & (_m.attempt == t.trials.c.attempt))
    .where(t.trials.c.id.in_(bindparam("trials", expanding=True)))
    .order_by(_m.trial_id, _m.slot)
)
_s = t.study_summaries.c
_STUDY_NUMBERS = select(_s.metric, _s.min, _s.max, _s.total, _s.count)
_OF_STUDY = (
    _STUDY_NUMBERS.join_from(t.study_summaries, t.studies)
    .where(t.studies.c.uid == bindparam("uid"))
    .order_by(_s.metric)
)
_OF_METRICS = _STUDY_NUMBERS.where(
    _s.study_id == bindparam("study"), _s.metric.in_(bindparam("metrics", expanding=True))
)
_AT_ONCE = 1000


class Summaries(Base):
    """The part of a transaction that is about summaries."""

    def summaries(self, trial_ids: Sequence[int]) -> dict[int, list[MetricSummary]]:
        """Summaries of the last attempt of each trial, in the order of their arrival; every id has an entry."""
        found = {trial_id: self._known_summaries(trial_id) for trial_id in trial_ids}
        unknown = [trial_id for trial_id, known in found.items() if not known]
        for begin in range(0, len(unknown), _AT_ONCE):
            some = unknown[begin : begin + _AT_ONCE]
            for trial_id, *numbers in self._all(_OF_TRIALS, {"trials": some}):
                found[trial_id].append(MetricSummary(*numbers))
        return found

    def study_summaries(self, uid: str) -> list[StudyMetricSummary]:
        """Summaries over the succeeded trials, by metric name. Raises NotFound."""
        return [StudyMetricSummary(*row) for row in self._all(_OF_STUDY, {"uid": uid})]

    def _known_summaries(self, trial_id: int) -> list[MetricSummary]:
        trial = self._live.trials.get(trial_id)
        ledger = None if trial is None else self._live.ledgers.get((trial_id, trial.attempt))
        return [] if ledger is None else ledger.summaries()

    def _attempt_summaries(self, trial_id: int, attempt: int) -> list[MetricSummary]:
        if (ledger := self._live.ledgers.get((trial_id, attempt))) is not None:
            return ledger.summaries()
        return [MetricSummary(*row) for row in self._all(_OF_ATTEMPT, {"trial": trial_id, "attempt": attempt})]

    def _enter_success(
        self, head: Head, trial: TrialRow, summaries: Sequence[MetricSummary], value: float | None
    ) -> None:
        """Enter a trial that succeeds into the study's summaries and its best."""
        spec = self._job(head).spec
        chosen = strategies(spec)
        values = {s.metric: s.value(chosen.get(s.metric, Strategy.LATEST)) for s in summaries}
        self._enter_values(head.id, {metric: number for metric, number in values.items() if number is not None})
        best = head.best_value
        if value is not None and (best is None or spec.objective.better(value, best)):
            head.best_number, head.best_value = trial.number, value

    def _enter_values(self, study_id: int, values: Mapping[str, float]) -> None:
        known = self._live.summaries
        if unknown := [metric for metric in values if (study_id, metric) not in known]:
            known.update(((study_id, metric), None) for metric in unknown)
            for row in self._all(_OF_METRICS, {"study": study_id, "metrics": unknown}):
                known[study_id, row[0]] = StudyMetricSummary(*row)
        for metric, value in values.items():
            after = _entered(known[study_id, metric], metric, value)
            known[study_id, metric] = after
            self._later.summarize_study(study_id, after)


def strategies(spec: StudySpec) -> dict[str, Strategy]:
    """Which number is the value, of every metric that the document names."""
    named = {metric.name: metric.strategy for metric in spec.metrics or ()}
    return named | {objective.metric: objective.strategy for objective in spec.objectives}


def _entered(before: StudyMetricSummary | None, metric: str, value: float) -> StudyMetricSummary:
    return StudyMetricSummary.of(metric, value) if before is None else before.add(value)
