"""Gaussian process optimisation of our own: fast enough for each trial, and for any kind of parameter."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tunesmith.services.settings import SettingDescription, Settings, SettingType
from tunesmith.study import Assignment, Mistake, StudySpec
from tunesmith.suggestion._algorithm import Answer, Explanation, Status, StudyView, Suggestion
from tunesmith.suggestion._cube import Cube
from tunesmith.suggestion._description import AlgorithmDescription, Capabilities
from tunesmith.suggestion._ends import Ends
from tunesmith.suggestion._gp_model import Hyper, Posterior, first_guess, fit
from tunesmith.suggestion._gp_search import search
from tunesmith.suggestion._points import Points
from tunesmith.suggestion._registry import register
from tunesmith.suggestion._start import space_filling
from tunesmith.suggestion._table import Standing, table_of
from tunesmith.suggestion._told import chosen
from tunesmith.suggestion._warp import standardized
from tunesmith.suggestion.algorithms.random import EXHAUSTED

Floats = NDArray[np.float64]

KERNEL_LABEL: Final = "gp.kernel"
LEARNS_FROM: Final = 300
"""Trials whose losses the model knows, at most: the best half and the latest half."""
FITTED_TO: Final = 100
"""Trials that decide the kernel, at most."""
STEPS: Final = 12
"""Of the climb to the likeliest kernel, from each place where it begins."""
PROPOSED: Final = "proposed by the model"
_PARENTS: Final = 5
_CUBE: Final = "gp.cube"


@dataclass(frozen=True, slots=True)
class Known:
    """What the model learns from: points (n, p), standardised losses (n,), and points that are pending (m, p)."""

    points: Floats
    losses: Floats
    pending: Floats

    def subset(self, most: int) -> "Known":
        """The best and the latest of these, for work that grows as the cube of their number."""
        rows = chosen(self.losses, np.arange(1, len(self.losses) + 1), most)
        return replace(self, points=self.points[rows], losses=self.losses[rows])


@register
class Gp:
    """Models the objective by a Gaussian process, and proposes where improvement is to be expected."""

    description = AlgorithmDescription(
        name="gp",
        summary="A Gaussian process proposes where improvement is to be expected; the best for up to some 200 trials.",
        description=(
            "For objectives that change smoothly with most parameters, when trials are expensive: each is chosen with "
            "much thought, in a tenth of a second. A Matérn 5/2 kernel with a length scale for each parameter is "
            "fitted to losses that a power transform has made even; logarithmic expected improvement decides. Trials "
            "that run count as having the value that the model expects; failed ones as bad as the worst. Of trials "
            "that were stopped early it forecasts where they would have ended, by their parameters and by how others "
            "went on. Takes every "
            f"kind of parameter, conditions and constraints. Learns from {LEARNS_FROM} trials at most, the best and "
            "the latest, "
            "so that its time does not grow with the study."
        ),
        source=(
            "C. Rasmussen and C. Williams, Gaussian Processes for Machine Learning (2006); J. Snoek, H. Larochelle and "
            "R. Adams, Practical Bayesian Optimization of Machine Learning Algorithms, NIPS 2012; S. Ament et al., "
            "Unexpected Improvements to Expected Improvement, NeurIPS 2023."
        ),
        settings=(
            SettingDescription(
                "n_startup_trials",
                SettingType.INT,
                "Trials that must have a value before the model is asked; until then they follow a Sobol sequence.",
                10,
                min=1,
                max=10**6,
            ),
        ),
        capabilities=Capabilities(uses_values=True, uses_steps=True),
    )

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """Accept every space."""
        return []

    def suggest(self, study: StudyView, names: Sequence[tuple[str, int]]) -> Answer:
        """Choose one trial after the other, each with those before it pending."""
        wanted = study.settings.integer("n_startup_trials")
        if np.isfinite(table_of(study).losses).sum() < wanted:
            return space_filling(study, names, f"the model is asked when {wanted} trials have a value")
        known, cube = _known(study), _cube(study)
        before = _read_kernel(study.latest_label(KERNEL_LABEL), len(cube.edges) + 2)
        posterior = _posterior(known, cube, before)
        return _Asked(study, Points(study), cube, known, posterior).answer(names)


@dataclass(frozen=True, slots=True)
class _Asked:
    """An answer that is being made."""

    study: StudyView
    points: Points
    cube: Cube
    known: Known
    posterior: Posterior

    def answer(self, names: Sequence[tuple[str, int]]) -> Answer:
        """Choose each trial."""
        suggestions, pending = list[Suggestion](), self.known.pending
        labels = {KERNEL_LABEL: json.dumps(self.posterior.hyper.packed.round(4).tolist(), separators=(",", ":"))}
        for name, number in names:
            believing = self.posterior.believing(pending)
            promises: list[float] = []
            drawn = self.points.pick(self._candidates(believing, number, promises), number, PROPOSED)
            if drawn is None:
                return Answer(tuple(suggestions), Status.EXHAUSTED, EXHAUSTED)
            if drawn.text == PROPOSED:
                explanation = self._explained(believing, drawn.assignment, promises)
            else:
                explanation = Explanation("random", f"nothing the model proposed was left, so {drawn.text}")
            suggestions.append(Suggestion(name, drawn.assignment, explanation, labels))
            pending = np.concatenate([pending, [self.study.spec.space.encode(drawn.assignment)]])
        return Answer(tuple(suggestions))

    def _candidates(self, posterior: Posterior, number: int, promises: list[float]) -> Iterator[Assignment]:
        """What the search finds, the most promising first; notes the promise of each that was asked for."""
        rng = np.random.default_rng([self.study.seed, number])
        means, _ = posterior.predict(self.known.points)
        parents = self.known.points[np.argsort(means, kind="stable")[:_PARENTS]]
        found, values = search(posterior, float(means.min()), self.cube, parents, rng)
        for point, value in zip(found.tolist(), values.tolist(), strict=True):
            promises.append(value)
            yield self.study.spec.space.decode(point)

    def _explained(self, posterior: Posterior, assignment: Assignment, promises: list[float]) -> Explanation:
        point = np.array([self.study.spec.space.encode(assignment)])
        mean, deviation = posterior.predict(point)
        best = self.known.losses.min()
        text = (
            f"Gaussian process on {len(self.known.losses)} trials: expects {mean[0] - best:+.2g} ± {deviation[0]:.2g} "
            "standard deviations of the values, counted from the best so far"
        )
        return Explanation("gp", text, promises[-1])


def _cube(study: StudyView) -> Cube:
    """The space's cube; it has an edge for each value of each parameter."""
    if _CUBE not in study.memo:
        study.memo[_CUBE] = Cube.of(study.spec.space)
    cube: Cube = study.memo[_CUBE]
    return cube


def _known(study: StudyView) -> Known:
    """What the model learns from. A failed trial counts as bad as the worst; inactive parameters as in their middle."""
    table = table_of(study)
    ended = table.standings != Standing.PENDING
    points, losses = np.nan_to_num(table.units, nan=0.5), Ends.of(study).losses
    losses[ended & ~np.isfinite(losses)] = np.nanmax(losses)
    rows = np.flatnonzero(ended)
    rows = rows[chosen(losses[rows], table.ranks[rows], LEARNS_FROM)]
    pending = points[~ended][-LEARNS_FROM // 2 :]
    order = np.argsort(table.ranks[rows], kind="stable")  # the latest last
    return Known(points[rows[order]], standardized(losses[rows[order]]), pending)


def _posterior(known: Known, cube: Cube, before: Hyper | None) -> Posterior:
    """The model; its kernel is looked for from a first guess, and from that of the trial before."""
    few, guess = known.subset(FITTED_TO), first_guess(known.points.shape[1])
    hyper = fit(few.points, few.losses, cube.categorical, [guess, *([before] if before else [])], STEPS)
    return Posterior.of(known.points, known.losses, cube.categorical, hyper)


def _read_kernel(label: str, size: int) -> Hyper | None:
    try:
        packed = np.array(json.loads(label), dtype=float)
    except (ValueError, TypeError):
        return None
    return Hyper.of(packed) if packed.shape == (size,) and (np.abs(packed) < 50).all() else None
