"""`tunesmith db upgrade`: the tables of a database, brought to this version."""

import os
from typing import NoReturn

import click

from tunesmith.client._options import output_option
from tunesmith.client._program import become


@click.group("db", epilog="\b\nExample:\n  tunesmith db upgrade postgresql://tuner@db/tunesmith")
def command() -> None:
    """The database of a manager."""


@command.command("upgrade", epilog="\b\nExample:\n  tunesmith db upgrade postgresql://tuner@db/tunesmith")
@click.argument("url", envvar="TUNESMITH_DATABASE")
@output_option
def upgrade(url: str, output: str | None) -> NoReturn:
    """Bring the database at URL to this version's tables. SQLite is brought there by itself.

    A URL with a password is better given as TUNESMITH_DATABASE: arguments can be seen by every user of the machine.
    """
    # The process that does it is the manager's, and is told in a way that nobody else sees.
    os.environ["TUNESMITH_DATABASE"] = url
    become("manager", "db-upgrade", "--output", output or "table")
