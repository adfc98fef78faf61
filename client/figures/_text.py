"""Texts in a figure. Plotly reads some HTML, entities, `%{...}` and, beside MathJax, `$...$`: all are escaped."""

import re
from collections.abc import Iterable, Mapping

from tunesmith.client._format import duration, number
from tunesmith.client._terminal import safe
from tunesmith.study import ParameterValue

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;", "%": "&#37;"}
_SPECIAL = re.compile("[&<>$%]")
_CHARACTERS = {entity: character for character, entity in _ENTITIES.items()}
_ENTITY = re.compile("|".join(_CHARACTERS))

LONGEST = 40
"""Characters of a name that are shown."""
_PARAMETERS = 12
"""Parameters that a hover text lists."""

__all__ = ["duration", "escaped", "hover", "listed", "number", "value_text"]


def escaped(text: str, longest: int = LONGEST) -> str:
    """A text of others, as Plotly shows it literally; the middle of a long one is left out."""
    text = safe(text)
    if len(text) > longest:
        text = f"{text[: longest // 2]}…{text[-(longest - longest // 2 - 1) :]}"
    return _SPECIAL.sub(lambda match: _ENTITIES[match.group()], text) if _SPECIAL.search(text) else text


def plain(text: str) -> str:
    """An escaped text as it was, for the few places where Plotly shows texts literally."""
    return _ENTITY.sub(lambda match: _CHARACTERS[match.group()], text)


def value_text(value: ParameterValue, longest: int = LONGEST) -> str:
    """A parameter's value, short."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number(value)
    return escaped(value, longest) if value else "(empty)"


def listed(values: Mapping[str, ParameterValue], names: Mapping[str, str]) -> str:
    """Parameters line by line, in the order of `names`, which holds them as they are shown."""
    rows = [f"{shown}: {value_text(values[name])}" for name, shown in names.items() if name in values]
    more = [f"and {len(rows) - _PARAMETERS + 1} more"] if len(rows) > _PARAMETERS else []
    return "<br>".join([*(rows[: _PARAMETERS - 1] if more else rows), *more])


def hover(title: str, *lines: str) -> str:
    """A hover text: a name in bold, and lines under it; empty ones are left out."""
    return "<br>".join([f"<b>{escaped(title)}</b>", *filter(None, lines)])


def joined(parts: Iterable[str]) -> str:
    """`a, b and c`."""
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last
