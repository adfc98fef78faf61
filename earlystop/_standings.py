"""How good a trial is as it stands, by which the best one is known."""

import math

from tunesmith.earlystop._rule import StudyView
from tunesmith.study import Strategy


def standing(study: StudyView, number: int) -> float:
    """The loss of a trial if it ended now, by the objective's strategy; infinite when it has none.

    By its curve, with which others are compared, where it has one: the value that a trial ended with is of all reports,
    and of several at a step the curve has the first.
    """
    ended, curve = study.ended.get(number), study.curves.get(number)
    if curve is None:
        loss = math.inf if ended is None or ended.loss is None else ended.loss
        return loss if math.isfinite(loss) else math.inf
    if study.spec.objective.keeps_best:
        return curve.best(len(curve))
    if study.spec.objective.strategy is Strategy.LATEST:
        return curve.latest(len(curve))
    return curve.mean(len(curve))  # also where somebody keeps the worst value
