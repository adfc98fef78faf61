"""Bayesian optimisation: every model and acquisition function, what they are told, and what is refused."""

import importlib.util
import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.suggestion.studies import MIXED, REGISTRY, Study, make_spec

from tunesmith.study import DoubleDomain, IntDomain, Parameter, ParameterValue, SearchSpace, TrialState
from tunesmith.suggestion import Status, TrialRecord, read_settings
from tunesmith.suggestion._told import told
from tunesmith.suggestion.algorithms.bayesian import HEDGE_LABEL, _read_hedge

Floats = NDArray[np.float64]
LINE = SearchSpace((Parameter("x", DoubleDomain(0, 1)), Parameter("y", DoubleDomain(-1, 1))))
QUICK: dict[str, ParameterValue] = {"n_initial_points": 4, "n_points": 200}


def study(space: SearchSpace, **settings: ParameterValue) -> Study:
    return Study(make_spec("bayesian", space, given={**QUICK, **settings}))


def finish(made: Study, losses: list[float], state: TrialState = TrialState.SUCCEEDED) -> None:
    """Let the last trials end with these losses."""
    first = len(made.records) - len(losses)
    for number, loss in enumerate(losses, first):
        old = made.records[number]
        made.records[number] = TrialRecord(
            number, old.name, state, old.assignment, (loss,), old.labels, completion_rank=number + 1
        )
    made.history.apply(made.records.values())


def bowl(assignment: object) -> float:
    x, y = assignment["x"], assignment["y"]  # type: ignore[index]
    return float((x - 0.3) ** 2 + (y - 0.5) ** 2)


@pytest.mark.parametrize("model", ["GP", "RF", "ET", "GBRT"])
@pytest.mark.parametrize("acquisition", ["gp_hedge", "EI", "LCB", "PI"])
def test_every_model_with_every_acquisition_function(model: str, acquisition: str) -> None:
    made = study(MIXED, base_estimator=model, acq_func=acquisition)
    made.states = iter([TrialState.RUNNING] * 100)
    made.run(5)
    finish(made, [0.5, 0.1, 0.4, 0.2, 0.3])
    (suggestion,) = made.ask(1).suggestions
    assert suggestion.explanation.model == "bayesian"
    assert suggestion.explanation.text == f"{model} fitted to 5 trials, {acquisition}"
    assert MIXED.problems(suggestion.assignment) == []
    assert (HEDGE_LABEL in suggestion.labels) == (acquisition == "gp_hedge")


def test_it_learns() -> None:
    made = study(LINE)
    made.states = iter([TrialState.RUNNING] * 100)
    for _ in range(13):
        made.run(1)
        finish(made, [bowl(made.records[len(made.records) - 1].assignment)])
    losses = [record.values[0] for record in made.records.values()]
    assert min(losses[4:]) < 5e-3 < min(losses[:4])


def test_what_runs_keeps_others_away() -> None:
    made = study(LINE, acq_func="EI")
    made.states = iter([TrialState.RUNNING] * 100)
    made.run(8)
    finish(made, [bowl(record.assignment) for record in made.records.values()])
    points = np.array([[s.assignment["x"], s.assignment["y"]] for s in made.ask(6).suggestions], float)
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)[~np.eye(6, dtype=bool)]
    assert distances.min() > 1e-3


def test_what_a_model_is_told() -> None:
    made = study(LINE)
    made.states = iter([TrialState.RUNNING] * 100)
    made.run(6)
    assert told(made.view(), [], 100) is None
    finish(made, [4.0, 1.0, 3.0])
    finish(made, [0.0], TrialState.FAILED)
    known = told(made.view(), [[0.1, 0.2]], 100)
    assert known is not None
    # Trials 0-2 run, 3 and 4 have values, 5 failed, and one was proposed a moment ago.
    assert known.losses.tolist() == [2.5, 2.5, 2.5, 4.0, 1.0, 4.0, 2.5]
    assert known.units[-1].tolist() == [0.1, 0.2]
    assert known.finished == 3
    few = told(made.view(), [], 2)
    assert few is not None
    assert few.losses.tolist() == [2.5, 1.0], "the best, and the latest of those that run"


def test_hedging_goes_on_from_the_label() -> None:
    made = study(LINE)
    made.states = iter([TrialState.RUNNING] * 100)
    made.run(5)
    finish(made, [0.5, 0.1, 0.4, 0.2, 0.3])
    made.run(1)
    nominees, gains = json.loads(made.records[5].labels[HEDGE_LABEL])
    assert np.shape(nominees) == (3, 2)
    assert gains == [0, 0, 0]
    _, gains = json.loads(made.ask(1).suggestions[0].labels[HEDGE_LABEL])
    assert any(gains), "the model says what the nominees of the trial before were worth"


@pytest.mark.parametrize("label", ["", "[]", "no", "[[[0,0]],[1]]", "[[[9,9],[0,0],[0,0]],[1,1,1]]", "[1,2,3]", "null"])
def test_a_label_that_is_none_begins_anew(label: str) -> None:
    assert _read_hedge(label, 2) is None


def test_every_point_once_and_then_no_more() -> None:
    made = study(SearchSpace((Parameter("n", IntDomain(1, 8)),)))
    made.states = iter([TrialState.RUNNING] * 100)
    made.run(5)
    finish(made, [0.5, 0.1, 0.4, 0.2, 0.3])
    answer = made.run(8)
    assert answer.status is Status.EXHAUSTED
    assert len(set(made.keys)) == len(made.keys) == 8


def test_what_it_cannot_do_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    algorithm = REGISTRY.get("bayesianoptimization")
    spec = make_spec("bayesian", LINE)
    settings, _ = read_settings(algorithm.description, {"base_estimator": "RF", "acq_optimizer": "lbfgs"})
    (mistake,) = algorithm.check(spec, settings)
    assert mistake.path == "spec.algorithm.settings.acq_optimizer"
    assert mistake.message == "`lbfgs` needs gradients, which only base_estimator GP has, but got (base_estimator=RF)"
    _, mistakes = read_settings(algorithm.description, {"acq_func": "EIps"})
    assert [m.message for m in mistakes] == ["must be one of gp_hedge, LCB, EI, PI, but got 'EIps'"]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    (mistake,) = algorithm.check(spec, read_settings(algorithm.description, {})[0])
    assert mistake.path == "spec.algorithm.name"
    assert "pip install 'tunesmith[bayesian]'" in mistake.message


def fitted(losses: Floats, seed: int = 0) -> Any:
    """A Gaussian process of these losses (14,), hedging after a trial before it."""
    from tunesmith.suggestion import _skopt  # a second or two

    axes = [_skopt.Axis.of(DoubleDomain(0, 1)), _skopt.Axis.of(IntDomain(0, 2))]
    units = np.random.default_rng(1).random((14, 2))
    before = (np.array([[0.1, 0.5], [0.5, 0.5], [0.9, 0.5]]), np.zeros(3))
    search = {"acquisition": "gp_hedge", "method": "auto", "looks": 50, "before": before}
    return _skopt.fit(axes, units, losses, estimator="GP", seed=seed, **search)  # type: ignore[arg-type]


def test_losses_whose_squares_are_no_numbers() -> None:
    """A Gaussian process of them proposed nothing that is a number."""
    found = fitted(np.array([1e234, 4e233] * 6 + [-0.6, 0.08]))
    assert np.isfinite(found.proposal).all()
    assert np.isfinite(found.gains).all()


def test_the_unit_of_the_losses_does_not_matter() -> None:
    """In their own unit, the first winner among the acquisition functions won for good."""
    losses = np.random.default_rng(2).random(14)
    one, other = fitted(losses), fitted(losses * 2.0**20)
    assert one.proposal == other.proposal
    assert one.gains == pytest.approx(other.gains)
    assert 0 < np.abs(one.gains).max() < 10


def test_losses_that_are_all_the_same() -> None:
    assert np.isfinite(fitted(np.zeros(14)).proposal).all()
    assert np.isfinite(fitted(np.full(14, 3.0)).proposal).all()
