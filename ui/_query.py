"""Which trials are asked for, and in which order: what an address says, and what the manager is asked."""

import json
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any
from urllib.parse import urlencode

from tunesmith import study
from tunesmith.services.errors import FixRequest
from tunesmith.study import Mistake, ParameterValue, TrialState, wire
from tunesmith.ui._words import value as value_text
from tunesmith.v1 import manager_pb2 as pb


@dataclass(frozen=True, slots=True)
class TrialRange(study.TrialRange):
    """Trials by one of their fields, as an address has it: `value:0.1..0.5`, `params.C:..10`, `params.kernel:["rbf"]`.

    A `?` at its end: or those that have none; `params.gamma:?`: only those.
    """

    @classmethod
    def of(cls, text: str) -> "TrialRange":
        """From an address. Raises FixRequest."""
        whole, missing = text.removesuffix("?"), text.endswith("?")
        field, colon, rest = whole.partition(":[")
        if colon:
            return cls(field, values=_values(f"[{rest}", text), missing=missing)
        field, colon, rest = whole.rpartition(":")
        least, dots, most = rest.partition("..")
        if not field or not (dots or (missing and not rest)):
            raise _wrong(text)
        return cls(field, _bound(least, text), _bound(most, text), missing=missing)

    @property
    def text(self) -> str:
        """As an address has it."""
        least, most = ("" if bound is None else repr(bound) for bound in (self.least, self.most))
        found = json.dumps(self.values) if self.values else f"{least}..{most}" if least or most else ""
        return f"{self.field}:{found}?" if self.missing else f"{self.field}:{found or '..'}"

    @property
    def words(self) -> str:
        """For people."""
        name, bounds = self.field.removeprefix("params.").removeprefix("metrics."), (self.least, self.most)
        match bounds:
            case _ if self.values:
                found = ", ".join(value_text(value) for value in self.values)
            case (None, None):
                found = "none" if self.missing else "any"
            case (None, most):
                found = f"at most {value_text(most)}"
            case (least, None):
                found = f"at least {value_text(least)}"
            case (least, most):
                found = f"{value_text(least)} to {value_text(most)}"
        return f"{name}: {found}{' or none' if self.missing and found != 'none' else ''}"

    def to_proto(self) -> pb.TrialRange:
        """For the wire."""
        values = [wire.value_to_proto(value) for value in self.values]
        return pb.TrialRange(field=self.field, min=self.least, max=self.most, values=values, missing=self.missing)


@dataclass(frozen=True, slots=True)
class TrialQuery:
    """Some of a study's trials, and a page of them.

    Attributes:
        states: Only these; empty: all.
        search: Words that must all occur in its name, `#number`, state, reason, parameters or labels.
        sort: `number`, `value`, ..., `params.NAME` or `metrics.NAME`.
        descending: The largest first. Trials without the value come last in either order.
        offset: How many are left out before the page.
        limit: How many there are on the page.
        ranges: All must hold.
    """

    states: tuple[TrialState, ...] = ()
    search: str = ""
    sort: str = "number"
    descending: bool = False
    offset: int = 0
    limit: int = 50
    ranges: tuple[TrialRange, ...] = ()

    def request(self, key: pb.StudyKey) -> pb.ListTrialsRequest:
        """What the manager is asked for this page."""
        return pb.ListTrialsRequest(
            study=key,
            page_size=self.limit,
            states=[wire.TRIAL_STATE_TO_PROTO[state] for state in self.states],
            search=self.search,
            ranges=[one.to_proto() for one in self.ranges],
            order_by=self.sort,
            descending=self.descending,
            skip=self.offset,
        )

    def address(self, **changes: Any) -> str:
        """The query of the address of these trials, with some of the fields changed."""
        one = replace(self, **changes)
        parts: list[tuple[str, str]] = [("sort", one.sort), ("order", "desc" if one.descending else "asc")]
        parts += [("q", one.search)] * bool(one.search) + [("offset", str(one.offset))] * bool(one.offset)
        parts += [("state", state.value) for state in one.states]
        return urlencode([*parts, *(("range", found.text) for found in one.ranges)])

    def without(self, found: TrialRange) -> str:
        """The same without one range, from the first page on."""
        return self.address(ranges=tuple(one for one in self.ranges if one is not found), offset=0)


def ranges_of(texts: list[str]) -> tuple[TrialRange, ...]:
    """The ranges of an address. Raises FixRequest."""
    return tuple(TrialRange.of(text) for text in texts)


def _bound(text: str, whole: str) -> float | None:
    try:
        bound = float(text) if text else None
    except ValueError:
        raise _wrong(whole) from None
    if bound is not None and not isfinite(bound):
        raise _wrong(whole)
    return bound


def _values(text: str, whole: str) -> tuple[ParameterValue, ...]:
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise _wrong(whole) from None
    if not all(_possible(value) for value in found):
        raise _wrong(whole)
    return tuple(found)


def _possible(value: object) -> bool:
    """Whether a parameter can have the value, and the wire can carry it."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode() == value
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return isinstance(value, float) and isfinite(value)


def _wrong(text: str) -> FixRequest:
    rule = f"must be `FIELD:MIN..MAX` or `FIELD:[VALUE, ...]`, but got {text[:100]!r}"
    return FixRequest(f"`range` {rule}", [Mistake("range", rule)])
