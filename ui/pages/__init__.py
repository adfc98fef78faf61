"""The pages."""

from fastapi import APIRouter

from tunesmith.ui.pages import _front, _new, _sign, _study, _trial

router = APIRouter(include_in_schema=False)
for part in (_sign, _front, _new, _study, _trial):
    router.include_router(part.router)
