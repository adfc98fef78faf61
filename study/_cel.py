"""CEL, the expression language of constraints, by the package common-expression-language."""

import re
import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from threading import Lock
from typing import Any, Protocol, cast

from tunesmith.study._values import ParameterValue, is_number


class Program(Protocol):
    """A compiled expression."""

    def execute(self, context: dict[str, Any]) -> Any:
        """Evaluate it; raises TypeError and other errors where it has no value."""
        ...

    def variables(self) -> list[str]:
        """Names it uses, those that macros bind included."""
        ...


@lru_cache(maxsize=4096)
def compiled(text: str) -> Program:
    """The program of an expression; raises ValueError for what is no CEL."""
    return cast(Program, _cel().compile(text))


_LOADING = Lock()


def _cel() -> Any:
    """The extension module in the package `cel`.

    The package itself also imports the command line that comes with it, which takes 0.6 s. So the extension is loaded
    on its own, under the name that the package would give it, because it can be loaded only once in a process.
    """
    with _LOADING:
        return sys.modules.get("cel.cel") or _load()


def _load() -> Any:
    package = find_spec("cel")
    spec = package and PathFinder.find_spec("cel.cel", package.submodule_search_locations)
    if not spec or not spec.loader:
        return import_module("cel")
    module = sys.modules["cel.cel"] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def syntax_error(error: ValueError) -> str:
    """What the parser says, in a line: it answers with a drawing of the expression, and lists all it would accept."""
    match = re.search(r"<input>:\d+:(\d+): (?:Syntax error: )?(.*)", str(error))
    return f"{match[2].split(' expecting {')[0]} (column {match[1]})" if match else str(error).split("\n")[0]


def context(values: Mapping[str, ParameterValue]) -> dict[str, Any]:
    """What a program sees: every number is a CEL double."""
    return {"params": {name: float(value) if is_number(value) else value for name, value in values.items()}}
