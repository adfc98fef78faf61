"""What trials leave behind: observations, events, decisions, logs."""

from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from tunesmith.client._data import decision_data, event_data, observation_data
from tunesmith.client._trial_values import Observation
from tunesmith.ui._desk import AManager
from tunesmith.ui.api._parameters import AStudy, ATrial, Limit, Offset, answer, cut
from tunesmith.ui.api._shapes import DecisionsShape, EventsShape, ObservationsShape

router = APIRouter(tags=["records"])

Attempt = Annotated[int, Query(ge=0, le=2**31 - 1, description="0: the last one.")]
TrialFilter = Annotated[str, Query(max_length=253, description="Only of this one, by name or number.")]
_TAIL = 256 * 1024


@router.get("/studies/{namespace}/{name}/events", response_model=EventsShape)
async def list_events(
    manager: AManager, key: AStudy, trial: TrialFilter = "", offset: Offset = 0, limit: Limit = 100
) -> Response:
    """What happened to a study and its trials, the latest first."""
    found = (await manager.events(key, trial))[::-1]
    return answer({"items": [event_data(one) for one in cut(found, offset, limit)], "total": len(found)})


@router.get("/studies/{namespace}/{name}/decisions", response_model=DecisionsShape)
async def list_decisions(
    manager: AManager, key: AStudy, trial: TrialFilter = "", offset: Offset = 0, limit: Limit = 100
) -> Response:
    """What the early-stopping rule said of trials, the latest first."""
    found = (await manager.decisions(key, trial))[::-1]
    return answer({"items": [decision_data(one) for one in cut(found, offset, limit)], "total": len(found)})


@router.get("/studies/{namespace}/{name}/trials/{trial}/observations", response_model=ObservationsShape)
async def list_observations(
    manager: AManager,
    key: ATrial,
    metric: Annotated[list[str] | None, Query(max_length=100)] = None,
    attempt: Attempt = 0,
    points: Annotated[int, Query(ge=2, le=100_000, description="At most so many of each metric.")] = 10_000,
) -> Response:
    """What a trial reported, in the order in which it came; long curves are thinned out evenly."""
    found = await manager.observations(key, metric or (), attempt)
    rows = [observation_data(row) for row in thinned(found, points)]
    return answer({"items": rows, "total": len(found)})


@router.get(
    "/studies/{namespace}/{name}/trials/{trial}/logs",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "The text."}},
)
async def get_logs(
    manager: AManager,
    key: ATrial,
    attempt: Attempt = 0,
    tail: Annotated[int, Query(ge=0, le=16 * 1024 * 1024, description="Bytes of its end.")] = _TAIL,
) -> Response:
    """What a trial printed."""
    async with aclosing(manager.logs(key, attempt=attempt, tail_bytes=tail)) as pieces:  # type: ignore[type-var]
        text = b"".join([piece async for piece in pieces]).decode(errors="replace")
    return Response(text, media_type="text/plain; charset=utf-8")


def thinned(rows: list[Observation], points: int) -> list[Observation]:
    """At most `points` of each metric, evenly spread, the first and the last among them."""
    by_metric: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        by_metric.setdefault(row.metric, []).append(index)
    kept: set[int] = set()
    for places in by_metric.values():
        last = len(places) - 1
        chosen = range(len(places)) if last < points else {round(i * last / (points - 1)) for i in range(points)}
        kept.update(places[i] for i in chosen)
    return [rows[index] for index in sorted(kept)]
