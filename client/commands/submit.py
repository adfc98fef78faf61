"""`tunesmith submit`: create a study and leave."""

from pathlib import Path

import click

from tunesmith.client._options import Target, target
from tunesmith.client.commands.run import document_options, file_argument, read


@click.command(epilog="\b\nExamples:\n  tunesmith submit study.yaml\n  tunesmith submit study.yaml --server host:6790")
@file_argument
@document_options
@target()
def command(where: Target, file: Path, trials: int | None, sets: tuple[str, ...], name: str | None) -> None:
    """Create the study that FILE describes and leave it to the manager. A name that is taken is an error."""
    from tunesmith.client import _documents
    from tunesmith.client._attach import outline
    from tunesmith.client._data import study_data
    from tunesmith.client._output import emit, note
    from tunesmith.client._terminal import safe

    text, job = read(where, file, trials, sets, name)
    with where.client(create=True, namespace=job.namespace) as client, _documents.server_mistakes(str(file), text):
        study, warnings = client.create(job)
    for warning in warnings:
        note(f"Note: {safe(warning)}")
    if not where.for_people:
        emit(study_data(study), where.output)
        return
    print(f"Study {safe(study.name)} is created: {outline(study)}.")
    note(f"`tunesmith watch {study.name}` follows it.")
