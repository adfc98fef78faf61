"""Wilcoxon stopping: a trial over many instances ends when it is surely worse than the best one on the same ones."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tunesmith.earlystop._curve import Curve
from tunesmith.earlystop._description import RuleDescription
from tunesmith.earlystop._registry import register
from tunesmith.earlystop._rule import Decision, StudyView
from tunesmith.earlystop._settings import LIMIT
from tunesmith.earlystop._signed_rank import p_greater
from tunesmith.services.settings import SettingDescription, Settings, SettingType
from tunesmith.study import Mistake, StudySpec, TrialState

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@register
class Wilcoxon:
    """Tests a trial's values against those of the best trial, instance by instance."""

    description = RuleDescription(
        name="wilcoxon",
        summary="Stops a trial that a signed-rank test finds worse than the best finished one on the same instances.",
        description=(
            "For trials whose value is an average over instances, folds or seeds: each report is one of them, and its "
            "step says which. Shuffle their order from trial to trial, so that the first ones are not always the same. "
            "A trial whose average is not worse than that of the best one goes on, whatever the test says. Needs no "
            "curve that rises or falls; for values over epochs take another rule."
        ),
        source=(
            "F. Wilcoxon, Individual Comparisons by Ranking Methods, Biometrics Bulletin 1 (1945), used as in Optuna's "
            "WilcoxonPruner."
        ),
        settings=(
            SettingDescription(
                "pThreshold",
                SettingType.DOUBLE,
                "A trial is stopped when the test's p-value is below it.",
                0.1,
                min=0,
                max=1,
                aliases=("p_threshold",),
            ),
            SettingDescription(
                "minInstances",
                SettingType.INT,
                "No trial is stopped before so many instances can be compared.",
                2,
                min=2,
                max=LIMIT,
                aliases=("n_startup_steps",),
            ),
        ),
    )

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """Accept every study."""
        return []

    def weigh(self, study: StudyView, trials: Sequence[int]) -> list[Decision]:
        """Test each trial against the best one."""
        if (best := _best(study)) is None:
            return []
        found = (self._weigh(study, number, best) for number in trials)
        return [decision for decision in found if decision is not None]

    def _weigh(self, study: StudyView, number: int, best: int) -> Decision | None:
        """Compare by what is seen of both; only what is news is computed."""
        one, other = study.curves[number], study.curves[best]
        seen = (one, len(one), other, len(other))
        if (known := study.memo.get(f"wilcoxon {number}")) is None or known[0] != seen:
            known = study.memo[f"wilcoxon {number}"] = (seen, self._test(study, number, best))
        decision: Decision | None = known[1]
        return decision

    def _test(self, study: StudyView, number: int, best: int) -> Decision | None:
        import numpy as np

        (steps, one), (others, other) = (_finite(study.curves[trial]) for trial in (number, best))
        _, mine, theirs = np.intersect1d(steps, others, assume_unique=True, return_indices=True)
        if len(mine) < study.settings.integer("minInstances"):
            return None
        p, own, bar = p_greater(one[mine] - other[theirs]), float(one.mean()), float(other.mean())
        averages = f"its average {study.shown(own)} against {study.shown(bar)} of trial {best}, the best"
        test = f"on {len(mine)} instances the test gives p={p:.3g}"
        stop = p < study.settings.number("pThreshold") and own >= bar
        verdict = "is worse" if stop else "is not surely worse"
        return Decision(number, stop, f"{test}: {averages}, {verdict}", study.curves[number].last)


def _best(study: StudyView) -> int | None:
    """The best trial that succeeded and has a curve, the first of equals."""
    epoch, best = study.memo.get("wilcoxon best", (None, None))
    if epoch != study.epoch:
        ended = ((one.loss, number) for number, one in study.ended.items() if one.state is TrialState.SUCCEEDED)
        valued = ((loss, number) for loss, number in ended if loss is not None and math.isfinite(loss))
        best = min(((loss, number) for loss, number in valued if number in study.curves), default=(None, None))[1]
        study.memo["wilcoxon best"] = (study.epoch, best)
    found: int | None = best
    return found


def _finite(curve: Curve) -> "tuple[NDArray[np.int64], NDArray[np.float64]]":
    """Steps and losses (n,), the losses finite."""
    import numpy as np

    steps, losses = np.array(curve.steps), np.array(curve.losses)
    kept = np.isfinite(losses)
    return steps[kept], losses[kept]
