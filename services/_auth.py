"""Who calls: tokens, and the caller of the handler that is running."""

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Caller:
    """Who made the call that is being handled."""

    kind: Literal["local", "token", "open"]
    """`local`: this user, over a Unix socket; `token`: whoever holds it; `open`: anybody, where no token is asked for."""
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
    raise NotImplementedError


def hash_token(token: str) -> str:
    """What is stored of a token: its SHA-256 in hex. Tokens are random, so there is nothing to salt or to slow down."""
    raise NotImplementedError


def known_tokens(hashes: Mapping[str, str]) -> TokenCheck:
    """A check against a fixed set of tokens: name of each, and its `hash_token`."""
    raise NotImplementedError
