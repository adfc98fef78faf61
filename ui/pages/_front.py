"""The front page: every study; and several of them beside one another."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from tunesmith.client._values import Study
from tunesmith.services.errors import NotFound
from tunesmith.study import StudyState
from tunesmith.ui._choice import StudyChoice
from tunesmith.ui._desk import ADesk, AManager
from tunesmith.ui._manager import Manager, study_key
from tunesmith.ui._page import page

router = APIRouter()

PAGE = 25
"""Studies on one page."""
_MOST = 8
"""Studies that are compared."""


@router.get("/")
async def front(
    request: Request,
    desk: ADesk,
    manager: AManager,
    q: str = "",
    namespace: str = "",
    label: str = "",
    state: Annotated[list[StudyState] | None, Query()] = None,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    part: bool = False,
) -> Response:
    """The studies; with `part` only their list."""
    every = await manager.studies()
    choice = StudyChoice(namespace, tuple(state or ()), tuple(label.split()), q)
    found = choice.of(every)
    offset = min(offset, max(len(found) - 1, 0)) // PAGE * PAGE
    return page(
        request,
        "studies.html" if part else "front.html",
        studies=found[offset : offset + PAGE],
        total=len(found),
        every=len(every),
        offset=offset,
        size=PAGE,
        choice=choice,
        counts={one: sum(study.state is one for study in every) for one in StudyState},
        namespaces=sorted({study.namespace for study in every}),
        folder=str(desk.settings.folder) if desk.settings.local else "",
    )


@router.get("/compare")
async def compare(request: Request, manager: AManager, study: Annotated[list[str] | None, Query()] = None) -> Response:
    """Several studies beside one another."""
    names = list(dict.fromkeys(study or ()))[:_MOST]
    found = await asyncio.gather(*(_named(manager, name) for name in names))
    studies = [one for one in found if one is not None]
    return page(request, "compare.html", studies=studies, missing=len(names) - len(studies))


async def _named(manager: Manager, name: str) -> Study | None:
    namespace, _, rest = name.partition("/")
    try:
        return await manager.study(study_key(namespace, rest))
    except NotFound:
        return None
