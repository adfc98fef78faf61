"""Attempts: each launch of a trial, opened before anything is started, and closed when its ending is known."""

from collections.abc import Sequence

from sqlalchemy import bindparam, select

from tunesmith.manager.storage import _tables as t
from tunesmith.manager.storage._ledger import Ledger
from tunesmith.manager.storage._moves import Moves, first_time
from tunesmith.manager.storage._rows import AttemptRow, TrialRow
from tunesmith.manager.storage._text import clean_message
from tunesmith.study import AttemptEnding, FailureClass, TransitionError, TrialState

_ATTEMPTS = (
    select(t.attempts)
    .where(t.attempts.c.trial_id.in_(bindparam("ids", expanding=True)))
    .order_by(t.attempts.c.trial_id, t.attempts.c.number)
)
_AT_ONCE = 1000


class Attempts(Moves):
    """The part of a transaction that is about attempts."""

    def open_attempt(self, trial_id: int, folder: str, now: float) -> AttemptRow:
        """Open the next attempt of a Pending trial; its summaries begin empty.

        Raises:
            NotFound: No such trial.
            TransitionError: The trial is not Pending, or its last attempt is still open.
        """
        trial = self._to_change(trial_id)
        if trial.state is not TrialState.PENDING or trial.attempt_open:
            raise TransitionError(
                f"an attempt is opened of a Pending trial that has none open, but got {trial.name} "
                f"(state={trial.state}, attempt={trial.attempt}, open={trial.attempt_open})"
            )
        opened = self._change(trial, {"attempt": trial.attempt + 1, "attempt_open": True, "attempt_started": now})
        values = {"trial_id": trial_id, "number": opened.attempt, "message": "", "folder": folder, "started": now}
        self._later.opened.append(values)
        # Nothing can have been reported yet, so nothing needs to be read when the first observation comes.
        spec = self._job(self._head_of_trial(trial_id)).spec
        self._live.ledgers[trial_id, opened.attempt] = Ledger(spec, (), ())
        return AttemptRow(opened.attempt, None, None, None, "", folder, now, None)

    def launched(self, trial_id: int, now: float) -> TrialRow:
        """Pending to Running, with an event; a Running trial stays as it is.

        Raises:
            NotFound: No such trial.
            TransitionError: It has no open attempt, or is final.
        """
        trial = self._to_change(trial_id)
        if trial.state is TrialState.RUNNING:
            return trial
        if not trial.attempt_open:
            raise TransitionError(f"a trial is launched with an open attempt, but {trial.name} has none")
        changes = {"reason": "", "message": "", "not_before": None, "started": first_time(trial.started, now)}
        moved = self._move(trial, TrialState.RUNNING, {**changes, "attempt_started": now})
        self._note_move(moved, "launched", f"attempt {trial.attempt}", now)
        return moved

    def close_attempt(
        self,
        trial_id: int,
        ending: AttemptEnding,
        now: float,
        failure_class: FailureClass | None = None,
        exit_status: int | None = None,
        message: str = "",
    ) -> bool:
        """Write the ending of the open attempt; `failed` counts as a failure. False: none was open, nothing changed."""
        trial = self._to_change(trial_id)
        if not trial.attempt_open:
            return False
        values = {
            "key": trial_id,
            "last": trial.attempt,
            "new_ending": ending.value,
            "new_failure_class": failure_class and failure_class.value,
            "new_exit_status": exit_status,
            "new_message": clean_message(message),
            "new_finished": now,
        }
        self._later.closed.append(values)
        failures = trial.failures + (ending is AttemptEnding.FAILED)
        self._change(trial, {"attempt_open": False, "failures": failures})
        return True

    def attempts(self, trial_id: int) -> list[AttemptRow]:
        """All attempts by number."""
        return self.attempts_of([trial_id])[trial_id]

    def attempts_of(self, trial_ids: Sequence[int]) -> dict[int, list[AttemptRow]]:
        """All attempts of several trials by number; every id has an entry."""
        found: dict[int, list[AttemptRow]] = {trial_id: [] for trial_id in trial_ids}
        for begin in range(0, len(trial_ids), _AT_ONCE):
            some = trial_ids[begin : begin + _AT_ONCE]
            for trial_id, *columns in self._all(_ATTEMPTS, {"ids": some}):
                found[trial_id].append(_read_attempt(*columns))
        return found


def _read_attempt(
    number: int,
    ending: str | None,
    failure_class: str | None,
    exit_status: int | None,
    message: str,
    folder: str,
    started: float,
    finished: float | None,
) -> AttemptRow:
    return AttemptRow(
        number,
        None if ending is None else AttemptEnding(ending),
        None if failure_class is None else FailureClass(failure_class),
        exit_status,
        message,
        folder,
        started,
        finished,
    )
