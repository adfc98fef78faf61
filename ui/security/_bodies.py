"""How much a request may hold: it is read before anybody has asked who sends it."""

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 8 * 1024 * 1024
"""Bytes of a request's body: a document of 1 MiB, however its letters are written."""


class Bodies:
    """Refuses requests that go on for too long."""

    def __init__(self, app: ASGIApp) -> None:
        """`app` answers."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; whoever reads too much meets an HTTPException."""
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > LARGEST:
                raise HTTPException(413, f"a request must have at most {LARGEST:,} bytes")
            return message

        await self._app(scope, counted, send)
