"""How good a trial is as it stands, by which the best one is known."""

import math

from tunesmith.earlystop._rule import StudyView
from tunesmith.study import Strategy


def standing(study: StudyView, number: int) -> float:
    """The loss of a trial if it ended now, by the objective's strategy; infinite when it has none."""
    ended, curve = study.ended.get(number), study.curves.get(number)
    if ended is not None and ended.loss is not None:
        return ended.loss if math.isfinite(ended.loss) else math.inf
    if curve is None:
        return math.inf
    if study.spec.objective.keeps_best:
        return curve.best(len(curve))
    if study.spec.objective.strategy is Strategy.LATEST:
        return curve.latest(len(curve))
    return curve.mean(len(curve))  # also where somebody keeps the worst value
