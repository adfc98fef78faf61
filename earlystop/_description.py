"""What a rule says of itself: for people who choose one, and for the manager."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tunesmith.services.settings import SettingDescription
from tunesmith.study import ParameterValue


@dataclass(frozen=True, slots=True)
class RuleDescription:
    """One rule. `summary` is one line, `description` a paragraph, `source` the paper or origin of the method.

    `defaults` holds, by alias, those of its settings that are others under that name, as whoever knows the rule by it
    expects them.
    """

    name: str
    summary: str
    description: str
    source: str
    settings: tuple[SettingDescription, ...] = ()
    aliases: tuple[str, ...] = ()
    defaults: Mapping[str, Mapping[str, ParameterValue]] = field(default_factory=dict)

    def called(self, name: str) -> "RuleDescription":
        """The rule as it is under one of its names."""
        own = self.defaults.get(name, {})
        settings = (replace(one, default=own.get(one.name, one.default)) for one in self.settings)
        return replace(self, settings=tuple(settings))
