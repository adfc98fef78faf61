"""What a service offers by name: every module of a folder, and what third parties offer by entry points.

Adding one is adding a file with a class under the decorator. A third party names, in the entry point group, such a
class, or a module that holds some.
"""

import difflib
import importlib
import logging
import pkgutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from types import ModuleType
from typing import Generic, Protocol, TypeVar

from tunesmith.services.errors import NotFound

_log = logging.getLogger(__name__)
_Class = TypeVar("_Class", bound=type)


class Named(Protocol):
    """What something says of itself."""

    @property
    def name(self) -> str:
        """Under which it is offered."""

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names under which it is accepted."""


class Described(Protocol):
    """Something that a service offers."""

    @property
    def description(self) -> Named:
        """What it says of itself."""


D = TypeVar("D", bound=Described)


class Registry(Generic[D]):
    """What is offered, by name and alias."""

    def __init__(self, noun: str, offered: Sequence[D]) -> None:
        """Offer `offered`, each a `noun`. Raises ValueError when two of them share a name."""
        self._noun, self._offered = noun, tuple(offered)
        self._by_name: dict[str, D] = {}
        for one in offered:
            for name in _names(one):
                if name in self._by_name:
                    raise ValueError(f"two {noun}s are called {name!r}")
                self._by_name[name] = one

    def __iter__(self) -> Iterator[D]:
        """Iterate over what is offered, in the order of the names."""
        return iter(sorted(self._offered, key=lambda one: one.description.name))

    def get(self, name: str) -> D:
        """Return what is called `name`. Raises NotFound, which says what there is."""
        if found := self._by_name.get(name):
            return found
        near = difflib.get_close_matches(name[:100], list(self._by_name), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        offered = ", ".join(one.description.name for one in self)
        raise NotFound(f"{self._noun} {name[:100]!r} is not offered here{hint} (offered: {offered})")

    def choose(self, names: Sequence[str]) -> list[D]:
        """Return what is called `names`, each once. Raises NotFound."""
        return list({self.get(name).description.name: self.get(name) for name in names}.values())


@dataclass(frozen=True, slots=True)
class Offering(Generic[D]):
    """Where things of one kind are found. `package` has ours, one module each; `group`: entry points of third parties.

    `mark` is the attribute by which a class under the decorator is known.
    """

    package: str
    group: str
    mark: str

    def register(self, offered: _Class) -> _Class:
        """Mark a class as one that is offered. It is made once, without arguments."""
        setattr(offered, self.mark, offered)
        return offered

    def load(self) -> list[D]:
        """Make everything that is installed. One of a third party that cannot be used is logged and left out."""
        offered: list[D] = []
        for found in pkgutil.iter_modules(importlib.import_module(self.package).__path__):
            if not found.name.startswith("_"):
                offered += self._made(importlib.import_module(f"{self.package}.{found.name}"))
        for entry in metadata.entry_points(group=self.group):
            offered += self._third_party(entry, {name for one in offered for name in _names(one)})
        return offered

    def _third_party(self, entry: metadata.EntryPoint, taken: set[str]) -> list[D]:
        """Make what an entry point names; a failure there must not take our own away."""
        try:
            made = self._made(entry.load())
            names = [name for one in made for name in _names(one)]
        except Exception:
            _log.exception("the entry point %s = %s cannot be used", entry.name, entry.value)
            return []
        clash = sorted(name for name in set(names) if name in taken or names.count(name) > 1)
        if clash or not made:
            why = f"its names are taken: {', '.join(clash)}" if clash else "it holds nothing under @register"
            _log.error("the entry point %s = %s is left out: %s", entry.name, entry.value, why)
            return []
        return made

    def _made(self, source: object) -> list[D]:
        """Make what the classes of a module are, or the one that a class is."""
        if not isinstance(source, ModuleType):
            return [source()] if isinstance(source, type) and self._registered(source) else []
        found = [item for item in vars(source).values() if isinstance(item, type) and self._registered(item)]
        # what a module merely imports from elsewhere belongs to another
        return [item() for item in found if f"{item.__module__}.".startswith(f"{source.__name__}.")]

    def _registered(self, item: type) -> bool:
        """Whether a class is under @register itself, rather than a base of it."""
        return vars(item).get(self.mark) is item


def _names(one: Described) -> tuple[str, ...]:
    """List the names under which something is accepted."""
    return (one.description.name, *one.description.aliases)
