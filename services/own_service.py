"""Our own suggestion and early-stopping services as children: how the manager and the command start them."""

from dataclasses import dataclass
from pathlib import Path

from tunesmith.services.supervise import Child, Supervisor


@dataclass(frozen=True, slots=True)
class OwnService:
    """A service that `supervisor` keeps, with its socket in the folder `sockets` (mode 0700).

    `name` is that of its room, of the child, its socket and its log.
    """

    supervisor: Supervisor
    sockets: Path
    name: str
    options: tuple[str, ...] = ()

    async def start(self) -> None:
        """Keep it alive from now on; does not wait until it answers. Nothing happens when it is kept already."""
        listen = f"unix:{self.sockets / self.name}.sock"
        arguments = ("serve", "--listen", listen, *self.options)
        await self.supervisor.start(Child(self.name, f"tunesmith.{self.name}", arguments))

    async def address(self) -> str:
        """Where it answers, started first if needed. Raises TryAgain when it does not come up."""
        await self.start()
        return await self.supervisor.address(self.name)


def own_suggestion(supervisor: Supervisor, sockets: Path) -> OwnService:
    """Return the suggestion service. It asks endpoints of others: its socket is for this user only."""
    return OwnService(supervisor, sockets, "suggestion", ("--follow-endpoints",))


def own_earlystop(supervisor: Supervisor, sockets: Path) -> OwnService:
    """Return the early-stopping service."""
    return OwnService(supervisor, sockets, "earlystop")
