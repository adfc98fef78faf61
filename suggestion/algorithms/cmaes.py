"""CMA-ES: a Gaussian that moves towards the best points, and takes their shape."""

from collections.abc import Iterator, Sequence

import numpy as np

from tunesmith.services.settings import SettingDescription, Settings, SettingType
from tunesmith.study import Assignment, Mistake, StudySpec
from tunesmith.suggestion._algorithm import Answer, Explanation, Status, StudyView, Suggestion
from tunesmith.suggestion._cma_cube import Sample, to_label
from tunesmith.suggestion._cma_history import GENERATION, POINT, Progress, progress_of
from tunesmith.suggestion._cma_run import RESTARTS, Options
from tunesmith.suggestion._description import AlgorithmDescription, Capabilities
from tunesmith.suggestion._points import Points
from tunesmith.suggestion._registry import register

SIGMA = 0.167
"""A sixth of each parameter's range."""
INSIDE, WIDENED, WIDEST = 64, 64, 8.0
"""Samples for a trial: so many of the distribution as it is, of which those out of bounds do not count; then so many
that are drawn ever wider, up to `WIDEST` times, and pulled to the bounds: for few values, and narrow constraints."""


@register
class Cmaes:
    """Samples a Gaussian in the unit cube; each generation of trials moves it."""

    description = AlgorithmDescription(
        name="cmaes",
        aliases=("cma-es",),
        summary="A Gaussian over the space moves towards the best trials and takes their shape.",
        description=(
            "For many trials (from some 10 per parameter on) of mostly numeric parameters; knows no model, so 10,000 "
            "trials are no burden. Begins at the parameters' defaults, or in the middle. Integers, steps and listed "
            "numbers are kept within reach by a margin; categories, and parameters of two values, have probabilities "
            "of their own. Any number of trials may run at once: a generation is told whenever as many trials as the "
            "population has have ended, whichever distribution drew them, `initial` and enqueued ones too. Failed ones "
            "are the worst, stopped ones just better. Draws that constraints forbid are drawn again, wider and wider."
        ),
        source=(
            "N. Hansen, arXiv:1604.00772 and arXiv:1110.4181; margin: R. Hamano et al., GECCO 2022; categories: R. "
            "Hamano et al., GECCO 2024; restarts: A. Auger and N. Hansen, CEC 2005, and N. Hansen, GECCO 2009."
        ),
        settings=(
            SettingDescription(
                "sigma", SettingType.DOUBLE, "First standard deviation, in the unit cube; 0: the default.", SIGMA, 0, 10
            ),
            SettingDescription(
                "restart_strategy",
                SettingType.STRING,
                "When a run has come to its end, begin anew elsewhere: ipop with twice the population, bipop by turns "
                "with a large and a small one, none not at all.",
                "none",
                choices=(*RESTARTS, "None"),
            ),
            SettingDescription(
                "population_size",
                SettingType.INT,
                "Trials in a generation; absent: 4 + 3 ln(parameters).",
                None,
                4,
                10000,
            ),
        ),
        capabilities=Capabilities(uses_values=True),
    )

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """Accept every space."""
        return []

    def suggest(self, study: StudyView, names: Sequence[tuple[str, int]]) -> Answer:
        """Draw each trial from the distribution as it is."""
        progress, points = progress_of(study, _options(study)), Points(study)
        run = progress.run
        label = {GENERATION: f"{run.number}.{run.generation}"}
        width = f", sigma {run.gaussian.sigma:.3g}" if run.gaussian is not None else ""
        text = f"drawn in generation {run.generation} of run {run.number} (population {run.population}{width})"
        suggestions: list[Suggestion] = []
        for name, number in names:
            draws = _Draws(study, progress, number)
            drawn = points.pick(draws, number, text)
            if drawn is None:
                return Answer(tuple(suggestions), Status.EXHAUSTED, "every point of the search space has been tried")
            if drawn.text == text:
                labels, said = {**label, POINT: to_label(draws.sample.place)}, text
            else:
                labels, said = label, f"no draw of the distribution is new and allowed, so {drawn.text}"
            suggestions.append(Suggestion(name, drawn.assignment, Explanation("cmaes", said), labels))
        return Answer(tuple(suggestions))


class _Draws(Iterator[Assignment]):
    """The points that are drawn for one trial; `sample` is the last one as the distribution knows it."""

    def __init__(self, study: StudyView, progress: Progress, number: int) -> None:
        rng = np.random.default_rng([study.seed, number])
        run, self._cube = progress.run, progress.cube
        widths = np.concatenate([np.ones(INSIDE), np.geomspace(1, WIDEST, WIDENED)])
        self._places = np.zeros((len(widths), 0))
        kept = np.ones(len(widths), bool)
        if run.gaussian is not None:
            self._places = run.gaussian.at(rng.standard_normal((len(widths), len(run.gaussian.mean))) * widths[:, None])
            bounded = self._places[:, self._cube.continuous]
            inside = np.all((bounded >= 0) & (bounded <= 1), axis=1)
            kept[:INSIDE] = inside[:INSIDE]
            self._places[:, self._cube.continuous] = bounded.clip(0, 1)
        self._categories = np.zeros((len(widths), 0), np.int64)
        if run.categories is not None:
            self._categories = run.categories.at(rng.random((len(widths), len(self._cube.listed))))
        self._left = iter(np.flatnonzero(kept).tolist())
        self.sample = Sample((), ())

    def __next__(self) -> Assignment:
        draw = next(self._left)
        self.sample = Sample(tuple(self._places[draw].tolist()), tuple(self._categories[draw].tolist()))
        return self._cube.space.decode(self._cube.unit(self.sample))


def _options(study: StudyView) -> Options:
    settings = study.settings
    population = None if settings["population_size"] is None else settings.integer("population_size")
    restart = str(settings["restart_strategy"]).lower()
    return Options(study.seed, settings.number("sigma") or SIGMA, restart, population)
