"""What went wrong, as HTTP tells it: a problem document (RFC 9457) for programs, a page for people."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import compile_path

from tunesmith.client._errors import ManagerDied
from tunesmith.services import errors
from tunesmith.study import Mistake
from tunesmith.ui._links import link, route_path
from tunesmith.ui._page import page

_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (errors.FixRequest, 422),
    (errors.NotFound, 404),
    (errors.AlreadyExists, 409),
    (errors.NotNow, 409),
    (errors.StartOver, 409),
    (errors.Authenticate, 401),
    (errors.Forbidden, 403),
    (errors.TryAgain, 503),
    (ManagerDied, 503),
    (errors.FreeSpace, 507),
    (errors.NotOffered, 501),
)
TITLES = {
    400: "The request cannot be read",
    401: "Who are you?",
    403: "Not allowed",
    404: "Not found",
    405: "Not done here",
    409: "Not now",
    413: "The request is too large",
    421: "Not our name",
    422: "The request is wrong",
    501: "Not offered",
    503: "The manager cannot be reached",
    507: "A disk is full",
}


def status_of(error: Exception) -> int:
    """The HTTP status that an error is told by."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def problem(
    request: Request,
    status: int,
    detail: str,
    mistakes: "tuple[Mistake, ...]" = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer that tells of a problem, to a program or to a person."""
    title = TITLES.get(status, "Something went wrong")
    if wants_page(request):
        if status == 401 and request.app.state.desk.settings.login:
            return RedirectResponse(link(request, "/login", next=_here(request)), status_code=303)
        return page(request, "error.html", status=status, title=title, detail=detail, status_code=status)
    content = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "mistakes": [mistake_data(mistake) for mistake in mistakes],
    }
    extra = {"www-authenticate": "Bearer"} if status == 401 else {}
    return JSONResponse(content, status, {**(headers or {}), **extra}, media_type="application/problem+json")


def mistake_data(mistake: Mistake) -> dict[str, Any]:
    """A mistake; line and column are null where they are not known."""
    return {
        "path": mistake.path,
        "message": mistake.message,
        "line": mistake.line or None,
        "column": mistake.column or None,
    }


def wants_page(request: Request) -> bool:
    """Whether a person with a browser waits for the answer."""
    return not route_path(request).startswith("/api/") and "text/html" in request.headers.get("accept", "")


def _here(request: Request) -> str:
    query = request.url.query
    return route_path(request) + (f"?{query}" if query else "") if request.method == "GET" else "/"


def _methods(request: Request) -> list[str]:
    """What may be done at a path: several routes lead there, and Starlette names those of one."""
    path, described = route_path(request), request.app.openapi()["paths"]
    found = {method.upper() for known in described if compile_path(known)[0].match(path) for method in described[known]}
    return sorted(found or {"GET"})


def add_handlers(app: FastAPI) -> None:
    """Have every error of ours, of FastAPI and of Starlette told in this way."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, errors.TunesmithError)
        return problem(request, status_of(error), error.message, getattr(error, "mistakes", ()))

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        mistakes = tuple(Mistake(".".join(map(str, one["loc"])), one["msg"]) for one in error.errors())
        return problem(request, 422, "the request does not fit the API's description", mistakes)

    async def other(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 405:
            return problem(request, 405, "this is not done here", headers={"allow": ", ".join(_methods(request))})
        return problem(request, error.status_code, str(error.detail), headers=error.headers)

    async def unforeseen(request: Request, error: Exception) -> Response:
        return problem(request, 500, "the dashboard failed in a way it was not written for; its log has the details")

    app.add_exception_handler(Exception, unforeseen)
    app.add_exception_handler(errors.TunesmithError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, other)
