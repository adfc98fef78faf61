"""What early stopping may have cost a study: what its stopped trials would have reached, and what some of them did.

Values, and pure functions of them; `_audit_read` gathers them from a manager.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tunesmith.client._trial_values import Trial
from tunesmith.client._values import BestTrial, Study
from tunesmith.study import Assignment


@dataclass(frozen=True, slots=True)
class Stopped:
    """A trial that was stopped early.

    Attributes:
        trial: As the manager tells it.
        step: Of its last report; None: it reported no number.
        expected: What it would have reached, by our estimate or else by the rule's prediction; None: nobody can say.
        by_rule: Whether it is the rule's prediction.
        spread: Standard deviation of the estimate's error; None: there is none, as too few have finished.
        chance: How likely it would have been better than the best; None: nobody can say.
        reached: What it reached when it was run again, to its end; None: it was not.
    """

    trial: Trial
    step: int | None
    expected: float | None
    by_rule: bool
    spread: float | None
    chance: float | None
    reached: float | None = None


@dataclass(frozen=True, slots=True)
class Audit:
    """A study whose trials were stopped early, those trials by number, and how many others succeeded."""

    study: Study
    stopped: tuple[Stopped, ...]
    finished: int

    @property
    def best(self) -> BestTrial | None:
        """The best trial that was not stopped."""
        return self.study.best

    @property
    def best_again(self) -> Stopped | None:
        """The best of those that were run to their ends; None: none was."""
        sign = 1.0 if self.study.spec.objective.better(1.0, 0.0) else -1.0
        reached = [(sign * one.reached, one) for one in self.stopped if one.reached is not None]
        return max(reached, key=lambda pair: pair[0])[1] if reached else None

    def proved_better(self, one: Stopped) -> bool:
        """Whether a trial was better than the best, when it was run to its end."""
        if one.reached is None or self.best is None:
            return False
        return self.study.spec.objective.better(one.reached, self.best.value)

    @property
    def missed(self) -> tuple[float, float] | None:
        """The probability that some trial would have been better than the best, at least and at most.

        At least that of the most promising one: then all estimates are wrong together, as they come from one line. At
        most what it is if none depends on another. What a trial has reached since is known, and no chance any more.
        None: nobody can say.
        """
        known = [float(self.proved_better(one)) if one.reached is not None else one.chance for one in self.stopped]
        chances = [chance for chance in known if chance is not None]
        if not chances or self.best is None:
            return None
        return max(chances), 1 - math.prod(1 - chance for chance in chances)


def own_runs(stopped: Iterable[Trial], again: Sequence[Assignment]) -> dict[int, int]:
    """By number of a stopped trial, the place of the assignment that was run again for it.

    Of trials with equal assignments those of lowest number come first, and each run is that of one of them.
    """
    places: dict[object, list[int]] = {}
    for place, assignment in reversed(list(enumerate(again))):
        places.setdefault(key_of(assignment), []).append(place)
    ordered = sorted(stopped, key=lambda trial: trial.number)
    return {trial.number: left.pop() for trial in ordered if (left := places.get(key_of(trial.assignment)))}


def key_of(assignment: Assignment) -> tuple[tuple[str, object], ...]:
    """What equal assignments have in common; True and 1 are different values."""
    return tuple(sorted((name, (type(value).__name__, value)) for name, value in assignment.items()))


def most_promising(audit: Audit) -> list[Stopped]:
    """The stopped trials, those first that would most likely have been better than the best."""
    sign = 1.0 if audit.study.spec.objective.better(1.0, 0.0) else -1.0

    def promise(one: Stopped) -> tuple[float, float]:
        value = one.trial.value if one.expected is None else one.expected
        return (-1.0 if one.chance is None else one.chance, -math.inf if value is None else sign * value)

    return sorted(audit.stopped, key=promise, reverse=True)
