"""What early stopping may have cost a study: what its stopped trials would have reached, and what some of them did.

Values, and pure functions of them; `audit_of` gathers them from a manager.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tunesmith.client._client import Client
from tunesmith.client._estimate import Curve, estimate
from tunesmith.client._trial_values import Decision, Trial
from tunesmith.client._values import BestTrial, Study
from tunesmith.study import Assignment, TrialState

_ENDED = (TrialState.SUCCEEDED, TrialState.EARLY_STOPPED)


@dataclass(frozen=True, slots=True)
class Stopped:
    """A trial that was stopped early.

    Attributes:
        trial: As the manager tells it.
        step: Of its last report; None: it reported no number.
        expected: What it would have reached, by the rule's own prediction or by our estimate; None: nobody can say.
        by_rule: Whether it is the rule's own prediction.
        spread: Standard deviation of the error; None: too few have finished to say.
        chance: How likely it would have been better than the best; None: nobody can say.
        reached: What the same assignment reached, when it was run to its end; None: it was not.
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
    def beaten_by(self) -> Stopped | None:
        """The best of those that proved better than the best, when they were run to their ends."""
        best, objective = self.best, self.study.spec.objective
        proved = [one for one in self.stopped if self.proved_better(one)]
        if best is None or not proved:
            return None
        sign = 1.0 if objective.better(1.0, 0.0) else -1.0
        return max(proved, key=lambda one: sign * (one.reached or 0.0))

    def proved_better(self, one: Stopped) -> bool:
        """Whether a trial was better than the best, when it was run to its end."""
        if one.reached is None or self.best is None:
            return False
        return self.study.spec.objective.better(one.reached, self.best.value)

    @property
    def missed(self) -> float | None:
        """The probability that some trial would have been better than the best, as if they did not depend on another.

        What a trial has reached since is known, and no chance any more. None: nobody can say.
        """
        known = [float(self.proved_better(one)) if one.reached is not None else one.chance for one in self.stopped]
        chances = [chance for chance in known if chance is not None]
        return 1 - math.prod(1 - chance for chance in chances) if chances and self.best else None

    def with_reached(self, trials: Sequence[Trial]) -> "Audit":
        """The same, with what trials of the same assignments reached."""
        values = {
            key_of(trial.assignment): trial.value
            for trial in trials
            if trial.state is TrialState.SUCCEEDED and trial.value is not None
        }
        stopped = tuple(replace(one, reached=values.get(key_of(one.trial.assignment))) for one in self.stopped)
        return replace(self, stopped=stopped)


def key_of(assignment: Assignment) -> tuple[tuple[str, object], ...]:
    """What equal assignments have in common; True and 1 are different values."""
    return tuple(sorted((name, (type(value).__name__, value)) for name, value in assignment.items()))


def audit_of(client: Client, study: Study) -> Audit:
    """Estimate what each stopped trial of a study would have reached. Reads the curves of all that ended."""
    ended = client.trials(study.name, states=_ENDED)
    curves = {trial.number: _curve(client, study, trial) for trial in ended}
    finished = [
        (curves[trial.number], trial.value)
        for trial in ended
        if trial.state is TrialState.SUCCEEDED and trial.value is not None
    ]
    stopped = tuple(
        _judged(study, trial, curves[trial.number], finished, _stop(client, study, trial))
        for trial in ended
        if trial.state is TrialState.EARLY_STOPPED
    )
    return Audit(study, stopped, len(finished))


def _curve(client: Client, study: Study, trial: Trial) -> Curve:
    rows = client.observations(study.name, trial.name, metrics=[study.spec.objective.metric])
    return Curve.of([(index if row.step is None else row.step, row.value) for index, row in enumerate(rows)])


def _stop(client: Client, study: Study, trial: Trial) -> Decision | None:
    """The decision that stopped it."""
    return next((made for made in reversed(client.decisions(study.name, trial.name)) if made.stop), None)


def _judged(
    study: Study,
    trial: Trial,
    curve: Curve,
    finished: Sequence[tuple[Curve, float]],
    decision: Decision | None,
) -> Stopped:
    found = estimate(study.spec.objective, curve, finished)
    predicted = None if decision is None else decision.predicted
    if found is not None and predicted is not None:
        found = replace(found, expected=predicted)
    return Stopped(
        trial=trial,
        step=curve.steps[-1] if curve.steps else None,
        expected=found.expected if found else predicted,
        by_rule=predicted is not None,
        spread=found.spread if found else None,
        chance=found.chance(study.spec.objective, study.best.value) if found and study.best else None,
    )


def most_promising(audit: Audit) -> list[Stopped]:
    """The stopped trials, those first that would most likely have been better than the best."""
    sign = 1.0 if audit.study.spec.objective.better(1.0, 0.0) else -1.0

    def promise(one: Stopped) -> tuple[float, float]:
        value = one.trial.value if one.expected is None else one.expected
        return (-1.0 if one.chance is None else one.chance, -math.inf if value is None else sign * value)

    return sorted(audit.stopped, key=promise, reverse=True)
