"""Paths into a document: `spec.parameters[2].min` as text, ("spec", "parameters", 2, "min") in the program."""

import json
import re

Where = tuple[str | int, ...]

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_STEP = re.compile(
    r"""(?P<dot>\.)?(?P<plain>[^.\[\]"\s]+)|\[(?P<index>[0-9]{1,9})\]|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]"""
)


def where_text(where: Where) -> str:
    """The path as text; a key with other characters than letters, digits, `_` and `-` stands in brackets and quotes."""
    text = "".join(map(_step_text, where))
    return text.removeprefix(".")


def below(path: str, step: str | int) -> str:
    """The text of a path, one step further."""
    return f"{path}{_step_text(step)}".removeprefix(".")


def _step_text(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _PLAIN.fullmatch(step) else f"[{json.dumps(step, ensure_ascii=False)}]"


def parse_where(text: str) -> Where:
    """The path that `text` writes; ValueError when it writes none."""
    where: list[str | int] = []
    position = 0
    while position < len(text) or not where:
        match = _STEP.match(text, position)
        if match is None or (match["plain"] is not None and (match["dot"] is not None) != bool(where)):
            raise ValueError(f"must be a path such as spec.parameters[2].min, but got {text!r}")
        where.append(_step(match))
        position = match.end()
    return tuple(where)


def _step(match: re.Match[str]) -> str | int:
    if match["index"] is not None:
        return int(match["index"])
    return match["plain"] if match["plain"] is not None else str(json.loads(match["quoted"]))
