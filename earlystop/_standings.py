"""How good a trial is as it stands, by which the best one is known."""

import math

from tunesmith.earlystop._rule import StudyView
from tunesmith.study import ObjectiveType, Strategy


def keeps_best(study: StudyView) -> bool:
    """Whether the value of a trial is the best that it reported."""
    objective = study.spec.objective
    return objective.strategy is (Strategy.MAX if objective.type is ObjectiveType.MAXIMIZE else Strategy.MIN)


def standing(study: StudyView, number: int) -> float:
    """The loss of a trial if it ended now, by the objective's strategy; infinite when it has none."""
    ended, curve = study.ended.get(number), study.curves.get(number)
    if ended is not None and ended.loss is not None:
        return ended.loss if math.isfinite(ended.loss) else math.inf
    if curve is None:
        return math.inf
    if keeps_best(study):
        return curve.best(len(curve))
    if study.spec.objective.strategy is Strategy.LATEST:
        return curve.latest(len(curve))
    return curve.mean(len(curve))  # also where somebody keeps the worst value
