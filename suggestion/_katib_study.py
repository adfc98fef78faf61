"""An experiment of Katib's as a study of ours."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tunesmith.katib.v1beta1 import api_pb2 as katib
from tunesmith.services.errors import FixRequest
from tunesmith.study import (
    AlgorithmSpec,
    DoubleDomain,
    IntDomain,
    Limits,
    Mistake,
    Objective,
    ObjectiveType,
    Parameter,
    SearchSpace,
    SpaceError,
    StudySpec,
    TrialTemplate,
)
from tunesmith.suggestion._check import read_study, seed_of
from tunesmith.suggestion._katib_asked import CARRIED, HYPERBAND, MOST, RESOURCE, Asked, asked_of
from tunesmith.suggestion._katib_values import Codec, NotThere, codec_of
from tunesmith.suggestion._registry import Registry
from tunesmith.suggestion._studies import Job
from tunesmith.suggestion.algorithms.random import Random
from tunesmith.v1 import types_pb2


@dataclass(frozen=True, slots=True)
class KatibStudy:
    """A study that Katib asks for. `metric` is its objective's; `carried`: labels for its last trial."""

    job: Job
    codecs: tuple[Codec, ...]
    metric: str
    carried: Mapping[str, str]


def study_of(experiment: katib.Experiment, registry: Registry) -> KatibStudy:
    """Read an experiment. Raises FixRequest with the first thing that is wrong with it."""
    spec, asked = experiment.spec, asked_of(experiment.spec, registry)
    codecs = codecs_of(spec.parameter_specs.parameters, asked)
    if asked.name == HYPERBAND and _resource(asked, codecs) is None:
        asked = Asked(Random(), "random", ())  # as Katib's, which then only draws
    settings = asked.typed()
    if asked.name == HYPERBAND:
        settings |= {RESOURCE: _resource(asked, codecs) or ""}
    ours = StudySpec(
        objectives=(_objective(spec.objective),),
        space=space_of(codecs),
        trial=TrialTemplate(),
        algorithm=AlgorithmSpec(asked.name, settings),
        limits=_limits(spec, asked.name),
        seed=_seed(experiment.name),
    )
    read, mistakes = read_study(asked.algorithm, ours)
    if mistakes:
        raise FixRequest("; ".join(_said(mistake, codecs) for mistake in mistakes))
    job = Job(types_pb2.StudySpec(), ours, asked.algorithm, read, seed_of(ours, read) or 0)
    carried = {one.name: one.value for one in spec.algorithm.algorithm_settings if one.name in CARRIED}
    return KatibStudy(job, codecs, spec.objective.objective_metric_name, carried)


def codecs_of(parameters: Sequence[katib.ParameterSpec], asked: Asked) -> tuple[Codec, ...]:
    """Read the parameters. Raises FixRequest with everything that is wrong with them."""
    names = [parameter.name for parameter in parameters]
    if repeated := [name for place, name in enumerate(names) if name in names[:place]]:
        raise FixRequest(f"Detect duplicated parameter name: {repeated[0][:100]}")
    codecs, wrong = list[Codec](), list[str]()
    for place, parameter in enumerate(parameters):
        try:
            codecs.append(codec_of(parameter, f"p{place}"))  # Katib's names may be anything, such as --lr
        except NotThere as error:
            wrong.append(f"parameter {parameter.name[:100]}: {error}")
    if wrong:
        raise FixRequest("; ".join(wrong))
    return tuple(_with_resource(codec, asked) for codec in codecs)


def _with_resource(codec: Codec, asked: Asked) -> Codec:
    """Hyperband's resource goes from 1 to `r_l` in Katib, whatever the bounds of its parameter are."""
    if asked.name != HYPERBAND or codec.name != asked.text(RESOURCE):
        return codec
    domain, most = codec.parameter.domain, positive(asked.text(MOST))
    if most is None or (isinstance(domain, IntDomain | DoubleDomain) and 0 < domain.min <= most <= domain.max):
        return codec
    return Codec(codec.name, Parameter(codec.parameter.name, IntDomain(1, max(int(most), 1))))


def positive(text: str | None) -> float | None:
    """The number that a text is; None: it is none, or not above 0."""
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and 0 < number <= 2**53 else None


def _resource(asked: Asked, codecs: Sequence[Codec]) -> str | None:
    """Our name of Hyperband's resource; None: there is no such parameter."""
    found = [codec.parameter.name for codec in codecs if codec.name == asked.text(RESOURCE)]
    return found[0] if found else None


def space_of(codecs: Sequence[Codec]) -> SearchSpace:
    """The space of the parameters. Raises FixRequest with everything that is wrong with it."""
    try:
        return SearchSpace(tuple(codec.parameter for codec in codecs))
    except SpaceError as error:
        raise FixRequest("; ".join(f"{_named(path, codecs)}: {rule}" for path, rule in error.problems)) from error


def _named(path: str, codecs: Sequence[Codec]) -> str:
    """A path as `parameters[2].min` by the name that the client knows."""
    head, _, rest = path.partition("].")
    place = head.removeprefix("parameters[")
    return f"parameter {codecs[int(place)].name[:100]}: {rest}" if place.isdigit() else path


def _said(mistake: Mistake, codecs: Sequence[Codec]) -> str:
    name = mistake.path.rpartition(".")[2]
    return f"{name}: {mistake.message}" if mistake.path.startswith("spec.algorithm.settings.") else mistake.message


def _objective(spec: katib.ObjectiveSpec) -> Objective:
    kind = ObjectiveType.MAXIMIZE if spec.type == katib.MAXIMIZE else ObjectiveType.MINIMIZE
    return Objective(spec.objective_metric_name or "objective", kind, spec.goal or None)


def _limits(spec: katib.ExperimentSpec, name: str) -> Limits:
    """Hyperband knows no limit here: near it, it would wait for promotions, and Katib has no word for that."""
    trials = spec.max_trial_count if spec.max_trial_count > 0 and name != HYPERBAND else None
    return Limits(trials=trials, parallel=max(spec.parallel_trial_count, 1))


def _seed(experiment: str) -> int:
    return int.from_bytes(hashlib.blake2b(experiment.encode(errors="replace"), digest_size=8).digest())


def identity(experiment: katib.Experiment, registry: Registry) -> bytes:
    """What stays the same of an experiment from call to call: its name, space, objective, algorithm and settings."""
    asked = asked_of(experiment.spec, registry)
    kept = katib.Experiment(name=experiment.name)
    kept.spec.parameter_specs.CopyFrom(experiment.spec.parameter_specs)
    kept.spec.objective.CopyFrom(experiment.spec.objective)
    kept.spec.algorithm.algorithm_name = asked.called
    kept.spec.algorithm.algorithm_settings.extend(asked.given)
    return kept.SerializeToString(deterministic=True)
