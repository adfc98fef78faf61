"""Trials, read."""

import csv
import io
import json
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from tunesmith.client._data import trial_data, trial_details
from tunesmith.client._trial_values import Trial
from tunesmith.client._values import Study
from tunesmith.study import TrialState
from tunesmith.ui._desk import AManager
from tunesmith.ui._query import TrialQuery, ranges_of
from tunesmith.ui.api._parameters import AStudy, ATrial, Limit, Offset, Search, answer
from tunesmith.ui.api._shapes import TrialDetailsShape, TrialsShape

router = APIRouter(tags=["trials"])

States = Annotated[list[TrialState] | None, Query(description="Only in one of these states.")]
Sort = Annotated[str, Query(max_length=300, description="`number`, `value`, `duration`, `params.NAME`, ...")]
Ranges = Annotated[
    list[Annotated[str, Query(max_length=1000)]] | None,
    Query(max_length=100, description='All must hold: `value:0.1..0.5`, `params.C:..10`, `params.kernel:["rbf"]`.'),
]
Order = Annotated[Literal["asc", "desc"], Query(description="Trials without the value come last in both.")]


@router.get("/studies/{namespace}/{name}/trials", response_model=TrialsShape)
async def list_trials(
    manager: AManager,
    key: AStudy,
    state: States = None,
    search: Search = "",
    range: Ranges = None,
    sort: Sort = "number",
    order: Order = "asc",
    offset: Offset = 0,
    limit: Limit = 100,
) -> Response:
    """A page of a study's trials, in any order."""
    query = TrialQuery(tuple(state or ()), search, sort, order == "desc", offset, limit, ranges_of(range or []))
    found, total = await manager.page(key, query)
    return answer({"items": [trial_data(trial) for trial in found], "total": total})


@router.get("/studies/{namespace}/{name}/trials/{trial}", response_model=TrialDetailsShape)
async def get_trial(manager: AManager, key: ATrial) -> Response:
    """One trial, with its attempts and the last decision about it."""
    trial = await manager.trial(key)
    decisions = await manager.decisions(key.study, trial.name)
    return answer(trial_details(trial, decisions[-1] if decisions else None))


@router.get(
    "/studies/{namespace}/{name}/export",
    responses={200: {"content": {"text/csv": {}, "application/json": {}}, "description": "All its trials."}},
)
async def export(
    manager: AManager,
    key: AStudy,
    format: Literal["csv", "json"] = "csv",
    state: States = None,
    search: Search = "",
    range: Ranges = None,
    sort: Sort = "number",
    order: Order = "asc",
) -> Response:
    """All trials of a study, or those that are chosen, as a file."""
    study = await manager.study(key)
    query = TrialQuery(tuple(state or ()), search, sort, order == "desc", ranges=ranges_of(range or []))
    trials = await manager.chosen(key, query)
    headers = {"content-disposition": f'attachment; filename="{_file_name(study)}.{format}"'}
    if format == "json":
        text = json.dumps([trial_data(trial) for trial in trials], indent=1)
        return Response(text, headers=headers, media_type="application/json")
    return Response(_csv(study, trials), headers=headers, media_type="text/csv; charset=utf-8")


def _file_name(study: Study) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in study.name)


def _csv(study: Study, trials: list[Trial]) -> str:
    """A row of each trial: its parameters, and the latest value of each metric."""
    metrics = sorted({metric.metric for trial in trials for metric in trial.metrics})
    names = study.spec.space.names
    out = io.StringIO()
    writer = csv.writer(out)
    head = ["number", "name", "state", "reason", "value", *(f"params.{name}" for name in names)]
    writer.writerow([_harmless(text) for text in (*head, *(f"metrics.{name}" for name in metrics))])
    for trial in trials:
        latest = {metric.metric: metric.latest for metric in trial.metrics}
        row = [trial.number, trial.name, str(trial.state), trial.reason, trial.value]
        row += [trial.assignment.get(name) for name in names] + [latest.get(name) for name in metrics]
        writer.writerow([_harmless(cell) for cell in row])
    return out.getvalue()


def _harmless(cell: object) -> object:
    """A text that a spreadsheet takes for no formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
