"""Idempotency: what a request was answered, for a day."""

from typing import Final

from sqlalchemy import bindparam, delete, insert, select

from tunesmith.manager.storage._base import Base
from tunesmith.manager.storage._tables import requests
from tunesmith.manager.storage._text import clean

KEPT: Final = 24 * 3600.0
"""Seconds for which an answer is kept."""

_RECALL = select(requests.c.reply).where(requests.c.id == bindparam("id"))
_FORGET = delete(requests).where(requests.c.time < bindparam("before"))
_REMEMBER = insert(requests)


class Requests(Base):
    """The part of a transaction that is about requests."""

    def recall(self, request_id: str) -> bytes | None:
        """The reply given to this request within the last day; None: it is new."""
        reply: bytes | None = self._scalar(_RECALL, {"id": clean(request_id)})
        return reply

    def remember(self, request_id: str, method: str, reply: bytes, now: float) -> None:
        """Keep the reply for a day.

        Where another manager answers the same request meanwhile, the transaction fails with TryAgain: nothing of it is
        stored, and the next call finds the other's reply.
        """
        self._check_writable()
        self._run(_FORGET, {"before": now - KEPT})
        self._run(_REMEMBER, {"id": clean(request_id), "method": method, "reply": reply, "time": now})
