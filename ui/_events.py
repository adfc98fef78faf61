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


def stream(events: AsyncIterator[bytes], leaving: asyncio.Event) -> StreamingResponse:
    """The answer to a browser's EventSource, which is cut off when we leave: the browser then asks again."""
    return StreamingResponse(_kept_alive(events, leaving), media_type="text/event-stream", headers=_HEADERS)


async def _kept_alive(events: AsyncIterator[bytes], leaving: asyncio.Event) -> AsyncIterator[bytes]:
    """The events, and a comment where there is none for long; the last event says why there are no more."""
    waiting: asyncio.Task[bytes] | None = None
    left = asyncio.ensure_future(leaving.wait())
    try:
        yield b": hello\n\n"
        while True:
            waiting = waiting or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait([waiting, left], timeout=PING, return_when=asyncio.FIRST_COMPLETED)
            if left in done:
                return
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
        tasks = [task for task in (waiting, left) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await events.aclose()  # type: ignore[attr-defined]
