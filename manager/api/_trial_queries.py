"""Which trials a caller asks for, and where its pages end. Raises FixRequest with the field and its rule."""

import base64
import binascii
import json
from math import isfinite
from typing import Any, Final

from tunesmith.manager.storage import TrialCursor, TrialQuery
from tunesmith.services.errors import FixRequest
from tunesmith.study import DocumentError, Mistake, ParameterValue, TrialRange, TrialState, wire
from tunesmith.v1 import manager_pb2 as pb
from tunesmith.v1 import types_pb2 as types

_SEARCH: Final = 1000
"""Letters that a search may have."""
_RANGES: Final = 100
_HALF: Final = 2**63
"""Beyond the largest number that a database counts with."""


def query_of(request: pb.ListTrialsRequest) -> TrialQuery:
    """What is asked for."""
    if len(request.search) > _SEARCH:
        raise _wrong("search", f"must have at most {_SEARCH:,} letters, but got {len(request.search):,}")
    if len(request.ranges) > _RANGES:
        raise _wrong("ranges", f"must be at most {_RANGES}, but got {len(request.ranges):,}")
    if request.skip < 0:
        raise _wrong("skip", f"must not be below 0, but got {request.skip}")
    return TrialQuery(
        states=tuple(_state(state, f"states[{index}]") for index, state in enumerate(request.states)),
        search=request.search,
        ranges=tuple(_range(one, f"ranges[{index}]") for index, one in enumerate(request.ranges)),
        order=request.order_by or "number",
        descending=request.descending,
    )


def _range(given: pb.TrialRange, path: str) -> TrialRange:
    return TrialRange(
        field=given.field,
        least=given.min if given.HasField("min") else None,
        most=given.max if given.HasField("max") else None,
        values=tuple(_value(value, f"{path}.values[{index}]") for index, value in enumerate(given.values)),
        missing=given.missing,
    )


def _value(given: types.Value, path: str) -> ParameterValue:
    try:
        return wire.value_from_proto(given, path)
    except DocumentError as error:
        raise FixRequest("the trials that are asked for have mistakes", error.mistakes) from error


def _state(given: types.TrialState.ValueType, path: str) -> TrialState:
    if given not in wire.TRIAL_STATE_FROM_PROTO:
        raise _wrong(path, f"must be a state of a trial, but got {given}")
    return wire.TRIAL_STATE_FROM_PROTO[given]


def token_of(request: pb.ListTrialsRequest, end: TrialCursor | None) -> str:
    """The token of the next page; empty: there is none."""
    if end is None:
        return ""
    if _by_number(request):
        return str(end.number)
    content = json.dumps([_order(request), end.key, end.number], separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode()).decode()


def cursor_of(request: pb.ListTrialsRequest) -> TrialCursor | None:
    """Where the page before ended; None: this is the first."""
    token = request.page_token
    if not token:
        return None
    if token.isascii() and token.isdigit() and len(token) < 19:
        return _fitting(request, [_order(pb.ListTrialsRequest()), int(token), int(token)])
    try:
        return _fitting(request, json.loads(base64.b64decode(token, altchars=b"-_", validate=True)))
    except (binascii.Error, ValueError, RecursionError):  # what is no JSON, and no UTF-8, is a ValueError
        raise _not_ours(token) from None


def _fitting(request: pb.ListTrialsRequest, content: Any) -> TrialCursor:
    """The cursor in a token, which must be one that we may have made for this order."""
    match content:
        case [str(order), float() | int() | str() | None as key, int(number)] if _sound(key, number):
            if order != _order(request):
                rule = f"must be of the order that is asked for, {_order(request)}, but got one of {order[:120]}"
                raise _wrong("page_token", rule)
            return TrialCursor(key, number)
    raise _not_ours(request.page_token)


def _sound(key: float | int | str | None, number: int) -> bool:
    """Whether a database can compare with them."""
    if isinstance(key, bool) or not 0 <= number < _HALF:
        return False
    return -_HALF <= key < _HALF if isinstance(key, int) else not isinstance(key, float) or isfinite(key)


def _by_number(request: pb.ListTrialsRequest) -> bool:
    return request.order_by in ("", "number") and not request.descending


def _order(request: pb.ListTrialsRequest) -> str:
    return f"{request.order_by or 'number'} {'descending' if request.descending else 'ascending'}"


def _not_ours(token: str) -> FixRequest:
    return _wrong("page_token", f"must be one that an earlier page gave, but got {token[:80]!r}")


def _wrong(path: str, rule: str) -> FixRequest:
    return FixRequest(f"`{path}` {rule}", [Mistake(path, rule)])
