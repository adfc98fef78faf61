"""`tunesmith enqueue`: an assignment of one's own."""

import click

from tunesmith.client._options import Target, target


@click.command(
    epilog="\b\nExamples:\n  tunesmith enqueue digits C=1.5 kernel=rbf\n  tunesmith enqueue digits layers='\"2\"'"
)
@click.argument("study")
@click.argument("values", metavar="NAME=VALUE...", nargs=-1, required=True)
@target()
def command(where: Target, study: str, values: tuple[str, ...]) -> None:
    """Add a trial with these values to STUDY. It runs before what the algorithm proposes next.

    Parameters that are left out take their default, or are sampled. A value in quotes is a string.
    """
    from tunesmith.client import _format
    from tunesmith.client._arguments import assignment_of
    from tunesmith.client._data import trial_data
    from tunesmith.client._output import emit
    from tunesmith.client._terminal import safe

    with where.client() as client:
        (trial,) = client.enqueue(study, assignment_of(values))
    if not where.for_people:
        emit(trial_data(trial), where.output)
        return
    told = ", ".join(f"{safe(name)}={_format.exact(value)}" for name, value in trial.assignment.items())
    print(f"Trial {safe(trial.name)} is enqueued: {told}")
