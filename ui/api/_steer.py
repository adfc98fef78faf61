"""What changes studies and trials. Each change may carry `x-request-id`, under which it happens once."""

from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from tunesmith.client._data import study_data, trial_data
from tunesmith.ui._desk import AManager
from tunesmith.ui._edits import limits_of
from tunesmith.ui.api._parameters import AStudy, ATrial, answer
from tunesmith.ui.api._shapes import StudyShape, TrialShape, TrialsShape, Value

router = APIRouter(tags=["steering"])
_TRIAL = "/studies/{namespace}/{name}/trials/{trial}"


class Stop(BaseModel):
    """How a study is stopped."""

    model_config = ConfigDict(extra="forbid", strict=True)
    interrupt: bool = Field(False, description="Only stop its running trials, which run again when it is resumed.")


class Edit(BaseModel):
    """What of a study changes."""

    model_config = ConfigDict(extra="forbid", strict=True)
    limits: dict[str, int | float | str | None] | None = Field(
        None, description="Fields of `spec.limits`; those that are left out stay, null takes one away."
    )
    labels: dict[str, str] | None = Field(None, description="All its labels.")
    generation: int = Field(0, ge=0, le=2**62, description="What the edit was made from; 0: any.")


class Enqueue(BaseModel):
    """Assignments of the caller's own."""

    model_config = ConfigDict(extra="forbid", strict=True)
    assignments: list[dict[str, Value]] = Field(min_length=1, max_length=1000)


@router.post("/studies/{namespace}/{name}/pause", response_model=StudyShape)
async def pause(manager: AManager, key: AStudy) -> Response:
    """Launch nothing new; running trials go on."""
    return answer(study_data(await manager.pause(key)))


@router.post("/studies/{namespace}/{name}/resume", response_model=StudyShape)
async def resume(manager: AManager, key: AStudy) -> Response:
    """Go on with a paused study."""
    return answer(study_data(await manager.resume(key)))


@router.post("/studies/{namespace}/{name}/stop", response_model=StudyShape)
async def stop(manager: AManager, key: AStudy, how: Annotated[Stop | None, Body()] = None) -> Response:
    """End a study for good and kill its running trials, or only interrupt it."""
    return answer(study_data(await manager.stop(key, interrupt=how is not None and how.interrupt)))


@router.delete("/studies/{namespace}/{name}", status_code=204, response_class=Response)
async def delete(manager: AManager, key: AStudy) -> Response:
    """Stop what runs, and forget the study with all its trials, observations and folders."""
    await manager.delete(key)
    return Response(status_code=204)


@router.patch("/studies/{namespace}/{name}", response_model=StudyShape)
async def edit(manager: AManager, key: AStudy, changes: Edit) -> Response:
    """Change limits or labels. A study that a raised limit had ended runs again."""
    study = await manager.study(key)
    limits = None if changes.limits is None else limits_of(study, changes.limits)
    return answer(study_data(await manager.edit(key, limits, changes.labels, changes.generation)))


@router.post("/studies/{namespace}/{name}/trials", response_model=TrialsShape, status_code=201)
async def enqueue(manager: AManager, key: AStudy, given: Enqueue) -> Response:
    """Add trials with assignments of one's own, which run before what the algorithm proposes next."""
    trials = await manager.enqueue(key, given.assignments)
    items: list[Any] = [trial_data(trial) for trial in trials]
    return answer({"items": items, "total": len(items)}, 201)


@router.post(f"{_TRIAL}/retry", response_model=TrialShape)
async def retry(manager: AManager, key: ATrial) -> Response:
    """Run a failed or killed trial, or one without metrics, again."""
    return answer(trial_data(await manager.retry(key)))


@router.post(f"{_TRIAL}/stop", response_model=TrialShape)
async def stop_trial(manager: AManager, key: ATrial) -> Response:
    """Stop one trial; it ends as Killed."""
    return answer(trial_data(await manager.stop_trial(key)))
