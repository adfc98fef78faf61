"""One trial."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tunesmith.client._result import command_line
from tunesmith.client._trial_values import Trial
from tunesmith.client._values import Study
from tunesmith.ui._desk import ADesk, AManager
from tunesmith.ui._manager import study_key, trial_key
from tunesmith.ui._page import page
from tunesmith.ui._steps import trial_actions

router = APIRouter()


@router.get("/studies/{namespace}/{name}/trials/{trial}")
async def trial_page(
    request: Request, desk: ADesk, manager: AManager, namespace: str, name: str, trial: str, part: bool = False
) -> Response:
    """The trial; with `part` only what changes while it runs."""
    study = await manager.study(study_key(namespace, name))
    found = await manager.trial(trial_key(namespace, name, trial))
    key = study_key(namespace, name)
    decisions = await manager.decisions(key, found.name)
    every = await desk.shelf.trials(manager, study)
    return page(
        request,
        "trial_facts.html" if part else "trial.html",
        study=study,
        trial=found,
        decisions=decisions[::-1],
        events=(await manager.events(key, found.name))[::-1],
        parents=_line(found, every),
        children=[other for other in every if other.parent == found.name],
        place=_place(study, found, every),
        command="" if study.spec.trial.workers else command_line(study, found),
        actions=trial_actions(study, found),
        last=max((other.number for other in every), default=found.number),
    )


def _line(trial: Trial, every: list[Trial]) -> list[Trial]:
    """The trials whose checkpoints it goes back to, the first one first."""
    by_name = {other.name: other for other in every}
    line: list[Trial] = []
    while trial.parent in by_name and len(line) < len(every):
        trial = by_name[trial.parent or ""]
        line.append(trial)
    return line[::-1]


def _place(study: Study, trial: Trial, every: list[Trial]) -> tuple[int, int] | None:
    """The how-manieth best it is, and of how many; None: it has no value."""
    if trial.value is None:
        return None
    values = [other.value for other in every if other.value is not None]
    better = sum(study.spec.objective.better(value, trial.value) for value in values)
    return better + 1, len(values)
