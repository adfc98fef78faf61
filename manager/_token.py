"""The token that TCP callers need: the folder's, made at the first start unless it is given."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.services.errors import FixRequest
from tunesmith.services.local import write_private
from tunesmith.services.server import Caller, TokenCheck, hash_token, new_token

if TYPE_CHECKING:
    from tunesmith.manager._context import Database
    from tunesmith.manager.storage import Tx

SHORTEST = 20
"""Characters of a token that is given: what somebody thought of is soon found out by trying."""


async def token_check(database: "Database", folder: Path, given: str | None, say: Callable[[str], None]) -> TokenCheck:
    """Who knows the tokens of TCP callers.

    A token that is given takes the place of the folder's, which nobody can use any more. Raises FixRequest when it is
    none.
    """
    path = folder / "token"
    old = path.read_text().strip() if path.exists() else None
    if given is not None:
        check_strength(given)
    own = given or old or new_token()

    def enter(tx: "Tx") -> None:
        """A database that the folder did not have before does not know the token yet."""
        if old is not None and old != own and (row := tx.token_by_hash(_hashed(old))) is not None:
            tx.delete_token(row.name)
        if tx.token_by_hash(_hashed(own)) is None:
            tx.add_token(f"first-{_hashed(own)[:4].hex()}", _hashed(own), "admin", time.time())

    await database.write(enter)
    if own != old:  # last, so that the old one is known until it is gone from the database
        write_private(path, own + "\n")
        say(f"wrote the token that clients need to {path}")

    async def check(hashed: str) -> Caller | None:
        found = await database.read(lambda tx: tx.token_by_hash(bytes.fromhex(hashed)))
        return None if found is None else Caller("token", found.name)

    return check


def check_strength(token: str) -> None:
    """Raise FixRequest for what no header carries, or what is soon guessed. The message does not tell it."""
    if not (len(token) >= SHORTEST and token.isascii() and token.isprintable() and " " not in token):
        raise FixRequest(
            f"a token must have at least {SHORTEST} letters, digits or signs and no blanks, but got one of"
            f" {len(token)} characters"
        )


def _hashed(token: str) -> bytes:
    return bytes.fromhex(hash_token(token))
