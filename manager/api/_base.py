"""What the calls of ManagerService share: the engine, its database, and answers that are given once."""

from collections.abc import Callable
from typing import TypeVar

from google.protobuf.message import Message

from tunesmith.manager._engine import Engine
from tunesmith.manager.api import _requests as requests
from tunesmith.manager.api import _trial_views as trial_views
from tunesmith.manager.api import _views as views
from tunesmith.manager.api._presence import Presence
from tunesmith.manager.storage import StudyRow, TrialRow, Tx
from tunesmith.v1 import manager_pb2 as pb

R = TypeVar("R", bound=Message)

PERIOD = 0.1
"""Seconds between two messages of a watch, at least."""
QUIET = 15.0
"""Seconds after which a watch sends the study although nothing changed, so that times in it go on."""


class Calls:
    """Reads rows and records intents; the engine does the rest."""

    def __init__(self, engine: Engine, presence: Presence) -> None:
        """`presence` counts the calls."""
        self._engine = engine
        self._context = engine.context
        self._database = engine.context.database
        self.presence = presence

    def _now(self) -> float:
        return self._context.clock()

    def _study(self, tx: Tx, row: StudyRow) -> pb.Study:
        return views.study_message(views.read_study(tx, row), self._now(), self._engine.fault(row.uid))

    async def _once(self, method: str, request_id: str, kind: type[R], work: Callable[[Tx], R]) -> R:
        """Do `work` in a transaction, unless the same request was answered before: then give that answer again."""

        def run(tx: Tx) -> R:
            kept = _recall(tx, method, request_id, kind)
            if kept is not None:
                return kept
            reply = work(tx)
            if request_id:
                tx.remember(request_id, method, reply.SerializeToString(), self._now())
            return reply

        return await self._database.write(run)

    async def _kept(self, method: str, request_id: str, kind: type[R]) -> R | None:
        """The answer that was given to this request before; None: it is new, or has no id."""
        return await self._database.read(lambda tx: _recall(tx, method, request_id, kind))


def _recall(tx: Tx, method: str, request_id: str, kind: type[R]) -> R | None:
    kept = tx.recall(request_id, method) if request_id else None
    return None if kept is None else kind.FromString(kept)


def find(tx: Tx, key: pb.TrialKey) -> tuple[StudyRow, TrialRow]:
    """A trial and its study. Raises NotFound."""
    study = tx.find_study(*requests.key_of(key.study))
    return study, tx.find_trial(study.uid, key.trial)


def trial_of(tx: Tx, row: TrialRow) -> pb.Trial:
    """The trial as it is sent."""
    return trial_views.trial_message(trial_views.read_trials(tx, [row])[0])
