"""A new study, and what documents may name."""

import asyncio
from functools import cache
from pathlib import Path

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tunesmith.services.errors import NotFound
from tunesmith.ui._desk import ADesk, AManager
from tunesmith.ui._manager import study_key
from tunesmith.ui._page import page
from tunesmith.ui._yaml import study_yaml

router = APIRouter()
STARTERS = Path(__file__).parents[1] / "starters"


@cache
def starters() -> dict[str, tuple[str, str]]:
    """Documents to start from: title and text, by name. The first line of each is its title."""
    found = {}
    for path in sorted(STARTERS.glob("*.yaml")):
        title, _, text = path.read_text().partition("\n")
        found[path.stem] = (title.removeprefix("# "), text)
    return found


@router.get("/new")
async def new(
    request: Request, desk: ADesk, manager: AManager, start: str = "", namespace: str = "", study: str = ""
) -> Response:
    """The form and the editor, with a document to start from: a template, or one of a study that is there."""
    documents = starters()
    if study:
        text = study_yaml(await manager.study(study_key(namespace, study)))
    elif start and start not in documents:
        raise NotFound(f"there is no template {start!r}")
    else:
        text = documents[start or next(iter(documents))][1]
    algorithms, rules = await asyncio.gather(manager.algorithms(), manager.rules())
    return page(
        request,
        "new.html",
        document=text,
        starters=documents,
        start=start,
        algorithms=algorithms,
        rules=rules,
        folder=str(desk.settings.folder) if desk.settings.local else "",
    )


@router.get("/offers")
async def offers(request: Request, manager: AManager) -> Response:
    """Every algorithm and every rule, with its settings."""
    algorithms, rules = await asyncio.gather(manager.algorithms(), manager.rules())
    return page(request, "offers.html", algorithms=algorithms, rules=rules)
