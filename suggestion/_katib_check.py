"""What an experiment of Katib's is refused for before it begins, in the words of Katib's services."""

from collections.abc import Iterator, Sequence

from tunesmith.katib.v1beta1 import api_pb2 as katib
from tunesmith.services.errors import FixRequest
from tunesmith.suggestion._katib_asked import HYPERBAND, MOST, RESOURCE, Asked, asked_of
from tunesmith.suggestion._katib_study import codecs_of, positive, space_of, study_of
from tunesmith.suggestion._registry import Registry


def problems(experiment: katib.Experiment, registry: Registry) -> Iterator[str]:
    """What Katib's services refuse an experiment for, beyond single settings and what our own rules say."""
    spec, asked = experiment.spec, asked_of(experiment.spec, registry)
    parameters = spec.parameter_specs.parameters
    if asked.name == "cmaes" and sum(one.parameter_type in (katib.DOUBLE, katib.INT) for one in parameters) < 2:
        yield "cmaes only supports two or more dimensional continuous search space."
    if asked.name == HYPERBAND:
        yield from _hyperband_problems(asked, parameters)
    if asked.name == "grid" and asked.text("points") is None:
        yield from _grid_problems(spec, asked)


def _hyperband_problems(asked: Asked, parameters: Sequence[katib.ParameterSpec]) -> Iterator[str]:
    most, resource = asked.text(MOST), asked.text(RESOURCE)
    if most is None or resource is None:
        yield "r_l and resource_name must be set."
    elif positive(most) is None:
        yield "r_l must be a positive float number."
    elif resource not in [one.name for one in parameters]:
        yield "value of resource_name setting must be in parameters."


def _grid_problems(spec: katib.ExperimentSpec, asked: Asked) -> Iterator[str]:
    parameters = spec.parameter_specs.parameters
    for one in parameters:
        if one.parameter_type == katib.DOUBLE and not one.feasible_space.step:
            names = ", ".join(one.name for one in parameters)
            yield (
                f"failed to validate parameters({names[:500]}): Param {one.name[:100]} step is nil; "
                "For discrete search space, all parameters must include step"
            )
            return
    combinations = space_of(codecs_of(parameters, asked)).count(max(spec.max_trial_count, 1)) if parameters else 1
    if combinations is not None and spec.max_trial_count > combinations:
        yield f"Max Trial Count: {spec.max_trial_count} > all possible search combinations: {combinations}"


def check(experiment: katib.Experiment, registry: Registry) -> None:
    """Raise FixRequest for an experiment that cannot be served, with Katib's sentence where it has one.

    An experiment without parameters is checked for its settings only, as Katib's services do.
    """
    asked = asked_of(experiment.spec, registry)
    if asked.name != HYPERBAND:
        asked.typed()
    for problem in problems(experiment, registry):
        raise FixRequest(problem)
    asked.typed()
    if experiment.spec.parameter_specs.parameters:
        study_of(experiment, registry)
