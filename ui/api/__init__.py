"""The data as JSON under `/api/v1`, described by `/api/v1/openapi.json`."""

from typing import Any

from fastapi import APIRouter, Depends

from tunesmith.ui._desk import guest_of
from tunesmith.ui.api import _documents, _figures, _records, _steer, _streams, _studies, _trials
from tunesmith.ui.api._shapes import Problem

_PROBLEM: dict[str, Any] = {"model": Problem, "content": {"application/problem+json": {}}}
_SAID = {
    400: "The request cannot be read.",
    401: "Nobody is signed in, and no token was sent.",
    403: "Whose token it is may not do that.",
    404: "What is named is not there.",
    409: "The state of the thing does not allow it, or its name is taken.",
    413: "The request is too large.",
    422: "The request or the document is wrong; `mistakes` says where.",
    503: "The manager cannot be reached.",
}

router = APIRouter(
    prefix="/api/v1",
    dependencies=[Depends(guest_of)],
    responses={status: {"description": text, **_PROBLEM} for status, text in _SAID.items()},
)
for part in (_studies, _trials, _records, _steer, _streams, _documents, _figures):
    router.include_router(part.router)
