"""Completes an initial assignment: what it leaves out takes its default, or is sampled."""

from collections.abc import Callable

from tunesmith.study import Assignment, ParameterValue, SearchSpace


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
