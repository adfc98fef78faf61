"""Texts from outside, made fit for both databases; and JSON in one spelling."""

import json
from typing import Any, Final

MESSAGE: Final = 4096
"""Bytes that a stored message may have."""


def clean(text: str) -> str:
    """`text` without what a database refuses: NUL (PostgreSQL) and lone surrogates (both)."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def clean_message(text: str) -> str:
    """`text`, clean and at most `MESSAGE` bytes long; a longer one ends with an ellipsis."""
    text = clean(text)
    if len(text) <= MESSAGE // 4:
        return text
    data = text.encode()
    if len(data) <= MESSAGE:
        return text
    return data[: MESSAGE - len("…".encode())].decode(errors="ignore") + "…"


_encode = json.JSONEncoder(separators=(",", ":"), sort_keys=True, allow_nan=False).encode


def to_json(value: Any) -> str:
    """One spelling of each value: keys sorted, no spaces, ASCII only (so NUL and surrogates are harmless)."""
    return _encode(value)


from_json = json.loads
