"""Which manager a command means, and how it reaches it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tunesmith.client._client import Client
    from tunesmith.services.channel import ClientTls


@dataclass(frozen=True, slots=True)
class Target:
    """Which manager a command means, and how it prints.

    Attributes:
        server: Address of a manager elsewhere; None: the local one.
        given_namespace: The namespace that the user named; None: none.
        output: `table`, `json` or `yaml`.
        files: What `--ca`, `--cert` and `--key` name; a name that was not given is not there.
    """

    server: str | None = None
    given_namespace: str | None = None
    output: str = "table"
    files: Mapping[str, Path] = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        """The namespace in which names are looked up."""
        return self.given_namespace or "default"

    @property
    def for_people(self) -> bool:
        """Whether the output is read by people."""
        return self.output == "table"

    def words(self) -> list[str]:
        """The options that mean the same manager and namespace."""
        words = ["--namespace", self.given_namespace] if self.given_namespace else []
        words += ["--server", self.server] if self.server else []
        return words + [word for name, file in self.files.items() for word in (f"--{name}", str(file))]

    def environment(self) -> dict[str, str]:
        """The variables that say the same as the files."""
        return {f"TUNESMITH_{name.upper()}": str(file) for name, file in self.files.items()}

    def client(self, *, create: bool = False, database: str | None = None, namespace: str | None = None) -> "Client":
        """A client of the manager.

        Args:
            create: Whether `.tunesmith` may be made in the current folder.
            database: What the local manager must run on.
            namespace: Instead of the target's.
        """
        from tunesmith.client import _local
        from tunesmith.client._client import Client
        from tunesmith.client._connection import Connection
        from tunesmith.client._quiet import quiet_grpc

        base, server = Path.cwd(), self.server
        tls = self._tls()
        if server is not None:
            quiet_grpc()
            connection = Connection(lambda: server, os.environ.get("TUNESMITH_TOKEN"), tls)
        else:
            connection = Connection(lambda: _local.reach(base, database=database, create=create))
        return Client.over(connection, namespace or self.namespace, base)

    def _tls(self) -> "ClientTls | None":
        """The files that were given, the rest from the environment; None: none was given. Raises FixRequest."""
        if not self.files:
            return None
        from tunesmith.services.channel import ClientTls
        from tunesmith.services.errors import FixRequest

        if self.server is None or not self.server.startswith("https://"):
            found = "no server" if self.server is None else self.server
            raise FixRequest(f"--ca, --cert and --key are for a server at https://host:port, but got {found}")
        return ClientTls.from_environment({**os.environ, **self.environment()})

    @contextmanager
    def running(self, namespace: str | None = None) -> "Iterator[Client | None]":
        """A client of the manager that is named, or else of the folder's if one runs now; None: nobody, starts none."""
        from tunesmith.client import _local
        from tunesmith.services import local

        folder = Path.cwd() / local.STATE_FOLDER
        if self.server is None and (not folder.is_dir() or _local.answering(folder.resolve()) is None):
            yield None
            return
        with self.client(namespace=namespace) as client:
            yield client
