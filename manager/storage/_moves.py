"""Trials on their way: states moved, with all that follows, and stops asked for."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tunesmith.manager.storage._rows import TrialRow
from tunesmith.manager.storage._summaries import Summaries
from tunesmith.manager.storage._text import clean_message, to_json
from tunesmith.manager.storage._trials import Trials
from tunesmith.study import TransitionError, TrialState, check_trial_move


class Moves(Trials, Summaries):
    """The part of a transaction that moves trials."""

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
            changes.update(started=first_time(trial.started, now))
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

    def _to_change(self, trial_id: int) -> TrialRow:
        self._check_writable()
        return self._trial(self._head_of_trial(trial_id), trial_id)

    def _change(self, trial: TrialRow, changes: Mapping[str, Any]) -> TrialRow:
        """Change these fields of the trial."""
        changed = replace(trial, **changes)
        self._later.change(changed, changes)
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


def first_time(started: float | None, now: float) -> float:
    """When something was first so: `started`, unless that has not come."""
    return now if started is None else started
