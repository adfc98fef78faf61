"""What Katib's early-stopping service asks of its settings, in its words: clients compare the sentences."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tunesmith.earlystop._registry import Registry
from tunesmith.katib.v1beta1 import api_pb2 as katib
from tunesmith.services.errors import FixRequest, NotFound

MEDIAN: Final = "median"
"""Our name of the only rule that Katib's contract has words for."""


@dataclass(frozen=True, slots=True)
class MedianSettings:
    """Succeeded trials without which there is no rule, and reports of which the average is taken."""

    min_trials_required: int = 3
    start_step: int = 4


_RULES: Final[Mapping[str, tuple[Callable[[int], bool], str]]] = {
    "min_trials_required": (lambda number: number > 0, "min_trials_required must be greater than zero (>0)"),
    "start_step": (lambda number: number >= 1, "start_step must be greater or equal than one (>=1)"),
}
_MOST: Final = 2**31 - 1


def median_settings(spec: katib.EarlyStoppingSpec, registry: Registry) -> MedianSettings:
    """Read the settings of an experiment. Raises FixRequest with Katib's sentence about the first one that is wrong."""
    called = spec.algorithm_name
    try:
        known = registry.get(called).description.name == MEDIAN
    except NotFound:
        known = False
    if not known:
        raise FixRequest(f"unknown algorithm name {called[:100]}")
    given: dict[str, int] = {}
    for setting in spec.algorithm_settings:
        if setting.name not in _RULES:
            raise FixRequest(f"unknown setting {setting.name[:100]} for algorithm {called[:100]}")
        given[setting.name] = _read(setting)
    return MedianSettings(**given)


def _read(setting: katib.EarlyStoppingSetting) -> int:
    holds, text = _RULES[setting.name]
    try:
        number = int(setting.value)
    except ValueError as error:
        failed = f"failed to validate {setting.name}({setting.value[:100]}): {str(error)[:200]}"
        raise FixRequest(failed) from error
    if not holds(number):
        raise FixRequest(text)
    return min(number, _MOST)
