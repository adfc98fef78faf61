"""What workers ask for, checked: who holds an attempt, for how long, and how it ended."""

from dataclasses import dataclass
from typing import Final

from google.protobuf.duration_pb2 import Duration

from tunesmith.manager.launchers._offers import Offer
from tunesmith.manager.storage import AttemptRow, TrialRow, Tx, WorkerLease
from tunesmith.services.errors import FixRequest, NotNow
from tunesmith.study import FailureClass, wire
from tunesmith.v1 import manager_pb2 as pb

LEASE: Final = 30.0
SHORTEST, LONGEST = 1.0, 3600.0
LONGEST_WAIT: Final = 30.0
"""Seconds."""
OURS: Final = (FailureClass.NO_METRICS, FailureClass.NOT_A_NUMBER)
"""Failures that follow from what was reported."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a worker asks for. `study` empty: any of the namespace."""

    namespace: str
    study: str
    worker: str
    lease: float
    wait: float

    def wants(self, offer: Offer) -> bool:
        """Whether an offer is what is asked for."""
        return offer.namespace == self.namespace and self.study in ("", offer.study)


def wish_of(request: pb.AcquireTrialRequest, default_namespace: str) -> Wish:
    """The wish of a request. Raises FixRequest."""
    return Wish(
        namespace=request.namespace or default_namespace,
        study=request.study,
        worker=worker_of(request.worker),
        lease=_seconds("lease", request.lease, SHORTEST, LONGEST) if request.HasField("lease") else LEASE,
        wait=_seconds("wait", request.wait, 0.0, LONGEST_WAIT),
    )


def worker_of(name: str) -> str:
    """A worker's name. Raises FixRequest."""
    if not 1 <= len(name) <= 253 or not name.isprintable():
        raise FixRequest(f"`worker` must be a name of 1 to 253 visible characters, but got {name[:80]!r}")
    return name


def _seconds(name: str, given: Duration, least: float, most: float) -> float:
    seconds = given.seconds + given.nanos / 1e9
    if not least <= seconds <= most:
        raise FixRequest(f"`{least:g} s <= {name} <= {most:g} s` must hold, but got ({name}={seconds:g} s)")
    return seconds


def ending_of(request: pb.CompleteTrialRequest) -> tuple[int | None, FailureClass | None]:
    """Exit status or failure class. Raises FixRequest."""
    match request.WhichOneof("ending"):
        case "exit_status":
            if not 0 <= request.exit_status <= 255:
                raise FixRequest(f"`0 <= exit_status <= 255` must hold, but got (exit_status={request.exit_status})")
            return request.exit_status, None
        case "failure_class":
            failure = wire.FAILURE_CLASS_FROM_PROTO.get(request.failure_class)
            if failure is None or failure in OURS:
                known = ", ".join(word for word in FailureClass if word not in OURS)
                got = failure or request.failure_class
                raise FixRequest(f"`failure_class` must be one that a worker can tell ({known}), but got {got}")
            return None, failure
        case _:
            raise FixRequest("`exit_status` or `failure_class` must be given, but got neither")


def require_held(tx: Tx, trial: TrialRow, attempt: int, worker: str) -> WorkerLease:
    """The worker's lease. Raises NotNow when the attempt is not open, or not in this worker's hands."""
    lease = tx.worker_lease(trial.name, attempt)
    name = f"attempt {attempt} of {trial.name}"
    if lease is not None and lease.worker != worker:
        raise NotNow(f"{name} is not yours: worker {lease.worker!r} acquired it, and you are {worker!r}")
    if trial.attempt != attempt or not trial.attempt_open:
        raise NotNow(f"{name} is not open any more: {_ending(tx.attempts(trial.id), attempt)}")
    if lease is None:
        raise NotNow(f"{name} was not acquired by a worker")
    if lease.completed is not None:
        raise NotNow(f"{name} is not open any more: it was completed")
    return lease


def _ending(attempts: list[AttemptRow], number: int) -> str:
    found = next((attempt for attempt in attempts if attempt.number == number), None)
    if found is None or found.ending is None:
        return f"there is no such attempt (the last one is {len(attempts)})"
    failure = f" ({found.failure_class})" if found.failure_class else ""
    return f"it ended as {found.ending}{failure}" + (f": {found.message}" if found.message else "")
