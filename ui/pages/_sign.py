"""Signing in and out."""

from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tunesmith.services.errors import Authenticate, Forbidden
from tunesmith.ui._desk import ADesk, Desk, guest_of
from tunesmith.ui._links import link
from tunesmith.ui._page import page
from tunesmith.ui.security import Guest, Session
from tunesmith.ui.security._door import cookie_name
from tunesmith.v1 import manager_pb2 as pb

router = APIRouter()
_LARGEST = 8192


@router.get("/login")
async def ask(request: Request, desk: ADesk, key: str = "", next: str = "/") -> Response:
    """The form, or the way in for whoever has a key."""
    if not desk.settings.login:
        return RedirectResponse(link(request, "/"), 303)
    if key:
        session = desk.door.by_key(key)
        if session is not None:
            return _let_in(request, session, "/")
        return _form(request, desk, "/", "This address was used before. Sign in with a token.", 401)
    return _form(request, desk, next)


@router.post("/login")
async def sign_in(request: Request, desk: ADesk) -> Response:
    """Check a token, and let its holder in."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("sign in on the page of this dashboard")
    body = await _body(request)
    given = parse_qs(body.decode(errors="replace"))
    token, onward = given.get("token", [""])[0].strip(), given.get("next", ["/"])[0]
    session = await _session(desk, token) if token else None
    if session is None:
        return _form(request, desk, onward, "This token is not known here.", 401)
    return _let_in(request, session, onward)


@router.post("/logout")
async def sign_out(request: Request, desk: ADesk, guest: Annotated[Guest, Depends(guest_of)]) -> Response:
    """End the session."""
    if guest.session is not None:
        desk.door.sessions.end(guest.session.name)
    response = Response(status_code=204)
    response.delete_cookie(cookie_name(request), path=link(request, "/"))
    return response


async def _body(request: Request) -> bytes:
    data = b""
    async for piece in request.stream():
        data += piece
        if len(data) > _LARGEST:
            raise Forbidden("a token is shorter")
    return data


async def _session(desk: Desk, token: str) -> Session | None:
    """The session of a token's holder; a manager elsewhere is asked whether it knows the token."""
    if desk.settings.local:
        return desk.door.by_token(token)
    try:
        await desk.manager(token).line.call("ListStudies", pb.ListStudiesRequest(page_size=1))
    except Authenticate:
        return None
    return desk.door.sessions.begin(token)


def _form(request: Request, desk: Desk, onward: str, wrong: str = "", status: int = 200) -> Response:
    return page(request, "login.html", next=_inside(onward), wrong=wrong, local=desk.settings.local, status_code=status)


def _let_in(request: Request, session: Session, onward: str) -> Response:
    """A page of our own that goes on: a redirect would not carry the new cookie where a link elsewhere began it."""
    response = page(request, "welcome.html", onward=link(request, _inside(onward)))
    response.set_cookie(
        cookie_name(request),
        session.name,
        path=link(request, "/"),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


def _inside(onward: str) -> str:
    """A path of ours, whatever somebody wrote into the address."""
    safe = onward.startswith("/") and not onward.startswith(("//", "/\\")) and onward.isprintable()
    return onward if safe and "\\" not in onward else "/"
