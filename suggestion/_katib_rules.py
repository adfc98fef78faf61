"""What Katib's own services ask of the settings of an algorithm, in their words: clients compare the sentences."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tunesmith.katib.v1beta1 import api_pb2 as katib
from tunesmith.services.settings import SettingDescription, SettingType
from tunesmith.study import ParameterValue
from tunesmith.suggestion._description import AlgorithmDescription
from tunesmith.suggestion._settings import all_settings


class Refused(ValueError):
    """A setting that cannot be; the message is what a client of Katib is told."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`text` is said, with name and value put in, when what `read` makes of a setting does not hold."""

    read: Callable[[str], Any]
    holds: Callable[[Any], bool]
    text: str


_ABOVE = "{name} should be great than zero"
_NOT_BELOW = "{name} should be great or equal than zero"
_NOT_BELOW_EITHER = "{name} should be greate or equal than zero"
"""The second service of Katib, as it writes."""

_SEED: Final = Rule(int, lambda n: n >= 0, _NOT_BELOW)
_COUNT: Final = Rule(int, lambda n: n >= 0, _NOT_BELOW_EITHER)


def _one_of(*values: str, text: str) -> Rule:
    return Rule(str, values.__contains__, text)


_IN_BAYESIAN = "{name} {value} is not supported in Bayesian optimization"
_BAYESIAN: Final = {
    "base_estimator": _one_of("GP", "RF", "ET", "GBRT", text=_IN_BAYESIAN),
    "n_initial_points": Rule(int, lambda n: n >= 0, _NOT_BELOW),
    "acq_func": _one_of("gp_hedge", "LCB", "EI", "PI", text=_IN_BAYESIAN),
    "acq_optimizer": _one_of("auto", "sampling", "lbfgs", text=_IN_BAYESIAN),
    "random_state": _SEED,
}
_CMAES: Final = {
    "restart_strategy": _one_of(
        "ipop", "bipop", "None", "none", text="{name} {value} is not supported in CMAES optimization"
    ),
    "sigma": Rule(float, lambda x: x >= 0, _NOT_BELOW_EITHER),
    "random_state": _COUNT,
}
_PARZEN: Final = {"n_startup_trials": _COUNT, "n_ei_candidates": _COUNT}
_TPE: Final = {
    **_PARZEN,
    "gamma": Rule(float, lambda x: 0 < x < 1, "{name} should be in the range of (0, 1)"),
    "prior_weight": Rule(float, lambda x: x > 0, _ABOVE),
    "n_EI_candidates": Rule(int, lambda n: n > 0, _ABOVE),
    "random_state": _SEED,
}
RULES: Final[Mapping[str, Mapping[str, Rule]]] = {
    "bayesian": _BAYESIAN,
    "cmaes": _CMAES,
    "tpe": _TPE,
    "multivariate-tpe": {**_TPE, "random_state": _COUNT},
}
"""By our names; every other algorithm has the rule for the seed only."""


def typed_settings(
    called: str, description: AlgorithmDescription, given: Iterable[katib.AlgorithmSetting]
) -> dict[str, ParameterValue]:
    """Read settings of the algorithm that the client calls so. Raises Refused for the first one that is wrong."""
    rules = RULES.get(description.name, {"random_state": _SEED})
    known = {name: one for one in all_settings(description) for name in (one.name, *one.aliases)}
    values: dict[str, ParameterValue] = {}
    for setting in given:
        if setting.name not in known:
            raise Refused(f"unknown setting {setting.name[:100]} for algorithm {called}")
        if rule := rules.get(setting.name):
            _check(rule, setting)
        values[setting.name] = _typed(known[setting.name], setting)
    return values


def _check(rule: Rule, setting: katib.AlgorithmSetting) -> None:
    try:
        holds = rule.holds(rule.read(setting.value))
    except ValueError as error:
        raise _failed(setting, error) from error
    if not holds:
        raise Refused(rule.text.format(name=setting.name, value=setting.value[:100]))


def _typed(described: SettingDescription, setting: katib.AlgorithmSetting) -> ParameterValue:
    try:
        return _READERS[described.type](setting.value)
    except ValueError as error:
        raise _failed(setting, error) from error


def _failed(setting: katib.AlgorithmSetting, error: ValueError) -> Refused:
    return Refused(f"failed to validate {setting.name[:100]}({setting.value[:100]}): {str(error)[:200]}")


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"must be true or false, but got {text[:40]!r}")
    return text.lower() == "true"


_READERS: Final[Mapping[SettingType, Callable[[str], ParameterValue]]] = {
    SettingType.INT: int,
    SettingType.DOUBLE: float,
    SettingType.STRING: str,
    SettingType.BOOL: _boolean,
}
