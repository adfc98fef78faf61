"""The plain part of CEL as Python functions: parameters, literals, arithmetic, comparisons and logic.

The interpreter takes 5 µs an evaluation, most of it for handing over doubles; this takes a tenth, which counting and
walking need. It only ever does what CEL does: for whatever is not plain, and whatever comes out infinite, it raises
NotPlain, and the interpreter is asked.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunesmith.study._cel_text import Token, tokens
from tunesmith.study._values import ParameterValue

Point = Mapping[str, ParameterValue]
Kind = type[float] | type[int] | type[str] | type[bool]
"""Of an expression's value; int: a literal without a point, which can be compared with doubles and no more."""

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_COMPUTE: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_EXACT = 2**53


class NotPlain(Exception):
    """More of CEL than is known here."""


@dataclass(frozen=True, slots=True)
class _Part:
    """An expression: its kind, and its value at a point."""

    kind: Kind
    value: Callable[[Point], Any]


def quick(text: str, kinds: Mapping[str, Kind | None]) -> Callable[[Point], bool] | None:
    """A function that says what the expression is at a point, or raises NotPlain or ZeroDivisionError; None: not plain.

    `kinds` are those of the parameters; None: its values are of several.
    """
    try:
        part = _Reader(tokens(text), kinds).whole()
    except (NotPlain, RecursionError):
        return None
    return part.value if part.kind is bool else None


class _Reader:
    """Recursive descent through CEL's levels of precedence, for an expression that CEL has accepted."""

    def __init__(self, pieces: Sequence[Token], kinds: Mapping[str, Kind | None]) -> None:
        self._pieces, self._kinds, self._place = pieces, kinds, 0

    def whole(self) -> _Part:
        part = self._choice()
        if self._place != len(self._pieces):
            raise NotPlain
        return part

    def _next(self, *texts: str) -> str | None:
        """Take the next piece when it is one of `texts`."""
        if self._place < len(self._pieces) and (text := self._pieces[self._place].text) in texts:
            self._place += 1
            return text
        return None

    def _take(self) -> Token:
        if self._place >= len(self._pieces):
            raise NotPlain
        self._place += 1
        return self._pieces[self._place - 1]

    def _choice(self) -> _Part:
        test = self._either()
        if not self._next("?"):
            return test
        yes = self._either()
        if not self._next(":"):
            raise NotPlain
        no = self._choice()
        _need(test.kind is bool and yes.kind is no.kind)
        return _Part(yes.kind, lambda point: yes.value(point) if test.value(point) else no.value(point))

    def _either(self) -> _Part:
        left = self._both()
        while self._next("||"):
            left = _logic(left, self._both(), lambda one, other: lambda point: one(point) or other(point))
        return left

    def _both(self) -> _Part:
        left = self._relation()
        while self._next("&&"):
            left = _logic(left, self._relation(), lambda one, other: lambda point: one(point) and other(point))
        return left

    def _relation(self) -> _Part:
        left = self._sum()
        while sign := self._next(*_COMPARE, "in"):
            left = self._listed(left) if sign == "in" else _compared(_COMPARE[sign], left, self._sum())
        return left

    def _listed(self, left: _Part) -> _Part:
        _need(bool(self._next("[")))
        values = []
        while not self._next("]"):
            minus = bool(self._next("-"))
            part = _literal(self._take())
            _need(_comparable(left, part) and not (minus and part.kind not in (float, int)))
            values.append(-part.value({}) if minus else part.value({}))
            _need(bool(self._next(",")) or self._pieces[self._place].text == "]")
        return _Part(bool, lambda point: left.value(point) in values)

    def _sum(self) -> _Part:
        left = self._product()
        while sign := self._next("+", "-"):
            left = _computed(_COMPUTE[sign], left, self._product())
        return left

    def _product(self) -> _Part:
        left = self._unary()
        while sign := self._next("*", "/"):
            left = _computed(_COMPUTE[sign], left, self._unary())
        return left

    def _unary(self) -> _Part:
        sign = self._next("!", "-")
        if not sign:
            return self._primary()
        part = self._unary()
        _need(part.kind is bool if sign == "!" else part.kind in (float, int))
        change = operator.not_ if sign == "!" else operator.neg
        return _Part(part.kind, lambda point: change(part.value(point)))

    def _primary(self) -> _Part:
        token = self._take()
        if token.text == "(":
            part = self._choice()
            _need(bool(self._next(")")))
            return part
        if token.text == "params":
            return self._parameter()
        return _literal(token)

    def _parameter(self) -> _Part:
        dot, name = self._take(), self._take().text
        if dot.text == "[":
            name = name[1:-1]
            _need(bool(self._next("]")))
        kind = self._kinds.get(name)
        if kind is None:
            raise NotPlain
        return _Part(kind, (lambda point: float(point[name])) if kind is float else operator.itemgetter(name))


def _literal(token: Token) -> _Part:
    text = token.text
    value: ParameterValue
    if token.kind == "double":
        value = float(text)
    elif token.kind == "int" and text.isdigit() and int(text) < _EXACT:
        value = int(text)
    elif token.kind == "string" and text[0] in "'\"" and text[1:-1].isalnum():
        value = text[1:-1]
    elif text in ("true", "false"):
        value = text == "true"
    else:
        raise NotPlain
    return _Part(type(value), lambda point: value)


def _need(holds: bool) -> None:
    if not holds:
        raise NotPlain


def _comparable(left: _Part, right: _Part) -> bool:
    return left.kind is right.kind is not int or {left.kind, right.kind} == {float, int}


def _compared(sign: Callable[[Any, Any], bool], left: _Part, right: _Part) -> _Part:
    _need(_comparable(left, right))
    one, other = left.value, right.value
    return _Part(bool, lambda point: sign(one(point), other(point)))


def _computed(sign: Callable[[float, float], float], left: _Part, right: _Part) -> _Part:
    _need(left.kind is right.kind is float)
    one, other = left.value, right.value

    def value(point: Point) -> float:
        result = sign(one(point), other(point))
        if result - result != 0.0:  # infinite or NaN, with which CEL and Python compare differently
            raise NotPlain
        return result

    return _Part(float, value)


def _logic(left: _Part, right: _Part, join: Callable[[Any, Any], Callable[[Point], bool]]) -> _Part:
    _need(left.kind is right.kind is bool)
    return _Part(bool, join(left.value, right.value))
