"""One study: what is always seen of it, and below that one of its tabs."""

from dataclasses import dataclass
from datetime import UTC
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tunesmith.client._progress import Progress
from tunesmith.client._trial_values import Trial
from tunesmith.client._values import Study
from tunesmith.services.errors import NotFound
from tunesmith.study import TrialState
from tunesmith.ui._desk import ADesk, AManager, Desk
from tunesmith.ui._manager import Manager, study_key
from tunesmith.ui._page import page
from tunesmith.ui._query import TrialQuery, ranges_of
from tunesmith.ui._steps import actions
from tunesmith.ui._yaml import study_yaml

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Tab:
    """One view of a study. `figure`: kind of the chart that it shows; None: it shows something else.

    `whole`: as of that kind of figure.
    """

    name: str
    title: str
    about: str = ""
    figure: str | None = None
    whole: bool = False


TABS = {
    tab.name: tab
    for tab in (
        Tab(
            "history",
            "History",
            "The value of each trial in the order of their numbers, and the best so far.",
            "history",
        ),
        Tab("curves", "Curves", "What each trial reported, step by step.", "curves", whole=True),
        Tab(
            "parallel",
            "Parallel",
            "Each trial is a line. Drag along an axis to keep only what runs through.",
            "parallel",
        ),
        Tab("importance", "Importance", "Which parameters matter, as the chosen judge has it.", "importance"),
        Tab("slice", "Slice", "The value against one parameter at a time.", "slice"),
        Tab("contour", "Contour", "The value over two parameters at a time.", "contour"),
        Tab("rank", "Rank", "Where good and bad trials lie, by rank.", "rank"),
        Tab(
            "correlation",
            "Correlation",
            "Which parameters and metrics go together (Spearman's rank).",
            "correlation",
            whole=True,
        ),
        Tab("edf", "EDF", "The share of trials at or below each value.", "edf"),
        Tab("distributions", "Distributions", "How the values of succeeded trials are spread.", "distributions"),
        Tab("timeline", "Timeline", "Which slot ran what, and when.", "timeline", whole=True),
        Tab("decisions", "Decisions", "What the early-stopping rule said."),
        Tab("algorithm", "Algorithm", "What proposes assignments, and why."),
        Tab("trials", "Trials"),
        Tab("events", "Events", "What happened, the latest first."),
        Tab("document", "Document", "The study as it is now. Values of variables named like secrets are not shown."),
    )
}


@router.get("/studies/{namespace}/{name}")
async def study_page(request: Request, desk: ADesk, manager: AManager, namespace: str, name: str) -> Response:
    """The study with its first tab."""
    return await _show(request, desk, manager, await manager.study(study_key(namespace, name)), TABS["history"])


@router.get("/studies/{namespace}/{name}/header")
async def header(request: Request, manager: AManager, namespace: str, name: str) -> Response:
    """What is always seen, by itself: pages that are open replace it."""
    study = await manager.study(study_key(namespace, name))
    return page(request, "study_header.html", **_header(study))


@router.get("/studies/{namespace}/{name}/{tab}")
async def tab_page(
    request: Request,
    desk: ADesk,
    manager: AManager,
    namespace: str,
    name: str,
    tab: str,
    part: bool = False,
    bare: bool = False,
) -> Response:
    """The study with one of its tabs; with `part` only what is in it, with `bare` only the table of its trials."""
    if tab not in TABS:
        raise NotFound(f"a study has no page {tab!r}")
    study = await manager.study(study_key(namespace, name))
    if tab == "trials" and bare:
        values = await _trials(manager, study, request.query_params.multi_items())
        return page(request, "trials_table.html", study=study, **values)
    return await _show(request, desk, manager, study, TABS[tab], part=part)


async def _show(
    request: Request, desk: Desk, manager: Manager, study: Study, tab: Tab, *, part: bool = False
) -> Response:
    if tab.figure is not None:
        desk.shelf.fetch(manager, study, whole=tab.whole)
    values = await _content(request, desk, manager, study, tab)
    template = f"tab_{tab.name}.html" if tab.figure is None else "tab_figure.html"
    if part:
        return page(request, template, study=study, tab=tab, **values)
    return page(request, "study.html", tab=tab, tabs=list(TABS.values()), content=template, **_header(study), **values)


def _header(study: Study) -> dict[str, Any]:
    return {"study": study, "now": Progress(study), "actions": actions(study)}


async def _content(request: Request, desk: Desk, manager: Manager, study: Study, tab: Tab) -> dict[str, Any]:
    """What the template of a tab needs beside the study."""
    key, query = study_key(study.namespace, study.name), request.query_params
    match tab.name:
        case "trials":
            return await _trials(manager, study, query.multi_items())
        case "events":
            return _paged("events", (await manager.events(key))[::-1], query.get("offset"))
        case "decisions":
            return await _decisions(desk, manager, study, query.get("only") == "stop", query.get("offset"))
        case "document":
            edits = await manager.edits(key) if study.generation > 1 else []
            told = [(one.generation, one.time.ToDatetime(tzinfo=UTC), one.differences) for one in edits]
            return {"document": study_yaml(study), "edits": told}
        case "algorithm":
            return await _algorithm(desk, manager, study)
    return {"metrics": [metric.metric for metric in study.metrics]}


async def _decisions(desk: Desk, manager: Manager, study: Study, stops: bool, offset: str | None) -> dict[str, Any]:
    """What the rule said, the latest first; `stops`: only where it stopped a trial."""
    made = (await manager.decisions(study_key(study.namespace, study.name)))[::-1]
    numbers = {one.name: one.number for one in await desk.shelf.trials(manager, study)}
    chosen = [one for one in made if one.stop or not stops]
    counts = {"every": len(made), "stopping": sum(one.stop for one in made)}
    return _paged("decisions", chosen, offset) | {"numbers": numbers, "stops": stops, **counts}


def _paged(name: str, items: list[Any], offset: str | None, size: int = 100) -> dict[str, Any]:
    start = int(offset) if offset and offset.isascii() and offset.isdigit() else 0
    start = min(start, max(len(items) - 1, 0)) // size * size
    return {name: items[start : start + size], "offset": start, "size": size, "total": len(items)}


async def _trials(manager: Manager, study: Study, given: list[tuple[str, str]]) -> dict[str, Any]:
    query = _query(given)
    trials, total = await manager.page(study_key(study.namespace, study.name), query)
    seen = {metric.metric for metric in study.metrics} | {metric.metric for one in trials for metric in one.metrics}
    metrics = sorted(seen - {study.spec.objective.metric})
    return {
        "trials": trials,
        "query": query,
        "total": total,
        "every": study.counts.total,
        "metrics": metrics,
        "latest": lambda trial, name: next((one.latest for one in trial.metrics if one.metric == name), None),
    }


def _query(given: list[tuple[str, str]]) -> TrialQuery:
    """What the address of the table says; a state or a place that it cannot mean is left out. Raises FixRequest."""
    one = dict(given)
    states = tuple(TrialState(text) for name, text in given if name == "state" and text in set(TrialState))
    offset = one.get("offset", "0")
    return TrialQuery(
        states=states,
        search=one.get("q", "")[:200],
        sort=one.get("sort", "number"),
        descending=one.get("order", "desc" if "sort" not in one else "asc") == "desc",
        offset=min(int(offset), 10**9) if offset.isascii() and offset.isdigit() else 0,
        ranges=ranges_of([text for name, text in given if name == "range"]),
    )


async def _algorithm(desk: Desk, manager: Manager, study: Study) -> dict[str, Any]:
    """Its description, where the manager's own service offers it, and what it said of the last trials."""
    name, rule = study.spec.algorithm.name, study.spec.early_stopping
    offers = {alias: one for one in await manager.algorithms() for alias in (one.name, *one.aliases)}
    rules = {alias: one for one in await manager.rules() for alias in (one.name, *one.aliases)} if rule else {}
    trials: list[Trial] = await desk.shelf.trials(manager, study, whole=True)
    told = [trial for trial in reversed(trials) if trial.explanation]
    return {"offer": offers.get(name), "rule": rules.get(rule.name) if rule else None, "told": told[:30]}
