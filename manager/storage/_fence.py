"""Fencing: a manager that lost a study's lease can write nothing more about it."""

from dataclasses import dataclass

from tunesmith.services.errors import StartOver


@dataclass(frozen=True, slots=True)
class Fence:
    """The lease under which a write is made: the study, and the epoch that `acquire_lease` gave."""

    uid: str
    epoch: int


class Fenced(StartOver):
    """Somebody else owns the study now, or it is gone: stop working on it. Nothing was written."""

    def __init__(self, fence: Fence, found: int | None) -> None:
        """The fence that did not hold, and the epoch of the lease row (None: there is none)."""
        super().__init__(
            f"the lease's epoch must be the one this manager holds, but got (held={fence.epoch}, stored={found}) "
            f"for study {fence.uid}"
        )
        self.fence = fence
        self.found = found
