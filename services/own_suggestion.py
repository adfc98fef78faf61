"""Our own suggestion service as a child: how the manager and the command start it, which is the same."""

from dataclasses import dataclass
from pathlib import Path

from tunesmith.services.supervise import Child, Supervisor

NAME = "suggestion"
"""Of the child, its socket and its log."""


@dataclass(frozen=True, slots=True)
class OwnSuggestion:
    """The suggestion service that `supervisor` keeps, with its socket in the folder `sockets` (mode 0700)."""

    supervisor: Supervisor
    sockets: Path

    async def start(self) -> None:
        """Keep it alive from now on; does not wait until it answers. Nothing happens when it is kept already."""
        listen = f"unix:{self.sockets / NAME}.sock"
        arguments = ("serve", "--listen", listen, "--follow-endpoints")  # the socket is for this user only
        await self.supervisor.start(Child(NAME, "tunesmith.suggestion", arguments))

    async def address(self) -> str:
        """Where it answers, started first if needed. Raises TryAgain when it does not come up."""
        await self.start()
        return await self.supervisor.address(NAME)
