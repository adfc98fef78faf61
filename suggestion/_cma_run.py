"""CMA-ES along a study's history: trials in the order in which they ended, a generation for each population of them.

A trial need not come from the present generation. Those that were under way when it changed, and those that users made,
are taken for what they are: points with values, which the update draws near where they are too far to be likely. So
nothing that was evaluated is lost, and any number of trials may run at once.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tunesmith.suggestion._categories import Categories
from tunesmith.suggestion._cma import Gaussian, default_population, rates
from tunesmith.suggestion._cma_cube import Cube, Sample
from tunesmith.suggestion._table import Standing

Floats = NDArray[np.float64]

RESTARTS = ("none", "ipop", "bipop")
_FLAT = 1e-12
"""A run ends when all values of its last generations lie within this."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a trial that has ended tells.

    `drawn`: run and generation that drew it, (-1, -1) when none did. `loss`: less is better.
    """

    order: tuple[int, int]
    """Completion rank, and number of the trial."""
    standing: Standing
    loss: float
    drawn: tuple[int, int]
    label: str
    sample: Sample = field(compare=False)  # which follows from the label and the assignment

    @property
    def place(self) -> tuple[int, float, int]:
        """Sorts the best first: succeeded before stopped before failed."""
        return (int(self.standing), self.loss if self.standing is not Standing.FAILED else 0.0, self.order[1])


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of a study. `population` None: by the number of dimensions."""

    seed: int
    sigma: float
    restart: str
    population: int | None = None


class Run:
    """The distributions after the trials that were told; restarted as the strategy says."""

    def __init__(self, cube: Cube, options: Options) -> None:
        """Begin at the parameters' defaults."""
        self._cube, self._options = cube, options
        dimensions = len(cube.dimensions) + len(cube.listed)
        self._default = options.population or default_population(dimensions)
        self.population, self.number = self._default, 0
        self._small, self._large, self._doublings, self._is_large = 0, 0, 0, False
        self._begin(cube.start)

    def _begin(self, mean: Floats) -> None:
        cube = self._cube
        dimensions = len(cube.dimensions) + len(cube.listed)
        margin = 1 / (max(dimensions, 1) * self.population)
        self.gaussian = Gaussian(mean, self._options.sigma, cube.borders, margin) if cube.dimensions else None
        self.categories = Categories(cube.categories, len(cube.borders) + len(cube.listed)) if cube.listed else None
        self.generation, self._spent = 0, False
        self._extremes: list[tuple[float, float]] = []

    def tell(self, generation: list[Told]) -> None:
        """Take a population of trials."""
        present = (self.number, self.generation)
        self.generation += 1
        own = sorted((told for told in generation if told.drawn[0] in (-1, self.number)), key=lambda told: told.place)
        if len(own) < 2 or own[0].standing is Standing.FAILED or self._spent:
            return
        if self.gaussian is not None:
            places = np.array([told.sample.place for told in own])
            own_draws = np.array([told.drawn == present for told in own])
            self.gaussian.tell(np.where(np.isnan(places), self.gaussian.mean, places), own_draws)
        if self.categories is not None:
            found = rates(max(len(self._cube.dimensions), 1), len(own))
            chosen = np.array([told.sample.categories for told in own[: found.parents]])
            self.categories.tell(chosen, found.weights[: found.parents])
        self._note([told.loss for told in own if told.standing is not Standing.FAILED])
        self._perhaps_restart()

    def _note(self, losses: list[float]) -> None:
        self._extremes.append((min(losses), max(losses)))
        recent = 10 + math.ceil(30 * max(len(self._cube.dimensions), 1) / self.population)
        self._extremes = self._extremes[-recent:]
        self._recent = recent

    def _is_flat(self) -> bool:
        low, high = min(one for one, _ in self._extremes), max(one for _, one in self._extremes)
        return len(self._extremes) == self._recent and high - low < _FLAT

    def _perhaps_restart(self) -> None:
        if self.gaussian is None or not (self.gaussian.spent() or self._is_flat()):
            return
        if self._options.restart == "none" and bool(np.isfinite(self.gaussian.mean).all()):
            self._spent = self.gaussian.spent()
            return
        rng = np.random.default_rng([self._options.seed, self.number, self._default])
        self.population = self._next_population(rng)
        self.number += 1
        self._begin(rng.random(len(self._cube.dimensions)))

    def _next_population(self, rng: np.random.Generator) -> int:
        """Of the next run: A. Auger and N. Hansen, CEC 2005 (ipop); N. Hansen, GECCO 2009 (bipop)."""
        evaluations = self.generation * self.population
        if self._is_large:
            self._large += evaluations
        else:
            self._small += evaluations
        if self._options.restart == "bipop" and self._small < self._large:
            self._is_large = False
            return math.floor(self._default * 2 ** (self._doublings * rng.random() ** 2))
        self._is_large = True
        self._doublings = min(self._doublings + 1, 20)
        return self._default * int(2**self._doublings)
