"""Simulated annealing as an algorithm of Tunesmith: a third party's package, which the suggestion service finds.

The walk is not kept anywhere: it is computed again from the history whenever trials are asked for, so that the same
question has the same answer after any restart.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from tunesmith.study import Assignment, Mistake, ObjectiveType, StudySpec
from tunesmith.suggestion import (
    AlgorithmDescription,
    Answer,
    Capabilities,
    Explanation,
    Points,
    SettingDescription,
    Settings,
    SettingType,
    Status,
    StudyView,
    Suggestion,
    TrialRecord,
    register,
)

TRIES = 16
"""Steps that are tried for a trial; where each leads to what is tried or not allowed, the trial is drawn at random."""


@register
class Annealing:
    """Walks from trial to trial."""

    description = AlgorithmDescription(
        name="annealing",
        summary="A walk that goes to each better trial, at first to worse ones too, with ever smaller steps.",
        description=(
            "For a few dozen trials of a smooth objective, when there is one good valley. Each trial is a step from "
            "where the walk is. Categories are stepped over as if they had an order."
        ),
        source="S. Kirkpatrick, C. D. Gelatt, M. P. Vecchi, Optimization by Simulated Annealing, Science 220 (1983).",
        settings=(
            SettingDescription(
                "width", SettingType.DOUBLE, "First steps, as a share of a parameter's range.", 0.3, min=0.001, max=1
            ),
            SettingDescription(
                "cooling", SettingType.DOUBLE, "What steps and temperature are multiplied by.", 0.93, min=0.5, max=1
            ),
        ),
        aliases=("simulated-annealing",),
        capabilities=Capabilities(uses_values=True),
    )

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """Accept every space: what the description says is checked already."""
        return []

    def suggest(self, study: StudyView, names: Sequence[tuple[str, int]]) -> Answer:
        """Propose a step for each trial, with the random generator of that trial alone."""
        points, told = Points(study), ended(study)
        here, heat = walk(study, told), study.settings.number("cooling") ** len(told)
        suggestions: list[Suggestion] = []
        for name, number in names:
            if here is None:
                drawn = points.draw(number)
            else:
                drawn = points.pick(steps(study, here, heat, number), number, f"a step from trial {here.number}")
            if drawn is None:
                return Answer(tuple(suggestions), Status.EXHAUSTED, "every point has been tried")
            suggestions.append(Suggestion(name, drawn.assignment, Explanation("annealing", drawn.text)))
        return Answer(tuple(suggestions))


def ended(study: StudyView) -> list[TrialRecord]:
    """Trials with a value, in the order in which they ended. The space may have been another when they began."""
    told = [
        trial
        for trial in study.history.values()
        if trial.values and math.isfinite(trial.values[0]) and not study.spec.space.problems(trial.assignment)
    ]
    return sorted(told, key=lambda trial: (trial.completion_rank, trial.number))


def walk(study: StudyView, told: Sequence[TrialRecord]) -> TrialRecord | None:
    """Where the walk is after these trials; None: nowhere yet. Values are compared by their share of all spread."""
    sign = -1 if study.spec.objective.type is ObjectiveType.MAXIMIZE else 1
    losses = [sign * trial.values[0] for trial in told]
    spread = max(losses, default=0) - min(losses, default=0) or 1.0
    here, at, cooling = None, math.inf, study.settings.number("cooling")
    for time, (trial, loss) in enumerate(zip(told, losses, strict=True)):
        dice = np.random.default_rng([study.seed, trial.number, 1]).random()
        if loss <= at or dice < math.exp(-(loss - at) / spread / (0.2 * cooling**time + 1e-9)):
            here, at = trial, loss
    return here


def steps(study: StudyView, here: TrialRecord, heat: float, number: int) -> Iterator[Assignment]:
    """Give steps from a trial, in the unit cube, the later ones longer."""
    space, rng = study.spec.space, np.random.default_rng([study.seed, number])
    place, width = np.asarray(space.encode(here.assignment)), study.settings.number("width") * heat
    for attempt in range(TRIES):
        step = rng.normal(0, max(width, 0.01) * (1 + attempt / 4), len(place))
        yield space.decode(np.clip(place + step, 0, 1).tolist())
