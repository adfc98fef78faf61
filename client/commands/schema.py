"""`tunesmith schema`: for editors."""

import click


@click.command(
    epilog="\b\nExample:\n"
    "  tunesmith schema > studyjob.schema.json\n"
    "then, as first line of a document in an editor with a YAML language server:\n"
    "  # yaml-language-server: $schema=studyjob.schema.json"
)
@click.option("-o", "--output", type=click.Choice(["json", "yaml"]), default="json", help="How to print it.")
def command(output: str) -> None:
    """Print the JSON Schema of the StudyJob document."""
    from tunesmith.client._output import emit
    from tunesmith.study import json_schema

    emit(json_schema(), output)
