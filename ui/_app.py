"""The application: its parts, put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from tunesmith import __version__
from tunesmith.client import _local
from tunesmith.services import local
from tunesmith.services.errors import TunesmithError
from tunesmith.ui import _assets
from tunesmith.ui._calls import Find, Wire
from tunesmith.ui._desk import Desk
from tunesmith.ui._problems import add_handlers
from tunesmith.ui._settings import Settings
from tunesmith.ui.api import router as api
from tunesmith.ui.pages import router as pages
from tunesmith.ui.security import Bodies, Door, Headers, Hosts

_ABOUT = "The dashboard's data as JSON. Fields are named as `tunesmith get -o json` names them, and are never renamed."


class Dashboard(FastAPI):
    """The application."""

    def build_middleware_stack(self) -> ASGIApp:
        """Our headers around all of it, for the answer to a failure that nobody thought of is made outside the rest."""
        return Headers(super().build_middleware_stack())


def create_app(settings: Settings) -> FastAPI:
    """The dashboard, as an ASGI application."""
    secret = token_file(settings.folder) if settings.local else None
    desk = Desk(settings, Door(settings, secret), Wire(finder(settings)))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await desk.close()

    app = Dashboard(
        title="Tunesmith",
        version=__version__,
        description=_ABOUT,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # both bring scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.desk = desk
    add_handlers(app)
    app.include_router(api)
    app.include_router(pages)
    _add_files(app)
    app.add_middleware(GZipMiddleware, minimum_size=1024)
    app.add_middleware(Hosts, settings=settings)
    app.add_middleware(Bodies)
    return app


def _add_files(app: FastAPI) -> None:
    @app.get("/static/{folder}/{name}", include_in_schema=False)
    async def static(request: Request, folder: str, name: str) -> Response:
        return await asyncio.to_thread(lambda: _assets.find(folder, name).answer(request))

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> Response:
        """Whether this process answers."""
        return JSONResponse({"status": "ok", "version": __version__})

    @app.get("/readyz", include_in_schema=False)
    async def readyz(desk: Annotated[Desk, Depends(lambda: app.state.desk)]) -> Response:
        """Whether the manager behind it answers, too."""
        try:
            await desk.check()
        except TunesmithError as error:
            return JSONResponse({"status": "unavailable", "detail": error.message}, 503)
        return JSONResponse({"status": "ok"})


def finder(settings: Settings) -> Find:
    """How the manager is found: the one that is named, or the folder's, which is started when none answers."""

    async def named() -> str:
        assert settings.server is not None
        return settings.server

    async def here() -> str:
        return await asyncio.to_thread(_local.reach, settings.folder)

    return here if settings.server is None else named


def token_file(folder: Path) -> Path:
    """Where the token of a folder is, the same that its manager asks for over TCP; made if needed."""
    path = local.state_folder(folder) / "token"
    if not path.exists():
        from tunesmith.services.server import new_token

        local.write_private(path, new_token() + "\n")
    return path
