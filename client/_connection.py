"""Calls to a manager: each has a deadline, each error is one of ours, and a local manager that went is found again."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from tunesmith.services import errors

if TYPE_CHECKING:
    import grpc

    from tunesmith.services.channel import ClientTls
    from tunesmith.v1.manager_pb2_grpc import ManagerServiceStub

Request = TypeVar("Request")
Response = TypeVar("Response")


class _Asks(Protocol):
    """A request for one page of a list."""

    page_token: str


class _Page(Protocol):
    """One page; the token of the next one is empty where there is none."""

    next_page_token: str


PageRequest = TypeVar("PageRequest", bound=_Asks)
Page = TypeVar("Page", bound=_Page)

DEADLINE = 30.0
"""Seconds in which a call must answer."""
_PAUSES = (0.1, 0.3, 0.6, 1.0)
"""Seconds between the attempts of a call that nobody answers."""


def request_id() -> str:
    """A new id: a call that is sent twice under it happens once."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class _Open:
    """A channel that is open, and how it was opened."""

    channel: "grpc.Channel"
    stub: "ManagerServiceStub"
    address: str
    tls: "ClientTls | None"


class Connection:
    """A channel to one manager, opened at the first call; usable from several threads, not across a fork.

    Args:
        find: Gives the manager's address, and brings a local manager up when none answers.
        token: Sent as bearer token; None: none.
        tls: Files of a TLS connection; None: those that the environment names.
    """

    def __init__(self, find: Callable[[], str], token: str | None = None, tls: "ClientTls | None" = None) -> None:
        self._find = find
        self._token = token
        self._tls = tls
        self._lock = threading.Lock()
        self._open: _Open | None = None

    def call(
        self,
        method: "Callable[[ManagerServiceStub], grpc.UnaryUnaryMultiCallable[Request, Response]]",
        request: Request,
    ) -> Response:
        """One call. It is sent again while nobody answers, so a call that changes something carries a request id."""
        for pause in _PAUSES:
            try:
                return self._once(method, request)
            except errors.CheckTls:
                raise  # waiting mends no certificate
            except errors.CheckAddress:
                time.sleep(pause)
        return self._once(method, request)

    def pages(
        self,
        method: "Callable[[ManagerServiceStub], grpc.UnaryUnaryMultiCallable[PageRequest, Page]]",
        request: PageRequest,
    ) -> Iterator[Page]:
        """All pages of a list, each asked for when it is wanted; `request` goes from one to the next."""
        while True:
            page = self.call(method, request)
            yield page
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def stream(
        self,
        method: "Callable[[ManagerServiceStub], grpc.UnaryStreamMultiCallable[Request, Response]]",
        request: Request,
        deadline: float | None = None,
    ) -> Iterator[Response]:
        """One call with many answers; it is not sent again. Closing the iterator ends the call.

        Args:
            method: The method of the stub.
            request: What is asked.
            deadline: Seconds until the last answer; None: as long as it takes (keepalive notices a dead server).
        """
        import grpc

        place = self._opened()
        answers = method(place.stub)(request, timeout=deadline)
        try:
            yield from answers
        except grpc.RpcError as error:
            raise self._ours(error, place) from None
        finally:
            answers.cancel()

    def _opened(self) -> _Open:
        """The open channel; one is opened first where there is none."""
        from tunesmith.services.channel import open_sync_channel, tls_for
        from tunesmith.v1.manager_pb2_grpc import ManagerServiceStub

        with self._lock:
            if self._open is None:
                address = self._find()
                tls = self._tls or tls_for(address)
                channel = open_sync_channel(address, token=self._token, tls=tls)
                self._open = _Open(channel, ManagerServiceStub(channel), address, tls)
            return self._open

    def close(self) -> None:
        """Close the channel; a later call opens another."""
        with self._lock:
            if self._open is not None:
                self._open.channel.close()
            self._open = None

    def _once(
        self,
        method: "Callable[[ManagerServiceStub], grpc.UnaryUnaryMultiCallable[Request, Response]]",
        request: Request,
    ) -> Response:
        import grpc

        place = self._opened()
        try:
            return method(place.stub)(request, timeout=DEADLINE)
        except grpc.RpcError as error:
            raise self._ours(error, place) from None

    def _ours(self, error: "grpc.RpcError", place: _Open) -> errors.TunesmithError:
        """The error that was meant. A channel on which nobody answers is given up: the next call looks anew."""
        from tunesmith.services.channel import call_error

        ours = call_error(error, place.address, place.tls)
        if isinstance(ours, errors.TryAgain):
            with self._lock:
                if self._open is place:
                    place.channel.close()
                    self._open = None
        return ours
