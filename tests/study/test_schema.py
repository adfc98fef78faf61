"""The JSON Schema accepts what the reader accepts, and refuses mistakes of structure."""

from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator
from tests.documents import CHANGES, RIGHT, SMALL
from tests.job_strategies import jobs

from tunesmith.study import Mistake, StudyJob, json_schema, to_document
from tunesmith.study._node import ListNode, MapNode, Node, ScalarNode
from tunesmith.study._yaml import read_yaml

SCHEMA = json_schema()
VALIDATOR = Draft202012Validator(SCHEMA)

READERS_ONLY = (
    "must be named once",
    "`min <= max` must hold",
    "`min > 0` must hold",
    "`min <= value <= max` must hold",
    "`step > 0` must hold",
    "must be unique",
    "must be a finite number",
    "must name a parameter of the space",
    "must name an int, discrete or categorical parameter",
    "must not depend on itself",
    "must be one of ['rbf', 'poly', 'linear']",
    "`params.",
    "must be given, unless the space is finite",
    "must name at least one failure class",
    "must be a parameter of the space",
    "unknown placeholder",
    "`${` must be followed by",
    "the program must be there in every trial",
    "must be absolute",
    "must not begin with TUNESMITH_",
    "must be given for the kind",
    "must be left out for the kind",
    "must have the groups",
    "must be a regular expression",
    "must stand once in its mapping",
    "must not be used: YAML 1.2 has no merge keys",
    "a key must be a string",
)
"""What only the reader tells: what holds between fields, what is YAML's, and what is another language's."""


def plain(node: Node) -> Any:
    """The values of a tree."""
    match node:
        case ScalarNode(value=value):
            return value
        case ListNode(items=items):
            return [plain(item) for item in items]
        case MapNode(entries=entries):
            return {key: plain(entry) for key, entry in entries.items()}
        case _:
            return None


def accepted(text: str) -> bool:
    """Whether the schema accepts a document."""
    log: list[Mistake] = []
    return VALIDATOR.is_valid(plain(read_yaml(text, log)))


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["title"]


def test_every_field_is_described() -> None:
    def walk(schema: dict[str, Any]) -> None:
        for word in ("anyOf", "oneOf"):
            for inner in schema.get(word, ()):
                walk(inner)
        if isinstance(schema.get("items"), dict):
            walk(schema["items"])
        for name, field in schema.get("properties", {}).items():
            assert field["description"], name
            walk(field)

    walk(SCHEMA)


def test_defaults_are_told() -> None:
    spec = SCHEMA["properties"]["spec"]["properties"]
    assert spec["limits"]["properties"]["parallel"]["default"] == 1
    assert spec["retry"]["properties"]["backoff"]["default"] == "10s"
    assert spec["onCompletion"]["default"] == "stop"


@pytest.mark.parametrize("text", [RIGHT, SMALL])
def test_right_documents(text: str) -> None:
    assert accepted(text)


@given(jobs())
@settings(deadline=None)
def test_every_written_document(job: StudyJob) -> None:
    assert VALIDATOR.is_valid(to_document(job))


@pytest.mark.parametrize(("old", "new", "mistakes"), CHANGES)
def test_wrong_documents(old: str, new: str, mistakes: list[str]) -> None:
    structure = any(not line.split(": ", 1)[-1].startswith(READERS_ONLY) for line in mistakes)
    assert accepted(RIGHT.replace(old, new)) is not structure
