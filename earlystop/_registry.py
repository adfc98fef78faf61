"""Which rules there are: every module of `rules/`, and what third parties offer by entry points.

Adding a rule is adding a file with a class under `@register`. A third party names, in the entry point group
`tunesmith.rules`, such a class, or a module that holds some.
"""

from collections.abc import Sequence
from typing import Final, TypeVar

from tunesmith.earlystop._rule import Rule
from tunesmith.services import registry

OFFERING: Final[registry.Offering[Rule]] = registry.Offering(
    package="tunesmith.earlystop.rules", group="tunesmith.rules", mark="__tunesmith_rule__"
)
_Class = TypeVar("_Class", bound=type)


def register(rule: _Class) -> _Class:
    """Mark a class as a rule that the service offers. It is made once, without arguments."""
    return OFFERING.register(rule)


class Registry(registry.Registry[Rule]):
    """Rules by name and alias."""

    def __init__(self, offered: Sequence[Rule]) -> None:
        """Offer `offered`. Raises ValueError when two of them share a name."""
        super().__init__("rule", offered)

    def only(self, names: Sequence[str]) -> "Registry":
        """Return a registry of the rules called `names`. Raises NotFound."""
        return Registry(self.choose(names))


def load_registry() -> Registry:
    """Find every rule that is installed. One of a third party that cannot be used is logged and left out."""
    return Registry(OFFERING.load())
