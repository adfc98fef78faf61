"""Events: what happened, in order."""

from sqlalchemy import bindparam, select

from tunesmith.manager.storage._rows import EventRow
from tunesmith.manager.storage._tables import events
from tunesmith.manager.storage._trials import Trials

_OF_STUDY = (
    select(*(events.c[name] for name in ("id", "trial_number", "state", "reason", "message", "time")))
    .where(events.c.study_id == bindparam("study"), events.c.id > bindparam("after"))
    .order_by(events.c.id)
    .limit(bindparam("most"))
)
_OF_TRIAL = _OF_STUDY.where(events.c.trial_number == bindparam("trial"))
_FOR = events.c.reason == bindparam("reason")


class Events(Trials):
    """The part of a transaction that is about events."""

    def add_event(self, uid: str, trial_number: int | None, state: str, reason: str, message: str, now: float) -> None:
        """Add an event beside those of the transitions. `state` empty: none changed. Raises NotFound."""
        self._check_writable()
        self._note(self._head(uid), trial_number, state, reason, message, now)

    def events(
        self, uid: str, trial: int | None = None, after: int = 0, limit: int = 1000, reason: str = ""
    ) -> list[EventRow]:
        """Events with an id above `after` by id: of the study and all its trials, or of trial number `trial`.

        `reason`: only events of this one; empty: of any. Raises NotFound without the study.
        """
        statement = _OF_STUDY if trial is None else _OF_TRIAL
        page = {"study": self._study_id(uid), "after": after, "most": limit, "trial": trial, "reason": reason}
        found = self._all(statement.where(_FOR) if reason else statement, page)
        return [EventRow(*row) for row in found]
