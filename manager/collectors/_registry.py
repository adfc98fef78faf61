"""Collectors by kind. One is one public module of this package, or an entry point of the group below."""

import importlib
import pkgutil
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import TypeVar

from tunesmith.manager.collectors._parser import LineParser
from tunesmith.study import CollectorSpec

ENTRY_POINTS = "tunesmith.collectors"

ParserFactory = Callable[[CollectorSpec, frozenset[str] | None], LineParser]
F = TypeVar("F", bound=ParserFactory)

_factories: dict[str, ParserFactory] = {}


def register(kind: str) -> Callable[[F], F]:
    """Decorator: offer a collector under `kind`."""

    def decorate(factory: F) -> F:
        if kind in _factories:
            raise ValueError(f"a collector's kind must be unique, but got {kind!r} twice")
        _factories[kind] = factory
        return factory

    return decorate


def make_collector(spec: CollectorSpec, wanted: frozenset[str] | None) -> LineParser:
    """The parser of lines that a document asks for.

    Args:
        spec: Its kind, and what the kind takes.
        wanted: Names of the metrics to find; None: every one.

    Raises:
        ValueError: There is no such kind, or a pattern is none.
    """
    package = importlib.import_module(__package__ or "")
    if spec.kind not in _factories and spec.kind in {module.name for module in pkgutil.iter_modules(package.__path__)}:
        importlib.import_module(f"{package.__name__}.{spec.kind}")
    if spec.kind not in _factories:
        for point in entry_points(group=ENTRY_POINTS, name=spec.kind):
            point.load()
    if spec.kind not in _factories:
        raise ValueError(f"`collector.kind` must be one that is installed, but got {spec.kind!r}")
    return _factories[spec.kind](spec, wanted)
