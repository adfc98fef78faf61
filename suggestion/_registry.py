"""Which algorithms there are: every module of `algorithms/`, and what third parties offer by entry points.

Adding an algorithm is adding a file with a class under `@register`. A third party names, in the entry point group
`tunesmith.algorithms`, such a class, or a module that holds some.
"""

from collections.abc import Sequence
from typing import Final, TypeVar

from tunesmith.services import registry
from tunesmith.services.errors import NotOffered
from tunesmith.services.workers import Kind
from tunesmith.study import AlgorithmSpec
from tunesmith.suggestion._algorithm import Algorithm

OFFERING: Final[registry.Offering[Algorithm]] = registry.Offering(
    package="tunesmith.suggestion.algorithms", group="tunesmith.algorithms", mark="__tunesmith_algorithm__"
)
_Class = TypeVar("_Class", bound=type)


def register(algorithm: _Class) -> _Class:
    """Mark a class as an algorithm that the service offers. It is made once, without arguments."""
    return OFFERING.register(algorithm)


class Registry(registry.Registry[Algorithm]):
    """Algorithms by name and alias."""

    def __init__(self, offered: Sequence[Algorithm], elsewhere: Algorithm | None = None) -> None:
        """Offer `offered`, and for studies with an endpoint `elsewhere`, which asks there; None: such are refused.

        Raises ValueError when two of them share a name.
        """
        super().__init__("algorithm", offered)
        self._elsewhere = elsewhere

    def serving(self, spec: AlgorithmSpec) -> Algorithm:
        """Return the algorithm of a study. Raises NotFound, and NotOffered for an endpoint."""
        if not spec.endpoint:
            return self.get(spec.name)
        if self._elsewhere is None:
            raise NotOffered(
                f"this suggestion service does not ask others, as at {spec.endpoint[:100]} (see --follow-endpoints)"
            )
        return self._elsewhere

    def following(self, elsewhere: Algorithm) -> "Registry":
        """Return a registry that asks elsewhere for studies with an endpoint."""
        return Registry(self._offered, elsewhere)

    def kind_of(self, name: str, endpoint: str = "") -> Kind:
        """Return what a call for such an algorithm does most of the time; QUICK where it only finds a mistake."""
        if endpoint:
            return Kind.WAITING
        found = self._by_name.get(name)
        return Kind.HEAVY if found is not None and found.description.heavy else Kind.QUICK

    def only(self, names: Sequence[str]) -> "Registry":
        """Return a registry of the algorithms called `names`. Raises NotFound."""
        return Registry(self.choose(names), self._elsewhere)


def load_registry() -> Registry:
    """Find every algorithm that is installed. One of a third party that cannot be used is logged and left out."""
    return Registry(OFFERING.load())
