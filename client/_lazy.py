"""A click group that imports a command only when it is used, so that `tunesmith --help` is quick."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

import click


@dataclass(frozen=True, slots=True)
class Lazy:
    """A command that is not imported yet: its `module:attribute`, and its line and section in the help."""

    source: str
    help: str
    section: str

    def load(self) -> click.Command:
        """Import it."""
        module, _, attribute = self.source.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command


class LazyGroup(click.Group):
    """A group of lazy commands; help lists them by section, in the order of the mapping."""

    lazy: Mapping[str, Lazy] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands."""
        return [*self.lazy, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported; None when there is no such one."""
        lazy = self.lazy.get(cmd_name)
        return super().get_command(ctx, cmd_name) if lazy is None else lazy.load()

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is named; a name that is none gets the one that was probably meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            meant = get_close_matches(args[0], self.list_commands(ctx), n=1)
            if not meant:
                raise
            raise click.UsageError(f"{error.message} Did you mean '{meant[0]}'?", ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing one."""
        width = max(map(len, self.lazy), default=0)
        for section in dict.fromkeys(lazy.section for lazy in self.lazy.values()):
            rows = [(name.ljust(width), lazy.help) for name, lazy in self.lazy.items() if lazy.section == section]
            with formatter.section(section):
                formatter.write_dl(rows)
