"""`tunesmith convert`: a document as the native one."""

from pathlib import Path

import click

from tunesmith.client._options import output_option
from tunesmith.client.commands.run import file_argument


@click.command(
    epilog="\b\nExamples:\n  tunesmith convert study.json > study.yaml\n  cat study.yaml | tunesmith convert -"
)
@file_argument
@output_option
def command(file: Path, output: str | None) -> None:
    """Write the StudyJob in FILE as it is understood: in YAML, in the usual order, without what has its default.

    Remarks go to standard error. Mistakes are those that `validate` shows, and nothing is created.
    """
    from tunesmith.client import _documents
    from tunesmith.client._output import emit, note
    from tunesmith.client._terminal import safe
    from tunesmith.study import to_document

    native = _documents.to_native(file)
    for warning in native.warnings:
        note(f"Note: {safe(warning)}")
    if output == "json":
        emit(to_document(native.job), output)
    else:
        print(native.text, end="")
