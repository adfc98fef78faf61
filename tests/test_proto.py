"""The committed stubs are what the .proto files give, and the contracts keep the rules they promise."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest
from google.protobuf.descriptor import FileDescriptor

from tunesmith.v1 import early_stopping_pb2, manager_pb2, suggestion_pb2, types_pb2

PROTO = Path(__file__).parents[1] / "proto"
FILES = [early_stopping_pb2.DESCRIPTOR, manager_pb2.DESCRIPTOR, suggestion_pb2.DESCRIPTOR, types_pb2.DESCRIPTOR]


def test_regenerating_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("generate", PROTO / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    # protoc finds its plugins on PATH; they lie beside the interpreter.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    generate.generate(tmp_path)
    made = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*.py*")}
    stubs = [path for pattern in ("*_pb2*.py", "*_pb2*.pyi") for path in PROTO.rglob(pattern)]
    committed = {path.relative_to(PROTO): path.read_text() for path in stubs}
    assert made == committed


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_registered_below_a_path_of_its_own(file: FileDescriptor) -> None:
    assert file.name.startswith("tunesmith/v1/")
    assert file.package == "tunesmith.v1"


MUTATING = ("Create", "Pause", "Resume", "Stop", "Delete", "Edit", "Retry", "Report")


def test_every_mutating_call_has_a_request_id() -> None:
    (service,) = manager_pb2.DESCRIPTOR.services_by_name.values()
    mutating = [method for method in service.methods if method.name.startswith(MUTATING)]
    assert len(mutating) == 9
    assert [m.name for m in mutating if "request_id" not in m.input_type.fields_by_name] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_number_is_carried_in_a_string(file: FileDescriptor) -> None:
    for message in file.message_types_by_name.values():
        for field in message.fields:
            if field.name in ("value", "min", "max", "average", "goal", "step"):
                assert field.type != field.TYPE_STRING, f"{message.name}.{field.name}"
