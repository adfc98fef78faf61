"""Studies, read."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from tunesmith.client._data import study_data
from tunesmith.study import StudyState
from tunesmith.ui._choice import StudyChoice
from tunesmith.ui._desk import AManager
from tunesmith.ui._yaml import study_yaml
from tunesmith.ui.api._parameters import AStudy, Limit, Offset, Search, answer
from tunesmith.ui.api._shapes import DocumentShape, StudiesShape, StudyShape

router = APIRouter(tags=["studies"])


@router.get("/studies", response_model=StudiesShape)
async def list_studies(
    manager: AManager,
    namespace: Annotated[str, Query(max_length=253, description="Empty: all.")] = "",
    state: Annotated[list[StudyState] | None, Query(description="Only in one of these states.")] = None,
    label: Annotated[list[str] | None, Query(description="`key=value`, or only `key`; all must hold.")] = None,
    search: Search = "",
    offset: Offset = 0,
    limit: Limit = 100,
) -> Response:
    """Studies, the latest first."""
    choice = StudyChoice(namespace, tuple(state or ()), tuple(label or ()), search)
    found = choice.of(await manager.studies(namespace, choice.states))
    items = [study_data(study) for study in found[offset : offset + limit]]
    return answer({"items": items, "total": len(found)})


@router.get("/studies/{namespace}/{name}", response_model=StudyShape)
async def get_study(manager: AManager, key: AStudy) -> Response:
    """One study."""
    return answer(study_data(await manager.study(key)))


@router.get("/studies/{namespace}/{name}/document", response_model=DocumentShape)
async def get_document(manager: AManager, key: AStudy) -> Response:
    """The document that describes the study as it is now, in YAML; secrets in its environment are left out."""
    return answer({"document": study_yaml(await manager.study(key))})
