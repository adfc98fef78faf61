"""The JSON Schema of the StudyJob, for editors: the reader's own tables, written down."""

from typing import Any

from tunesmith.study._table_spec import JOB

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """A schema that accepts every right document. What holds between fields only the reader can tell."""
    return {
        "$schema": DIALECT,
        "$id": "https://tunesmith.dev/v1/StudyJob.json",
        "title": "Tunesmith StudyJob",
        "description": "A search for the best parameters of a program: what is optimized, over which space, and how.",
        **JOB.schema(),
    }
