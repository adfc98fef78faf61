"""Texts of the command line as values; what is wrong with them is a usage error (exit code 2)."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tunesmith.study import ParameterValue

_TRIAL_NAME = re.compile(r"(?P<study>.+)-\d+-[a-z2-7]{5}")


def labels_of(texts: Sequence[str]) -> dict[str, str]:
    """`k=v` texts as labels."""
    pairs = [text.partition("=") for text in texts]
    for text, (key, equals, _) in zip(texts, pairs, strict=True):
        if not key or not equals:
            raise click.BadParameter(f"a label is KEY=VALUE, but got {text!r}")
    return {key: value for key, _, value in pairs}


def overrides_of(texts: Sequence[str]) -> list[tuple[str, str]]:
    """`path=value` texts as overrides of a document."""
    pairs = [text.partition("=") for text in texts]
    for text, (path, equals, _) in zip(texts, pairs, strict=True):
        if not path or not equals:
            raise click.BadParameter(f"--set takes PATH=VALUE, but got {text!r}")
    return [(path.strip(), value) for path, _, value in pairs]


def assignment_of(texts: Sequence[str]) -> dict[str, "ParameterValue"]:
    """`k=v` texts as values of parameters; a value is a YAML scalar, so that `k='"1"'` is a string."""
    from tunesmith.study._scalars import resolve

    values: dict[str, ParameterValue] = {}
    for text in texts:
        name, equals, word = text.partition("=")
        quoted = len(word) > 1 and word[0] == word[-1] and word[0] in "'\""
        value = word[1:-1] if quoted else resolve(word)
        if not name or not equals or value is None:
            raise click.BadParameter(f"a value is NAME=VALUE, but got {text!r}")
        if name in values:
            raise click.BadParameter(f"each parameter is given once, but got {name!r} twice")
        values[name] = value
    return values


def trial_of(text: str) -> tuple[str, str]:
    """Study and trial that `digits-3-k2f4q` or `digits/3` name."""
    study, slash, trial = text.partition("/")
    if slash and study and trial:
        return study, trial
    match = _TRIAL_NAME.fullmatch(text)
    if match is None:
        raise click.BadParameter(f"a trial is named as `digits-3-k2f4q` or `digits/3`, but got {text!r}")
    return match["study"], text


def count_of(text: str) -> int:
    """A whole number from 1."""
    if not text.strip().isdigit() or int(text) < 1:
        raise click.BadParameter(f"a number of trials is a whole number from 1, or `none`, but got {text!r}")
    return int(text)


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def duration_of(text: str) -> float:
    """Seconds in `90s`, `10m`, `1h30m`."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        raise click.BadParameter(f"a time is written as 90s, 10m, 2h or 1h30m, but got {text!r}")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
