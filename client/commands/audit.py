"""`tunesmith audit`: what early stopping cost."""

from typing import TYPE_CHECKING

import click

from tunesmith.client._options import Target, target

if TYPE_CHECKING:
    from tunesmith.client._audit import Audit
    from tunesmith.client._client import Client
    from tunesmith.client._values import Study


@click.command(epilog="\b\nExamples:\n  tunesmith audit digits\n  tunesmith audit digits --finish 5")
@click.argument("study")
@click.option(
    "--finish",
    type=click.IntRange(min=1),
    metavar="N",
    help="Run N of the stopped trials to their ends, in a study of their own: half of them the most promising.",
)
@click.option("--name", metavar="NAME", help="Name of that study.  [default: STUDY-audit]")
@target()
def command(where: Target, study: str, finish: int | None, name: str | None) -> int:
    """Estimate what the trials that were stopped early would have reached, and how likely one beats the best.

    The final values of the trials that finished are regressed on their values at the same step, and ± is the spread of
    leave-one-out predictions; where too few have finished, what the rule predicted is shown. What --finish has run is
    shown from then on, and tells of the others, too; the same command takes an interrupted one up.
    """
    from tunesmith.client._audit_read import audit_of
    from tunesmith.client._audit_sample import default_name, found_study
    from tunesmith.client._estimate import FEWEST
    from tunesmith.services.errors import AlreadyExists, NotFound

    with where.client() as client:
        audited, its_name = client.study(study), name or default_name(study)
        if finish is not None and not _finish(client, where, audited, finish, its_name):
            return 130
        try:
            rerun = found_study(client, audited, its_name)
        except AlreadyExists:
            if name is not None:
                raise
            rerun = None  # which was never asked to finish something
        if rerun is None and name is not None and finish is None:
            raise NotFound(f"there is no study {name!r}, which would hold trials of {study} that were run to the end")
        audit = audit_of(client, audited, rerun)
    _show(where, audit, _again(where, audited, FEWEST + 1, its_name))
    return 0


def _finish(client: "Client", where: Target, audited: "Study", count: int, name: str) -> bool:
    """Run a sample of the stopped trials to their ends, as `run` does. Whether they got there: Ctrl-C interrupts."""
    import sys

    from tunesmith.client._attach import take_up
    from tunesmith.client._audit_read import audit_of
    from tunesmith.client._audit_sample import finishing_job, found_study
    from tunesmith.client._interrupts import Interrupts
    from tunesmith.client._stay import follow

    stream = sys.stdout if where.for_people else sys.stderr
    rerun = found_study(client, audited, name)
    audit = audit_of(client, audited, rerun)
    if not audit.stopped:
        return True
    job = finishing_job(audit, count, name, rerun)
    with Interrupts() as interrupts:
        study = take_up(client, job, lambda line: print(line, file=stream, flush=True), interrupts.hold)
        ended = follow(client, study, stream, interrupts, again=_again(where, audited, count, name))
    print(file=stream)
    return ended is not None


def _again(where: Target, study: "Study", count: int, name: str) -> str:
    """The command that runs so many to their ends."""
    import shlex

    from tunesmith.client._audit_sample import default_name

    words = ["tunesmith", "audit", study.name, "--finish", str(count)]
    words += ["--name", name] if name != default_name(study.name) else []
    return shlex.join([*words, *where.words()])


def _show(where: Target, audit: "Audit", finish: str) -> None:
    from tunesmith.client import _output
    from tunesmith.client._audit_text import audit_data, audit_lines

    if where.for_people:
        print(*audit_lines(audit, _output.room(), finish), sep="\n")
    else:
        _output.emit(audit_data(audit), where.output)
