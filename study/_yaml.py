"""YAML 1.2, and so JSON, from people we do not know: read without making objects, within limits, with places.

Only the parser's events are used: depth, nodes and aliases are counted while they come (in `_compose`), so that no
small text becomes a large tree, and the parser never goes deeper than the limit, where it would take minutes.
"""

from collections.abc import Iterator
from typing import Any

from tunesmith.study._compose import Composer, Stop, place
from tunesmith.study._mistakes import DocumentError, Mistake
from tunesmith.study._node import Mark, Node

MAX_BYTES = 1 << 20

_START = Mark(1, 1)


def read_yaml(text: str | bytes, log: list[Mistake]) -> Node:
    """The one document of `text`; mistakes are put on `log`, and raised as DocumentError where they end the reading."""
    try:
        decoded = _decode(text)
        return Composer(decoded, _events(decoded), log).document()
    except Stop as stop:
        log.append(Mistake("", stop.message, stop.mark.line, stop.mark.column))
        raise DocumentError(log) from None


def _decode(text: str | bytes) -> str:
    """The text without its byte order mark; refuses what is large, and what is not UTF-8."""
    size = len(text) if isinstance(text, bytes) or len(text) > MAX_BYTES else len(text.encode(errors="replace"))
    if size > MAX_BYTES:
        raise Stop(f"a document must have at most 1 MiB ({MAX_BYTES:,} bytes), but got {size:,} bytes")
    return (text if isinstance(text, str) else _utf8(text)).removeprefix("\ufeff")


def _utf8(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        at = _START.after(data[: error.start].decode())
        raise Stop(f"must be UTF-8 text, but got the byte 0x{data[error.start]:02x}", at) from None


def _events(text: str) -> Iterator[Any]:
    """The parser's events; what the parser says against the text, in our words."""
    from ruamel.yaml import YAML  # 0.1 s that only readers of documents pay
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as error:
        reason = ": ".join(str(part) for part in (error.context, error.problem) if part)
        raise Stop(f"must be YAML, but the parser says: {reason}", place(error.problem_mark)) from None
    except ReaderError as error:
        at = _START.after(text[: error.position])
        raise Stop(f"must be text, but got the character U+{ord(text[error.position]):04X}", at) from None
    except (YAMLError, ValueError) as error:
        raise Stop(f"must be YAML, but the parser says: {error}") from None
