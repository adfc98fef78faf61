"""The errors that services and their clients share, each named by what the caller should do about it.

A handler raises one of these, the server's interceptor turns it into a gRPC status by `to_status`, and a client turns
the status back into the same class by `from_rpc_error`. Importing this module imports no gRPC.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from tunesmith.study import Mistake

if TYPE_CHECKING:
    import grpc
    from google.protobuf.message import Message

NARROW = 4096
"""Bytes of details that any client accepts: gRPC refuses more than about 8 KiB of metadata unless told otherwise."""
WIDE = 256 * 1024
"""Bytes of details that channels of `tunesmith.services.channel` accept."""


class TunesmithError(Exception):
    """What a call can fail with; `message` is a sentence for people and holds no secret.

    Raised as itself it is INTERNAL, like `ReportBug`.
    """

    code: ClassVar[str] = "INTERNAL"
    """Name of the grpc.StatusCode."""
    reason: ClassVar[str] = "INTERNAL"
    """Reason in google.rpc.ErrorInfo, by which a client knows the class."""

    def __init__(self, message: str) -> None:
        """An error with a sentence for people."""
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        """The sentence."""
        return self.message


class FixRequest(TunesmithError):
    """The call or the document is wrong, and stays wrong however often it is sent: correct it."""

    code = "INVALID_ARGUMENT"
    reason = "FIX_REQUEST"

    def __init__(self, message: str, mistakes: Sequence[Mistake] = ()) -> None:
        """A sentence, and every mistake that was found."""
        super().__init__(message)
        self.mistakes = tuple(mistakes)


class NotFound(TunesmithError):
    """What the call names does not exist: name another."""

    code = "NOT_FOUND"
    reason = "NOT_FOUND"


class AlreadyExists(TunesmithError):
    """What the call would create is there: take another name, or use what is there."""

    code = "ALREADY_EXISTS"
    reason = "ALREADY_EXISTS"


class NotNow(TunesmithError):
    """The state of the thing does not allow the call: change the state first."""

    code = "FAILED_PRECONDITION"
    reason = "NOT_NOW"


class BaseRevision(TunesmithError):
    """The service holds another revision of the study: stream its history from `revision`."""

    code = "FAILED_PRECONDITION"
    reason = "BASE_REVISION"

    def __init__(self, revision: int, digest: int) -> None:
        """What the service holds of the study."""
        super().__init__(f"the history must start at what this server holds, which is revision {revision}")
        self.args = (revision, digest)
        self.revision = revision
        """Revision that the service holds; 0: none."""
        self.digest = digest
        """Digest at that revision, an unsigned 64 bit number."""


class StartOver(TunesmithError):
    """Somebody else changed the thing at the same time: read it again, then call again."""

    code = "ABORTED"
    reason = "START_OVER"


class Authenticate(TunesmithError):
    """The server does not know the caller: send a token that it knows."""

    code = "UNAUTHENTICATED"
    reason = "AUTHENTICATE"


class Forbidden(TunesmithError):
    """The server knows the caller, who may not do this: ask somebody who may."""

    code = "PERMISSION_DENIED"
    reason = "FORBIDDEN"


class TryAgain(TunesmithError):
    """Nothing is wrong with the call: send it again after a while."""

    code = "UNAVAILABLE"
    reason = "TRY_AGAIN"


class CheckAddress(TryAgain):
    """Nobody answered: see whether the address is right and the server runs. Made by clients, never by a server."""

    reason = "CHECK_ADDRESS"


class CheckTls(CheckAddress):
    """Somebody is there, but the two ends do not agree on TLS: see the certificates, or the address's `https://`."""


class FreeSpace(TunesmithError):
    """A disk is full, and nothing was half done: free some space, then call again."""

    code = "RESOURCE_EXHAUSTED"
    reason = "FREE_SPACE"


class NotOffered(TunesmithError):
    """This server, or this platform, does not do that: take another."""

    code = "UNIMPLEMENTED"
    reason = "NOT_OFFERED"


class ReportBug(TunesmithError):
    """The server failed in a way nobody thought of: report it, with the server's log."""


def to_status(error: BaseException, room: int = NARROW) -> tuple["grpc.StatusCode", str, tuple["Message", ...]]:
    """The status that a call answers when `error` was raised in its handler.

    Args:
        error: An error of this module; any other is INTERNAL with a sentence that tells nothing of it.
        room: Bytes that message and details may take; mistakes beyond it are counted, not listed.

    Returns:
        Code, message, and the details (google.rpc messages) of a google.rpc.Status.
    """
    from tunesmith.services import _status

    return _status.to_status(error, room)


def from_rpc_error(error: "grpc.RpcError") -> TunesmithError:
    """The error that a server meant by the status of a failed call, also of one that knows nothing of this module."""
    from tunesmith.services import _status

    return _status.from_rpc_error(error)
