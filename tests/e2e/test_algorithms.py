"""A study of each algorithm through the whole product, on real data: a classifier of tumours, fitted in `TRAIN`.

Which algorithms there are is asked of the registry, so that a new one is under test when its file is there.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tests.house import House

from tunesmith.study import ParameterValue
from tunesmith.suggestion import load_registry

TRAIN = '''
"""Logistic regression on scikit-learn's breast cancer data, read without scikit-learn, which takes long to import."""

import sys

import numpy as np

path, *words = sys.argv[1:]
given = dict(word.split("=") for word in words)
data = np.loadtxt(path, delimiter=",", skiprows=1)
x, y = data[:, : int(given["columns"])], data[:, -1]
if given["scale"] == "standard":
    x = (x - x.mean(axis=0)) / x.std(axis=0)
elif given["scale"] == "range":
    x = (x - x.min(axis=0)) / np.ptp(x, axis=0)
x = np.c_[x, np.ones(len(x))]
train = np.arange(len(x)) % 3 > 0
weights = np.full(x.shape[1], float(given.get("start", 0)))
for _ in range(int(given.get("epochs", 60))):
    likely = 1 / (1 + np.exp(-np.clip(x[train] @ weights, -30, 30)))
    slope = x[train].T @ (likely - y[train]) / train.sum() + float(given["decay"]) * weights
    weights -= float(given["rate"]) * slope
print(f"accuracy={np.mean((x[~train] @ weights > 0) == y[~train]):.5f}")
'''
PARAMETERS: list[dict[str, Any]] = [
    {"name": "rate", "type": "double", "min": 1e-3, "max": 10, "distribution": "logUniform"},
    {"name": "decay", "type": "double", "min": 1e-6, "max": 1, "distribution": "logUniform"},
    {"name": "columns", "type": "int", "min": 2, "max": 30},
    {"name": "scale", "type": "categorical", "values": ["standard", "range", "none"]},
    {"name": "start", "type": "discrete", "values": [0, 0.5], "when": {"scale": ["standard", "range"]}},
]
EPOCHS = {"name": "epochs", "type": "discrete", "values": [3, 9, 27]}
TRIALS = 14


@dataclass(frozen=True)
class Case:
    """What a study of an algorithm needs; `says`: what must be in the reasons of its first and of its last trial."""

    says: tuple[str, str]
    settings: dict[str, ParameterValue] = field(default_factory=dict)
    parameters: list[dict[str, Any]] = field(default_factory=list)
    promotes: bool = False


PARZEN = Case(("asked when 5 trials have a value", "times as dense in the"), {"n_startup_trials": 5})
CASES = {
    "auto": Case(("auto chose sobol because", "auto chose gp because")),
    "bayesian": Case(("drawn", "GP fitted to"), {"n_initial_points": 5, "n_points": 200}),
    "cmaes": Case(("drawn in generation 0 of run 0", "drawn in generation 1 of run 0")),
    "evolution": Case(("one of the first 5 trials", "child of trial"), {"population_size": 5, "sample_size": 3}),
    "gp": Case(("asked when 5 trials have a value", "Gaussian process on 1"), {"n_startup_trials": 5}),
    "grid": Case(("point 0 of the grid", "point 13 of the grid"), {"points": 2}),
    # A bracket of 9 + 3 + 1 trials, and the next bracket has begun.
    "hyperband": Case(("with which bracket s=2", "bracket s="), {"resource_name": "epochs"}, [EPOCHS], promotes=True),
    "multivariate-tpe": PARZEN,
    "random": Case(("drawn from the distributions", "drawn from the distributions")),
    "sobol": Case(("point 0 of the scrambled Sobol sequence", "point 13 of the scrambled Sobol sequence")),
    "tpe": PARZEN,
}
NAMES = [algorithm.description.name for algorithm in load_registry()]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One for all studies: the same services serve one after the other."""
    found = House(tmp_path_factory.mktemp("house"))
    found.write("train.py", TRAIN)
    yield found
    found.close()


def document(name: str, case: Case) -> str:
    sklearn = find_spec("sklearn")  # finds it, and imports nothing
    assert sklearn is not None
    assert sklearn.origin is not None
    tumours = Path(sklearn.origin).parent / "datasets" / "data" / "breast_cancer.csv"
    parameters = [*PARAMETERS, *case.parameters]
    words = [f"{parameter['name']}=${{params.{parameter['name']}}}" for parameter in parameters]
    spec = {
        "objective": {"metric": "accuracy", "type": "maximize"},
        "parameters": parameters,
        "algorithm": {"name": name, "settings": {"seed": 7, **case.settings}},
        "limits": {"trials": TRIALS, "parallel": 2},
        "trial": {
            "command": [sys.executable, "train.py", str(tumours), *words],
            "env": {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        },
    }
    return json.dumps({"apiVersion": "tunesmith.dev/v1", "kind": "StudyJob", "metadata": {"name": name}, "spec": spec})


@pytest.mark.parametrize("name", NAMES)
def test_a_study_of_each_algorithm(house: House, name: str) -> None:
    case = CASES[name]
    house.write("study.yaml", document(name, case))
    house("run", "study.yaml")
    study, trials = house.json("get", "study", name), house.json("get", "trials", name)

    assert (study["state"], study["reason"], study["algorithm"]) == ("Succeeded", "trialsUsedUp", name)
    assert [trial["state"] for trial in trials] == ["Succeeded"] * TRIALS
    assert len({json.dumps(trial["assignment"], sort_keys=True) for trial in trials}) == TRIALS
    assert study["best"]["value"] == max(trial["value"] for trial in trials) > 0.85  # 0.6 are benign
    for trial, says in zip((trials[0], trials[-1]), case.says, strict=True):
        assert says in " ".join(why(house, trial["name"]).split())
    promoted = [trial for trial in trials if trial["parent"] is not None]
    assert bool(promoted) == case.promotes
    by_name = {trial["name"]: trial for trial in trials}
    for trial in promoted:
        changed = dict(trial["assignment"].items() - by_name[trial["parent"]]["assignment"].items())
        assert list(changed) == ["epochs"]


def why(house: House, trial: str) -> str:
    """What `describe trial` says of the choice, as people see it."""
    shown = house("describe", "trial", trial).stdout
    return shown.partition("\nWhy ")[2].partition("\nCreated ")[0]
