"""Completes an initial or enqueued assignment: what it leaves out takes its default, or is sampled."""

import random
from collections.abc import Callable
from typing import Final

from tunesmith.study import Assignment, ParameterValue, SearchSpace, StudySpec

DRAWS: Final = 100
"""Samples that are tried until what was given is active and every constraint holds."""


def complete(spec: StudySpec, number: int, given: Assignment) -> tuple[dict[str, ParameterValue], list[str]]:
    """A whole assignment with the values of `given` for trial `number`, and what is wrong with it.

    The same trial of the same study is completed in the same way. When no sample makes it a feasible point, it is that
    of the first sample, with the problems.
    """
    draw = random.Random(f"{spec.seed}:{number}").random
    filled = first = fill(spec.space, given, draw)
    problems = wrong = spec.space.problems(filled | dict(given))
    for _ in range(DRAWS if _samples(spec.space, given) else 0):
        if not wrong:
            return filled, []
        filled = fill(spec.space, given, draw)
        wrong = spec.space.problems(filled | dict(given))
    return (first, problems) if wrong else (filled, [])


def _samples(space: SearchSpace, given: Assignment) -> bool:
    """Whether a value is left to chance."""
    return any(parameter.default is None and parameter.name not in given for parameter in space.parameters)


def fill(space: SearchSpace, given: Assignment, uniform: Callable[[], float]) -> dict[str, ParameterValue]:
    """A whole assignment with the values of `given`.

    `uniform` draws from [0, 1); it is called once for each parameter of the space, in order, whether its number is
    needed or not, so that the same draws serve the same parameters. A parameter that is not active is left out.
    """
    drawn = {parameter.name: parameter.domain.decode(uniform()) for parameter in space.parameters}
    whole = {
        parameter.name: given.get(
            parameter.name, parameter.default if parameter.default is not None else drawn[parameter.name]
        )
        for parameter in space.parameters
    }
    active = set(space.active(whole))
    return {name: value for name, value in whole.items() if name in active}
