"""Parts of requests that several calls have."""

from typing import Annotated, Any, TypeVar

from fastapi import Depends, Path, Query
from starlette.responses import JSONResponse

from tunesmith.ui._manager import study_key, trial_key
from tunesmith.v1 import manager_pb2 as pb

Item = TypeVar("Item")

Namespace = Annotated[str, Path(max_length=253, description="Whose study it is, such as `default`.")]
Name = Annotated[str, Path(max_length=253, description="Name of the study.")]
TrialName = Annotated[str, Path(max_length=253, description="Name of the trial, or its number.")]
Offset = Annotated[int, Query(ge=0, le=10**9, description="How many are left out before the page.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="How many there are on the page at most.")]
Search = Annotated[str, Query(max_length=200, description="Words that must all occur.")]


def _study(namespace: Namespace, name: Name) -> pb.StudyKey:
    return study_key(namespace, name)


def _trial(namespace: Namespace, name: Name, trial: TrialName) -> pb.TrialKey:
    return trial_key(namespace, name, trial)


AStudy = Annotated[pb.StudyKey, Depends(_study)]
ATrial = Annotated[pb.TrialKey, Depends(_trial)]


def answer(data: Any, status: int = 200) -> JSONResponse:
    """Data that are JSON already: checking them against their description once more would cost seconds."""
    return JSONResponse(data, status)


def cut(items: list[Item], offset: int, limit: int) -> list[Item]:
    """A page."""
    return items[offset : offset + limit]
