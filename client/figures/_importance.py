"""Importance as Optuna's evaluators judge it. Optuna comes with the extra `tunesmith[plot]`; only this imports it."""

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from tunesmith.client.figures._kind import CannotDraw
from tunesmith.client.figures._text import joined
from tunesmith.services.errors import NotOffered
from tunesmith.study import DoubleDomain, IntDomain, ObjectiveType, Parameter, ParameterValue

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

    from tunesmith.client.figures._view import View

_TRIALS: Final = {"ped-anova": 1_000, "fanova": 300}
"""Trials that an evaluator is given at most, evenly by number; fANOVA takes seconds for more."""
_DIRECTIONS: Final[Mapping[ObjectiveType | None, Literal["minimize", "maximize"]]] = {
    None: "minimize",
    ObjectiveType.MINIMIZE: "minimize",
    ObjectiveType.MAXIMIZE: "maximize",
}
_TARGET: Final = 0.1
_AMONG_BEST: Final = 5
_TREES: Final = 32


def importances(view: "View") -> list[tuple[str, float]]:
    """Parameters with their shares, which sum up to 1, the most important first.

    PED-ANOVA (S. Watanabe et al. 2023; conditional parameters: K. Ito et al. 2026) asks what the best tenth of the
    trials has in common, and allows for an algorithm that has looked where it was good. fANOVA (F. Hutter et al. 2014)
    asks what explains the variance over the whole space, which needs trials from everywhere, and parameters that are
    always active.

    Raises:
        CannotDraw: fANOVA was asked for conditional parameters.
        NotOffered: Optuna is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise NotOffered("importance needs Optuna: pip install 'tunesmith[plot]'") from None
    if view.evaluator == "fanova":
        _check_fanova(view)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few trials in a condition: the figure says what it is
        study, evaluator = _study(view), _evaluator(view)
        names = [parameter.name for parameter in view.parameters]
        seen = [name for name in names if any(name in trial.params for trial in study.get_trials(deepcopy=False))]
        found = optuna.importance.get_param_importances(study, evaluator=evaluator, params=seen)
    whole = {name: float(found.get(name, 0.0)) for name in names}
    return sorted(whole.items(), key=lambda item: -item[1])


def _check_fanova(view: "View") -> None:
    conditional = [parameter.name for parameter in view.parameters if parameter.when]
    if conditional:
        more = joined(conditional[:5]) + " and others" * (len(conditional) > 5)
        verb = "is" if len(conditional) == 1 else "are"
        raise CannotDraw(
            f"fANOVA needs parameters that are always active, and {more} {verb} not; ped-anova does without"
        )


def _evaluator(view: "View") -> Any:
    from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator

    if view.evaluator == "fanova":
        try:
            import sklearn  # noqa: F401
        except ImportError:
            raise NotOffered("fANOVA needs scikit-learn: pip install scikit-learn") from None
        return FanovaImportanceEvaluator(n_trees=_TREES, seed=0)
    share = min(max(_TARGET, _AMONG_BEST / len(view.done)), 0.5)
    return PedAnovaImportanceEvaluator(target_quantile=share)


def _study(view: "View") -> "Study":
    """The succeeded trials as a study of Optuna's, in memory."""
    import optuna

    room = _TRIALS[view.evaluator]
    rows = view.done[np.unique(np.linspace(0, len(view.done) - 1, min(len(view.done), room)).round().astype(np.intp))]
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        study = optuna.create_study(direction=_DIRECTIONS[view.direction])
    finally:
        optuna.logging.set_verbosity(before)
    spaces = {parameter.name: _distribution(parameter) for parameter in view.parameters}
    study.add_trials([_trial(view, row, place, spaces) for place, row in enumerate(rows.tolist())])
    return study


def _trial(view: "View", row: int, place: int, spaces: dict[str, "BaseDistribution"]) -> "FrozenTrial":
    from optuna.trial import create_trial

    assignment = view.trials[row].assignment
    active = {name: space for name, space in spaces.items() if name in assignment}
    return create_trial(
        params={name: _told(space, assignment[name]) for name, space in active.items()},
        distributions=active,
        value=float(view.values[row]),
    )


def _distribution(parameter: Parameter) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    domain = parameter.domain
    if isinstance(domain, IntDomain):
        return IntDistribution(domain.min, domain.max, log=domain.distribution.log)
    if isinstance(domain, DoubleDomain):
        return FloatDistribution(domain.min, domain.max, log=domain.distribution.log)
    return CategoricalDistribution([repr(value) for value in domain.values])


def _told(space: "BaseDistribution", value: ParameterValue) -> Any:
    """A value as Optuna takes it: a category by its text, so that 1 and true stay apart."""
    from optuna.distributions import CategoricalDistribution

    return repr(value) if isinstance(space, CategoricalDistribution) else value
