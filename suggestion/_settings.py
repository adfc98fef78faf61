"""An algorithm's settings, and the one that every algorithm has."""

from collections.abc import Mapping

from tunesmith.services.settings import SettingDescription, Settings, SettingType, read_described
from tunesmith.study import Mistake, ParameterValue
from tunesmith.suggestion._description import AlgorithmDescription

PATH = "spec.algorithm.settings"

SEED = SettingDescription(
    "seed",
    SettingType.INT,
    "Seed of everything random in the study; takes precedence over the seed that was drawn when the study was created.",
    min=0,
    aliases=("random_state",),
)
"""Every algorithm has this setting beside those it describes."""


def all_settings(description: AlgorithmDescription) -> tuple[SettingDescription, ...]:
    """List the settings that an algorithm accepts: its own, and those that every algorithm has."""
    return (*description.settings, SEED)


def read_settings(
    description: AlgorithmDescription, given: Mapping[str, ParameterValue]
) -> tuple[Settings, list[Mistake]]:
    """Check `given` against the description; the settings are fit for use only when there are no mistakes."""
    return read_described(all_settings(description), given, owner=f"algorithm {description.name!r}", path=PATH)
