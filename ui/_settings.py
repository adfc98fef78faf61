"""What the command line says of one dashboard."""

from dataclasses import dataclass
from pathlib import Path

LISTEN = "127.0.0.1:8080"
"""Where a dashboard listens unless it is told otherwise."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One dashboard.

    Attributes:
        folder: The folder whose `.tunesmith` the local manager keeps; relative paths of documents are meant from here.
        server: Address of a manager elsewhere; None: the local one, over its Unix socket.
        token: Credentials of the dashboard's own for a manager elsewhere; None: it has none, and every user brings
            one.
        login: Whether users show a token before they see anything.
        root_path: The path under which a proxy serves it, as `/tuning`; empty: the root.
        hosts: Names by which browsers may call it, besides loopback ones and numbers; empty with `wide`: any.
        wide: Whether it listens beyond loopback.
    """

    folder: Path
    server: str | None = None
    token: str | None = None
    login: bool = True
    root_path: str = ""
    hosts: tuple[str, ...] = ()
    wide: bool = False

    @property
    def local(self) -> bool:
        """Whether the manager is this user's own, behind a Unix socket."""
        return self.server is None or self.server.startswith("unix:")

    @property
    def has_credentials(self) -> bool:
        """Whether the dashboard itself may call the manager."""
        return self.local or self.token is not None
