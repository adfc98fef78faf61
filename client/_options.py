"""What every command takes: `--server`, `-n`, `-o`; and how a command reaches its manager with them."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tunesmith.client._client import Client

FORMATS = ("table", "json", "yaml")


@dataclass(frozen=True, slots=True)
class Target:
    """Which manager a command means, and how it prints.

    Attributes:
        server: Address of a manager elsewhere; None: the local one.
        given_namespace: The namespace that the user named; None: none.
        output: `table`, `json` or `yaml`.
    """

    server: str | None = None
    given_namespace: str | None = None
    output: str = "table"

    @property
    def namespace(self) -> str:
        """The namespace in which names are looked up."""
        return self.given_namespace or "default"

    @property
    def for_people(self) -> bool:
        """Whether the output is read by people."""
        return self.output == "table"

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

        base, server = Path.cwd(), self.server
        if server is not None:
            connection = Connection(lambda: server, os.environ.get("TUNESMITH_TOKEN"))
        else:
            connection = Connection(lambda: _local.reach(base, database=database, create=create))
        return Client.over(connection, namespace or self.namespace, base)

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


def target(*, output: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the common options, and pass it a `Target` as its first argument."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*args: Any, **options: Any) -> Any:
            return function(_merged(options), *args, **options)

        return server_option(namespace_option(output_option(call) if output else call))

    return decorate


def output_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`-o FORMAT`."""
    formats = click.Choice(FORMATS)
    return click.option("-o", "--output", type=formats, default=None, help="How to print it.  [default: table]")(
        function
    )


def server_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--server ADDRESS`."""
    return click.option(
        "--server",
        metavar="ADDRESS",
        default=None,
        help="A manager elsewhere: host:port, https://host:port or unix:/path. Or TUNESMITH_SERVER, with its token in "
        "TUNESMITH_TOKEN and the file of a certificate authority of your own in TUNESMITH_CA.",
    )(function)


def namespace_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`-n NAMESPACE`."""
    return click.option("-n", "--namespace", metavar="NAME", default=None, help="The namespace.  [default: default]")(
        function
    )


def _merged(options: dict[str, Any]) -> Target:
    """The target by the command's own options, else by those before the command's name, else by the environment."""
    before: dict[str, Any] = click.get_current_context().find_root().params
    return Target(
        server=options.pop("server") or before.get("server") or os.environ.get("TUNESMITH_SERVER") or None,
        given_namespace=options.pop("namespace") or before.get("namespace"),
        output=options.pop("output", None) or "table",
    )
