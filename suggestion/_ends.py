"""Where trials that were stopped early would have ended, so that they can be compared with those that ran to their end.

What a stopped trial had reached is no measure of it: after an epoch, what learns fast is ahead of what ends well. So
its loss is forecast, by its configuration and by what others gained that went on from where it stood.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tunesmith.services.learning_curves import FAR, MOST_TRIALS, NOISE, Hop, Scale, learn, rungs_to
from tunesmith.services.traits import traits_of
from tunesmith.study import ObjectiveType, Strategy, StudySpec
from tunesmith.suggestion._algorithm import StudyView, TrialRecord
from tunesmith.suggestion._table import Standing, Table, table_of

Floats = NDArray[np.float64]

DOUBT: Final = 1.5
"""Spreads by which forecasts are taken to be too good."""
_MEMO: Final = "curves at rungs"


@dataclass(frozen=True, slots=True)
class Ends:
    """Losses in the rows of a study's table, (n,), and which of them were forecast, (n,)."""

    losses: Floats
    forecast: NDArray[np.bool_]

    @classmethod
    def of(cls, study: StudyView) -> "Ends":
        """Those of a study. A stopped trial whose steps nobody told keeps its loss, and so do all but the latest.

        The latest are MOST_TRIALS, by their numbers.
        """
        table = table_of(study)
        losses, forecast = table.losses.copy(), np.zeros(len(table), bool)
        if (table.standings == Standing.STOPPED).any():
            rows, records = _told(study, table)
            stopped = table.standings[rows] == Standing.STOPPED
            if stopped.any() and (curves := _Curves.of(study, table, rows, records)) is not None:
                forecast[rows[stopped]] = True
                losses[forecast] = curves.ends(stopped)
        return cls(losses, forecast)


def _told(study: StudyView, table: Table) -> tuple[NDArray[np.intp], list[TrialRecord]]:
    """The rows of the latest trials that have a value, and steps, and what is known of them."""
    standings = table.standings
    valued = (standings == Standing.DONE) | (standings == Standing.STOPPED)
    latest = np.flatnonzero(valued & (table.numbers > table.numbers[-1] - MOST_TRIALS))
    records = [study.history[number] for number in table.numbers[latest].tolist()]
    told = np.array([bool(record.steps) for record in records], bool)
    return latest[told], [record for record in records if record.steps]


@dataclass(frozen=True, slots=True)
class _Curves:
    """What m trials had come to at r rungs, as distances on a scale; NaN in `levels`, (m, r), where nobody knows.

    `now`: at their ends, (m,); `last`: the places of the rungs that they reached, (m,); `falls`: levels never rise.
    """

    scale: Scale
    levels: Floats
    now: Floats
    last: NDArray[np.intp]
    traits: Floats
    falls: bool

    @classmethod
    def of(
        cls, study: StudyView, table: Table, rows: NDArray[np.intp], records: Sequence[TrialRecord]
    ) -> "_Curves | None":
        """Those of trials in these rows of the table; None: they end at once, so that there are no rungs."""
        known: dict[int, _Seen] = study.memo.get(_MEMO, {})
        spans = np.array([_span(record, known.get(record.number)) for record in records])
        finals, done = spans[:, 1], table.standings[rows] == Standing.DONE
        start, end = int(spans[:, 0].min()) - 1, int(finals[done].max() if done.any() else finals.max())
        if not (rungs := tuple(start + rung for rung in rungs_to(end - start))):
            return None
        seen = [_see(study.spec, record, rungs, known.get(record.number)) for record in records]
        study.memo[_MEMO] = {record.number: one for record, one in zip(records, seen, strict=True)}
        levels, now = np.array([one.levels for one in seen]), table.losses[rows]
        if not study.spec.objective.keeps_best:  # a stopped trial's value may be noise
            smooth = np.array([one.now for one in seen])
            now = np.where(done | ~np.isfinite(smooth), now, smooth)
        levels[done] = np.where(finals[done, None] < rungs, now[done, None], levels[done])  # it stays as it ended
        levels[done, -1] = now[done]
        scale = Scale.of(now.tolist(), float(now.min()))
        last = np.clip(np.searchsorted(rungs, finals, side="right") - 1, 0, len(rungs) - 1)
        traits = traits_of(study.spec.space, table.units[rows])
        return cls(scale, scale.distances(levels), scale.distances(now), last, traits, study.spec.objective.keeps_best)

    def ends(self, which: NDArray[np.bool_]) -> Floats:
        """The losses at which those chosen, (m,), may end: DOUBT spreads worse than expected, if not worse than all.

        Few come far, so what is gained late is known badly. What nobody knows must not look good, or it is tried again
        and again, and stopped too soon to teach anything.
        """
        levels, last = self.now[which], self.last[which]
        variances = np.zeros(len(levels))
        gained = self._gained(last, self.levels[which])
        hop: Hop | None = None
        for place in range(self.levels.shape[1] - 1):
            hop, ahead = self._hop(place, hop), last <= place
            gains, unsure = hop.gains(levels[ahead], gained[ahead], self.traits[which][ahead])
            variances[ahead] += unsure
            gained[ahead] = np.maximum(gains, 0.0) if self.falls else gains
            levels[ahead] = np.clip(levels[ahead] - gained[ahead], -FAR, FAR)
        worst = float(self.scale.losses(self.now).max())
        return np.minimum(self.scale.losses(levels + DOUBT * np.sqrt(variances)), worst)

    def _hop(self, place: int, before: Hop | None) -> Hop:
        """What trials gain from one rung to the next; known as badly as the hop before, as long as few have made it."""
        now, after = self.levels[:, place], self.levels[:, place + 1]
        made = np.isfinite(now) & np.isfinite(after)
        gained = self._gained(np.full(len(now), place), self.levels)
        variance = NOISE**2 if before is None else before.variance
        return learn(now[made], gained[made], after[made], self.traits[made], variance)

    @staticmethod
    def _gained(rungs: NDArray[np.intp], levels: Floats) -> Floats:
        """What was gained in the hop to each one's rung; 0 where nobody knows."""
        rows = np.arange(len(rungs))
        gained = levels[rows, np.maximum(rungs - 1, 0)] - levels[rows, rungs]
        return np.where(np.isfinite(gained), gained, 0.0)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a trial had come to at rungs, (r,), and at last, by its steps, of which these are the first and the last."""

    steps: Mapping[int, float]
    span: tuple[int, int]
    rungs: Sequence[int]
    levels: Floats
    now: float


def _span(record: TrialRecord, known: _Seen | None) -> tuple[int, int]:
    """The first and the last step of a trial."""
    if known is not None and known.steps is record.steps:
        return known.span
    return min(record.steps), max(record.steps)


def _see(spec: StudySpec, record: TrialRecord, rungs: Sequence[int], known: _Seen | None) -> _Seen:
    if known is not None and known.steps is record.steps and known.rungs == rungs:
        return known
    ordered = sorted(record.steps)
    losses = np.array([record.steps[step] for step in ordered])
    losses = -losses if spec.objective.type is ObjectiveType.MAXIMIZE else losses
    counts = np.searchsorted(ordered, rungs, side="right")
    reached = (counts > 0) & (np.array(rungs) <= ordered[-1])
    levels = np.full(len(rungs), np.nan)
    levels[reached] = [_level(spec, losses[:count]) for count in counts[reached]]
    return _Seen(record.steps, (ordered[0], ordered[-1]), rungs, levels, _level(spec, losses))


def _level(spec: StudySpec, losses: Floats) -> float:
    """What a curve has come to after these losses: their best, or an average, by what the value of a trial is.

    Where it is the latest, of the last quarter of them, lest noise is taken for what was learned. NaN: not known.
    """
    if spec.objective.strategy is Strategy.LATEST:
        losses = losses[-max(len(losses) // 4, 1) :]
    finite = losses[np.isfinite(losses)]
    if not len(finite):
        return np.nan
    return float(finite.min()) if spec.objective.keeps_best else float((finite / len(finite)).sum())
