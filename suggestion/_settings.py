"""An algorithm's settings: checked against its description, every mistake at once, then read by type."""

import difflib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from tunesmith.study import Mistake, ParameterValue
from tunesmith.suggestion._description import AlgorithmDescription, SettingDescription, SettingType

PATH = "spec.algorithm.settings"

SEED = SettingDescription(
    "seed",
    SettingType.INT,
    "Seed of everything random in the study; takes precedence over the seed that was drawn when the study was created.",
    min=0,
    aliases=("random_state",),
)
"""Every algorithm has this setting beside those it describes."""


class Settings(Mapping[str, ParameterValue | None]):
    """The settings of one study, defaults filled in; None where the algorithm chooses. Made by `read_settings` only."""

    def __init__(self, values: Mapping[str, ParameterValue | None]) -> None:
        """Take values that already have the types of their descriptions."""
        self._values = dict(values)

    def __getitem__(self, name: str) -> ParameterValue | None:
        """Return a setting's value, or None where the algorithm chooses; KeyError for a setting it does not have."""
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of all settings the algorithm has."""
        return iter(self._values)

    def __len__(self) -> int:
        """Count the settings the algorithm has."""
        return len(self._values)

    def integer(self, name: str) -> int:
        """Return an int setting that has a value."""
        value = self._values[name]
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"setting {name!r} is no int, but {value!r}")
        return value

    def number(self, name: str) -> float:
        """Return a double setting that has a value."""
        value = self._values[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"setting {name!r} is no double, but {value!r}")
        return float(value)


def all_settings(description: AlgorithmDescription) -> tuple[SettingDescription, ...]:
    """List the settings that an algorithm accepts: its own, and those that every algorithm has."""
    return (*description.settings, SEED)


def read_settings(
    description: AlgorithmDescription, given: Mapping[str, ParameterValue]
) -> tuple[Settings, list[Mistake]]:
    """Check `given` against the description; the settings are fit for use only when there are no mistakes."""
    described = all_settings(description)
    known = {name: setting for setting in described for name in (setting.name, *setting.aliases)}
    values: dict[str, ParameterValue | None] = {setting.name: setting.default for setting in described}
    mistakes: list[Mistake] = []
    seen: dict[str, str] = {}
    for name, value in given.items():
        if (setting := known.get(name)) is None:
            mistakes.append(Mistake(f"{PATH}.{name}", _unknown(description.name, name, list(known), list(values))))
            continue
        value = _widened(setting, value)
        if problem := _twice(seen.get(setting.name)) or _problem(replace(setting, name=name), value):
            mistakes.append(Mistake(f"{PATH}.{name}", problem))
        values[setting.name], seen[setting.name] = value, name
    return Settings(values), mistakes


def _twice(other: str | None) -> str | None:
    """Return the rule that a setting breaks which was given under another name already."""
    return other and f"must not be given beside {other!r}, which is another name of the same setting"


def _unknown(algorithm: str, name: str, known: Sequence[str], listed: Sequence[str]) -> str:
    """Say that a setting does not exist, and which one was perhaps meant."""
    near = difflib.get_close_matches(name[:100], known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else f"; it has: {', '.join(sorted(listed))}"
    return f"algorithm {algorithm!r} has no setting {_shown(name)}{hint}"


def _widened(setting: SettingDescription, value: ParameterValue) -> ParameterValue:
    """Take 5.0 for 5 and 5 for 5.0: JSON and some clients do not tell them apart."""
    if setting.type is SettingType.INT and isinstance(value, float) and value.is_integer():
        return int(value)
    if setting.type is SettingType.DOUBLE and isinstance(value, int) and not isinstance(value, bool):
        return float(value) if abs(value) < 2**1000 else math.inf
    return value


_PYTHON_TYPES: Mapping[SettingType, type] = {
    SettingType.DOUBLE: float,
    SettingType.INT: int,
    SettingType.STRING: str,
    SettingType.BOOL: bool,
}


def _problem(setting: SettingDescription, value: ParameterValue) -> str | None:
    """Return the rule that `value` breaks, or None."""
    wanted = _PYTHON_TYPES[setting.type]
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        return f"must be of type {setting.type.value}, but got {_shown(value)}"
    if setting.choices and value not in setting.choices:
        return f"must be one of {', '.join(setting.choices)}, but got {_shown(value)}"
    if isinstance(value, float) and not math.isfinite(value):
        return f"must be finite, but got {_shown(value)}"
    if isinstance(value, int | float):
        return _out_of_range(setting, value)
    return None


def _out_of_range(setting: SettingDescription, value: float) -> str | None:
    """Return the bound that a number breaks, or None."""
    if setting.min is not None and value < setting.min:
        return f"`{setting.name} >= {setting.min:g}` must hold, but got {_shown(value)}"
    if setting.max is not None and value > setting.max:
        return f"`{setting.name} <= {setting.max:g}` must hold, but got {_shown(value)}"
    return None


def _shown(value: ParameterValue) -> str:
    """Show an untrusted value in a message, shortened."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**100:
        return "a number of more than 100 digits"  # repr() of a huge int may raise
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
