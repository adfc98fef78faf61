"""Quasi-random search along a scrambled Sobol sequence."""

from collections.abc import Iterator, Sequence

import numpy as np

from tunesmith.services.settings import Settings
from tunesmith.study import Assignment, Mistake, StudySpec
from tunesmith.suggestion import _walk
from tunesmith.suggestion._algorithm import Answer, Explanation, Status, StudyView, Suggestion, TrialRecord
from tunesmith.suggestion._description import AlgorithmDescription
from tunesmith.suggestion._joe_kuo import DIMENSIONS
from tunesmith.suggestion._points import Drawn, Points
from tunesmith.suggestion._registry import register
from tunesmith.suggestion._sobol import BITS, SobolSequence

LABEL = "sobol.index"
"""Label of a trial: its place in the sequence, from 0. Of a random draw: the last place looked at in vain."""

PLACES_PER_TRIAL = 100
"""After n trials, the first 100 (n + 1) places of the sequence are looked at; when none is left, a draw is random."""

_AT_ONCE = 8


@register
class Sobol:
    """Spreads trials evenly over the space, however many there are to be."""

    description = AlgorithmDescription(
        name="sobol",
        aliases=("quasi-random", "qmc"),
        summary="Trials spread evenly over the space, along a scrambled Sobol sequence.",
        description=(
            "Covers the space better than random search with the same number of trials, and needs to know nothing: a "
            "good first choice for any space, and all trials may run at once. Every parameter is a dimension, "
            f"{DIMENSIONS} at most. Points that constraints forbid, and points tried before, are passed over; where "
            "hardly any point is allowed, a trial is drawn at random instead, and its explanation says so."
        ),
        source=(
            "I. M. Sobol' (1967); direction numbers of S. Joe and F. Y. Kuo, SIAM J. Sci. Comput. 30 (2008); scrambled "
            "as in J. Matoušek, J. Complexity 14 (1998)."
        ),
    )

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """Refuse more parameters than the table of direction numbers has dimensions."""
        count = len(spec.space.names)
        if count <= DIMENSIONS:
            return []
        return [
            Mistake("spec.parameters", f"`sobol` takes at most {DIMENSIONS} parameters, but got {count}; use `random`")
        ]

    def suggest(self, study: StudyView, names: Sequence[tuple[str, int]]) -> Answer:
        """Give each trial the first point of the sequence that is fit and was not tried."""
        points = Points(study)
        walk = _walk.Walk(_sequence(study), study, points)
        suggestions: list[Suggestion] = []
        for before, (name, number) in enumerate(names, start=len(study.history)):
            candidate = walk.take(_places(before))
            if candidate is None:
                suggestion = _drawn(name, points.draw(number), before)
            else:
                suggestion = _suggestion(name, candidate)
            if suggestion is None:
                return Answer(tuple(suggestions), Status.EXHAUSTED, "every point of the search space has been tried")
            suggestions.append(suggestion)
        return Answer(tuple(suggestions))


def _suggestion(name: str, candidate: _walk.Candidate) -> Suggestion:
    """Propose a point of the sequence."""
    explanation = Explanation("sobol", f"point {candidate.index} of the scrambled Sobol sequence")
    return Suggestion(name, candidate.assignment, explanation, {LABEL: str(candidate.index)})


def _drawn(name: str, drawn: Drawn | None, before: int) -> Suggestion | None:
    """Propose a random point; None when none is left."""
    if drawn is None:
        return None
    text = f"no point is left among the first {_places(before)} of the Sobol sequence, so {drawn.text}"
    return Suggestion(name, drawn.assignment, Explanation("random", text), {LABEL: str(_places(before) - 1)})


def _places(before: int) -> int:
    """Return how many places of the sequence are looked at for a trial, of the number of trials before it only.

    That is the trial's own number in an honest history, and in one that has gaps it does not ask for endless work.
    """
    return min((before + 1) * PLACES_PER_TRIAL, 1 << BITS)


def _ceiling(record: TrialRecord, trials: int) -> int:
    """A trial is never given a place that was not looked at for it."""
    return _places(min(record.number, trials))


def _sequence(study: StudyView) -> _walk.Sequence:
    """Make the decoded points a sequence, in which those that constraints forbid are empty places."""
    space = study.spec.space

    def begin(index: int) -> Iterator[Assignment | None]:
        cube = SobolSequence(len(space.names), np.random.default_rng([study.seed]))
        while index < 2**BITS:
            for point in cube.points(index, _AT_ONCE).tolist():
                assignment = space.decode(point)
                yield assignment if space.feasible(assignment) else None
            index += _AT_ONCE

    return _walk.Sequence(LABEL, begin, _ceiling)
