"""Sessions of browsers. They live in memory: a cookie holds nothing but a random name, so there is nothing to sign."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_urlsafe

LIFE = 7 * 86400.0
"""Seconds after which a session that nobody uses ends."""
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that was let in.

    Attributes:
        name: 256 random bits, known to the browser only.
        csrf: What a page of ours sends with each change, and no other page can know.
        token: With which the manager is called; None: the manager asks for none.
        seen: Seconds of the clock when it was used last.
    """

    name: str
    csrf: str
    token: str | None
    seen: float


class Sessions:
    """All sessions of one dashboard; the oldest ends where there would be too many."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds."""
        self._clock = clock
        self._open: OrderedDict[str, Session] = OrderedDict()

    def begin(self, token: str | None) -> Session:
        """A new session, whose browser calls the manager with `token`."""
        session = Session(token_urlsafe(32), token_urlsafe(32), token, self._clock())
        self._open[session.name] = session
        while len(self._open) > _MOST:
            self._open.popitem(last=False)
        return session

    def find(self, name: str) -> Session | None:
        """The session of that name, which goes on from now; None: there is none any more."""
        session = self._open.pop(name, None)
        if session is None or self._clock() - session.seen > LIFE:
            return None
        session = Session(session.name, session.csrf, session.token, self._clock())
        self._open[name] = session
        return session

    def end_all(self) -> None:
        """Let nobody in any more."""
        self._open.clear()

    def end(self, name: str) -> None:
        """Let it in no more."""
        self._open.pop(name, None)
