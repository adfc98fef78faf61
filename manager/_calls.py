"""Calls of the services that the manager asks: a channel for each address, and what a silence means."""

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TypeVar

import grpc

from tunesmith.services.channel import answer, open_channel, tls_for
from tunesmith.services.errors import CheckAddress, TryAgain

Response = TypeVar("Response")

CHUNK = 500
"""Trials in one message of history: some 100 kB, and 2 MB with values at steps."""
DEADLINE = 120.0
"""Seconds that a service may take for one call."""
NEWEST = 2**63 - 1
"""A revision after which nothing has changed yet."""


@dataclass(slots=True)
class Channels:
    """One channel for each address."""

    _open: dict[str, grpc.aio.Channel] = field(default_factory=dict)

    def to(self, address: str) -> grpc.aio.Channel:
        """The channel to an address, opened now if need be."""
        if address not in self._open:
            self._open[address] = open_channel(address, tls=tls_for(address))
        return self._open[address]

    async def close(self) -> None:
        """Close every channel."""
        for channel in self._open.values():
            await channel.close()


async def answered(call: Awaitable[Response], address: str, service: str) -> Response:
    """What a service answers. That it does not is our trouble: a client that was told so would take us for gone."""
    try:
        return await answer(call, address, tls_for(address))
    except CheckAddress as error:
        raise TryAgain(f"the {service} service {address} does not answer: {error}") from error
