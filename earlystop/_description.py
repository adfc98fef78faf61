"""What a rule says of itself: for people who choose one, and for the manager."""

from dataclasses import dataclass

from tunesmith.services.settings import SettingDescription


@dataclass(frozen=True, slots=True)
class RuleDescription:
    """One rule. `summary` is one line, `description` a paragraph, `source` the paper or origin of the method."""

    name: str
    summary: str
    description: str
    source: str
    settings: tuple[SettingDescription, ...] = ()
    aliases: tuple[str, ...] = ()
