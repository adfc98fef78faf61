"""`tunesmith edit`: limits and labels of a study that exists."""

from typing import TYPE_CHECKING, Any

import click

from tunesmith.client._options import Target, target

if TYPE_CHECKING:
    from tunesmith.client._attach import Edit
    from tunesmith.client._values import Study

_TRIES = 5
_NONE = "none"


@click.command(
    epilog="\b\nExamples:\n"
    "  tunesmith edit digits --trials 100\n"
    "  tunesmith edit digits --parallel 4 --duration 2h --label team=vision"
)
@click.argument("study")
@click.option("--trials", metavar="N|none", help="Trials in all.")
@click.option("--parallel", type=click.IntRange(min=1), metavar="N", help="Trials at the same time.")
@click.option("--failed", type=click.IntRange(min=0), metavar="N", help="Failed trials after which the study ends.")
@click.option("--duration", metavar="TIME|none", help="Time of the study, as 90s, 10m, 2h.")
@click.option("--trial-duration", metavar="TIME|none", help="Time of one attempt of a trial.")
@click.option("--label", "labels", multiple=True, metavar="K=V", help="Set a label.")
@click.option("--remove-label", "removed", multiple=True, metavar="K", help="Remove a label.")
@target()
def command(where: Target, study: str, labels: tuple[str, ...], removed: tuple[str, ...], **limits: Any) -> None:
    """Change limits and labels of STUDY. One that a limit had ended goes on when the limit is raised."""
    from tunesmith.client._arguments import labels_of
    from tunesmith.client._attach import edit_text
    from tunesmith.client._data import study_data
    from tunesmith.client._output import emit
    from tunesmith.client._terminal import safe
    from tunesmith.services.errors import StartOver

    changes = {name: _limit(name, value) for name, value in limits.items() if value is not None}
    added = labels_of(labels)
    if not changes and not added and not removed:
        raise click.UsageError("there is nothing to change: name a limit or a label")
    with where.client() as client:
        for left in reversed(range(_TRIES)):
            before = client.study(study)
            edit = _edit(before, changes, added, removed)
            try:
                after = client.edit(study, limits=edit.limits, labels=edit.labels, generation=before.generation)
                break
            except StartOver:  # somebody else edited it at the same time
                if not left:
                    raise
    if not where.for_people:
        emit(study_data(after), where.output)
        return
    print(f"Study {safe(study)} is edited: {edit_text(before, edit) or 'nothing differs'}.")
    if before.state.final and not after.state.final:
        print("It goes on.")


def _limit(name: str, value: str | int) -> float | int | None:
    """The value of an option; `none` lifts the limit."""
    from tunesmith.client._arguments import count_of, duration_of

    if isinstance(value, int):
        return value
    if value.strip().lower() == _NONE:
        return None
    return count_of(value) if name == "trials" else duration_of(value)


def _edit(study: "Study", changes: dict[str, Any], added: dict[str, str], removed: tuple[str, ...]) -> "Edit":
    from dataclasses import replace

    from tunesmith.client._attach import Edit

    limits = replace(study.spec.limits, **changes) if changes else None
    labels = {key: value for key, value in {**study.labels, **added}.items() if key not in removed}
    return Edit(limits=limits, labels=labels if added or removed else None)
