"""What must hold of a study before an algorithm sees it, whichever algorithm that is."""

import numpy as np

from tunesmith.services.settings import Settings
from tunesmith.study import Mistake, NoFeasiblePoint, StudySpec
from tunesmith.suggestion._algorithm import Algorithm, Confirming, Remarking
from tunesmith.suggestion._points import EXACT_UP_TO, sample
from tunesmith.suggestion._settings import read_settings


def read_study(algorithm: Algorithm, spec: StudySpec) -> tuple[Settings, list[Mistake]]:
    """Read the settings of a study, and list what the algorithm cannot work with."""
    settings, mistakes = read_settings(algorithm.description, spec.algorithm.settings)
    if algorithm.description.any_settings:
        settings, mistakes = Settings(spec.algorithm.settings), []
    mistakes += _missing_capabilities(algorithm, spec)
    return settings, mistakes or algorithm.check(spec, settings)


def seed_of(spec: StudySpec, settings: Settings) -> int | None:
    """Return the seed of everything random in a study; None: none was given or drawn yet."""
    given = settings.get("seed")
    return spec.seed if given is None else settings.integer("seed")


def unreachable(spec: StudySpec, seed: int) -> list[Mistake]:
    """Say when constraints leave nothing that can be found. Takes a while in such a space."""
    if not spec.space.constraints:
        return []
    try:
        sample(spec.space, np.random.default_rng([seed]))
    except NoFeasiblePoint as error:
        return [Mistake("spec.constraints", str(error))]
    return []


def unconfirmed(algorithm: Algorithm, spec: StudySpec, settings: Settings) -> list[Mistake]:
    """List what a study is refused for by whoever is behind the algorithm."""
    return algorithm.confirm(spec, settings) if isinstance(algorithm, Confirming) else []


def warnings(algorithm: Algorithm, spec: StudySpec, settings: Settings) -> list[str]:
    """List remarks that do not prevent a study."""
    found = list(algorithm.remarks(spec, settings)) if isinstance(algorithm, Remarking) else []
    trials, name = spec.limits.trials, algorithm.description.name
    useful = algorithm.description.capabilities.max_useful_trials
    if trials is not None and 0 < useful < trials:
        found.append(f"`{name}` gains nothing from more than {useful} trials, and `limits.trials` is {trials}")
    count = spec.space.count(min(trials, EXACT_UP_TO)) if trials is not None else None
    if count is not None and trials is not None and count < trials:
        found.append(f"the space has only {count} points, so the study ends before its {trials} trials")
    return found


def _missing_capabilities(algorithm: Algorithm, spec: StudySpec) -> list[Mistake]:
    """List what the study needs and the algorithm cannot do."""
    name, can = algorithm.description.name, algorithm.description.capabilities
    mistakes = []
    for place, parameter in enumerate(spec.space.parameters):
        if parameter.when and not can.conditional:
            path = f"spec.parameters[{place}].when"
            mistakes.append(Mistake(path, f"algorithm {name!r} does not work with conditional parameters"))
    if spec.space.constraints and not can.constraints:
        mistakes.append(Mistake("spec.constraints", f"algorithm {name!r} does not work with constraints"))
    if len(spec.objectives) > 1 and not can.multi_objective:
        message = f"algorithm {name!r} works with one objective, but got {len(spec.objectives)}"
        mistakes.append(Mistake("spec.objectives", message))
    return mistakes
