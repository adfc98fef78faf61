"""Settings of an algorithm or a rule: checked against their descriptions, every mistake at once, then read by type."""

import difflib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from tunesmith.study import Mistake, ParameterValue


class SettingType(StrEnum):
    """Type of a setting's value. A whole double is accepted as an int, an int as a double; a bool is neither."""

    DOUBLE = "double"
    INT = "int"
    STRING = "string"
    BOOL = "bool"


@dataclass(frozen=True, slots=True)
class SettingDescription:
    """One setting. `default` None: its owner chooses; `min` and `max` are inclusive, None: not limited.

    `choices`, when not empty, lists the only values of a string setting. `aliases`: other names that are accepted for
    it, as Katib calls it; its owner reads it by `name` only.
    """

    name: str
    type: SettingType
    meaning: str
    default: ParameterValue | None = None
    min: float | None = None
    max: float | None = None
    choices: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


class Settings(Mapping[str, ParameterValue | None]):
    """The settings of one study, defaults filled in; None where their owner chooses. Made by `read_described` only."""

    def __init__(self, values: Mapping[str, ParameterValue | None]) -> None:
        """Take values that already have the types of their descriptions."""
        self._values = dict(values)

    def __getitem__(self, name: str) -> ParameterValue | None:
        """Return a setting's value, or None where its owner chooses; KeyError for a setting that does not exist."""
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of all settings there are."""
        return iter(self._values)

    def __len__(self) -> int:
        """Count the settings there are."""
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


def read_described(
    described: Sequence[SettingDescription], given: Mapping[str, ParameterValue], *, owner: str, path: str
) -> tuple[Settings, list[Mistake]]:
    """Check `given` against the descriptions; the settings are fit for use only when there are no mistakes.

    Args:
        described: Every setting there is.
        given: What a document says.
        owner: Whose settings they are, in messages: "algorithm 'grid'".
        path: Where they stand in the document.
    """
    known = {name: setting for setting in described for name in (setting.name, *setting.aliases)}
    values: dict[str, ParameterValue | None] = {setting.name: setting.default for setting in described}
    mistakes: list[Mistake] = []
    seen: dict[str, str] = {}
    for name, value in given.items():
        if (setting := known.get(name)) is None:
            mistakes.append(Mistake(f"{path}.{name}", _unknown(owner, name, known)))
            continue
        value = _widened(setting, value)
        if problem := _twice(seen.get(setting.name)) or _problem(replace(setting, name=name), value):
            mistakes.append(Mistake(f"{path}.{name}", problem))
        values[setting.name], seen[setting.name] = value, name
    return Settings(values), mistakes


def _twice(other: str | None) -> str | None:
    """Return the rule that a setting breaks which was given under another name already."""
    return other and f"must not be given beside {other!r}, which is another name of the same setting"


def _unknown(owner: str, name: str, known: Mapping[str, SettingDescription]) -> str:
    """Say that a setting does not exist, and which one was perhaps meant, by its own name where that is near."""
    own = sorted({setting.name for setting in known.values()})
    near = sorted(difflib.get_close_matches(name[:100], known, n=3), key=lambda one: one not in own)
    hint = f"; did you mean {near[0]!r}?" if near else f"; it has: {', '.join(own)}"
    return f"{owner} has no setting {_shown(name)}{hint}"


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
