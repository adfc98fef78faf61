"""`tunesmith completion`: what a shell needs to complete our words."""

import click


@click.command(
    epilog="\b\nExamples:\n"
    '  eval "$(tunesmith completion bash)"    # in ~/.bashrc\n'
    '  eval "$(tunesmith completion zsh)"     # in ~/.zshrc\n'
    "  tunesmith completion fish > ~/.config/fish/completions/tunesmith.fish"
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of SHELL."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    root = click.get_current_context().find_root().command
    print(kind(root, {}, "tunesmith", "_TUNESMITH_COMPLETE").source())
