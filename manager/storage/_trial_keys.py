"""What trials can be put in order and chosen by, as SQL that means the same on SQLite and PostgreSQL.

A key is an expression over one row of `trials`; what lies in other tables is looked up by its primary key. NULL stands
for all that has no place in an order: what has not come, and values that are not finite, which are stored as NULL.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Double, String, Text, and_, cast, func, or_, select
from sqlalchemy.dialects.postgresql import JSON

from tunesmith.manager.storage import _tables as t
from tunesmith.manager.storage._text import clean, to_json
from tunesmith.services.errors import FixRequest
from tunesmith.study import CategoricalDomain, Mistake, ParameterValue, SearchSpace, TrialRange

_c = t.trials.c
_a = t.attempts.c
_m = t.metric_summaries.c
Expression = ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Key:
    """What trials are put in order by. `listed`: gives the key of a parameter's value, where values are listed."""

    expression: Expression
    text: bool = False
    listed: Callable[[ParameterValue], str] | None = None


def _of_attempt(found: Expression) -> Expression:
    """Of the last attempt."""
    return select(found).where(_a.trial_id == _c.id, _a.number == _c.attempt).scalar_subquery()


_FIELDS: Final = {
    "number": Key(_c.number),
    "name": Key(_c.name, text=True),
    "state": Key(_c.state, text=True),
    "value": Key(_c.value),
    "created": Key(_c.created),
    "started": Key(_of_attempt(_a.started)),
    "finished": Key(_of_attempt(_a.finished)),
    "duration": Key(_of_attempt(_a.finished - _a.started)),
    "attempts": Key(_c.attempt),
}


def key_of(field: str, dialect: str, space: SearchSpace, path: str) -> Key:
    """The key of a field; `path` names where it was asked for. Raises FixRequest."""
    kind, _, name = field.partition(".")
    if field in _FIELDS:
        key = _FIELDS[field]
        return Key(_in_bytes(key.expression, dialect), text=True) if key.text else key
    if kind == "metrics" and name:
        return Key(_latest(name))
    if kind == "params" and name in space.names:
        domain = next(one.domain for one in space.parameters if one.name == name)
        return _listed(name, dialect) if isinstance(domain, CategoricalDomain) else Key(_number(name, dialect))
    known = ", ".join((*_FIELDS, *(f"params.{name}" for name in space.names), "metrics.NAME"))
    rule = f"must be one of {known}, but got {field[:120]!r}"
    raise FixRequest(f"`{path}` {rule}", [Mistake(path, rule)])


def within(wanted: TrialRange, dialect: str, space: SearchSpace, path: str) -> Expression:
    """The condition of a range. Raises FixRequest."""
    key = key_of(wanted.field, dialect, space, f"{path}.field")
    bounds = [bound for bound in (wanted.least, wanted.most) if bound is not None]
    if key.text and (bounds or key.listed is None):
        rule = "must be numbers or times for `min` and `max`" if bounds else "must be a parameter, a number or a time"
        raise _wrong(path, f"{rule}, but got field {wanted.field!r}")
    if wanted.values and key.listed is None:
        raise _wrong(path, f"must have `values` only of a categorical parameter, but got field {wanted.field!r}")
    if any(bound != bound for bound in bounds):
        raise _wrong(path, "must have numbers as bounds, but got NaN")
    found: list[Expression] = []
    if wanted.least is not None:
        found.append(key.expression >= wanted.least)
    if wanted.most is not None:
        found.append(key.expression <= wanted.most)
    if wanted.values and key.listed is not None:
        found.append(key.expression.in_([key.listed(value) for value in wanted.values]))
    if not wanted.missing:
        return and_(key.expression.is_not(None), *found)
    return or_(key.expression.is_(None), and_(*found)) if found else key.expression.is_(None)


def contains(word: str, dialect: str) -> Expression:
    """Whether a word occurs in what is searched. Parameters and labels lie there as JSON, written in one way."""
    word = clean(word)
    found = [column.icontains(word, autoescape=True) for column in (_c.name, _c.state, _c.reason)]
    found.append(("#" + cast(_c.number, String)).contains(word, autoescape=True))
    texts = [to_json(word)[1:-1]]
    for place in (place for place, letter in enumerate(word) if letter == "="):
        name, value = to_json(word[:place])[1:-1], to_json(word[place + 1 :])[1:-1]
        texts += [f'{name}":{value}', f'{name}":"{value}']
    found += [column.icontains(one, autoescape=True) for column in (_c.assignment, _c.labels) for one in texts]
    return or_(*found)


def _latest(metric: str) -> Expression:
    """The latest value of a metric in the last attempt."""
    mine = (_m.trial_id == _c.id, _m.attempt == _c.attempt, _m.metric == clean(metric))
    return select(_m.latest).where(*mine).scalar_subquery()


def _number(name: str, dialect: str) -> Expression:
    """A parameter of numbers. Its name holds nothing that would mean something in a path."""
    if dialect == "sqlite":
        return func.json_extract(_c.assignment, f'$."{name}"', type_=Double)
    return cast(cast(_c.assignment, JSON)[name].astext, Double)


def _listed(name: str, dialect: str) -> Key:
    """A parameter of any values, as the JSON of each: so `true`, `1` and `"1"` are three."""
    if dialect == "sqlite":
        # Two paths give an array, in which the value stands as it is written; one path would give 1 for `true`.
        path = f'$."{name}"'
        found = func.json_extract(_c.assignment, path, path, type_=Text)
        return Key(func.nullif(found, "[null,null]", type_=Text), True, _pair)
    return Key(_in_bytes(cast(cast(_c.assignment, JSON)[name], Text), dialect), True, to_json)


def _pair(value: ParameterValue) -> str:
    """A value as SQLite gives it."""
    return to_json([value, value])


def _in_bytes(expression: Expression, dialect: str) -> Expression:
    """A text in the order of its bytes, whatever language the server speaks."""
    return expression if dialect == "sqlite" else expression.collate("C")


def _wrong(path: str, rule: str) -> FixRequest:
    return FixRequest(f"`{path}` {rule}", [Mistake(path, rule)])
