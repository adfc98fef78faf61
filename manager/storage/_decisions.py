"""What early-stopping rules decided about trials, in order."""

import math
from collections.abc import Sequence

from sqlalchemy import bindparam, insert, select

from tunesmith.manager.storage._events import Events
from tunesmith.manager.storage._rows import DecisionRow, NewDecision
from tunesmith.manager.storage._tables import decisions
from tunesmith.manager.storage._text import clean, clean_message

_ADD = insert(decisions)
_NAMES = ("id", "trial_number", "attempt", "rule", "stop", "reason", "predicted", "step", "time", "complete")
_OF_STUDY = (
    select(*(decisions.c[name] for name in _NAMES))
    .where(decisions.c.study_id == bindparam("study"), decisions.c.id > bindparam("after"))
    .order_by(decisions.c.id)
    .limit(bindparam("most"))
)
_OF_TRIAL = decisions.c.trial_number == bindparam("trial")
_STOPS = decisions.c.stop


class Decisions(Events):
    """The part of a transaction that is about early-stopping decisions."""

    def add_decisions(self, uid: str, made: Sequence[NewDecision], now: float) -> None:
        """Keep decisions in this order. Raises NotFound without the study."""
        self._check_writable()
        study_id = self._head(uid).id
        if made:
            self._run(_ADD, [{"study_id": study_id, "time": now, **_values(decision)} for decision in made])

    def decisions(
        self, uid: str, trial: int | None = None, after: int = 0, limit: int = 1000, *, stops: bool = False
    ) -> list[DecisionRow]:
        """Decisions with an id above `after` by id: about all trials, or about trial number `trial`.

        `stops`: only those to stop a trial. Raises NotFound without the study.
        """
        page, wanted = {"study": self._study_id(uid), "after": after, "most": limit}, _OF_STUDY
        if trial is not None:
            page["trial"], wanted = trial, wanted.where(_OF_TRIAL)
        return [DecisionRow(*row) for row in self._all(wanted.where(_STOPS) if stops else wanted, page)]


def _values(decision: NewDecision) -> dict[str, object]:
    predicted = decision.predicted
    return {
        "trial_number": decision.trial_number,
        "attempt": decision.attempt,
        "rule": clean(decision.rule),
        "stop": decision.stop,
        "reason": clean_message(decision.reason),
        "predicted": predicted if predicted is not None and math.isfinite(predicted) else None,
        "step": decision.step,
        "complete": decision.complete,
    }
