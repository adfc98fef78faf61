"""What users do to studies and trials, each inside one transaction. Nothing outside the store is touched here."""

import secrets
from collections.abc import Sequence
from dataclasses import replace

from tunesmith.manager._apply import snapshot_of
from tunesmith.manager._decide import LIMIT_ENDS, STOPPED, end_of
from tunesmith.manager._snapshot import Oracle, StopKind
from tunesmith.manager.storage import StudyRow, TrialRow, Tx
from tunesmith.services.errors import NotNow, StartOver
from tunesmith.study import Assignment, Limits, StudyJob, StudyState, TrialState

INTERRUPTED = "interrupted"
"""Reason of a study whose `run` was interrupted; its trials run again when it is resumed."""


def create(tx: Tx, job: StudyJob, now: float) -> StudyRow:
    """A new study; a seed that the document does not give is drawn and kept. Raises AlreadyExists."""
    if job.spec.seed is None:
        job = replace(job, spec=replace(job.spec, seed=secrets.randbits(31)))
    return tx.insert_study(secrets.token_hex(16), job, now)


def pause(tx: Tx, study: StudyRow, now: float) -> StudyRow:
    """Launch nothing new. A paused study stays as it is; one in another state raises NotNow."""
    if study.state is StudyState.PAUSED:
        return study
    _require(study, StudyState.RUNNING, "pause")
    study = tx.move_study(study.uid, StudyState.PAUSED, "paused", "paused by its user", now)
    if study.job.spec.trial.workers:
        _withdraw(tx, study, now)
    return study


def _withdraw(tx: Tx, study: StudyRow, now: float) -> None:
    """Trials that are offered to workers, and that none has, are offered again when the study is resumed."""
    for trial in tx.live_trials(study.uid):
        if trial.attempt_open and trial.state is TrialState.PENDING:
            tx.request_stop(trial.id, StopKind.INTERRUPT.value, "paused", now)


def resume(tx: Tx, study: StudyRow, now: float) -> StudyRow:
    """Go on. A running study stays as it is; one that has ended raises NotNow."""
    if study.state in (StudyState.RUNNING, StudyState.CREATED):
        return study
    _require(study, StudyState.PAUSED, "resume")
    return tx.move_study(study.uid, StudyState.RUNNING, "", "resumed", now)


def interrupt(tx: Tx, study: StudyRow, now: float) -> StudyRow:
    """Stop what runs, but so that it runs again when the study is resumed. One that has ended raises NotNow."""
    if study.state.final:
        raise NotNow(f"study {study.name} has ended already: {study.state} ({study.reason})")
    if study.state is StudyState.CREATED:
        study = tx.move_study(study.uid, StudyState.RUNNING, "", "", now)
    if study.state is StudyState.RUNNING:
        study = tx.move_study(study.uid, StudyState.PAUSED, INTERRUPTED, "its trials run again when it is resumed", now)
    _stop_running(tx, study, StopKind.INTERRUPT, "interrupted", now)
    return study


def stop(tx: Tx, study: StudyRow, now: float) -> StudyRow:
    """End the study for good. One that has ended raises NotNow."""
    if study.state.final:
        raise NotNow(f"study {study.name} has ended already: {study.state} ({study.reason})")
    if study.state is not StudyState.ENDING:
        study = tx.move_study(study.uid, StudyState.ENDING, STOPPED, "stopped by its user", now)
    _stop_running(tx, study, StopKind.KILL, "the study was stopped by its user", now)
    return study


def _stop_running(tx: Tx, study: StudyRow, kind: StopKind, reason: str, now: float) -> None:
    for trial in tx.live_trials(study.uid):
        if trial.attempt_open:
            tx.request_stop(trial.id, kind.value, reason, now)


def edit(
    tx: Tx,
    study: StudyRow,
    *,
    generation: int,
    limits: Limits | None,
    labels: dict[str, str] | None,
    initial: Sequence[Assignment] | None,
    now: float,
) -> StudyRow:
    """Change what is given. A study that a limit ended runs again when the new limits allow it.

    Raises StartOver when `generation` is not 0 and not the present one, and NotNow when an initial assignment that has
    a trial already would change.
    """
    if generation not in (0, study.generation):
        raise StartOver(f"the edit was made from generation {generation}, but the study is at {study.generation}")
    used = study.job.spec.initial[: study.initial_used]
    if initial is not None and tuple(initial[: len(used)]) != used:
        raise NotNow(f"the first {len(used)} initial assignments have trials already, and cannot change")
    study = tx.edit_study(study.uid, limits=limits, labels=labels, initial=initial, now=now)
    more = limits is not None or initial is not None
    if more and study.state.final and study.reason in LIMIT_ENDS and _can_go_on(study, now):
        study = tx.move_study(study.uid, StudyState.RUNNING, "", "a limit was raised", now)
    return study


def _can_go_on(study: StudyRow, now: float) -> bool:
    if study.reason == "exhausted" and study.initial_used == len(study.job.spec.initial):
        return False
    return end_of(snapshot_of(study, (), Oracle.READY, 0, now, None)) is None


def stop_trial(tx: Tx, trial: TrialRow, now: float) -> TrialRow:
    """End one trial as Killed. One that has ended raises NotNow."""
    if trial.state.final:
        raise NotNow(f"trial {trial.name} has ended already: {trial.state} ({trial.reason})")
    if not trial.attempt_open:
        return tx.move_trial(trial.id, TrialState.KILLED, STOPPED, "stopped by its user", now)
    return tx.request_stop(trial.id, StopKind.KILL.value, "stopped by its user", now)


RETRYABLE = (TrialState.FAILED, TrialState.KILLED, TrialState.METRICS_UNAVAILABLE)


def retry_trial(tx: Tx, study: StudyRow, trial: TrialRow, now: float) -> TrialRow:
    """Run a trial again, as a further attempt; a study that had ended by a limit goes on for it.

    Raises NotNow for a trial in another state, and for a study that would end again at once.
    """
    if trial.state not in RETRYABLE:
        states = ", ".join(RETRYABLE)
        raise NotNow(f"only a trial in state {states} can be retried, but {trial.name} is {trial.state}")
    if study.state.final and study.reason not in LIMIT_ENDS:
        raise NotNow(f"study {study.name} has ended ({study.state}, {study.reason}), and a retry would not reopen it")
    if study.state is StudyState.ENDING:
        raise NotNow(f"study {study.name} is ending ({study.reason})")
    trial = tx.move_trial(trial.id, TrialState.PENDING, "retried", "retried by its user", now)
    if study.state.final:
        tx.move_study(study.uid, StudyState.RUNNING, "", f"trial {trial.name} was retried", now)
    return trial


def _require(study: StudyRow, state: StudyState, verb: str) -> None:
    if study.state is not state:
        raise NotNow(f"only a study in state {state} can {verb}, but {study.name} is {study.state}")
