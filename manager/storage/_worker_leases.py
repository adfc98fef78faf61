"""Attempts in the hands of workers: who took which, and how it said that it ended."""

from typing import Any, Final

from sqlalchemy import bindparam, insert, select, update

from tunesmith.manager.storage._base import Base
from tunesmith.manager.storage._rows import WorkerLease
from tunesmith.manager.storage._tables import worker_leases
from tunesmith.manager.storage._text import clean, clean_message
from tunesmith.services.errors import NotNow
from tunesmith.study import FailureClass

_COLUMNS: Final = (
    "trial",
    "attempt",
    "worker",
    "seconds",
    "acquired",
    "completed",
    "exit_status",
    "failure_class",
    "message",
)
_OF_ATTEMPT = select(*(worker_leases.c[name] for name in _COLUMNS)).where(
    worker_leases.c.trial == bindparam("name"), worker_leases.c.attempt == bindparam("number")
)
_TAKE = insert(worker_leases)
_COMPLETE = (
    update(worker_leases)
    .where(worker_leases.c.trial == bindparam("name"), worker_leases.c.attempt == bindparam("number"))
    .values(
        {name: bindparam(f"new_{name}") for name in ("completed", "exit_status", "failure_class", "message")},
    )
)


class WorkerLeases(Base):
    """The part of a transaction that is about workers. A trial's name and an attempt's number are the key."""

    def worker_lease(self, trial: str, attempt: int) -> WorkerLease | None:
        """Who took the attempt; None: nobody did."""
        row = self._one(_OF_ATTEMPT, {"name": clean(trial), "number": attempt})
        return None if row is None else _read(*row)

    def take_attempt(self, uid: str, trial: str, attempt: int, worker: str, seconds: float, now: float) -> WorkerLease:
        """Give the attempt to a worker. Raises NotFound without the study, NotNow when the attempt is taken."""
        self._check_writable()
        head = self._head(uid)
        taken = self.worker_lease(trial, attempt)
        if taken is not None:
            raise NotNow(f"an attempt is taken once, but attempt {attempt} of {trial} was by {taken.worker!r}")
        lease = WorkerLease(clean(trial), attempt, clean(worker), seconds, now)
        values = {"study_id": head.id, "trial": lease.trial, "attempt": attempt, "worker": lease.worker}
        self._run(_TAKE, {**values, "seconds": seconds, "acquired": now, "message": ""})
        return lease

    def complete_attempt(
        self,
        trial: str,
        attempt: int,
        now: float,
        exit_status: int | None = None,
        failure_class: FailureClass | None = None,
        message: str = "",
    ) -> bool:
        """Keep how the worker says that the attempt ended. False: it is not in the hands of any."""
        self._check_writable()
        lease = self.worker_lease(trial, attempt)
        if lease is None or lease.completed is not None:
            return False
        values = {
            "name": lease.trial,
            "number": attempt,
            "new_completed": now,
            "new_exit_status": exit_status,
            "new_failure_class": failure_class and failure_class.value,
            "new_message": clean_message(message),
        }
        self._run(_COMPLETE, values)
        return True


def _read(
    trial: str,
    attempt: int,
    worker: str,
    seconds: float,
    acquired: float,
    completed: float | None,
    exit_status: int | None,
    failure_class: str | None,
    message: str,
) -> WorkerLease:
    failure: Any = failure_class and FailureClass(failure_class)
    return WorkerLease(trial, attempt, worker, seconds, acquired, completed, exit_status, failure, message)
