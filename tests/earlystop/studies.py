"""Studies for tests of rules: specs, and studies asked as the service asks them, without a socket."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tunesmith.earlystop import Decision, Ended, Registry, load_registry
from tunesmith.earlystop._check import read_study
from tunesmith.earlystop._studies import Held, Job
from tunesmith.earlystop._turn import ask
from tunesmith.study import (
    IntDomain,
    Limits,
    Objective,
    ObjectiveType,
    Parameter,
    ParameterValue,
    RuleSpec,
    SearchSpace,
    Strategy,
    StudySpec,
    TrialState,
    TrialTemplate,
)
from tunesmith.v1 import types_pb2

REGISTRY: Registry = load_registry()
NAMES = [rule.description.name for rule in REGISTRY]

NEEDS: Mapping[str, Mapping[str, ParameterValue]] = {"threshold": {"upper": 100.0}}
"""Settings without which a rule does not work."""


def make_spec(
    name: str,
    given: Mapping[str, ParameterValue] | None = None,
    *,
    seed: int | None = 7,
    maximize: bool = False,
    strategy: Strategy | None = None,
    trials: int | None = None,
    **more: ParameterValue,
) -> StudySpec:
    """A study with nothing special in it, but for its rule and what that one needs."""
    kind, best = (ObjectiveType.MAXIMIZE, Strategy.MAX) if maximize else (ObjectiveType.MINIMIZE, Strategy.MIN)
    return StudySpec(
        objectives=(Objective("loss", kind, strategy=strategy or best),),
        space=SearchSpace((Parameter("x", IntDomain(0, 9)),)),
        trial=TrialTemplate(("true",)),
        early_stopping=RuleSpec(name, {**NEEDS.get(name, {}), **(given or {}), **more}),
        limits=Limits(trials=trials),
        seed=seed,
    )


@dataclass
class Study:
    """A study and its rule, as the service holds them. Values are the user's, not losses."""

    spec: StudySpec
    held: Held = field(init=False)

    def __post_init__(self) -> None:
        assert self.spec.early_stopping is not None
        rule = REGISTRY.get(self.spec.early_stopping.name)
        settings, mistakes = read_study(rule, self.spec)
        assert not mistakes, mistakes
        self.held = Held("uid", Job(types_pb2.StudySpec(), self.spec, rule, settings, self.spec.seed or 0))

    @property
    def sign(self) -> int:
        return self.held.view().sign

    def give(self, number: int, **assignment: ParameterValue) -> None:
        """A trial was given this."""
        self.held.curves.give(number, assignment)

    def report(self, number: int, values: Mapping[int, float] | Iterable[float]) -> None:
        """A trial reports values by step, or from step 1 on."""
        found = values if isinstance(values, Mapping) else dict(enumerate(values, 1))
        losses = [self.sign * value for value in found.values()]
        self.held.curves.observe([number] * len(losses), list(found), losses)

    def end(self, number: int, value: float | None = None, state: TrialState = TrialState.SUCCEEDED) -> None:
        """A trial ends."""
        self.held.curves.end(number, Ended(state, None if value is None else self.sign * value))

    def finish(self, number: int, values: Sequence[float]) -> None:
        """A trial reports values from step 1 on, and succeeds with the best."""
        self.report(number, values)
        self.end(number, self.sign * min(self.sign * value for value in values))

    def ask(self, *numbers: int) -> list[Decision]:
        return ask(self.held, numbers)

    def one(self, number: int) -> Decision:
        """The decision about a trial."""
        (decision,) = self.ask(number)
        return decision
