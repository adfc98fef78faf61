"""Optuna's own ask, in this process and with no storage but its memory: what a suggestion over a socket is beside."""

import time
import warnings
from collections.abc import Sequence
from typing import Any

from tunesmith.study import Assignment, CategoricalDomain, DiscreteDomain, IntDomain, SearchSpace

SAMPLERS = {"random": "RandomSampler", "tpe": "TPESampler", "cmaes": "CmaEsSampler", "gp": "GPSampler"}
"""Optuna's samplers by the names of ours."""


def distributions(space: SearchSpace) -> dict[str, Any]:
    """The space as Optuna has it: what it does not know becomes what is nearest.

    A normal distribution becomes a uniform one; a list of numbers an int where it counts up by one, else categories.
    """
    return {parameter.name: _distribution(parameter.domain) for parameter in space.parameters}


def _distribution(domain: Any) -> Any:
    import optuna.distributions as d

    if isinstance(domain, CategoricalDomain):
        return d.CategoricalDistribution(domain.values)
    if isinstance(domain, DiscreteDomain):
        first, last = domain.values[0], domain.values[-1]
        counts = domain.values == tuple(range(int(first), int(last) + 1))
        return d.IntDistribution(int(first), int(last)) if counts else d.CategoricalDistribution(domain.values)
    if isinstance(domain, IntDomain):
        return d.IntDistribution(domain.min, domain.max, log=domain.distribution.log)
    return d.FloatDistribution(domain.min, domain.max, log=domain.distribution.log, step=domain.step)


class Optuna:
    """A study with finished trials."""

    def __init__(self, sampler: str, space: SearchSpace, assignments: Sequence[Assignment]) -> None:
        """Tell it the trials, as after a restart; values are those of `suggest.py`."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        self._space = distributions(space)
        self._study = optuna.create_study(sampler=getattr(optuna.samplers, SAMPLERS[sampler])(seed=7))
        for number, assignment in enumerate(assignments):
            trial = optuna.trial.create_trial(params=dict(assignment), distributions=self._space, value=number / 7)
            self._study.add_trial(trial)

    def ask(self, asked: int) -> float:
        """Ask for trials, tell the last one's value, and give the milliseconds of both."""
        began = time.perf_counter()
        trials = [self._study.ask(self._space) for _ in range(asked)]
        self._study.tell(trials[-1], trials[-1].number / 7)
        return 1000 * (time.perf_counter() - began)
