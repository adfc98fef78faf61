"""Studies for tests of algorithms: spaces, specs, and studies asked as the service asks them, without a socket."""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

from tunesmith.study import (
    AlgorithmSpec,
    Assignment,
    CategoricalDomain,
    Condition,
    DiscreteDomain,
    Distribution,
    DoubleDomain,
    IntDomain,
    Limits,
    Objective,
    ObjectiveType,
    Parameter,
    ParameterValue,
    SearchSpace,
    StudySpec,
    TrialState,
    TrialTemplate,
)
from tunesmith.suggestion import Algorithm, Answer, Registry, Status, StudyView, TrialRecord, load_registry
from tunesmith.suggestion._check import read_study
from tunesmith.suggestion._history import History

REGISTRY: Registry = load_registry()
NAMES = [algorithm.description.name for algorithm in REGISTRY]

MIXED = SearchSpace(
    (
        Parameter("rate", DoubleDomain(1e-5, 1, Distribution.LOG_UNIFORM)),
        Parameter("decay", DoubleDomain(0, 1, step=0.25)),
        Parameter("layers", IntDomain(1, 9, step=2)),
        Parameter("batch", DiscreteDomain((32, 64, 128))),
        Parameter("kernel", CategoricalDomain(("rbf", "poly", "linear"))),
        Parameter("degree", IntDomain(2, 5), when=(Condition("kernel", ("poly",)),)),
    ),
)
FINITE = SearchSpace(
    (
        Parameter("kernel", CategoricalDomain(("rbf", "poly", True))),
        Parameter("degree", IntDomain(2, 4), when=(Condition("kernel", ("poly",)),)),
        Parameter("width", DoubleDomain(0, 0.5, Distribution.NORMAL, step=0.1)),
    ),
    ("params.width <= 0.45", "params.degree * params.width < 1.5"),
)
"""(1 + 3 + 1) kernels and degrees times 5 widths, less the 1 that the second constraint forbids: 4 * 0.4 = 1.6."""
FINITE_COUNT = 24
ONE_POINT = SearchSpace((Parameter("only", IntDomain(3, 3)),))

RESOURCE = "resource.of-a-trial"
NEEDS: Mapping[str, Mapping[str, ParameterValue]] = {
    "hyperband": {"resource_name": RESOURCE},
    "bayesian": {"n_initial_points": 10, "n_points": 50},
}
"""Settings without which an algorithm does not work, or takes long, in tests; those that name `RESOURCE` get a
parameter of that name."""


def fitted(name: str, space: SearchSpace) -> SearchSpace:
    """`space`, with the resource that the algorithm needs; one of a single value where there is a single point."""
    if RESOURCE not in NEEDS.get(name, {}).values():
        return space
    values = (1,) if space.count(1) == 1 else (1, 3, 9)
    return SearchSpace((*space.parameters, Parameter(RESOURCE, DiscreteDomain(values))), space.constraints)


STATES = list(TrialState)
NARROW = SearchSpace(
    (Parameter("x", DoubleDomain(0, 1)), Parameter("y", DoubleDomain(0, 1)), Parameter("n", IntDomain(0, 1000))),
    ("params.x + params.y <= 0.1", "params.n >= 900.0"),
)
"""One point of 2,000 is allowed."""


def make_spec(
    name: str,
    space: SearchSpace,
    *,
    seed: int = 7,
    trials: int | None = None,
    given: Mapping[str, ParameterValue] | None = None,
) -> StudySpec:
    """A study with nothing special in it, but for what its algorithm needs."""
    return StudySpec(
        objectives=(Objective("loss", ObjectiveType.MINIMIZE),),
        space=fitted(name, space),
        trial=TrialTemplate(("true",)),
        algorithm=AlgorithmSpec(name, {**NEEDS.get(name, {}), **(given or {})}),
        limits=Limits(trials=trials),
        seed=seed,
    )


@dataclass
class Study:
    """A study as the manager keeps it, and the algorithm asked as the service asks it.

    `restart` forgets what the service may keep; `keep_labels` False: a manager that loses them.
    """

    spec: StudySpec
    states: Iterator[TrialState] = field(default_factory=lambda: cycle(STATES))
    keep_labels: bool = True
    records: dict[int, TrialRecord] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.algorithm: Algorithm = REGISTRY.get(self.spec.algorithm.name)
        self.settings, mistakes = read_study(self.algorithm, self.spec)
        assert not mistakes, mistakes
        self.restart()

    def restart(self) -> None:
        self.history, self.memo = History(self.spec.space), dict[str, Any]()
        self.history.apply(self.records.values())

    def view(self) -> StudyView:
        seed = self.spec.seed or 0
        history = self.history
        return StudyView("uid", self.spec, seed, self.settings, history.records, history.tried, history.log, self.memo)

    def ask(self, number: int) -> Answer:
        """Ask for so many trials, without taking them up."""
        first = max(self.records, default=-1) + 1
        names = [(f"trial-{n}", n) for n in range(first, first + number)]
        answer = self.algorithm.suggest(self.view(), names)
        asked = [name for name, _ in names]
        given = [suggestion.name for suggestion in answer.suggestions]
        assert given == [name for name in asked if name in set(given)], "the order of the names must hold"
        assert len(given) == number or answer.status is not Status.OK
        assert answer.status is Status.OK or answer.message
        return answer

    def run(self, number: int) -> Answer:
        """Ask for so many trials, and take them up."""
        answer = self.ask(number)
        for suggestion in answer.suggestions:
            assert suggestion.explanation.model
            assert suggestion.explanation.text
            self.add(suggestion.assignment, suggestion.labels, suggestion.parent)
        return answer

    def add(self, assignment: Assignment, labels: Mapping[str, str] | None = None, parent: int | None = None) -> None:
        """Put a trial into the history, in the next state of `states`."""
        number, state = max(self.records, default=-1) + 1, next(self.states)
        values = (math.sin(number),) if state is TrialState.SUCCEEDED else ()
        rank = number + 1 if state.final else 0
        kept = dict(labels or {}) if self.keep_labels else {}
        name = f"trial-{number}"
        record = TrialRecord(number, name, state, dict(assignment), values, kept, parent, completion_rank=rank)
        self.records[number] = record
        self.history.apply([record])

    def end(self, number: int, state: TrialState, value: float) -> None:
        """Let a pending trial end, or an ended one begin again."""
        rank = 1 + max(record.completion_rank for record in self.records.values())
        valued = state in (TrialState.SUCCEEDED, TrialState.EARLY_STOPPED)
        self.records[number] = dataclasses.replace(
            self.records[number],
            state=state,
            values=(value,) if valued else (),
            completion_rank=rank if state.final else 0,
        )
        self.history.apply([self.records[number]])

    @property
    def pending(self) -> list[int]:
        """Numbers of the trials that have not ended."""
        return [number for number, record in self.records.items() if not record.state.final]

    @property
    def count(self) -> int:
        """How many points the space has."""
        count = self.spec.space.count()
        assert count is not None
        return count

    @property
    def assignments(self) -> list[Assignment]:
        return [record.assignment for record in self.records.values()]

    @property
    def keys(self) -> list[str]:
        return [self.spec.space.key(assignment) for assignment in self.assignments]


def run_to_the_end(study: Study, batches: Sequence[int], most: int) -> Answer:
    """Run until the space is exhausted, in batches of these sizes; fails after `most` trials."""
    for size in cycle(batches):
        answer = study.run(size)
        if answer.status is Status.EXHAUSTED:
            return answer
        assert len(study.records) <= most, "exhaustion is not noticed"
    raise AssertionError("no batches")


def algorithm(name: str) -> Algorithm:
    return REGISTRY.get(name)


def pure(name: str) -> bool:
    """Whether suggestion n is a function of spec, seed and the assignments before it."""
    return not algorithm(name).description.capabilities.uses_values
