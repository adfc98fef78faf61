"""What a rule is, and the values that go in and come out of it."""

import math
from collections.abc import Mapping, MutableMapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from tunesmith.earlystop._curve import Curve
from tunesmith.earlystop._curves import Ended
from tunesmith.earlystop._description import RuleDescription
from tunesmith.services.learning_curves import LARGEST
from tunesmith.services.settings import Settings
from tunesmith.study import Assignment, Mistake, ObjectiveType, StudySpec


@dataclass(frozen=True, slots=True)
class StudyView:
    """A study as a rule sees it: read only, but for `memo`.

    `curves` holds what each trial reported of the objective, by the trial's number, as losses: times -1 where the study
    maximizes. `ended` holds the trials that ended, with or without a curve; `running` the numbers of the others that
    have one; `assignments` what trials were given, of those whose caller said so. `memo` is scratch space that lives as
    long as the study is held, and begins empty at any moment: a rule may keep there what it would otherwise compute
    again, and a decision never depends on it. While `memo` lives, `version` is another number whenever anything
    changed, and `epoch` whenever trials that ended did.
    """

    uid: str
    spec: StudySpec
    seed: int
    settings: Settings
    curves: Mapping[int, Curve]
    ended: Mapping[int, Ended]
    running: Set[int]
    assignments: Mapping[int, Assignment]
    version: int
    epoch: int
    memo: MutableMapping[str, Any] = field(default_factory=dict)

    @property
    def sign(self) -> int:
        """What a value is multiplied by to be a loss, and a loss to be a value."""
        return -1 if self.spec.objective.type is ObjectiveType.MAXIMIZE else 1

    def shown(self, loss: float, beside: float | None = None) -> str:
        """Write a loss as the value that a user knows, with as many digits as tell it from another one `beside` it."""
        if not math.isfinite(loss):
            return "no finite number"
        value, other = (self.sign * one + 0.0 for one in (loss, loss if beside is None else beside))
        if abs(value) == LARGEST:
            return f"beyond {value:.6g}"
        digits = (digits for digits in range(6, 17) if value == other or f"{value:.{digits}g}" != f"{other:.{digits}g}")
        return f"{value:.{next(digits, 17)}g}"


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to happen to a running trial. `stop` False: it was weighed, and goes on.

    `reason`: a sentence with the numbers that the rule saw. `step`: the last one that was looked at; None: not known.
    `predicted_final`: the value that the trial would have reached; None: the rule does not predict. `complete`, with
    `stop`: the trial is not hopeless but done, as it has nothing more to gain; it succeeds, and its value counts.
    """

    trial: int
    stop: bool
    reason: str
    step: int | None = None
    predicted_final: float | None = None
    complete: bool = False


class Rule(Protocol):
    """A way to tell which running trials are not worth finishing. One instance serves all studies at once.

    Decisions are a function of the study's spec, seed, curves and ended trials, whatever order they arrived in.
    Randomness is `numpy.random.default_rng([study.seed, trial number])` and nothing else.
    `tests/earlystop/conformance.py` holds every rule to this.
    """

    @property
    def description(self) -> RuleDescription:
        """What it is; the service checks settings against it before `check`."""

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """List what the rule cannot work with, beyond settings of a wrong type."""

    def weigh(self, study: StudyView, trials: Sequence[int]) -> list[Decision]:
        """Decide about running trials that have a curve, given by number in ascending order.

        A trial that there is nothing to weigh of has no decision. Runs in a thread; never called twice at once for one
        study.
        """


@runtime_checkable
class Remarking(Protocol):
    """A rule that has remarks which do not prevent a study, for people who validate a document."""

    def remarks(self, spec: StudySpec, settings: Settings) -> list[str]:
        """List remarks on a study that has no mistakes."""
