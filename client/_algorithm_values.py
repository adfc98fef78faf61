"""Algorithms and early-stopping rules as a manager or their service describes them, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from tunesmith.study import ParameterValue, wire

if TYPE_CHECKING:
    from tunesmith.v1 import types_pb2


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of an algorithm or a rule; `min` and `max` are inclusive, None does not limit.

    `default` None: whose setting it is chooses.
    """

    name: str
    type: str
    default: ParameterValue | None
    min: float | None
    max: float | None
    choices: tuple[str, ...]
    meaning: str

    @classmethod
    def from_proto(cls, setting: "types_pb2.SettingDescription") -> Self:
        """From the wire."""
        return cls(
            name=setting.name,
            type=_SETTING_TYPES[setting.type],
            default=wire.value_from_proto(setting.default_value) if setting.HasField("default_value") else None,
            min=setting.min if setting.HasField("min") else None,
            max=setting.max if setting.HasField("max") else None,
            choices=tuple(setting.choices),
            meaning=setting.meaning,
        )


_SETTING_TYPES = ("any", "double", "int", "string", "bool")


@dataclass(frozen=True, slots=True)
class Rule:
    """What an early-stopping service says of one rule."""

    name: str
    aliases: tuple[str, ...]
    summary: str
    description: str
    source: str
    settings: tuple[Setting, ...] = ()

    @classmethod
    def from_proto(cls, told: "types_pb2.RuleDescription") -> Self:
        """From the wire."""
        return cls(**_told(told))


@dataclass(frozen=True, slots=True)
class Algorithm:
    """What a suggestion service says of one algorithm.

    `capabilities`: what it can work with, by name, and whether it can. `learns`: from the values of finished trials.
    """

    name: str
    aliases: tuple[str, ...]
    summary: str
    description: str
    source: str
    settings: tuple[Setting, ...] = ()
    capabilities: Mapping[str, bool] = field(default_factory=dict)
    max_useful_trials: int | None = None
    learns: bool = False

    @classmethod
    def from_proto(cls, told: "types_pb2.AlgorithmDescription") -> Self:
        """From the wire."""
        return cls(
            **_told(told),
            capabilities={text: getattr(told.capabilities, name) for name, text in _CAPABILITIES.items()},
            max_useful_trials=told.capabilities.max_useful_trials or None,
            learns=told.capabilities.uses_values,
        )


def _told(told: "types_pb2.AlgorithmDescription | types_pb2.RuleDescription") -> dict[str, Any]:
    """What algorithms and rules have in common."""
    return {
        "name": told.name,
        "aliases": tuple(told.aliases),
        "summary": told.summary,
        "description": told.description,
        "source": told.source,
        "settings": tuple(Setting.from_proto(setting) for setting in told.settings),
    }


_CAPABILITIES = {
    "conditional": "conditional parameters",
    "constraints": "constraints",
    "multi_objective": "several objectives",
    "multi_fidelity": "several fidelities",
}
