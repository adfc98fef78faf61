"""Of the benchmarks only what their figures rest on: tables that their script makes again, and the simulated study."""

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunesmith.study import TrialState

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Loads a script by its name, as it loads the others."""
    pytest.importorskip("sklearn")
    pytest.importorskip("optuna")
    monkeypatch.syspath_prepend(BENCHMARKS)
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:  # their names are anybody's
        if str(BENCHMARKS) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_every_task_has_a_table_of_its_whole_grid(modules: Any) -> None:
    curves = modules("curves")
    for name in curves.TASKS:
        task = curves.task(name)
        assert task.losses.shape == (task.space.count(), modules("trainings").EPOCHS)
        assert len(list(curves.points(name))) == len(task.losses)
        assert task.best < task.middle


@pytest.mark.parametrize("name", ["diabetes-boosting", "wine-mlp", "linear-sgd"])
def test_a_table_is_what_its_script_makes(modules: Any, name: str) -> None:
    curves = modules("curves")
    place = 100
    config = list(curves.points(name))[place]
    assignment = {key: _place(curves.GRIDS[name.split("-")[1]][key], value) for key, value in config.items()}
    assert not curves.task(name).space.problems(assignment)
    # Another processor adds up in another order, and training goes on from there: later epochs may differ a bit.
    first = slice(0, 27)
    np.testing.assert_allclose(
        curves.task(name).curve(assignment)[first], curves.trained(name, config)[first], rtol=0.02
    )


def test_a_shorter_training_is_the_beginning_of_a_long_one(modules: Any) -> None:
    curves, stopping = modules("curves"), modules("stopping")
    short, long = curves.task("wine-sgd", epochs=5), curves.task("wine-sgd")
    np.testing.assert_array_equal(short.losses, long.losses[:, :5])
    played = stopping.play(("random", "wine-sgd", 0, 5, False), curves.FILE)
    assert played["key"] == ("random", "wine-sgd", 0, 5, False)
    assert played["done"][-1][0] <= stopping.BUDGETS[-1] * 5


def test_a_finer_table_has_points_between_the_others(modules: Any) -> None:
    curves = modules("curves")
    coarse, fine = curves.task("wine-sgd"), curves.task("wine-sgd", finer=True)
    assert fine.losses.shape == (fine.space.count(), 81) == (11 * 11 * 3 * 2 * 2, 81)
    chosen = {"penalty": "l1", "schedule": "invscaling", "average": True}
    low, high = (coarse.curve({"rate": rate, "alpha": 4, **chosen}) for rate in (2, 3))
    np.testing.assert_allclose(fine.curve({"rate": 4, "alpha": 8, **chosen}), low)
    np.testing.assert_allclose(fine.curve({"rate": 6, "alpha": 8, **chosen}), high)
    np.testing.assert_allclose(fine.curve({"rate": 5, "alpha": 8, **chosen}), np.sqrt(low * high))


def _place(values: tuple[Any, ...], value: Any) -> Any:
    return value if isinstance(value, (str, bool)) else values.index(value)


class _Session:
    """Tries one assignment again and again; stops odd trials after two epochs."""

    def __init__(self, assignment: dict[str, Any]) -> None:
        self.assignment, self.asked, self.ended = assignment, 0, list[tuple[int, TrialState, float]]()

    def ask(self) -> tuple[int, dict[str, Any]]:
        self.asked += 1
        return self.asked - 1, self.assignment

    def report(self, trial: int, step: int, loss: float) -> TrialState | None:
        return TrialState.EARLY_STOPPED if trial % 2 == 1 and step == 2 else None

    def end(self, trial: int, state: TrialState, value: float) -> None:
        self.ended.append((trial, state, value))


def test_a_simulated_study_counts_the_epochs_that_were_spent(modules: Any) -> None:
    stopping, task = modules("stopping"), modules("curves").task("wine-sgd")
    assignment = task.space.sample(np.random.default_rng(0))
    session, losses = _Session(assignment), task.curve(assignment)
    study = stopping.Simulation(session, task, seed=0)
    while study.spent < 500:
        study.advance()
    assert study.spent == sum(2 if trial % 2 else len(losses) for trial, _, _ in session.ended) + sum(
        running.step for _, _, running in study.events
    )
    for trial, state, value in session.ended:
        assert state is (TrialState.EARLY_STOPPED if trial % 2 else TrialState.SUCCEEDED)
        assert value == losses[: 2 if trial % 2 else None].min()
    assert study.done[-1][1] == study.seen[-1][1] == losses.min()
    assert len(study.events) == stopping.WORKERS
    regret = stopping.course(study.done, task)
    first = study.done[0][0]
    assert (regret[:first] == 1).all()
    assert regret[first:] == pytest.approx(min((losses.min() - task.best) / (task.middle - task.best), 1))


def test_who_knows_the_ends_lets_none_but_the_best_go_on(modules: Any) -> None:
    stopping, stoppers, task = modules("stopping"), modules("stoppers"), modules("curves").task("wine-sgd")
    session = stoppers.CONTENDERS["random+omniscient"](task, 0, 4)
    study = stopping.Simulation(session, task, seed=0)
    while study.spent < 500:
        study.advance()
    assert study.done[-1][1] == min(end for trial, end in session.ends.items() if trial < study.begun - 4)
    assert study.stopped > study.begun - 20


def test_fewer_epochs_is_the_ratio_to_full_training(modules: Any) -> None:
    stopping = modules("stopping")
    full = np.array([[1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.4], [1.0, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9]])
    quick = np.array([[1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5], [1.0, 1.0, 0.9, 0.9, 0.9, 0.9, 0.9]])
    assert stopping.fewer(quick[:1], full[:1], 5) == pytest.approx(2)
    assert stopping.fewer(quick, full, 5) == pytest.approx((4 / 2 * 1 / 2) ** 0.5)
    assert stopping.fewer(quick[:1], full[:1], 6) == pytest.approx(6 / 7)


def test_every_rule_has_its_peers(modules: Any) -> None:
    stoppers = modules("stoppers")
    assert list(stoppers.peers("tpe+asha")) == ["tpe+optuna-asha", "optuna-tpe+optuna-asha"]
    assert list(stoppers.peers("tpe")) == ["optuna-tpe"]
    named = {peer for name in stoppers.CONTENDERS for peer in stoppers.peers(name)}
    assert {"tpe+optuna-median", "optuna-tpe+optuna-hyperband", "optuna-tpe"} <= named & stoppers.CONTENDERS.keys()
