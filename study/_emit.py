"""YAML for people: block style, and flow style for what fits on one line, as documents are written by hand.

Every YAML reader understands it the same way: a string is quoted where YAML 1.1 or 1.2 would see something else, and
doubles have a point.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tunesmith.study._scalars import resolve

_WIDTH = 120
_BREAK = "\n"
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*|[0-9]+[KMGTPdhms][A-Za-z0-9]*")
_WORDS = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null"])  # YAML 1.1 saw more than strings
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def emit(document: Mapping[str, Any]) -> str:
    """The document as text that ends with a line break."""
    return "\n".join(_block(document, "")) + "\n"


def _block(value: Any, indent: str) -> Iterator[str]:
    """Lines of a mapping or a list that is not empty."""
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _entry(f"{indent}{_scalar(key)}:", entry, indent, top=True)
    else:
        for entry in value:
            yield from _entry(f"{indent}-", entry, indent, top=False)


def _entry(head: str, value: Any, indent: str, *, top: bool) -> Iterator[str]:
    """Lines of one entry: on one line when it is short, and no mapping of a mapping, which people read in a column."""
    if isinstance(value, str) and _literal(value):
        yield f"{head} {'|' if value.endswith(_BREAK) else '|-'}"
        yield from (f"{indent}  {line}" if line else "" for line in value.removesuffix(_BREAK).split(_BREAK))
        return
    flow = f"{head} {flow_text(value)}"
    if not isinstance(value, (Mapping, list)) or not value or (len(flow) <= _WIDTH and _leaf(value, top=top)):
        yield flow
        return
    lines = _block(value, f"{indent}  ")
    if not top and isinstance(value, Mapping):
        yield f"{head} {next(lines).lstrip()}"  # the first key stands beside the dash
    else:
        yield head
    yield from lines


def _leaf(value: Any, *, top: bool) -> bool:
    if isinstance(value, list):
        return not any(isinstance(item, (Mapping, list)) or _literal(item) for item in value)
    return not top


def _literal(value: Any) -> bool:
    """Whether the value is text of several lines that can stand as they are."""
    if not isinstance(value, str) or not value[:1].strip() or value.endswith("\n\n"):
        return False
    return "\n" in value[:-1] and all(line.isprintable() for line in value.split(_BREAK))


def flow_text(value: Any) -> str:
    """The value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(key)}: {flow_text(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow_text, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _double(value)
    if isinstance(value, int) or _plain(value):
        return str(value)
    return '"' + "".join(map(_escape, value)) + '"'


def _double(value: float) -> str:
    text = repr(value)
    mantissa, exponent, power = text.partition("e")
    return f"{mantissa}.0e{power}" if exponent and "." not in mantissa else text


def _plain(text: str) -> bool:
    return bool(_PLAIN.fullmatch(text)) and text.lower() not in _WORDS and isinstance(resolve(text), str)


def _escape(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
