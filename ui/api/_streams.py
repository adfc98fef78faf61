"""What happens, as it happens: server-sent events."""

import codecs
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from tunesmith.client._data import study_data
from tunesmith.ui._desk import ADesk, AManager
from tunesmith.ui._events import event, stream
from tunesmith.ui._live import Lost
from tunesmith.ui._manager import Manager
from tunesmith.ui.api._parameters import AStudy, ATrial
from tunesmith.ui.api._records import Attempt
from tunesmith.v1 import manager_pb2 as pb

router = APIRouter(tags=["streams"])
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "Events, until there is nothing more to tell."}
}


@router.get("/stream", response_class=Response, responses=_EVENTS)
async def follow_studies(desk: ADesk, manager: AManager) -> Response:
    """An event `changed` whenever any study changes, `lost` while the manager is away."""
    await manager.line.call("ListStudies", pb.ListStudiesRequest(page_size=1))

    async def events() -> AsyncIterator[bytes]:
        async with aclosing(desk.live.studies(manager)) as found:  # type: ignore[type-var]
            async for item in found:
                yield event("lost", {}) if isinstance(item, Lost) else event("changed", {"look": item})

    return stream(events(), desk.leaving)


@router.get("/studies/{namespace}/{name}/stream", response_class=Response, responses=_EVENTS)
async def follow_study(desk: ADesk, manager: AManager, key: AStudy) -> Response:
    """An event `study` with the study now and after each change; `lost` while the manager is away; `end`."""
    await manager.study(key)

    async def events() -> AsyncIterator[bytes]:
        async with aclosing(desk.live.study(manager, key.namespace, key.name)) as found:  # type: ignore[type-var]
            async for item in found:
                yield event("lost", {}) if isinstance(item, Lost) else event("study", study_data(item))

    return stream(events(), desk.leaving)


@router.get("/studies/{namespace}/{name}/trials/{trial}/logs/stream", response_class=Response, responses=_EVENTS)
async def follow_logs(
    desk: ADesk,
    manager: AManager,
    key: ATrial,
    attempt: Attempt = 0,
    tail: Annotated[int, Query(ge=0, le=16 * 1024 * 1024, description="Bytes of what is there already.")] = 65536,
) -> Response:
    """Events `log` with what a trial printed and prints, until it ends."""
    await manager.trial(key)
    return stream(_log_events(manager, key, attempt, tail), desk.leaving)


async def _log_events(manager: Manager, key: pb.TrialKey, attempt: int, tail: int) -> AsyncIterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")  # a letter may lie in two pieces
    pieces = manager.logs(key, attempt=attempt, follow=True, tail_bytes=tail)
    async with aclosing(pieces) as found:  # type: ignore[type-var]
        async for piece in found:
            if text := decoder.decode(piece):
                yield event("log", {"text": text})
