"""Type-checks a constraint by trying it out at sample points of the space, since the CEL interpreter has no checker."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from math import prod

from tunesmith.study._cel import compiled, context
from tunesmith.study._cel_text import Token, atoms, tokens
from tunesmith.study._domains import Domain
from tunesmith.study._listed import ListedDomain
from tunesmith.study._quick import Point
from tunesmith.study._values import ParameterValue, show

_PROBES = 128
"""How many points an expression is tried out at, at most."""


@lru_cache(maxsize=1024)  # a space is made again whenever its study is read from the database
def mistyped(text: str, domains: tuple[tuple[str, Domain], ...]) -> str | None:
    """What is wrong with the types in `text`, found by trying it out."""
    points = _probes(domains)
    wrong = _failure(text, points)
    literals = _literals(text, points) if wrong else ""
    if literals:
        return f"mixes int and double, and numeric parameters are doubles: write {literals}"
    return wrong


def _failure(text: str, points: Sequence[Point]) -> str | None:
    for point in points:
        try:
            value = compiled(text).execute(context(point))
        except Exception as error:
            return f"cannot be computed: {first_sentence(error)}; {describe(point)}"
        if not isinstance(value, bool):
            return f"must be true or false, but is {show(value)} with {describe(point)}"
    for part in atoms(text):
        errors = [wrong for point in points if (wrong := _error(part, point))]
        if len(errors) == len(points):
            return f"cannot be computed: {first_sentence(errors[0])} in `{part}`"
    return None


def _error(text: str, point: Point) -> Exception | None:
    try:
        compiled(text).execute(context(point))
    except Exception as error:
        return error
    return None


def _literals(text: str, points: Sequence[Point]) -> str:
    """The int literals that should be doubles, as advice; empty when that does not help."""
    ints = [token for token in tokens(text) if token.kind == "int"]
    for chosen in [*([token] for token in ints), ints]:
        better = text
        for token in reversed(chosen):
            better = f"{better[: token.start]}{_double(token)}{better[token.end :]}"
        if chosen and _failure(better, points) is None:
            return ", ".join(dict.fromkeys(f"`{_double(token)}` for `{token.text}`" for token in chosen))
    return ""


def _double(token: Token) -> str:
    return token.text.rstrip("uU") + ".0"


def _probes(domains: Sequence[tuple[str, Domain]]) -> list[Point]:
    """Points to try an expression at: all combinations of some values of each parameter, or a spread of them."""
    names = [name for name, _ in domains]
    samples = [_samples(domain) for _, domain in domains]
    if prod(map(len, samples)) <= _PROBES:
        return [dict(zip(names, values, strict=True)) for values in product(*samples)]
    shares = [0.6180339887498949 ** (index + 1) for index in range(len(samples))]  # irrational, so they never agree
    places = [[k * share % 1.0 for share in shares] for k in range(_PROBES - 1)] + [[0.999] * len(samples)]
    return [
        {name: values[int(place * len(values))] for name, values, place in zip(names, samples, row, strict=True)}
        for row in places
    ]


def _samples(domain: Domain) -> list[ParameterValue]:
    if isinstance(domain, ListedDomain) and len(domain.values) <= _PROBES:
        return list(domain.values)
    return list(dict.fromkeys(domain.decode(unit) for unit in (0.0, 1.0, 0.5, 0.25, 0.75)))


def first_sentence(error: Exception) -> str:
    """The first sentence of an interpreter's error, in CEL's words."""
    return str(error).split(". ")[0].split("\n")[0].replace("float", "double")


def describe(point: Point) -> str:
    return f"({', '.join(f'{name}={show(value)}' for name, value in point.items())})"
