"""Hyperband: several ladders of rungs, of which some begin late, lest early values mislead."""

from collections.abc import Sequence
from typing import Final

from tunesmith.earlystop._description import RuleDescription
from tunesmith.earlystop._end import end_of
from tunesmith.earlystop._others import Group
from tunesmith.earlystop._registry import register
from tunesmith.earlystop._rule import Decision, StudyView
from tunesmith.earlystop._rungs import FACTOR, LEAST, halved, highest_rung, rung_settings, rungs_problem
from tunesmith.earlystop._settings import LIMIT
from tunesmith.services.settings import Settings
from tunesmith.study import Mistake, StudySpec

_MEMO: Final = "hyperband brackets"


@register
class Hyperband:
    """Weighs a trial at the last rung that it has reached, among the trials of its bracket."""

    description = RuleDescription(
        name="hyperband",
        summary="Splits the trials over brackets, each a ladder of rungs as `asha` has; later ones begin further up.",
        description=(
            "Hedges against curves that cross: bracket number i begins at the i-th rung, so that some trials are not "
            "stopped before they could show what they are worth. Which bracket a trial is in follows from the study's "
            "seed and its number; a bracket gets about as many trials as it takes to spend the same in each. For the "
            "algorithm `random` or any other that proposes one trial at a time; the algorithm `hyperband` does its own "
            "stopping, by a parameter of the space."
        ),
        source="L. Li et al., Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization, JMLR 18 (2018).",
        settings=rung_settings(
            "The step of the first rung.",
            1,
            3,
            "The step at which trials end, which decides how many brackets there are. Absent: the last one of the "
            "longest trial that succeeded, and nothing is stopped before there is one.",
        ),
    )

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """Refuse rungs of which there is none."""
        return rungs_problem(settings)

    def weigh(self, study: StudyView, trials: Sequence[int]) -> list[Decision]:
        """Compare each trial with those before it in its bracket that have reached its rung."""
        if (end := end_of(study)) is None:
            return []
        given, found, brackets = study.settings, list[Decision](), _Brackets.of(study, end)
        factor = given.integer(FACTOR)
        for number in trials:
            bracket = brackets[number]
            first = given.integer(LEAST) * factor**bracket
            rung = highest_rung(study.curves[number].last, first, factor, end)
            if rung is not None and (decision := halved(study, number, rung, factor, brackets.group(bracket))):
                found.append(decision)
        return found


def weights(least: int, most: int, factor: int) -> list[int]:
    """How many trials each bracket gets, relatively: n of algorithm 1 in the paper, for s from the largest to 0."""
    brackets = 1
    while least * factor**brackets <= min(most, LIMIT):
        brackets += 1
    return [-(-brackets * factor**s // (s + 1)) for s in reversed(range(brackets))]


class _Brackets(dict[int, int]):
    """The bracket of each trial by number, a function of the study's seed."""

    def __init__(self, seed: int, shares: Sequence[int]) -> None:
        super().__init__()
        self._seed, self._shares = seed, shares

    def __missing__(self, number: int) -> int:
        import numpy as np

        place = int(np.random.default_rng([self._seed, number]).integers(sum(self._shares)))
        bracket = 0
        while place >= self._shares[bracket]:
            place -= self._shares[bracket]
            bracket += 1
        self[number] = bracket
        return bracket

    def group(self, bracket: int) -> Group:
        """The trials of a bracket; while none ends, these brackets are not replaced."""
        return Group(bracket, lambda number: self[number] == bracket)

    @classmethod
    def of(cls, study: StudyView, end: int) -> "_Brackets":
        """Those of a study whose trials end at a step."""
        shares = weights(study.settings.integer(LEAST), end, study.settings.integer(FACTOR))
        known: _Brackets | None = study.memo.get(_MEMO)
        if known is None or known._shares != shares:
            known = study.memo[_MEMO] = cls(study.seed, shares)
        return known
