"""`tunesmith retry`: a trial once more."""

import click

from tunesmith.client._options import Target, target


@click.command(epilog="\b\nExamples:\n  tunesmith retry digits-3-k2f4q\n  tunesmith retry digits/3")
@click.argument("trial")
@target()
def command(where: Target, trial: str) -> None:
    """Run TRIAL again with the same parameters: one that failed, was killed, or has no metrics."""
    from tunesmith.client._arguments import trial_of
    from tunesmith.client._data import trial_data
    from tunesmith.client._output import emit
    from tunesmith.client._terminal import safe

    with where.client() as client:
        found = client.retry(*trial_of(trial))
    if where.for_people:
        print(f"Trial {safe(found.name)} runs again.")
    else:
        emit(trial_data(found), where.output)
