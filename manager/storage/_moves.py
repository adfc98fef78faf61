"""Trials on their way: attempts opened and closed, states moved, stops asked for."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from tunesmith.manager.storage import _tables as t
from tunesmith.manager.storage import _trial_rows as rows
from tunesmith.manager.storage._dialect import update_some
from tunesmith.manager.storage._ledger import Ledger
from tunesmith.manager.storage._rows import AttemptRow, TrialRow
from tunesmith.manager.storage._summaries import Summaries
from tunesmith.manager.storage._text import clean_message, to_json
from tunesmith.manager.storage._trials import Trials
from tunesmith.study import AttemptEnding, FailureClass, TransitionError, TrialState, check_trial_move

_OPEN = insert(t.attempts)
_CLOSE = (
    update(t.attempts)
    .where(t.attempts.c.trial_id == bindparam("key"), t.attempts.c.number == bindparam("last"))
    .values(
        {name: bindparam(f"new_{name}") for name in ("ending", "failure_class", "exit_status", "message", "finished")}
    )
)
_ATTEMPTS = (
    select(*(column for column in t.attempts.c if column.name != "trial_id"))
    .where(t.attempts.c.trial_id == bindparam("id"))
    .order_by(t.attempts.c.number)
)


class Moves(Trials, Summaries):
    """The part of a transaction that moves trials."""

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
        self._run(_OPEN, values)
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
        changes = {"reason": "", "message": "", "not_before": None, "started": _first(trial.started, now)}
        moved = self._move(trial, TrialState.RUNNING, changes)
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
        self._run(_CLOSE, values)
        failures = trial.failures + (ending is AttemptEnding.FAILED)
        self._change(trial, {"attempt_open": False, "failures": failures})
        return True

    def move_trial(
        self,
        trial_id: int,
        state: TrialState,
        reason: str,
        message: str,
        now: float,
        *,
        not_before: float | None = None,
    ) -> TrialRow:
        """Move the trial, and everything that follows from it, in one go; add an event.

        Final states give it a completion rank and its value; Succeeded enters its metrics into the study summaries and
        the best. Back to Pending forgets value, rank and stop intent; from a final state (a user's retry) also the
        failures. Running without `launched` is the same move.

        Raises:
            NotFound: No such trial.
            TransitionError: The table has no such move, or its attempt is still open (close it first).
        """
        trial = self._to_change(trial_id)
        check_trial_move(trial.state, state)
        if trial.attempt_open and state is not TrialState.RUNNING:
            raise TransitionError(f"an open attempt is closed before its trial moves to {state}, but got {trial.name}")
        changes: dict[str, Any] = {"reason": clean_message(reason), "message": clean_message(message)}
        changes["not_before"] = not_before
        if state is TrialState.PENDING:
            changes.update(_FORGOTTEN, failures=0 if trial.state.final else trial.failures)
        elif state is TrialState.RUNNING:
            changes.update(started=_first(trial.started, now))
        else:
            changes.update(finished=now, **self._outcome(trial, state))
        moved = self._move(trial, state, changes)
        self._note_move(moved, reason, message, now)
        return moved

    def request_stop(self, trial_id: int, kind: str, reason: str, now: float) -> TrialRow:
        """Note that the trial should stop. The first intent wins, except that `kill` overrides `interrupt`.

        Changes nothing of a trial that is final, and is no change of state: the revision stays, and there is no event.
        """
        trial = self._to_change(trial_id)
        wins = trial.stop_kind is None or (trial.stop_kind == "interrupt" and kind == "kill")
        if trial.state.final or not wins:
            return trial
        return self._change(trial, {"stop_kind": kind, "stop_reason": clean_message(reason), "stop_time": now})

    def attempts(self, trial_id: int) -> list[AttemptRow]:
        """All attempts by number."""
        return [_read_attempt(*row) for row in self._all(_ATTEMPTS, {"id": trial_id})]

    def _to_change(self, trial_id: int) -> TrialRow:
        self._check_writable()
        return self._trial(self._head_of_trial(trial_id), trial_id)

    def _change(self, trial: TrialRow, changes: Mapping[str, Any]) -> TrialRow:
        """Store these fields of the trial, and no others: an index is written only when one of its columns is."""
        self._run(update_some(t.trials, tuple(changes)), rows.changed_values(trial.id, changes))
        changed = replace(trial, **changes)
        self._live.put_trial(changed)
        return changed

    def _outcome(self, trial: TrialRow, state: TrialState) -> dict[str, Any]:
        """Completion rank and value of a trial that ends; a success enters the study's numbers."""
        head = self._head_of_trial(trial.id)
        objective = self._job(head).spec.objective
        summaries = self._attempt_summaries(trial.id, trial.attempt)
        value = next((s.value(objective.strategy) for s in summaries if s.metric == objective.metric), None)
        if state is TrialState.SUCCEEDED:
            self._enter_success(head, trial, summaries, value)
        head.rank += 1
        return {"completion_rank": head.rank, "value": value}

    def _move(self, trial: TrialRow, state: TrialState, changes: Mapping[str, Any]) -> TrialRow:
        head = self._head_of_trial(trial.id)
        head.recount(trial.state, state)
        head.advance(trial.number, state, changes.get("value", trial.value), to_json(trial.assignment))
        revised = {"state": state, "revision": head.revision, "digest": head.digest}
        return self._change(trial, {**changes, **revised})

    def _note_move(self, trial: TrialRow, reason: str, message: str, now: float) -> None:
        head = self._head_of_trial(trial.id)
        self._note(head, trial.number, trial.state.value, reason, message, now, revised=True)


_FORGOTTEN = {
    "value": None,
    "completion_rank": 0,
    "finished": None,
    "stop_kind": None,
    "stop_reason": None,
    "stop_time": None,
}


def _first(started: float | None, now: float) -> float:
    return now if started is None else started


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
