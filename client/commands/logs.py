"""`tunesmith logs`: what a trial printed."""

from collections.abc import Iterator

import click

from tunesmith.client._options import Target, target


@click.command(
    epilog="\b\nExamples:\n"
    "  tunesmith logs digits-3-k2f4q\n"
    "  tunesmith logs digits/3 -f\n"
    "  tunesmith logs digits/3 --tail 4"
)
@click.argument("trial")
@click.option("-f", "--follow", is_flag=True, help="Also what it prints from now on, until it ends.")
@click.option("--attempt", type=click.IntRange(min=1), help="Of this attempt.  [default: the last]")
@click.option("--tail", type=click.IntRange(min=0), metavar="N", help="Only the last N KiB.")
@target()
def command(where: Target, trial: str, follow: bool, attempt: int | None, tail: int | None) -> None:
    """Print what a trial printed, standard output and error together.

    On a terminal, control characters are shown escaped; elsewhere every byte is passed on as it is. JSON and YAML hold
    it as text, in which bytes that are no UTF-8 are replaced.
    """
    from tunesmith.client._arguments import trial_of
    from tunesmith.client._output import emit

    if follow and not where.for_people:
        raise click.UsageError("-f prints a log as it comes, which is no JSON or YAML: leave -o out")
    study, name = trial_of(trial)
    with where.client() as client:
        tail_bytes = None if tail is None else tail * 1024
        pieces = client.logs(study, name, attempt=attempt or 0, follow=follow, tail_bytes=tail_bytes)
        if where.for_people:
            _pass_on(pieces)
        else:
            emit({"trial": name, "attempt": attempt, "log": b"".join(pieces).decode(errors="replace")}, where.output)


def _pass_on(pieces: Iterator[bytes]) -> None:
    import sys

    from tunesmith.client._terminal import LogText, plain_stream

    text = LogText()
    for data in pieces:
        if plain_stream():
            sys.stdout.buffer.write(data)
        else:
            sys.stdout.write(text.feed(data))
        sys.stdout.flush()
