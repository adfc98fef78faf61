"""Regularised evolution: the best of a few recent trials gets a child, and the oldest ones die."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.services.settings import SettingDescription, Settings, SettingType
from tunesmith.study import Assignment, Mistake, StudySpec
from tunesmith.suggestion._algorithm import Answer, Explanation, Status, StudyView, Suggestion
from tunesmith.suggestion._description import AlgorithmDescription, Capabilities
from tunesmith.suggestion._mutation import Breeder, Child
from tunesmith.suggestion._points import DRAWS, Points
from tunesmith.suggestion._registry import register
from tunesmith.suggestion._settings import PATH
from tunesmith.suggestion._table import Standing, table_of

POPULATION, SAMPLE = 20, 10
WIDEST = 4.0
"""The last of the children that are tried for a trial changes by steps so many times as large as the first."""


@register
class Evolution:
    """Lets the best of a sample of the population have a child."""

    description = AlgorithmDescription(
        name="evolution",
        aliases=("regularized-evolution",),
        summary="The best of a few recent trials gets a child with a change or two; the oldest trials die.",
        description=(
            "For spaces of many categories, integers and conditions, where models have little to hold on to. The "
            "population is made of the trials that ended last. Of a random sample of it, the best is the parent: the "
            "new trial has its values, but for one or a few. That a trial dies of age, however good it is, keeps a "
            "lucky one from ruling for ever. The first trials are random. Any number may run at once. Failed trials "
            "are not in the population; early-stopped ones lose to all others."
        ),
        source="E. Real, A. Aggarwal, Y. Huang, Q. V. Le, AAAI 2019, Algorithm 1.",
        settings=(
            SettingDescription(
                "population_size", SettingType.INT, "Trials alive; as many are random at first.", POPULATION, 2, 100_000
            ),
            SettingDescription(
                "sample_size", SettingType.INT, "Trials of which the best is a parent.", SAMPLE, 1, 100_000
            ),
            SettingDescription("crossover", SettingType.DOUBLE, "Probability that a child has two parents.", 0.0, 0, 1),
        ),
        capabilities=Capabilities(uses_values=True),
    )

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """Refuse a sample that is larger than the population."""
        sample, population = settings.integer("sample_size"), settings.integer("population_size")
        if sample <= population:
            return []
        rule = (
            f"`sample_size <= population_size` must hold, but got (sample_size={sample}, population_size={population})"
        )
        return [Mistake(f"{PATH}.sample_size", rule)]

    def suggest(self, study: StudyView, names: Sequence[tuple[str, int]]) -> Answer:
        """Give each trial a child of the population, or a random point while there are too few trials."""
        points, population = Points(study), _population(study)
        suggestions: list[Suggestion] = []
        for before, (name, number) in enumerate(names, start=len(study.history)):
            children = _Children(study, population, number)
            random = before < study.settings.integer("population_size") or not len(population.rows)
            drawn = points.draw(number) if random else points.pick(children, number, "")
            if drawn is None:
                return Answer(tuple(suggestions), Status.EXHAUSTED, "every point of the search space has been tried")
            if random:
                said = f"one of the first {study.settings.integer('population_size')} trials, {drawn.text}"
            else:
                said = f"no child of the population is new and allowed, so {drawn.text}" if drawn.text else children.why
            suggestions.append(Suggestion(name, drawn.assignment, Explanation("evolution", said)))
        return Answer(tuple(suggestions))


@dataclass(frozen=True, slots=True)
class _Population:
    """Rows of the study's table that are alive, oldest first, and their places from the best, from 0; (n,)."""

    rows: NDArray[np.int64]
    places: NDArray[np.int64]
    numbers: NDArray[np.int64]


def _population(study: StudyView) -> _Population:
    """The trials with a value that ended last."""
    table = table_of(study)
    valued = np.flatnonzero((table.standings == Standing.DONE) | (table.standings == Standing.STOPPED))
    by_age = valued[np.lexsort((table.numbers[valued], table.ranks[valued]))]
    rows = by_age[-study.settings.integer("population_size") :]
    places = np.empty(len(rows), np.int64)
    places[np.lexsort((table.numbers[rows], table.losses[rows], table.standings[rows]))] = np.arange(len(rows))
    return _Population(rows, places, table.numbers[rows])


class _Children(Iterator[Assignment]):
    """Children of the population for one trial, each a little wilder than the one before; `why` is about the last."""

    def __init__(self, study: StudyView, population: _Population, number: int) -> None:
        self._study, self._population = study, population
        self._rng = np.random.default_rng([study.seed, number])
        self._breeder, self._left = Breeder(study.spec.space), iter(np.geomspace(1, WIDEST, DRAWS).tolist())
        self.why = ""

    def __next__(self) -> Assignment:
        width = next(self._left)
        two = self._rng.random() < self._study.settings.number("crossover")
        parents = [self._parent() for _ in range(2 if two else 1)]
        child = self._breeder.child([self._study.history[one].assignment for one in parents], self._rng, width)
        self.why = self._said(parents, child)
        return child.assignment

    def _parent(self) -> int:
        """Number of the best of a random sample."""
        count = len(self._population.rows)
        size = min(self._study.settings.integer("sample_size"), count)
        sample = self._rng.choice(count, size, replace=False)
        return int(self._population.numbers[sample[self._population.places[sample].argmin()]])

    def _said(self, parents: list[int], child: Child) -> str:
        size = min(self._study.settings.integer("sample_size"), len(self._population.rows))
        whose = " and ".join(f"trial {number}" for number in dict.fromkeys(parents))
        changed = ", ".join(child.changed[:5]) or "no value"
        return (
            f"child of {whose}, best of {size} of the {len(self._population.rows)} that ended last; changed: {changed}"
        )
