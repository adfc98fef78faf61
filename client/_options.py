"""What every command takes: `--server` and its files, `-n`, `-o`."""

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from tunesmith.client._target import Target

__all__ = ["FORMATS", "Target", "namespace_option", "output_option", "server_option", "target", "target_before"]

FORMATS = ("table", "json", "yaml")


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


_FILES = {
    "ca": "PEM file of the authority that signed an https:// server's certificate. Or TUNESMITH_CA.",
    "cert": "PEM file of your own certificate, for a server that asks for one. Or TUNESMITH_CERT.",
    "key": "PEM file of its key. Or TUNESMITH_KEY.",
}


def server_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--server ADDRESS`, and the files of TLS."""
    for name, text in reversed(_FILES.items()):
        path = click.Path(path_type=Path, dir_okay=False)
        function = click.option(f"--{name}", type=path, metavar="FILE", default=None, help=text)(function)
    return click.option(
        "--server",
        metavar="ADDRESS",
        default=None,
        help="A manager elsewhere: host:port, https://host:port or unix:/path. Or TUNESMITH_SERVER, with its token in "
        "TUNESMITH_TOKEN.",
    )(function)


def namespace_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`-n NAMESPACE`."""
    return click.option("-n", "--namespace", metavar="NAME", default=None, help="The namespace.  [default: default]")(
        function
    )


def target_before() -> Target:
    """The target by the options before the command's name, else by the environment, for a command that takes none."""
    return _merged(dict.fromkeys(("server", "namespace", *_FILES)))


def _merged(options: dict[str, Any]) -> Target:
    """The target by the command's own options, else by those before the command's name, else by the environment."""
    before: dict[str, Any] = click.get_current_context().find_root().params
    files = {name: options.pop(name) or before.get(name) for name in _FILES}
    return Target(
        server=options.pop("server") or before.get("server") or os.environ.get("TUNESMITH_SERVER") or None,
        given_namespace=options.pop("namespace") or before.get("namespace"),
        output=options.pop("output", None) or "table",
        files={name: file for name, file in files.items() if file},
    )
