"""For workers: trials to run, taken from a manager, held while they run, and given back."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from tunesmith.client._connection import Connection, request_id
from tunesmith.client._values import assignment_of
from tunesmith.services import errors
from tunesmith.study import FailureClass, ParameterValue, wire
from tunesmith.v1 import manager_pb2

_LONGEST_WAIT = 20.0
"""Seconds that one call waits for a trial: less than the deadline of a call."""


@dataclass(frozen=True, slots=True)
class Work:
    """One attempt of a trial, in the hands of a worker.

    Attributes:
        params: The parameters that are active.
        seed: The same in every attempt of the trial.
        checkpoint_dir: Folder on the manager's machine that all attempts share; elsewhere its last parts are a key.
        parent: Name of the trial whose checkpoint it starts from; None: none.
        lease: Seconds that the worker may be silent before the attempt counts as lost.
        heartbeat_every: Seconds between heartbeats, so that a stop is heard in time.
        deadline: When the lease runs out without any.
    """

    worker: str
    namespace: str
    study: str
    uid: str
    trial: str
    number: int
    attempt: int
    params: Mapping[str, ParameterValue]
    seed: int
    checkpoint_dir: str
    parent: str | None
    labels: Mapping[str, str]
    lease: float
    heartbeat_every: float
    deadline: datetime

    @property
    def key(self) -> manager_pb2.TrialKey:
        """What names the trial on the wire."""
        return manager_pb2.TrialKey(
            study=manager_pb2.StudyKey(namespace=self.namespace, name=self.study), trial=self.trial
        )

    @classmethod
    def from_proto(cls, worker: str, told: manager_pb2.AcquiredTrial) -> Self:
        """From the wire."""
        return cls(
            worker=worker,
            namespace=told.key.study.namespace,
            study=told.key.study.name,
            uid=told.study_uid,
            trial=told.key.trial,
            number=told.number,
            attempt=told.attempt,
            params=assignment_of(told.assignment),
            seed=told.seed,
            checkpoint_dir=told.checkpoint_dir,
            parent=told.parent or None,
            labels=dict(told.labels),
            lease=told.lease.ToTimedelta().total_seconds(),
            heartbeat_every=told.heartbeat_every.ToTimedelta().total_seconds(),
            deadline=told.lease_deadline.ToDatetime(tzinfo=UTC),
        )


class Alive:
    """What the heartbeats of `WorkerCalls.keep` have heard. `stop`: why the worker should stop; None: it should not."""

    stop: str | None = None


class WorkerCalls:
    """The part of a client that is for workers."""

    namespace: str
    _connection: Connection

    def acquire(self, worker: str, study: str = "", *, lease: float = 30.0, wait: float = 20.0) -> Work | None:
        """Take a trial to run, once there is one.

        Args:
            worker: A name of yours, not shared with a worker that lives at the same time.
            study: Only a trial of this study. Empty: of any study of the namespace.
            lease: Seconds that you may be silent before the attempt counts as lost, from 1 to 3600.
            wait: Seconds to wait for a trial; None is returned when there was none.

        Raises:
            NotNow: The study has ended, or runs its trials by a command.
        """
        end = time.monotonic() + wait
        while True:
            left = max(end - time.monotonic(), 0.0)
            request = manager_pb2.AcquireTrialRequest(
                request_id=request_id(), namespace=self.namespace, study=study, worker=worker
            )
            request.lease.FromNanoseconds(round(lease * 1e9))
            request.wait.FromNanoseconds(round(min(left, _LONGEST_WAIT) * 1e9))
            reply = self._connection.call(lambda stub: stub.AcquireTrial, request)
            if reply.HasField("trial"):
                return Work.from_proto(worker, reply.trial)
            if left <= _LONGEST_WAIT:
                return None

    def heartbeat(self, work: Work) -> str | None:
        """Say that you are alive; why you should stop, and None when you should not.

        Raises NotNow when the attempt is not open any more: let go of it.
        """
        request = manager_pb2.HeartbeatRequest(
            request_id=request_id(), trial=work.key, attempt=work.attempt, worker=work.worker
        )
        reply = self._connection.call(lambda stub: stub.Heartbeat, request)
        return (reply.reason or "it should stop") if reply.should_stop else None

    @contextmanager
    def keep(self, work: Work) -> Iterator[Alive]:
        """Inside, heartbeats are sent by a thread of their own; look at `stop` of what you get now and then."""
        alive, done = Alive(), threading.Event()
        thread = threading.Thread(target=self._beat, args=(work, alive, done), daemon=True)
        thread.start()
        try:
            yield alive
        finally:
            done.set()
            thread.join()

    def _beat(self, work: Work, alive: Alive, done: threading.Event) -> None:
        while not done.wait(work.heartbeat_every):
            try:
                alive.stop = self.heartbeat(work)
            except errors.TryAgain:
                continue  # the manager is away: it will give us our time anew
            except errors.TunesmithError as error:
                alive.stop = str(error)
                return

    def report_work(self, work: Work, metrics: Mapping[str, float], step: int | None = None) -> bool:
        """Report metrics of an attempt, which is a sign of life, too. Whether you should stop.

        Raises NotNow when the attempt is not open any more.
        """
        count = len(metrics)
        columns = manager_pb2.ObservationColumns(
            source=work.worker,
            names=list(metrics),
            metric=range(count),
            value=metrics.values(),
            step=[] if step is None else [step] * count,
            sequence=[time.time_ns()] * count,  # the same when the call is sent again
        )
        request = manager_pb2.ReportObservationsRequest(
            request_id=request_id(), trial=work.key, attempt=work.attempt, observations=columns
        )
        return self._connection.call(lambda stub: stub.ReportObservations, request).should_stop

    def complete(self, work: Work, status: int = 0, *, failure: FailureClass | None = None, message: str = "") -> None:
        """The attempt has ended: with an exit status (0: all is well), or by a failure of a class.

        Raises NotNow when it is not open any more.
        """
        request = manager_pb2.CompleteTrialRequest(
            request_id=request_id(), trial=work.key, attempt=work.attempt, worker=work.worker, message=message
        )
        if failure is None:
            request.exit_status = status
        else:
            request.failure_class = wire.FAILURE_CLASS_TO_PROTO[failure]
        self._connection.call(lambda stub: stub.CompleteTrial, request)
