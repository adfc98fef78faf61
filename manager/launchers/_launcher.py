"""What the engine sees of a place where trials run: launch, adopt, stop, and a stream of exits."""

import os
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tunesmith.study import FailureClass, Resources


@dataclass(frozen=True, slots=True)
class Launch:
    """One attempt to be started.

    `trial` is the trial's name; (trial, attempt) is the key of everything here. `folder` is absolute, the attempt's
    own, and made if it does not exist. `env` holds additions to the launcher's base environment; the launcher itself
    adds TUNESMITH_TRIAL and TUNESMITH_TRIAL_DIR, and makes the folder that TUNESMITH_CHECKPOINT_DIR names.
    `working_dir` is absolute; empty means `folder`. `namespace` and `study` name whose trial it is. `workers`: it
    has no command, because workers run it.
    """

    trial: str
    attempt: int
    folder: Path
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = ""
    resources: Resources = field(default_factory=Resources)
    namespace: str = ""
    study: str = ""
    workers: bool = False

    def __post_init__(self) -> None:
        """Check what a launcher relies on."""
        if not self.command and not self.workers:
            raise ValueError("a command must name a program, but got ()")
        if not self.folder.is_absolute() or not os.path.isabs(self.working_dir or "/"):
            raise ValueError(f"folders must be absolute, but got {self.folder} and {self.working_dir!r}")


@dataclass(frozen=True, slots=True)
class Exit:
    """How one attempt ended.

    At most one of `status` (0-255) and `signal` is set. Both None: it could not be started (`failure` USER_ERROR), it
    is gone without a record (LOST), or it was stopped before it started (`failure` None). `failure` is None when the
    status is 0 and when the attempt was stopped by `Launcher.stop`, whatever its status; why it was stopped, the engine
    knows. `message` is for people and empty when all is well; `time` is in seconds since the epoch. `unseen`: who was
    to record the exit died before it could, so that a LOST is not the trial's fault, unless it killed that process.
    """

    trial: str
    attempt: int
    status: int | None = None
    signal: int | None = None
    failure: FailureClass | None = None
    message: str = ""
    time: float = 0.0
    unseen: bool = False


class Launcher(ABC):
    """A place where trials run. Used from one event loop; methods may be called concurrently.

    Attempts outlive the launcher and the manager's process. An attempt is *claimed* in the outside world before
    anything of it starts, and never starts twice. Every attempt that was launched, or adopted with True, gives exactly
    one `Exit` in the life of this object, whatever dies in between.
    """

    @abstractmethod
    async def start(self) -> None:
        """Get ready. Raises TryAgain when the place cannot be reached and FreeSpace when the disk is full."""

    @abstractmethod
    async def launch(self, launch: Launch) -> None:
        """Start an attempt, or watch it when it is claimed already; returns when it is claimed (or has ended).

        Its exit may come before this returns. Waits while the slots that it asks for are taken, so call it in a task of
        its own; a wait that is cancelled leaves nothing behind. Raises FreeSpace or TryAgain when nothing was started
        and nothing is claimed: launch it again later. An attempt that can never start (no such command) ends by an
        `Exit`.
        """

    @abstractmethod
    async def adopt(self, trial: str, attempt: int, folder: Path) -> bool:
        """Watch an attempt that an earlier manager launched; its `Exit` comes, also when it ended long ago.

        False: it was never claimed, and no launch of an earlier manager is under way. Raises TryAgain and FreeSpace
        when that cannot be found out for now.
        """

    @abstractmethod
    async def stop(self, trial: str, attempt: int, grace: float, notice: float = 0.0) -> None:
        """Ask an attempt to end: a `stop` file, TERM after `notice` seconds, and KILL `grace` seconds after that.

        One that never looked for the file gets TERM at once. Returns at once. Idempotent; of several times the one that
        runs out first holds. An attempt that is not watched is left alone;
        one that waits in `launch` ends without having started.
        """

    @abstractmethod
    def exits(self) -> AsyncIterator[Exit]:
        """Every `Exit`, as it happens; one consumer. Ends after `close`."""

    @abstractmethod
    def forget(self, trial: str, attempt: int) -> None:
        """The exit of an attempt is stored: nobody will ask for it again. Without this every attempt is remembered."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of everything. Trials keep running."""
