"""The numbers of CMA-ES, held to those of the library `cmaes`."""

import math
from typing import Any

import numpy as np
import pytest
from cmaes import CMA, CatCMAwM, CMAwM

from tunesmith.suggestion._categories import UNKNOWN, Categories
from tunesmith.suggestion._cma import Gaussian, default_population, rates, with_margin

VALUES = 9
BORDERS = [(k + 0.5) / (VALUES - 1) for k in range(VALUES - 1)]


def library(dimensions: int, stepped: int) -> tuple[Any, Any]:
    """The library's optimiser, and the part of it that holds the Gaussian."""
    mean = np.full(dimensions, 0.5)
    if not stepped:
        optimizer = CMA(mean, 0.2, seed=1)
        return optimizer, optimizer
    steps = np.array([0.0] * (dimensions - stepped) + [1 / (VALUES - 1)] * stepped)
    mixed = CMAwM(mean, 0.2, np.tile([0.0, 1.0], (dimensions, 1)), steps, seed=1)
    return mixed, mixed._cma


@pytest.mark.parametrize(("dimensions", "stepped"), [(1, 0), (2, 0), (5, 0), (10, 0), (1, 1), (3, 1), (6, 3), (4, 4)])
def test_the_gaussian_is_the_librarys(dimensions: int, stepped: int) -> None:
    rng = np.random.default_rng(1)
    optimizer, theirs = library(dimensions, stepped)
    borders = dict.fromkeys(range(dimensions - stepped, dimensions), BORDERS)
    population = default_population(dimensions)
    ours = Gaussian(np.full(dimensions, 0.5), 0.2, borders, 1 / (dimensions * population))
    for _ in range(100):
        points = ours.at(rng.standard_normal((population, dimensions)))
        seen = points.copy()
        for k in borders:
            seen[:, k] = np.round(np.clip(points[:, k], 0, 1) * (VALUES - 1)) / (VALUES - 1)
        targets, weights = np.linspace(0.2, 0.8, dimensions), np.linspace(1, 10, dimensions)
        losses = (weights * (seen - targets) ** 2).sum(axis=1) + 1e-6 * rng.random(population)
        unscaled = (points - ours.mean) / ours.scale + ours.mean  # as the library keeps them
        optimizer.tell([(point, float(loss)) for point, loss in zip(unscaled, losses, strict=True)])
        ours.tell(points[np.argsort(losses)], np.ones(population, bool))
        assert ours.mean == pytest.approx(theirs._mean, rel=1e-8)
        assert ours.sigma == pytest.approx(theirs._sigma, rel=1e-6)
        assert ours.covariance == pytest.approx(theirs._C, rel=1e-6, abs=1e-9 * abs(theirs._C).max())
        if stepped:
            assert ours.scale == pytest.approx(optimizer._A, rel=1e-6)
    assert not ours.spent()
    assert population == theirs.population_size


def test_the_categories_are_the_librarys() -> None:
    rng = np.random.default_rng(2)
    theirs: Any = CatCMAwM(x_space=[[0, 1]] * 3, c_space=[3, 5, 2], seed=1)
    ours = Categories([3, 5, 2], 3)
    weights = rates(3, theirs.population_size)
    for _ in range(60):
        chosen = ours.at(rng.random((theirs.population_size, 3)))
        chosen = chosen[np.argsort((chosen * [1, 2, 3]).sum(axis=1))]  # the first of each is best
        one_hot = (chosen[:, :, None] == np.arange(5)).astype(float)
        theirs._update_categorical(one_hot)
        ours.tell(chosen[: weights.parents], weights.weights[: weights.parents])
        expected = np.concatenate([theirs._q[0, :3], theirs._q[1, :5], theirs._q[2, :2]])
        assert ours.probabilities == pytest.approx(expected, rel=1e-6)
    best = ours.probabilities[[0, 3, 8]]
    assert (best > 0.8).all()
    assert (ours.probabilities > 0.01).all(), "a category is out of reach"


def test_categories_are_drawn_by_their_probabilities() -> None:
    drawn = Categories([2, 4], 2)
    drawn.probabilities = np.array([0.25, 0.75, 0.1, 0.2, 0.3, 0.4])
    chosen = drawn.at(np.array([[0.0, 0.0], [0.249, 0.29], [0.251, 0.31], [1.0, 1.0]]))
    assert chosen.tolist() == [[0, 0], [0, 1], [1, 2], [1, 3]]


def test_a_category_that_is_not_known_counts_for_nothing() -> None:
    categories = Categories([3], 1)
    categories.tell(np.array([[UNKNOWN], [UNKNOWN]]), np.array([0.7, 0.3]))
    assert categories.probabilities.tolist() == [1 / 3] * 3


@pytest.mark.parametrize("counts", [[2], [2, 3], [5] * 12])
def test_categories_change_their_mind_however_sure_they_were(counts: list[int]) -> None:
    rng = np.random.default_rng(3)
    categories, weights = Categories(counts, len(counts) + 4), rates(5, 8)
    for best in (None, 0, 1):  # by chance for long, then the one, then the other
        for _ in range(1500 if best is None else 400):
            chosen = categories.at(rng.random((8, len(counts))))
            if best is not None:
                chosen = chosen[np.argsort((chosen != best).sum(axis=1))]
            categories.tell(chosen[: weights.parents], weights.weights[: weights.parents])
            assert np.isfinite(categories.probabilities).all()
        firsts = np.cumsum([0, *counts[:-1]])
        assert best is None or (categories.probabilities[firsts + best] > 0.7).all()


def test_points_of_elsewhere_are_drawn_near() -> None:
    """As far as a sample is likely to lie: sqrt(d) + 2 d / (d + 2)."""
    near, far = (Gaussian(np.zeros(2), 1.0, {}, 0.1) for _ in range(2))
    others = [[0.1, 0.0], [0.0, 0.1], [-0.1, 0.0]]
    limit = math.sqrt(2) + 1
    near.tell(np.array([[limit, 0.0], *others]), np.ones(4, bool))
    far.tell(np.array([[1e6, 0.0], *others]), np.zeros(4, bool))
    assert far.mean == pytest.approx(near.mean)
    assert far.covariance == pytest.approx(near.covariance)


@pytest.mark.parametrize("mean", [-0.3, 0.01, 0.06, 0.2, 0.5, 0.93, 0.95, 1.2])
def test_the_margin_keeps_other_values_within_reach(mean: float) -> None:
    margin, spread = 0.05, 1e-4
    moved, scale = with_margin(mean, 1.0, spread, BORDERS, margin)
    values = np.searchsorted(BORDERS, moved + scale * spread * np.random.default_rng(3).standard_normal(40_000))
    stays = float((values == np.searchsorted(BORDERS, mean)).mean())
    assert stays == pytest.approx(1 - margin, abs=0.006)


def test_it_is_spent_when_nothing_changes_any_more() -> None:
    gaussian = Gaussian(np.full(2, 0.5), 0.2, {}, 0.1)
    rng = np.random.default_rng(4)
    for _ in range(400):
        points = gaussian.at(rng.standard_normal((6, 2)))
        gaussian.tell(points[np.argsort((points**2).sum(axis=1))], np.ones(6, bool))
        if gaussian.spent():
            break
    assert gaussian.spent()
    assert gaussian.mean == pytest.approx([0, 0], abs=1e-9)
