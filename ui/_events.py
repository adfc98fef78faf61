"""Server-sent events: how they are written, and how a stream of them ends."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import StreamingResponse

from tunesmith.services.errors import TunesmithError

PING = 15.0
"""Seconds of silence after which a proxy might hang up."""
_HEADERS = {"cache-control": "no-cache, no-transform", "x-accel-buffering": "no"}


def event(kind: str, data: Any) -> bytes:
    """One event. JSON has no line breaks."""
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()


def stream(events: AsyncIterator[bytes]) -> StreamingResponse:
    """The answer to a browser's EventSource."""
    return StreamingResponse(_kept_alive(events), media_type="text/event-stream", headers=_HEADERS)


async def _kept_alive(events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The events, and a comment where there is none for long; the last event says why there are no more."""
    waiting: asyncio.Task[bytes] | None = None
    try:
        yield b": hello\n\n"
        while True:
            waiting = waiting or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait([waiting], timeout=PING)
            if not done:
                yield b": still here\n\n"
                continue
            item, waiting = waiting.result(), None
            yield item
    except StopAsyncIteration:
        yield event("end", {})
    except TunesmithError as error:
        yield event("problem", {"detail": error.message})
    finally:
        if waiting is not None:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        await events.aclose()  # type: ignore[attr-defined]
