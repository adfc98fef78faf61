"""What the dashboard's parts share: settings, door, the wire to the manager, what is kept of studies."""

import asyncio
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Annotated

from fastapi import Depends, Header
from starlette.requests import Request

from tunesmith.services.channel import answer, open_channel, tls_for
from tunesmith.ui._calls import Line, Wire
from tunesmith.ui._live import Live
from tunesmith.ui._manager import Manager
from tunesmith.ui._settings import Settings
from tunesmith.ui._shelf import Shelf
from tunesmith.ui.security import Door, Guest


@dataclass(slots=True)
class Desk:
    """One dashboard at work."""

    settings: Settings
    door: Door
    wire: Wire
    shelf: Shelf = field(default_factory=Shelf)
    live: Live = field(default_factory=Live)
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the server ends, which waits for streams."""

    def manager(self, token: str | None, request: str | None = None) -> Manager:
        """The manager as the holder of a token sees it; `request`: id of the change that is asked for."""
        return Manager(Line(self.wire, token), request)

    async def check(self) -> None:
        """Raise an error unless the manager answers. It tells its health without a token."""
        from grpc_health.v1 import health_pb2, health_pb2_grpc

        address = await self.wire.find()
        tls = tls_for(address)
        async with open_channel(address, tls=tls, deadline=5) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            await answer(stub.Check(health_pb2.HealthCheckRequest()), address, tls)

    async def close(self) -> None:
        """End what is under way."""
        await self.live.close()
        await self.shelf.close()
        await self.wire.close()


def desk_of(request: Request) -> Desk:
    """The dashboard that answers."""
    desk: Desk = request.app.state.desk
    return desk


def guest_of(request: Request) -> Guest:
    """Who asks; pages find it in the request's state too. Raises Authenticate or Forbidden."""
    guest = desk_of(request).door.guest(request)
    request.state.guest = guest
    return guest


RequestId = Annotated[
    str | None,
    Header(
        alias="x-request-id",
        max_length=100,
        pattern=r"^[\x21-\x7e]+$",
        description="Names a change: sent twice under the same id, it happens once.",
    ),
]


async def manager_of(
    request: Request, guest: Annotated[Guest, Depends(guest_of)], x_request_id: RequestId = None
) -> Manager:
    """The manager as whoever asks sees it."""
    return desk_of(request).manager(guest.token, x_request_id and change_id(request, x_request_id))


def change_id(request: Request, given: str) -> str:
    """The manager's name of a change: one id may be given to changes of several things, which are several changes."""
    return sha256(f"{request.method} {request.scope['path']} {given}".encode()).hexdigest()


AManager = Annotated[Manager, Depends(manager_of)]
ADesk = Annotated[Desk, Depends(desk_of)]
AGuest = Annotated[Guest, Depends(guest_of)]
