"""`tunesmith validate`: the mistakes of a document."""

from pathlib import Path

import click

from tunesmith.client._options import Target, target
from tunesmith.client.commands.run import document_options, file_argument, read


@click.command(epilog="\b\nExample:\n  tunesmith validate study.yaml")
@file_argument
@document_options
@target()
def command(where: Target, file: Path, trials: int | None, sets: tuple[str, ...], name: str | None) -> None:
    """Show every mistake in FILE, each with line and column; nothing is created.

    The algorithm, the early-stopping rule and their settings are checked by the manager that --server names, or by the
    folder's if it runs; else by the services themselves, which are started for the moment.
    """
    from tunesmith.client import _documents
    from tunesmith.client._check import remarks
    from tunesmith.client._output import emit, note
    from tunesmith.client._terminal import safe

    text, job = read(where, file, trials, sets, name)
    with _documents.server_mistakes(str(file), text):
        warnings = remarks(where, job)
    if not where.for_people:
        emit({"name": job.name, "namespace": job.namespace, "warnings": warnings}, where.output)
        return
    for warning in warnings:
        note(f"Note: {safe(warning)}")
    print(f"{safe(_documents.called(file))} is right: study {safe(job.name)}")
