"""What workers told the database, as their launcher understands it."""

from tunesmith.manager._context import Database
from tunesmith.manager.launchers import Exit, Lease, classify
from tunesmith.manager.launchers._classify import describe
from tunesmith.manager.storage import WorkerLease


def exit_of(lease: WorkerLease) -> Exit | None:
    """The exit that a worker told; None: it has not completed the attempt."""
    if lease.completed is None:
        return None
    failure = lease.failure_class or (
        None if lease.exit_status is None else classify(lease.exit_status, None, stopped_by_us=False)
    )
    return Exit(
        lease.trial,
        lease.attempt,
        status=lease.exit_status,
        failure=failure,
        message=lease.message or ("" if lease.exit_status is None else describe(lease.exit_status, None)),
        time=lease.completed,
    )


async def lease_of(database: Database, trial: str, attempt: int) -> Lease | None:
    """Who took an attempt, for the launcher; None: nobody did."""
    found = await database.read(lambda tx: tx.worker_lease(trial, attempt))
    return None if found is None else Lease(found.seconds, exit_of(found))
