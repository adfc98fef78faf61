"""`tunesmith watch`: a study's progress, from anywhere."""

import click

from tunesmith.client._options import Target, target


@click.command(epilog="\b\nExample:\n  tunesmith watch digits")
@click.argument("study")
@target()
def command(where: Target, study: str) -> int:
    """Follow a study until it has ended, and show its result. Ctrl-C only leaves: the study goes on."""
    import sys

    from tunesmith.client._interrupts import Interrupts
    from tunesmith.client._stay import stay

    stream = sys.stdout if where.for_people else sys.stderr
    with where.client() as client, Interrupts() as interrupts:
        return stay(client, where, client.study(study), stream, interrupts, again="")
