"""Leases: which manager works on a study, and the epoch that fences its predecessors."""

from sqlalchemy import bindparam, select, update

from tunesmith.manager.storage._base import Base
from tunesmith.manager.storage._dialect import take_lease
from tunesmith.manager.storage._fence import Fence, Fenced
from tunesmith.manager.storage._tables import leases, studies
from tunesmith.services.errors import NotFound

_EPOCH = select(leases.c.epoch).where(leases.c.uid == bindparam("uid"))
# Shared, so that it only keeps others from taking the lease before this transaction has ended.
_EPOCH_LOCKED = _EPOCH.with_for_update(read=True)
_STUDY = select(studies.c.id).where(studies.c.uid == bindparam("uid"))
_HELD = update(leases).where(
    leases.c.uid == bindparam("key"), leases.c.owner == bindparam("holder"), leases.c.epoch == bindparam("held")
)
_RENEW = _HELD.values(expires=bindparam("until"))
_FREE = _HELD.values(expires=0.0, owner="")


class Leases(Base):
    """The part of a transaction that is about leases."""

    def acquire_lease(self, uid: str, owner: str, now: float, ttl: float) -> int | None:
        """Take the study's lease when it is free, run out, or `owner`'s already. Each success raises the epoch.

        So a manager that comes back under its own name, after a crash, fences what its former self may still do.

        Returns:
            The new epoch; None: another owner holds the lease.

        Raises:
            NotFound: No such study.
        """
        self._check_writable()
        self._live.epochs.pop(uid, None)
        values = {"uid": uid, "owner": owner, "epoch": 1, "expires": now + ttl, "now": now}
        epoch: int | None = self._scalar(take_lease(self._dialect), values)
        # Afterwards and without its lock: fenced writes lock the lease first, too.
        if self._scalar(_STUDY, {"uid": uid}) is None:
            raise NotFound(f"there is no study with uid {uid!r}")
        return epoch

    def renew_lease(self, uid: str, owner: str, epoch: int, now: float, ttl: float) -> bool:
        """Hold the lease until `now + ttl`. False: it is somebody else's, or gone with its study."""
        self._check_writable()
        return self._run(_RENEW, {"key": uid, "holder": owner, "held": epoch, "until": now + ttl}).rowcount == 1

    def release_lease(self, uid: str, owner: str, epoch: int) -> bool:
        """Free the lease at once. False: it is somebody else's, or gone with its study."""
        self._check_writable()
        self._live.epochs.pop(uid, None)
        return self._run(_FREE, {"key": uid, "holder": owner, "held": epoch}).rowcount == 1

    def check_fence(self, fence: Fence) -> None:
        """Raise Fenced unless the study's lease has the fence's epoch, and keep it so until the transaction ends."""
        found = self._live.epochs.get(fence.uid)
        if found is None:
            found = self._scalar(_EPOCH_LOCKED if self._writable else _EPOCH, {"uid": fence.uid})
        if found != fence.epoch:
            raise Fenced(fence, found)
        self._live.epochs[fence.uid] = fence.epoch
