"""Figures, as Plotly draws them."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from tunesmith.services.errors import FixRequest
from tunesmith.ui._desk import ADesk, AManager
from tunesmith.ui._figures import Wish, draw
from tunesmith.ui._manager import study_key
from tunesmith.ui.api._parameters import AStudy, answer
from tunesmith.ui.api._shapes import Figure

router = APIRouter(tags=["figures"])

Kind = Annotated[str, Path(max_length=40, description="`history`, `slice`, ...: see `tunesmith plot --help`.")]
Metric = Annotated[str | None, Query(max_length=300, description="Instead of the objective.")]
Parameters = Annotated[list[str] | None, Query(max_length=20, description="Only these.")]
_MOST = 8


@router.get("/studies/{namespace}/{name}/figures/{kind}", response_model=Figure)
async def get_figure(
    desk: ADesk,
    manager: AManager,
    key: AStudy,
    kind: Kind,
    metric: Metric = None,
    parameter: Parameters = None,
    evaluator: Annotated[str, Query(max_length=40, description="`ped-anova` or `fanova`.")] = "ped-anova",
    trial: Annotated[int | None, Query(ge=0, le=2**62, description="Number of a trial to bring out.")] = None,
) -> Response:
    """One figure of a study: `data` and `layout`. 409: there is nothing to draw yet."""
    wish = Wish(kind, metric, tuple(parameter or ()), evaluator, trial)
    return answer(await draw(desk.shelf, manager, [await manager.study(key)], wish))


@router.get("/figures/{kind}", response_model=Figure)
async def compare(
    desk: ADesk,
    manager: AManager,
    kind: Kind,
    study: Annotated[list[str], Query(min_length=1, max_length=_MOST, description="`namespace/name` of each.")],
    metric: Metric = None,
) -> Response:
    """One figure of several studies, of a kind that can show them."""
    keys = [study_key(*_parts(name)) for name in study]
    studies = await asyncio.gather(*(manager.study(key) for key in keys))
    return answer(await draw(desk.shelf, manager, studies, Wish(kind, metric)))


def _parts(name: str) -> tuple[str, str]:
    namespace, slash, rest = name.partition("/")
    if not slash:
        raise FixRequest(f"study must be `namespace/name`, but got {name[:300]!r}")
    return namespace, rest
