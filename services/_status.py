"""Between the errors of `errors` and google.rpc statuses, in both directions."""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar, cast

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

from tunesmith.services import errors
from tunesmith.study import Mistake

_M = TypeVar("_M", bound=Message)

DETAILS_KEY = "grpc-status-details-bin"
DOMAIN = "tunesmith.dev"

_POSITION = re.compile(r" \(line (\d+), column (\d+)\)$")

_CLASSES: tuple[type[errors.TunesmithError], ...] = (
    errors.FixRequest,
    errors.NotFound,
    errors.AlreadyExists,
    errors.NotNow,
    errors.StartOver,
    errors.Authenticate,
    errors.Forbidden,
    errors.TryAgain,
    errors.FreeSpace,
    errors.NotOffered,
    errors.ReportBug,
)
_BY_REASON = {kind.reason: kind for kind in _CLASSES}
# What a status without our ErrorInfo means: it comes from gRPC itself, from a proxy, or from somebody else's server.
_BY_CODE: Mapping[grpc.StatusCode, type[errors.TunesmithError]] = {
    **{grpc.StatusCode[kind.code]: kind for kind in _CLASSES},
    grpc.StatusCode.OUT_OF_RANGE: errors.FixRequest,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.TryAgain,
    grpc.StatusCode.CANCELLED: errors.TryAgain,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.TryAgain,  # a quota; only our ErrorInfo says that a disk is full
    grpc.StatusCode.UNAVAILABLE: errors.CheckAddress,
}
_LOST = "Internal error from Core"
"""What gRPC's asyncio client puts over the status of a server that ended a call while it was still being written to, as
one does that refuses it (https://github.com/grpc/grpc/issues/36066)."""
_GENERIC = "the server failed in a way it was not written for; its log has the details"


def to_status(error: BaseException, room: int) -> tuple[grpc.StatusCode, str, tuple[Message, ...]]:
    """See `errors.to_status`."""
    if not isinstance(error, errors.TunesmithError):
        error = errors.ReportBug(_GENERIC)
    message = _cut(error.message, room // 4)
    details: list[Message] = [_info(error)]
    if isinstance(error, errors.FixRequest) and error.mistakes:
        details.append(_bad_request(error.mistakes, room - len(message.encode())))
    return grpc.StatusCode[error.code], message, tuple(details)


def trailing_metadata(
    code: grpc.StatusCode, message: str, details: Iterable[Message]
) -> tuple[tuple[str, str | bytes], ...]:
    """The metadata in which a google.rpc.Status travels; code and message must be those of the call."""
    status = status_pb2.Status(code=_number(code), message=message)
    for detail in details:
        status.details.add().Pack(detail)
    return ((DETAILS_KEY, status.SerializeToString()),)


def from_rpc_error(error: grpc.RpcError) -> errors.TunesmithError:
    """See `errors.from_rpc_error`."""
    call = cast(grpc.Call, error)
    code = call.code() if hasattr(error, "code") else grpc.StatusCode.UNKNOWN
    message = (call.details() if hasattr(error, "details") else "") or str(code)
    details = _details(error)
    info = _unpack(details, error_details_pb2.ErrorInfo())
    kind = _BY_REASON.get(info.reason) or _by_code(code, message)
    if info.reason == errors.BaseRevision.reason:
        return _base_revision(info.metadata) or errors.NotNow(message)
    if kind is errors.FixRequest:
        return errors.FixRequest(message, _mistakes(_unpack(details, error_details_pb2.BadRequest())))
    return kind(_explained(code, message) if not info.reason else message)


def _by_code(code: grpc.StatusCode, message: str) -> type[errors.TunesmithError]:
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in message:  # gRPC's own words
        return errors.FixRequest
    if code is grpc.StatusCode.INTERNAL and message == _LOST:
        return errors.TryAgain
    return _BY_CODE.get(code, errors.ReportBug)


def _info(error: errors.TunesmithError) -> error_details_pb2.ErrorInfo:
    metadata = {}
    if isinstance(error, errors.BaseRevision):
        metadata = {"revision": str(error.revision), "digest": str(error.digest)}
    return error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata)


def _bad_request(mistakes: Sequence[Mistake], room: int) -> error_details_pb2.BadRequest:
    request = error_details_pb2.BadRequest()
    for done, mistake in enumerate(mistakes):
        description = _cut(mistake.message, errors.NARROW // 4) + _position(mistake)
        violation = error_details_pb2.BadRequest.FieldViolation(field=mistake.path, description=description)
        room -= violation.ByteSize()
        if room < 0:
            request.field_violations.add(description=f"and {len(mistakes) - done} more mistakes")
            break
        request.field_violations.append(violation)
    return request


def _position(mistake: Mistake) -> str:
    return f" (line {mistake.line}, column {mistake.column})" if mistake.line else ""


def _mistakes(request: error_details_pb2.BadRequest) -> list[Mistake]:
    return [_mistake(violation.field, violation.description) for violation in request.field_violations]


def _mistake(path: str, description: str) -> Mistake:
    found = _POSITION.search(description)
    if found is None:
        return Mistake(path, description)
    return Mistake(path, description[: found.start()], int(found[1]), int(found[2]))


def _base_revision(metadata: Mapping[str, str]) -> errors.BaseRevision | None:
    try:
        return errors.BaseRevision(int(metadata["revision"]), int(metadata["digest"]))
    except (KeyError, ValueError):
        return None


def _details(error: grpc.RpcError) -> Sequence[AnyMessage]:
    # Not grpc_status.rpc_status.from_call: it raises when a proxy or a foreign server changed the message.
    trailing = cast(grpc.Call, error).trailing_metadata() if hasattr(error, "trailing_metadata") else None
    for key, value in trailing or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            try:
                return cast(Sequence[AnyMessage], status_pb2.Status.FromString(value).details)
            except DecodeError:
                break
    return ()


def _unpack(details: Iterable[AnyMessage], into: _M) -> _M:
    for detail in details:
        with suppress(DecodeError):
            if detail.Unpack(into):  # not unless it is of that type
                break
    return into


def _explained(code: grpc.StatusCode, message: str) -> str:
    if code is grpc.StatusCode.UNAVAILABLE:
        return f"the server cannot be reached: {message}"
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return "the server did not answer in time"
    if message == _LOST:
        return "the server ended the call while it was asked, and what it said of it was lost"
    return message


def _number(code: grpc.StatusCode) -> int:
    return code.value[0]


def _cut(text: str, room: int) -> str:
    data = text.encode(errors="replace")
    return text if len(data) <= room else data[: max(room, 0)].decode(errors="ignore") + "…"
