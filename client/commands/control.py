"""`tunesmith pause`, `resume`, `stop`, `delete`: what becomes of a study."""

from typing import TYPE_CHECKING

import click

from tunesmith.client._options import Target, target

if TYPE_CHECKING:
    from tunesmith.client._values import Study


@click.command(epilog="\b\nExample:\n  tunesmith pause digits")
@click.argument("study")
@target()
def pause(where: Target, study: str) -> None:
    """Launch no new trials of STUDY; running ones go on."""
    with where.client() as client:
        found = client.pause(study)
    _show(where, found, "is paused", f"`tunesmith resume {study}` goes on.")


@click.command(epilog="\b\nExample:\n  tunesmith resume digits")
@click.argument("study")
@target()
def resume(where: Target, study: str) -> None:
    """Go on with STUDY after a pause or an interrupt."""
    with where.client() as client:
        found = client.resume(study)
    _show(where, found, "goes on", f"`tunesmith watch {study}` follows it.")


@click.command(
    epilog="\b\nExamples:\n  tunesmith stop digits\n  tunesmith stop digits --interrupt\n  tunesmith stop digits/3"
)
@click.argument("study")
@click.option("--interrupt", is_flag=True, help="Only stop its running trials, which run again after `resume`.")
@target()
def stop(where: Target, study: str, interrupt: bool) -> None:
    """End STUDY for good: its running trials are killed, its results stay. STUDY/NUMBER stops one trial."""
    if "/" in study:
        _stop_trial(where, study)
        return
    with where.client() as client:
        found = client.stop(study, interrupt=interrupt)
    if interrupt:
        _show(where, found, "is interrupted", f"`tunesmith resume {study}` goes on.")
    else:
        _show(where, found, "is being stopped" if not found.state.final else "is stopped", "")


def _stop_trial(where: Target, text: str) -> None:
    from tunesmith.client._arguments import trial_of
    from tunesmith.client._data import trial_data
    from tunesmith.client._output import emit
    from tunesmith.client._terminal import safe

    with where.client() as client:
        trial = client.stop_trial(*trial_of(text))
    if where.for_people:
        print(f"Trial {safe(trial.name)} is being stopped.")
    else:
        emit(trial_data(trial), where.output)


@click.command(epilog="\b\nExample:\n  tunesmith delete digits --yes")
@click.argument("study")
@click.option("-y", "--yes", is_flag=True, help="Do not ask. Nobody is asked where the input is no terminal.")
@target()
def delete(where: Target, study: str, yes: bool) -> None:
    """Forget STUDY: stop what runs, and remove its trials, metrics and folders."""
    import sys

    from tunesmith.client._format import plural
    from tunesmith.client._output import emit
    from tunesmith.client._terminal import safe

    with where.client() as client:
        found = client.study(study)
        if not yes and sys.stdin.isatty():
            what = (
                f"the study {safe(study)} ({str(found.state).lower()}) with its {plural(found.counts.total, 'trial')}"
            )
            click.confirm(f"Forget {what}?", abort=True, err=True)
        client.delete(study)
    if where.for_people:
        print(f"Study {safe(study)} is deleted.")
    else:
        emit({"name": found.name, "namespace": found.namespace, "uid": found.uid, "deleted": True}, where.output)


def _show(where: Target, study: "Study", what: str, next_step: str) -> None:
    from tunesmith.client._data import study_data
    from tunesmith.client._output import emit, note
    from tunesmith.client._terminal import safe

    if not where.for_people:
        emit(study_data(study), where.output)
        return
    print(f"Study {safe(study.name)} {what}.")
    if next_step:
        note(next_step)
