"""A rule's settings, and those that several rules have."""

from collections.abc import Mapping
from typing import Final

from tunesmith.earlystop._description import RuleDescription
from tunesmith.services.settings import SettingDescription, Settings, SettingType, read_described
from tunesmith.study import Mistake, ParameterValue

PATH: Final = "spec.earlyStopping.settings"

START: Final = "startStep"
TRIALS: Final = "minTrials"
INTERVAL: Final = "interval"
LIMIT: Final = 10**9
"""Steps and counts beyond it are mistakes of whoever wrote them."""


def start_step(default: int, *aliases: str) -> SettingDescription:
    """Describe the step before which no trial is stopped."""
    meaning = "No trial is stopped before it has reached this step."
    return SettingDescription(START, SettingType.INT, meaning, default, min=0, max=LIMIT, aliases=aliases)


def min_trials(default: int, *aliases: str) -> SettingDescription:
    """Describe how many others a trial is compared with at least."""
    meaning = "No trial is stopped unless so many others can be compared with it."
    return SettingDescription(TRIALS, SettingType.INT, meaning, default, min=1, max=LIMIT, aliases=aliases)


def interval() -> SettingDescription:
    """Describe how often a trial is weighed."""
    meaning = "A trial is weighed at its first step in each interval of so many steps, counted from `startStep`."
    return SettingDescription(INTERVAL, SettingType.INT, meaning, 1, min=1, max=LIMIT, aliases=("interval_steps",))


def read_settings(description: RuleDescription, given: Mapping[str, ParameterValue]) -> tuple[Settings, list[Mistake]]:
    """Check `given` against the description; the settings are fit for use only when there are no mistakes."""
    return read_described(description.settings, given, owner=f"rule {description.name!r}", path=PATH)
