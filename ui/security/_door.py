"""The door of the dashboard: who comes in, and with which credentials the manager is called for them.

Whoever reaches our TCP port could run commands through us, so everybody shows a token, on loopback too (design: a Unix
socket is its owner's, a port is everybody's). With a local manager it is the folder's, with one elsewhere the user's
own, which that manager judges. A key for one use stands in the address that the command prints.
"""

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_urlsafe

from starlette.requests import Request

from tunesmith.services.errors import Authenticate, Forbidden
from tunesmith.ui._settings import Settings
from tunesmith.ui.security._sessions import Session, Sessions

COOKIE = "tunesmith-session"
"""Begins the name of the cookie; the port follows, because browsers share cookies among ports."""
CSRF = "x-csrf-token"
_SAFE = ("GET", "HEAD", "OPTIONS")
_BROWSER = ("origin", "sec-fetch-site")


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who was let in. `csrf`: what their pages send with changes; `session` None: they came without one."""

    token: str | None
    csrf: str = ""
    session: Session | None = None


@dataclass(slots=True)
class Door:
    """Lets people in.

    Attributes:
        settings: Of the dashboard.
        secret: The file with the folder's token, which a local manager's users show; None where the manager judges
            tokens.
        clock: Gives seconds, for the sessions' ends.
    """

    settings: Settings
    secret: Path | None
    clock: Callable[[], float] = time.monotonic
    sessions: Sessions = field(init=False)
    _key: str | None = field(init=False, default=None)
    _csrf: str = field(init=False, default_factory=lambda: token_urlsafe(32))
    _seen: str | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """No session is open."""
        self.sessions = Sessions(self.clock)
        self._known()

    def new_key(self) -> str:
        """A key that opens the door once, where the dashboard has credentials of its own."""
        self._key = token_urlsafe(32)
        return self._key

    def by_key(self, key: str) -> Session | None:
        """The session that a key opens; None: it is used up, or none of ours."""
        known, right = self._key, self._key is not None and _same(key, self._key)
        if known is None or not right:
            return None
        self._key = None
        return self.sessions.begin(self.settings.token)

    def by_token(self, token: str) -> Session | None:
        """The session of a local manager's user; None: the token is wrong."""
        return self.sessions.begin(self.settings.token) if self.knows(token) else None

    def knows(self, token: str) -> bool:
        """Whether it is the folder's token."""
        known = self._known()
        return known is not None and _same(token, known)

    def _known(self) -> str | None:
        """The folder's token. Where it has been replaced, nobody stays whom the old one let in.

        One whose file was removed, or cannot be read, is what it was: so it is for the manager.
        """
        if self.secret is None:
            return None
        try:
            now = self.secret.read_text().strip()
        except OSError:
            return self._seen
        if self._seen not in (None, now):
            self.sessions.end_all()
        self._seen = now
        return now

    def guest(self, request: Request) -> Guest:
        """Who asks. Raises Authenticate for a stranger, and Forbidden for a change that is not of our own pages."""
        if (token := _bearer(request)) is not None:
            return Guest(self._of_bearer(token))
        if self.settings.login:
            self._known()
            session = self.sessions.find(request.cookies.get(cookie_name(request), ""))
            if session is None:
                raise Authenticate("sign in first, or send the header `authorization: Bearer TOKEN`")
            guest = Guest(session.token, session.csrf, session)
        else:
            guest = Guest(self.settings.token, self._csrf)
        self._check_change(request, guest)
        return guest

    def _of_bearer(self, token: str) -> str | None:
        if self.secret is None:
            return token
        if not self.knows(token):
            raise Authenticate("this dashboard does not know the token; its folder's is in .tunesmith/token")
        return self.settings.token

    def _check_change(self, request: Request, guest: Guest) -> None:
        """A page of somebody else can make a browser send a change here, but cannot know what ours send with it."""
        if request.method in _SAFE:
            return
        if not self.settings.login and not any(name in request.headers for name in _BROWSER):
            return  # a program, not a browser
        if not _same(request.headers.get(CSRF, ""), guest.csrf):
            raise Forbidden(f"a change from a browser must carry the header `{CSRF}` of a page of this dashboard")


def cookie_name(request: Request) -> str:
    """The session cookie of the dashboard at this port and path."""
    port = request.url.port or (443 if request.url.scheme == "https" else 80)
    return f"{COOKIE}-{port}"


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def _same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode(errors="surrogateescape"), known.encode())
