"""Who calls: tokens, and the caller of the handler that is running."""

import hmac
import os
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, Literal

import grpc

from tunesmith.services.errors import Authenticate

HEALTH = "/grpc.health.v1.Health/"


@dataclass(frozen=True)
class Caller:
    """Who made the call that is being handled."""

    kind: Literal["local", "token", "open"]
    """`local`: this user, over a Unix socket; `token`: its holder; `open`: anybody, where no token is asked for."""
    name: str
    """Name of the user, of the token, or of the client's certificate where no token is asked for; may be empty."""


TokenCheck = Callable[[str], Awaitable[Caller | None]]
"""Takes the `hash_token` of what a caller sent, gives the caller, or None for a token that is not known."""

_caller: ContextVar[Caller] = ContextVar("tunesmith_caller")


def caller() -> Caller:
    """Who made the call that the running handler answers; LookupError outside a handler."""
    return _caller.get()


def new_token() -> str:
    """A fresh secret of 256 bits, in letters that survive every shell and header."""
    return token_urlsafe(32)


def hash_token(token: str) -> str:
    """What is stored of a token: its SHA-256 in hex. Tokens are random, so there is nothing to salt or to slow down."""
    return sha256(token.encode(errors="surrogateescape")).hexdigest()


def known_tokens(hashes: Mapping[str, str]) -> TokenCheck:
    """A check against a fixed set of tokens: name of each, and its `hash_token`."""

    async def check(hashed: str) -> Caller | None:
        # Every hash is compared, and each in the same time, whichever matches.
        found = [name for name, known in hashes.items() if hmac.compare_digest(known, hashed)]
        return Caller("token", found[0]) if found else None

    return check


class Guard:
    """Learns who calls, or refuses the call."""

    def __init__(self, token_check: TokenCheck | None) -> None:
        """None: no token is asked for."""
        self._check = token_check

    async def __call__(self, method: str, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        """Set `caller()` for the handler of this call.

        Raises:
            Authenticate: There is no token, or it is not known.
        """
        _caller.set(await self._identify(method, context))

    async def _identify(self, method: str, context: grpc.aio.ServicerContext[Any, Any]) -> Caller:
        if context.peer().startswith("unix:"):
            # Only this user can have opened it: the socket lies in a folder of mode 0700.
            return Caller("local", _user())
        if self._check is None or method.startswith(HEALTH):
            return Caller("open", _certificate_name(context))
        token = _bearer(context)
        if token is None:
            raise Authenticate(
                "this server wants a token: send the header `authorization: Bearer TOKEN` (the command takes it from"
                " TUNESMITH_TOKEN; `serve` wrote the first one to .tunesmith/token)"
            )
        found = await self._check(hash_token(token))
        if found is None:
            raise Authenticate("this server does not know the token: it may be another server's, or revoked")
        return found


def _bearer(context: grpc.aio.ServicerContext[Any, Any]) -> str | None:
    for key, value in context.invocation_metadata() or ():
        if key == "authorization" and isinstance(value, str):
            scheme, _, token = value.partition(" ")
            return token.strip() if scheme.lower() == "bearer" and token.strip() else None
    return None


def _certificate_name(context: grpc.aio.ServicerContext[Any, Any]) -> str:
    names = context.auth_context().get("x509_common_name", ())
    return next(iter(names), b"").decode(errors="replace")


@cache
def _user() -> str:
    import pwd  # Windows has none, and is told so elsewhere

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run as a number without a name
        return str(os.getuid())
