"""Tasks with learning curves: real trainings of scikit-learn, each point of a grid trained in full and looked up.

    python benchmarks/curves.py make [--file curves.npz] [--task NAME ...] [--jobs 1]
    python benchmarks/curves.py show

A task is a data set and a model, each with each; its search space is a grid of 432 points in 5 hyperparameters, and
its table holds the validation loss of each point after each of 81 epochs. `make` trains the tasks that the file lacks,
which takes some 35 minutes of one core in all; the tables that come with this file are those of one such run. `show`
tells how hard the tasks are: how good the points are, after how many epochs the best tenth is at its best, and how well
the order after few epochs is that of the ends.
"""

import argparse
import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from tunesmith.services.workers import limit_library_threads

limit_library_threads()  # before numpy is imported

# ruff: noqa: E402
import numpy as np
from numpy.typing import NDArray
from trainings import DATA, EPOCHS, curve

from tunesmith.study import Assignment, CategoricalDomain, DiscreteDomain, Parameter, SearchSpace

FILE = Path(__file__).with_name("curves.npz")
LEAST, UNIT = 1e-4, 1e-3
"""Losses are kept as the logarithm of loss / LEAST, in steps of UNIT: a thousandth of the loss."""

LOOKS = (1, 3, 9, 27)
"""Epochs after which `show` looks at the order."""

GRIDS: dict[str, dict[str, tuple[Any, ...]]] = {
    "mlp": {
        "rate": (3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1),
        "width": (4, 8, 16, 40),
        "alpha": (1e-4, 1e-2, 1.0),
        "batch": (16, 48, 144),
        "activation": ("relu", "tanh"),
    },
    "sgd": {
        "rate": (3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1),
        "alpha": (1e-5, 1e-4, 1e-3, 1e-2, 3e-2, 0.1),
        "penalty": ("l2", "l1", "elasticnet"),
        "schedule": ("constant", "invscaling"),
        "average": (False, True),
    },
    "boosting": {
        "rate": (0.01, 0.03, 0.06, 0.12, 0.25, 0.5),
        "depth": (1, 2, 3, 5),
        "subsample": (0.3, 0.6, 1.0),
        "features": (0.2, 0.5, 1.0),
        "leaf": (1, 10),
    },
}
TASKS = tuple(f"{data}-{model}" for data in DATA for model in GRIDS)


@dataclass(frozen=True)
class CurveTask:
    """Something to minimise. `losses`: by point of the grid and epoch, (points, epochs)."""

    losses: NDArray[np.float64]
    grid: Mapping[str, Sequence[Any]]

    @property
    def space(self) -> SearchSpace:
        """Numbers as discrete parameters, by their places in the grid: they are spaced in their own ways."""
        return SearchSpace(tuple(Parameter(name, _domain(values)) for name, values in self.grid.items()))

    def curve(self, assignment: Assignment) -> NDArray[np.float64]:
        """Loss after each epoch."""
        index = 0
        for name, values in self.grid.items():
            place = assignment[name]
            index = index * len(values) + (values.index(place) if _named(values) else int(place))
        return np.asarray(self.losses[index])

    @property
    def best(self) -> float:
        """Least loss of any point at any epoch."""
        return float(self.losses.min())

    @property
    def middle(self) -> float:
        """Least loss of the point in the middle of the order."""
        return float(np.median(self.losses.min(axis=1)))


def _named(values: Sequence[Any]) -> bool:
    return isinstance(values[0], (str, bool))


def _domain(values: Sequence[Any]) -> CategoricalDomain | DiscreteDomain:
    return CategoricalDomain(tuple(values)) if _named(values) else DiscreteDomain(tuple(range(len(values))))


@cache
def task(name: str, file: Path = FILE, epochs: int = EPOCHS, *, finer: bool = False) -> CurveTask:
    """A task of a file, whose trainings end after so many epochs; `finer`: with points between those of the grid."""
    with np.load(file) as tables:
        found = CurveTask(decode(tables[name])[:, :epochs], GRIDS[name.split("-")[1]])
    return refined(found) if finer else found


def refined(coarse: CurveTask) -> CurveTask:
    """A task with a point more between two neighbours of a number, whose losses are the geometric means of theirs."""
    grid = {name: tuple(values) for name, values in coarse.grid.items()}
    losses = np.log(coarse.losses).reshape(*map(len, grid.values()), -1)
    for axis, (name, values) in enumerate(coarse.grid.items()):
        if not _named(values):
            upper, lower = (np.delete(losses, place, axis) for place in (0, -1))
            losses = np.insert(losses, range(1, len(values)), (upper + lower) / 2, axis)
            grid[name] = tuple(range(losses.shape[axis]))
    return CurveTask(np.exp(losses.reshape(-1, losses.shape[-1])), grid)


def encode(losses: NDArray[np.float64]) -> NDArray[np.int16]:
    """Logarithms as differences from epoch to epoch, which compress well."""
    steps = np.rint(np.log(np.maximum(losses, LEAST) / LEAST) / UNIT).astype(np.int16)
    return np.diff(steps, axis=1, prepend=np.int16(0))


def decode(table: NDArray[np.int16]) -> NDArray[np.float64]:
    return np.asarray(LEAST * np.exp(UNIT * np.cumsum(table, axis=1, dtype=np.int64)))


def points(name: str) -> Iterator[dict[str, Any]]:
    """The configurations of a task, in the order of its table."""
    grid = GRIDS[name.split("-")[1]]
    for values in itertools.product(*grid.values()):
        yield dict(zip(grid, values, strict=True))


def trained(name: str, config: Mapping[str, Any]) -> NDArray[np.float64]:
    """Train a point of a task."""
    data, model = name.split("-")
    return curve(model, data, config)


def make(args: argparse.Namespace) -> None:
    """Train what the file lacks, and write the file after each task."""
    held: dict[str, NDArray[np.int16]] = {}
    if args.file.exists():
        with np.load(args.file) as tables:
            held.update(tables)
    with ProcessPoolExecutor(args.jobs) as pool:
        for name in [name for name in args.task or TASKS if name not in held]:
            print(name, file=sys.stderr, flush=True)
            held[name] = encode(np.array(list(pool.map(partial(trained, name), points(name), chunksize=16))))
            np.savez_compressed(args.file, **held)  # type: ignore[arg-type]  # numpy's stub takes `**` for a flag


def show(args: argparse.Namespace) -> None:
    header = f"{'task':18} {'least':>7} {'tenth':>7} {'median':>7} {'reached':>7}"
    print(f"{header}   rank correlation of {', '.join(map(str, LOOKS))} epochs with the end")
    for name in TASKS:
        losses = task(name, args.file, args.epochs).losses
        ends = losses.min(axis=1)
        order = [np.corrcoef(_ranks(losses[:, :look].min(axis=1)), _ranks(ends))[0, 1] for look in LOOKS]
        least, tenth, middle = np.quantile(ends, [0, 0.1, 0.5])
        reached = np.median(losses[ends <= tenth].argmin(axis=1)) + 1
        shown = f"{name:18} {least:7.4f} {tenth:7.4f} {middle:7.4f} {reached:7.0f}"
        print(f"{shown}   " + " ".join(f"{value:.2f}" for value in order))


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places in the order, ties in the middle of theirs."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - counts / 2)[which])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("make", "show"))
    parser.add_argument("--file", type=Path, default=FILE)
    parser.add_argument("--task", nargs="*", choices=TASKS, help="tasks to make (all)")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="show trainings that end after so many")
    parser.add_argument("--jobs", type=int, default=1)
    args = parser.parse_args()
    {"make": make, "show": show}[args.command](args)


if __name__ == "__main__":
    main()
