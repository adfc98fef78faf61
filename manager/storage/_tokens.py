"""Bearer tokens, known by their hashes only."""

from sqlalchemy import bindparam, delete, select

from tunesmith.manager.storage._base import Base
from tunesmith.manager.storage._dialect import insert_new
from tunesmith.manager.storage._rows import TokenRow
from tunesmith.manager.storage._tables import tokens
from tunesmith.services.errors import AlreadyExists, NotFound

_ALL = select(tokens.c.name, tokens.c.hash, tokens.c.role, tokens.c.created).order_by(tokens.c.name)
_BY_HASH = _ALL.where(tokens.c.hash == bindparam("hash"))
_FORGET = delete(tokens).where(tokens.c.name == bindparam("key"))


class Tokens(Base):
    """The part of a transaction that is about tokens."""

    def add_token(self, name: str, hash: bytes, role: str, now: float) -> None:
        """Add a token. Raises AlreadyExists when the name or the hash is taken."""
        self._check_writable()
        values = {"name": name, "hash": hash, "role": role, "created": now}
        if self._scalar(insert_new(self._dialect, tokens).returning(tokens.c.name), values) is None:
            raise AlreadyExists(f"a token's name must be new, but {name!r} exists")

    def token_by_hash(self, hash: bytes) -> TokenRow | None:
        """The token with that hash; None: there is none."""
        row = self._one(_BY_HASH, {"hash": hash})
        return None if row is None else TokenRow(*row)

    def list_tokens(self) -> list[TokenRow]:
        """All tokens by name."""
        return [TokenRow(*row) for row in self._all(_ALL)]

    def delete_token(self, name: str) -> None:
        """Forget the token. Raises NotFound."""
        self._check_writable()
        if self._run(_FORGET, {"key": name}).rowcount != 1:
            raise NotFound(f"there is no token {name!r}")
