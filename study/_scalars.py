"""What a plain scalar means: the core schema of YAML 1.2 (§10.3), of which JSON's scalars are a part.

Not what YAML 1.1 said: `yes` and `2026-01-01` are strings, `1e-5` is a number.
"""

import re

from tunesmith.study._node import Scalar

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **{f"{sign}{word}": float(f"{sign}inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
}
_INT = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LONGEST_NUMBER = 1000  # Python refuses to convert long ones, since the time is quadratic


def resolve(text: str) -> Scalar:
    """The value of a scalar that is written without quotes and tags; ValueError for a number of too many digits."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    number = _BASED.fullmatch(text) or _FLOAT.fullmatch(text)
    if number and len(text) > _LONGEST_NUMBER:
        raise ValueError(f"a number must have at most {_LONGEST_NUMBER} characters, but got {len(text)}")
    if _INT.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    return float(text) if number else text


def join_surrogates(text: str) -> str:
    r"""The text with pairs such as `\ud83d\ude00`, as JSON writes them, made one character; a lone half stays."""
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def forbidden(text: str) -> str | None:
    """Why no string of a document may be `text`; None when it may."""
    if "\0" in text:
        return "must not hold a NUL character"  # no command line and no environment can
    if not text.isascii() and _SURROGATE.search(text):
        return "must be Unicode text, but got half of a surrogate pair"
    return None
