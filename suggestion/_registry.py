"""Which algorithms there are: every module of `algorithms/`, and what third parties offer by entry points.

Adding an algorithm is adding a file with a class under `@register`. A third party names, in the entry point group
`tunesmith.algorithms`, such a class, or a module that holds some.
"""

import difflib
import importlib
import logging
import pkgutil
from collections.abc import Iterator, Sequence
from importlib import metadata
from types import ModuleType
from typing import TypeVar

from tunesmith.services.errors import NotOffered
from tunesmith.study import AlgorithmSpec
from tunesmith.suggestion import algorithms
from tunesmith.suggestion._algorithm import Algorithm
from tunesmith.suggestion._work import Kind

ENTRY_POINTS = "tunesmith.algorithms"
_MARK = "__tunesmith_algorithm__"
_Class = TypeVar("_Class", bound=type)
_log = logging.getLogger(__name__)


def register(algorithm: _Class) -> _Class:
    """Mark a class as an algorithm that the service offers. It is made once, without arguments."""
    setattr(algorithm, _MARK, algorithm)
    return algorithm


class UnknownAlgorithm(LookupError):
    """A name under which no algorithm is offered; the message says which are."""


class Registry:
    """Algorithms by name and alias."""

    def __init__(self, offered: Sequence[Algorithm], elsewhere: Algorithm | None = None) -> None:
        """Offer `offered`, and for studies with an endpoint `elsewhere`, which asks there; None: such are refused.

        Raises ValueError when two of them share a name.
        """
        self._offered, self._elsewhere = tuple(offered), elsewhere
        self._by_name: dict[str, Algorithm] = {}
        for algorithm in offered:
            for name in _names(algorithm):
                if name in self._by_name:
                    raise ValueError(f"two algorithms are called {name!r}")
                self._by_name[name] = algorithm

    def __iter__(self) -> Iterator[Algorithm]:
        """Iterate over the algorithms, in the order of their names."""
        return iter(sorted(self._offered, key=lambda algorithm: algorithm.description.name))

    def get(self, name: str) -> Algorithm:
        """Return the algorithm called `name`. Raises UnknownAlgorithm."""
        if found := self._by_name.get(name):
            return found
        near = difflib.get_close_matches(name[:100], list(self._by_name), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        offered = ", ".join(algorithm.description.name for algorithm in self)
        raise UnknownAlgorithm(f"algorithm {name[:100]!r} is not offered here{hint} (offered: {offered})")

    def serving(self, spec: AlgorithmSpec) -> Algorithm:
        """Return the algorithm of a study. Raises UnknownAlgorithm, and NotOffered for an endpoint."""
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
        """Return a registry of the algorithms called `names`. Raises UnknownAlgorithm."""
        chosen = {self.get(name).description.name: self.get(name) for name in names}
        return Registry(list(chosen.values()), self._elsewhere)


def load_registry() -> Registry:
    """Find every algorithm that is installed. One of a third party that cannot be used is logged and left out."""
    offered: list[Algorithm] = []
    for found in pkgutil.iter_modules(algorithms.__path__):
        if not found.name.startswith("_"):
            offered += _made(importlib.import_module(f"{algorithms.__name__}.{found.name}"))
    for entry in metadata.entry_points(group=ENTRY_POINTS):
        offered += _third_party(entry, {name for algorithm in offered for name in _names(algorithm)})
    return Registry(offered)


def _third_party(entry: metadata.EntryPoint, taken: set[str]) -> list[Algorithm]:
    """Make what an entry point names; a failure there must not take our own algorithms away."""
    try:
        made = _made(entry.load())
        names = [name for algorithm in made for name in _names(algorithm)]
    except Exception:
        _log.exception("the entry point %s = %s cannot be used", entry.name, entry.value)
        return []
    clash = sorted(name for name in set(names) if name in taken or names.count(name) > 1)
    if clash or not made:
        why = f"its names are taken: {', '.join(clash)}" if clash else "it holds nothing under @register"
        _log.error("the entry point %s = %s is left out: %s", entry.name, entry.value, why)
        return []
    return made


def _made(source: object) -> list[Algorithm]:
    """Make the algorithms of a module, or the one that a class is."""
    if not isinstance(source, ModuleType):
        return [source()] if isinstance(source, type) and _registered(source) else []
    found = [item for item in vars(source).values() if isinstance(item, type) and _registered(item)]
    # what a module merely imports from elsewhere belongs to another
    return [item() for item in found if f"{item.__module__}.".startswith(f"{source.__name__}.")]


def _registered(item: type) -> bool:
    """Whether a class is under @register itself, rather than a base of it."""
    return vars(item).get(_MARK) is item


def _names(algorithm: Algorithm) -> tuple[str, ...]:
    """List the names under which an algorithm is accepted."""
    return (algorithm.description.name, *algorithm.description.aliases)
