"""The Gaussian process: its parts against what they are defined by, and what comes of them."""

import json
import math
from itertools import cycle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import approx_fprime, rosen, rosen_der
from scipy.stats import norm
from tests.suggestion.studies import MIXED, Study, make_spec

from tunesmith.study import CategoricalDomain, Distribution, DoubleDomain, IntDomain, Parameter, SearchSpace, TrialState
from tunesmith.suggestion import TrialRecord
from tunesmith.suggestion._cube import Cube
from tunesmith.suggestion._gp_model import Hyper, Posterior, _objective, distances, first_guess, fit, kernel
from tunesmith.suggestion._gp_search import log_improvement
from tunesmith.suggestion._minimize import minimize
from tunesmith.suggestion._warp import standardized
from tunesmith.suggestion.algorithms.gp import KERNEL_LABEL, _read_kernel

RNG = np.random.default_rng(5)
POINTS = RNG.random((12, 3))
POINTS[:, 2] = np.floor(POINTS[:, 2] * 3) / 3 + 1 / 6
CATEGORICAL = np.array([False, False, True])
LOSSES = standardized((POINTS[:, 0] - 0.4) ** 2 + POINTS[:, 1] + (POINTS[:, 2] > 0.5))
HYPER = Hyper(np.array([0.5, -0.3, 0.2]), 0.1, -5.0)


def test_minimize_finds_a_valley() -> None:
    low, high = np.full(2, -5.0), np.full(2, 5.0)
    point, value = minimize(lambda x: (rosen(x), rosen_der(x)), np.array([-1.2, 1.0]), low, high, 200)
    assert value < 1e-6
    assert point == pytest.approx([1, 1], abs=1e-2)


def test_minimize_stays_within_bounds() -> None:
    point, _ = minimize(lambda x: (float(x.sum()), np.ones(3)), np.zeros(3), np.full(3, -1.0), np.full(3, 1.0), 50)
    assert point.tolist() == [-1, -1, -1]


def test_minimize_steps_back_from_what_is_infinite() -> None:
    def wall(x: np.ndarray) -> tuple[float, np.ndarray]:
        return (math.inf, x) if x[0] < 0.3 else (float(x[0] ** 2), 2 * x)

    point, _ = minimize(wall, np.array([2.0]), np.array([-5.0]), np.array([5.0]), 50)
    assert 0.3 <= point[0] < 0.7


def test_the_gradient_of_the_likelihood() -> None:
    squared = distances(POINTS, POINTS, CATEGORICAL)
    _, gradient = _objective(HYPER.packed, squared, LOSSES)
    numeric = approx_fprime(HYPER.packed, lambda packed: _objective(packed, squared, LOSSES)[0], 1e-6)
    assert gradient == pytest.approx(numeric, rel=1e-4, abs=1e-4)


def test_the_posterior_is_that_of_the_textbook() -> None:
    new = RNG.random((5, 3))
    new[:, 2] = np.array([1, 3, 5, 1, 3]) / 6
    own = kernel(distances(POINTS, POINTS, CATEGORICAL), HYPER)[0] + (math.exp(-5) + 1e-7) * np.eye(12)
    across = kernel(distances(POINTS, new, CATEGORICAL), HYPER)[0]
    mean, deviation = Posterior.of(POINTS, LOSSES, CATEGORICAL, HYPER).predict(new)
    assert mean == pytest.approx(across.T @ np.linalg.solve(own, LOSSES), rel=1e-6)
    variance = math.exp(0.1) - np.einsum("ij,ij->j", across, np.linalg.solve(own, across))
    assert deviation**2 == pytest.approx(variance, rel=1e-6)


def test_what_is_believed_changes_no_mean_and_leaves_less_to_learn() -> None:
    posterior = Posterior.of(POINTS, LOSSES, CATEGORICAL, HYPER)
    pending, elsewhere = np.array([[0.5, 0.5, 0.5]]), RNG.random((6, 3))
    believing = posterior.believing(pending)
    before, after = posterior.predict(elsewhere), believing.predict(elsewhere)
    assert after[0] == pytest.approx(before[0], abs=1e-6)
    assert (after[1] <= before[1] + 1e-9).all()
    assert believing.predict(pending)[1] < posterior.predict(pending)[1] / 2


def test_the_kernel_that_is_fitted_knows_what_matters() -> None:
    points = np.random.default_rng(1).random((60, 3))
    losses = standardized(np.sin(6 * points[:, 0]))
    hyper = fit(points, losses, np.zeros(3, bool), [first_guess(3)], 50)
    assert hyper.weights[0] > max(hyper.weights[1:]) + 2
    assert hyper.noise < math.log(1e-3)


@pytest.mark.parametrize("mean", [-2.0, 0.0, 0.5, 3.0, 8.0])
def test_expected_improvement_is_what_it_says(mean: float) -> None:
    best, deviation = 0.2, 0.7
    expected, _ = quad(lambda y: (best - y) * norm.pdf(y, mean, deviation), -30, best, points=[mean], epsabs=0)
    found = log_improvement(np.array([mean]), np.array([deviation]), best)[0]
    assert found == pytest.approx(math.log(expected), rel=1e-6)


def test_expected_improvement_has_an_order_where_nothing_is_expected() -> None:
    values = log_improvement(np.array([1.0, 30, 39, 41, 1e3, 1e6]), np.ones(6), 0.0)
    assert np.isfinite(values).all()
    assert (np.diff(values) < 0).all()


@given(st.lists(st.floats(-1e30, 1e30), min_size=2, max_size=30))
def test_warped_losses_keep_their_order(values: list[float]) -> None:
    losses = np.array(values)
    warped = standardized(losses)
    assert np.isfinite(warped).all()
    order = losses.argsort(kind="stable")
    assert (np.diff(warped[order]) >= -1e-9).all()
    if np.ptp(losses) > 1e-9 * np.abs(losses).max():
        assert warped.mean() == pytest.approx(0, abs=1e-6)
        assert warped.std() == pytest.approx(1)


def test_a_skewed_objective_is_evened_out() -> None:
    losses = np.exp(np.linspace(0, 20, 50))
    assert np.abs(standardized(losses)).max() < 3 < np.abs((losses - losses.mean()) / losses.std()).max()


def test_points_of_the_cube_are_those_of_the_space() -> None:
    space = SearchSpace(
        (
            Parameter("a", DoubleDomain(0, 1)),
            Parameter("b", IntDomain(1, 100, Distribution.LOG_UNIFORM)),
            Parameter("c", CategoricalDomain(("x", "y", "z"))),
            Parameter("d", DoubleDomain(0, 1, Distribution.NORMAL, step=0.125)),
        )
    )
    cube, rng = Cube.of(space), np.random.default_rng(3)
    points = cube.snap(rng.random((200, 4)))
    moved = cube.move(points, np.full(4, 0.1), rng)
    for row in np.concatenate([points, moved]).tolist():
        assert space.encode(space.decode(row)) == pytest.approx(row)
    assert (moved != points).any(axis=1).mean() > 0.8
    assert moved.min() >= 0
    assert moved.max() <= 1


def bowl(record: TrialRecord) -> float:
    rate, decay = record.assignment["rate"], record.assignment["decay"]
    assert isinstance(rate, float)
    assert isinstance(decay, float)
    return (math.log10(rate) + 3) ** 2 + decay + (record.assignment["kernel"] != "poly")


def test_it_learns_a_mixed_space() -> None:
    study = Study(make_spec("gp", MIXED), cycle([TrialState.RUNNING]))
    for number in range(40):
        study.run(1)
        study.end(number, TrialState.SUCCEEDED, bowl(study.records[number]))
    losses = [record.values[0] for record in study.records.values()]
    assert min(losses[10:]) < 0.01
    assert min(losses[10:]) < min(losses[:10]) / 5
    last = study.ask(1).suggestions[0]
    assert last.explanation.model == "gp"
    assert "Gaussian process on 40 trials" in last.explanation.text
    assert len(json.loads(last.labels[KERNEL_LABEL])) == 8


def test_failed_trials_keep_others_away() -> None:
    study = Study(make_spec("gp", SearchSpace((Parameter("x", DoubleDomain(0, 1)),))), cycle([TrialState.RUNNING]))
    for number in range(30):
        study.run(1)
        x = study.records[number].assignment["x"]
        assert isinstance(x, float)
        study.end(number, TrialState.FAILED if x < 0.5 else TrialState.SUCCEEDED, x)
    late = [study.records[number].assignment["x"] for number in range(20, 30)]
    assert sum(isinstance(x, float) and x < 0.4 for x in late) <= 3


@pytest.mark.parametrize("label", ["", "no", "[]", "[1,2]", "[1,2,1e9]", "[1,2,null]", '{"a":1}'])
def test_a_label_that_is_no_kernel_is_left_out(label: str) -> None:
    assert _read_kernel(label, 3) is None
