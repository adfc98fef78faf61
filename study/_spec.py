"""What a StudyJob says, as frozen values. The reader in `_document` makes them; `wire` carries them over the wire."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tunesmith.study._space import Assignment, ParameterValue, SearchSpace
from tunesmith.study._states import FailureClass


class ObjectiveType(StrEnum):
    """Which way an objective is better."""

    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"


class Strategy(StrEnum):
    """Which number of a metric summary is the value of the metric."""

    MIN = "min"
    MAX = "max"
    AVERAGE = "average"
    LATEST = "latest"


class OnCompletion(StrEnum):
    """What happens to running trials when the study ends before them."""

    STOP = "stop"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Objective:
    """What a study optimizes. `goal`: the study ends when a succeeded trial reaches it (inclusive); None: no goal."""

    metric: str
    type: ObjectiveType
    goal: float | None = None
    strategy: Strategy = Strategy.LATEST

    @property
    def keeps_best(self) -> bool:
        """Whether the value of a trial is the best that it reported."""
        return self.strategy is (Strategy.MAX if self.type is ObjectiveType.MAXIMIZE else Strategy.MIN)

    def reached(self, value: float) -> bool:
        """Whether `value` reaches the goal; False without a goal."""
        return self.goal is not None and not self.better(self.goal, value)

    def better(self, value: float, than: float) -> bool:
        """Whether finite `value` is strictly better than finite `than`."""
        return value > than if self.type is ObjectiveType.MAXIMIZE else value < than


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """A metric recorded beside the objective."""

    name: str
    strategy: Strategy = Strategy.LATEST


@dataclass(frozen=True, slots=True)
class AlgorithmSpec:
    """An algorithm by name. `endpoint`: address of a service that offers it; empty: the manager's own service."""

    name: str = "auto"
    settings: Mapping[str, ParameterValue] = field(default_factory=dict)
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """A rule that stops hopeless trials, by name. `endpoint`: as of AlgorithmSpec."""

    name: str
    settings: Mapping[str, ParameterValue] = field(default_factory=dict)
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a study ends; None does not limit. Durations are seconds; `duration` counts time spent in Running."""

    trials: int | None = None
    parallel: int = 1
    failed: int = 3
    duration: float | None = None
    trial_duration: float | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Which failures are tried again. `attempts` includes the first; `backoff` seconds are doubled each time."""

    attempts: int = 1
    on: tuple[FailureClass, ...] = ()
    backoff: float = 10.0


@dataclass(frozen=True, slots=True)
class Resources:
    """What one trial asks of the machine; None does not limit. `cpu` in processors, `memory` in bytes."""

    cpu: float | None = None
    memory: int | None = None
    gpu: int | None = None


@dataclass(frozen=True, slots=True)
class TrialTemplate:
    """How one trial runs, placeholders included. `working_dir` is absolute, or empty for the trial's own folder.

    `workers`: there is no command, and nothing else either: workers of the user's own ask the manager for trials.
    """

    command: tuple[str, ...] = ()
    working_dir: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    resources: Resources = Resources()
    workers: bool = False


@dataclass(frozen=True, slots=True)
class CollectorSpec:
    """How metrics get out of a trial. `path` is relative to the trial's folder, or absolute; `patterns` are regexes."""

    kind: str = "stdout"
    path: str = ""
    patterns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StudySpec:
    """One optimisation over one search space.

    `metrics` None: every metric seen is recorded, 100 names at most. `seed` None: not drawn yet (it is at creation).
    `early_stopping` None: every trial runs to its end.
    """

    objectives: tuple[Objective, ...]
    space: SearchSpace
    trial: TrialTemplate
    metrics: tuple[MetricSpec, ...] | None = None
    algorithm: AlgorithmSpec = AlgorithmSpec()
    early_stopping: RuleSpec | None = None
    limits: Limits = Limits()
    retry: Retry = Retry()
    initial: tuple[Assignment, ...] = ()
    collector: CollectorSpec = CollectorSpec()
    on_completion: OnCompletion = OnCompletion.STOP
    seed: int | None = None

    @property
    def objective(self) -> Objective:
        """The first objective."""
        return self.objectives[0]


@dataclass(frozen=True, slots=True)
class StudyJob:
    """A document: a study's name, labels and spec."""

    name: str
    spec: StudySpec
    namespace: str = "default"
    labels: Mapping[str, str] = field(default_factory=dict)
