"""Idempotency: what a request was answered, for a day."""

from typing import Final

from sqlalchemy import bindparam, delete, insert, select

from tunesmith.manager.storage._base import Base
from tunesmith.manager.storage._tables import requests
from tunesmith.manager.storage._text import clean
from tunesmith.services.errors import FixRequest

KEPT: Final = 24 * 3600.0
"""Seconds for which an answer is kept."""

_RECALL = select(requests.c.method, requests.c.reply).where(requests.c.id == bindparam("id"))
_FORGET = delete(requests).where(requests.c.time < bindparam("before"))
_REMEMBER = insert(requests)


class Requests(Base):
    """The part of a transaction that is about requests."""

    def recall(self, request_id: str, method: str = "") -> bytes | None:
        """The reply given to this request within the last day; None: it is new.

        Raises FixRequest when it was a call of another method than `method`; empty: any will do.
        """
        row = self._one(_RECALL, {"id": clean(request_id)})
        if row is None:
            return None
        before, reply = row
        if method not in ("", before):
            raise FixRequest(f"`request_id` must be new for each call, but {request_id[:100]!r} was given to {before}")
        return bytes(reply)

    def remember(self, request_id: str, method: str, reply: bytes, now: float) -> None:
        """Keep the reply for a day.

        Where another manager answers the same request meanwhile, the transaction fails with TryAgain: nothing of it is
        stored, and the next call finds the other's reply.
        """
        self._check_writable()
        self._run(_FORGET, {"before": now - KEPT})
        self._run(_REMEMBER, {"id": clean(request_id), "method": method, "reply": reply, "time": now})
