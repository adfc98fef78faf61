"""A study of ours as an experiment of Katib's, for services that speak its contract."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from tunesmith.katib.v1beta1 import api_pb2 as katib
from tunesmith.study import (
    CategoricalDomain,
    DiscreteDomain,
    Distribution,
    DoubleDomain,
    IntDomain,
    Mistake,
    Objective,
    ObjectiveType,
    Parameter,
    SearchSpace,
    StudySpec,
)
from tunesmith.suggestion._katib_values import Codec, text_of

_DISTRIBUTIONS: Final[Mapping[Distribution, "katib.Distribution.ValueType"]] = {
    Distribution.UNIFORM: katib.UNIFORM,
    Distribution.LOG_UNIFORM: katib.LOG_UNIFORM,
    Distribution.NORMAL: katib.NORMAL,
    Distribution.LOG_NORMAL: katib.LOG_NORMAL,
}
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")


def codecs_for(space: SearchSpace) -> tuple[Codec, ...]:
    """How the values of each parameter are written."""
    return tuple(map(_codec, space.parameters))


def _codec(parameter: Parameter) -> Codec:
    if isinstance(parameter.domain, DiscreteDomain | CategoricalDomain):
        return Codec(parameter.name, parameter, tuple((value, text_of(value)) for value in parameter.domain.values))
    return Codec(parameter.name, parameter)


def alike(codecs: Iterable[Codec]) -> Iterator[Mistake]:
    """Categories that are the same text, such as 1 and "1", which no service could tell apart."""
    for place, codec in enumerate(codecs):
        texts = [text for _, text in codec.listed]
        for text in sorted({text for text in texts if texts.count(text) > 1}):
            rule = f"must differ as texts for a service that speaks Katib's contract, but two of them are {text!r}"
            yield Mistake(f"spec.parameters[{place}].values", rule)


def experiment_of(spec: StudySpec, name: str, settings: Mapping[str, str]) -> katib.Experiment:
    """The experiment: `settings` of the algorithm, as the service last left them."""
    parameters = katib.ExperimentSpec.ParameterSpecs(parameters=map(_parameter, codecs_for(spec.space)))
    given = [katib.AlgorithmSetting(name=key, value=value) for key, value in settings.items()]
    return katib.Experiment(
        name=_NOT_IN_A_NAME.sub("-", name.lower())[:40].strip("-"),
        spec=katib.ExperimentSpec(
            parameter_specs=parameters,
            objective=objective_of(spec.objective),
            algorithm=katib.AlgorithmSpec(algorithm_name=spec.algorithm.name, algorithm_settings=given),
            parallel_trial_count=spec.limits.parallel,
            max_trial_count=spec.limits.trials or 0,
        ),
    )


def objective_of(objective: Objective) -> katib.ObjectiveSpec:
    """What is optimized."""
    kind = katib.MAXIMIZE if objective.type is ObjectiveType.MAXIMIZE else katib.MINIMIZE
    return katib.ObjectiveSpec(type=kind, goal=objective.goal or 0, objective_metric_name=objective.metric)


def _parameter(codec: Codec) -> katib.ParameterSpec:
    match codec.parameter.domain:
        case DoubleDomain(low, high, distribution, step):
            space = _bounds(low, high, distribution, step)
            return katib.ParameterSpec(name=codec.name, parameter_type=katib.DOUBLE, feasible_space=space)
        case IntDomain(low, high, distribution, step):
            space = _bounds(low, high, distribution, step)
            return katib.ParameterSpec(name=codec.name, parameter_type=katib.INT, feasible_space=space)
        case domain:
            kind = katib.DISCRETE if isinstance(domain, DiscreteDomain) else katib.CATEGORICAL
            space = katib.FeasibleSpace(list=_texts(codec.listed))
            return katib.ParameterSpec(name=codec.name, parameter_type=kind, feasible_space=space)


def _bounds(low: float, high: float, distribution: Distribution, step: float | None) -> katib.FeasibleSpace:
    text = "" if step is None else text_of(step)
    return katib.FeasibleSpace(
        min=text_of(low), max=text_of(high), step=text, distribution=_DISTRIBUTIONS[distribution]
    )


def _texts(listed: Sequence[tuple[object, str]]) -> list[str]:
    return [text for _, text in listed]
