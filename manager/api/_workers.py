"""The calls of workers: acquire a trial, say that they are alive, complete it.

What a worker is told is in the database first. The launcher of workers keeps the time, and is told afterwards.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from tunesmith.manager._context import trial_folder
from tunesmith.manager._loop import GRACE
from tunesmith.manager._workers import exit_of
from tunesmith.manager.api import _requests as requests
from tunesmith.manager.api import _views as views
from tunesmith.manager.api._base import Calls, find
from tunesmith.manager.api._leases import Wish, ending_of, require_held, wish_of, worker_of
from tunesmith.manager.api._presence import present
from tunesmith.manager.launchers._offers import Offer
from tunesmith.manager.launchers.workers import WorkersLauncher
from tunesmith.manager.storage import StudyRow, TrialRow, Tx, WorkerLease
from tunesmith.services.errors import NotNow, NotOffered, TryAgain
from tunesmith.study import wire
from tunesmith.study.naming import trial_seed
from tunesmith.v1 import manager_pb2 as pb

T = TypeVar("T")
Found = tuple[StudyRow, TrialRow, WorkerLease]

WITHDRAWING = 0.05
"""Seconds that an offer whose stop is in the database takes to be withdrawn, about."""


class _Withdrawn(Exception):
    """The attempt is not to be run: its offer is about to go."""


class WorkerCalls(Calls):
    """Hand trials to workers, and take them back."""

    @present
    async def AcquireTrial(self, request: pb.AcquireTrialRequest, context: object) -> pb.AcquireTrialResponse:
        """A trial for a worker, once there is one."""
        wish = wish_of(request, requests.DEFAULT_NAMESPACE)
        kept = await self._kept("AcquireTrial", request.request_id, pb.AcquireTrialResponse)
        if kept is not None:
            return kept
        if wish.study:
            await self._database.read(lambda tx: _require_workers(tx.find_study(wish.namespace, wish.study)))
        clock = asyncio.get_running_loop().time
        until = clock() + wish.wait
        while (offer := await self._workers.offers.take(wish.wants, max(until - clock(), 0.0))) is not None:
            try:
                return await _whole(self._hand_over(request, wish, offer))
            except _Withdrawn:
                if clock() >= until:
                    break
                await asyncio.sleep(WITHDRAWING)
        return pb.AcquireTrialResponse()

    async def _hand_over(self, request: pb.AcquireTrialRequest, wish: Wish, offer: Offer) -> pb.AcquireTrialResponse:
        """Record who has the trial; an offer that the worker does not get is the next one's."""

        def work(tx: Tx) -> pb.AcquireTrialResponse:
            study = tx.find_study(offer.namespace, offer.study)
            trial = tx.find_trial(study.uid, offer.trial)
            if trial.attempt != offer.attempt or not trial.attempt_open or trial.stop_kind is not None:
                raise _Withdrawn
            lease = tx.take_attempt(study.uid, trial.name, trial.attempt, wish.worker, wish.lease, self._now())
            trial = tx.launched(trial.id, self._now())
            text = f"worker {wish.worker} acquired attempt {trial.attempt}"
            tx.add_event(study.uid, trial.number, "", "acquired", text, self._now())
            return pb.AcquireTrialResponse(trial=self._acquired(tx, study, trial, lease))

        try:
            reply = await self._once("AcquireTrial", request.request_id, pb.AcquireTrialResponse, work)
        except BaseException:
            self._workers.give_back(offer)
            raise
        if (reply.trial.key.trial, reply.trial.attempt) == offer.key:
            self._workers.give(offer, wish.lease)
        else:  # the same call came twice, and the other one got a trial
            self._workers.give_back(offer)
        return reply

    def _acquired(self, tx: Tx, study: StudyRow, trial: TrialRow, lease: WorkerLease) -> pb.AcquiredTrial:
        key = pb.StudyKey(namespace=study.namespace, name=study.name)
        return pb.AcquiredTrial(
            key=pb.TrialKey(study=key, trial=trial.name),
            study_uid=study.uid,
            number=trial.number,
            attempt=trial.attempt,
            seed=trial_seed(study.job.spec.seed, trial.number),
            assignment=wire.assignment_to_proto(trial.assignment),
            checkpoint_dir=str(trial_folder(self._context.state, study.uid, trial.name) / "checkpoint"),
            parent="" if trial.parent is None else tx.trial(study.uid, trial.parent).name,
            labels=dict(trial.labels),
            lease_deadline=views.timestamp(lease.acquired + lease.seconds),
            lease=views.duration(lease.seconds),
            heartbeat_every=views.duration(_period(lease.seconds)),
        )

    @present
    async def Heartbeat(self, request: pb.HeartbeatRequest, context: object) -> pb.HeartbeatResponse:
        """The worker is alive. Nothing is stored: a lease begins anew whenever its study's manager does."""
        worker = worker_of(request.worker)
        study, trial, lease = await self._database.read(lambda tx: _held(tx, request.trial, request.attempt, worker))
        self._require_ours(study, trial)
        stops = trial.stop_kind is not None
        self._workers.hear((trial.name, trial.attempt), told=stops)
        return pb.HeartbeatResponse(
            should_stop=stops,
            reason=trial.stop_reason or "",
            lease_deadline=views.timestamp(self._now() + lease.seconds),
            heartbeat_every=views.duration(_period(lease.seconds)),
        )

    @present
    async def CompleteTrial(self, request: pb.CompleteTrialRequest, context: object) -> pb.CompleteTrialResponse:
        """The attempt has ended."""
        kept = await self._kept("CompleteTrial", request.request_id, pb.CompleteTrialResponse)
        if kept is not None:
            return kept
        worker, _ = worker_of(request.worker), ending_of(request)
        study, trial, _ = await self._database.read(lambda tx: _held(tx, request.trial, request.attempt, worker))
        self._require_ours(study, trial)
        return await _whole(self._complete(request, trial))

    async def _complete(self, request: pb.CompleteTrialRequest, trial: TrialRow) -> pb.CompleteTrialResponse:
        """Record the ending, while no time passes for the attempt."""
        key, ended = (trial.name, request.attempt), None
        status, failure = (None, None) if self._workers.was_told(key) else ending_of(request)

        def work(tx: Tx) -> pb.CompleteTrialResponse:
            nonlocal ended
            _held(tx, request.trial, request.attempt, request.worker)
            tx.complete_attempt(*key, self._now(), status, failure, request.message)
            ended = tx.worker_lease(*key)
            return pb.CompleteTrialResponse()

        self._workers.pause(key)
        try:
            reply = await self._once("CompleteTrial", request.request_id, pb.CompleteTrialResponse, work)
        except BaseException:
            self._workers.resume(key)
            raise
        if ended is not None and (exit := exit_of(ended)) is not None:
            self._workers.complete(exit)
        return reply

    def _require_ours(self, study: StudyRow, trial: TrialRow) -> None:
        """Only who drives a study keeps its workers' time."""
        if study.uid not in self._engine.loops:
            raise TryAgain(f"study {study.name} is driven by another manager now: call that one")
        if self._workers.over((trial.name, trial.attempt)):
            raise NotNow(f"attempt {trial.attempt} of {trial.name} is not open any more: its time was up")

    @property
    def _workers(self) -> WorkersLauncher:
        if self._context.workers is None:
            raise NotOffered("this manager has no trials for workers")
        return self._context.workers


async def _whole(work: Coroutine[Any, Any, T]) -> T:
    """Do the work to its end, even when the caller has hung up: what is stored must be known here, too."""
    return await asyncio.shield(asyncio.create_task(work))


def _held(tx: Tx, key: pb.TrialKey, attempt: int, worker: str) -> Found:
    study, trial = find(tx, key)
    return study, trial, require_held(tx, trial, attempt, worker)


def _require_workers(study: StudyRow) -> None:
    if not study.job.spec.trial.workers:
        raise NotNow(f"workers get trials of studies with `trial.workers: true`, but {study.name} has a command")
    if study.state.final:
        raise NotNow(f"study {study.name} has ended ({study.state}, {study.reason}): it has no more trials")


def _period(lease: float) -> float:
    """Seconds between heartbeats: some may get lost, and a stop must be heard within its grace."""
    return min(lease / 3, GRACE / 2)
