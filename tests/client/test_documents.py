"""Mistakes of documents have a place in their file, whoever sees them; the schema for editors."""

import json
from pathlib import Path

from ruamel.yaml import YAML
from tests.client.conftest import Command, Fake
from tests.client.fake_manager import Script

from tunesmith.services import errors
from tunesmith.study._mistakes import Mistake


def test_validate_tells_every_mistake_with_its_place(command: Command, folder: Path) -> None:
    text = (folder / "study.yaml").read_text().replace("min: 0.01", "min: 1000").replace("type: minimize", "type: best")
    (folder / "study.yaml").write_text(text)
    done = command("validate", "study.yaml")
    assert (done.code, done.out) == (2, "")
    lines = done.err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("study.yaml:7:35: spec.objective.type: ")
    assert lines[1].startswith("study.yaml:9:36: spec.parameters[0].min: `min <= max` must hold")


def test_a_document_that_is_not_there(command: Command, folder: Path) -> None:
    done = command("validate", "nix.yaml")
    assert (done.code, done.out) == (2, "")
    assert (
        done.err
        == "error: nix.yaml cannot be read: No such file or directory (`tunesmith init` writes one to start from)\n"
    )
    assert "Is a directory" in command("run", ".").err


def test_a_document_that_is_far_too_large(command: Command, folder: Path) -> None:
    for size, said in (
        (2**24 + 1, "error: model.bin: a document must have at most 1 MiB, but got more than 16 MiB\n"),
        (2**20 + 1, "at most 1 MiB (1,048,576 bytes), but got 1,048,577 bytes\n"),
    ):
        (folder / "model.bin").write_bytes(bytes(size))
        done = command("validate", "model.bin")
        assert (done.code, done.out) == (2, "")
        assert done.err.endswith(said)


def test_mistakes_that_only_a_server_sees_have_a_place_too(fake: Fake, command: Command) -> None:
    fake(Script(refuse=errors.FixRequest("bad", [Mistake("spec.algorithm.settings.seed", "must be 1")])))
    done = command("run", "study.yaml")
    assert (done.code, done.err) == (2, "study.yaml:11:46: spec.algorithm.settings.seed: must be 1\n")


def test_validate_by_a_server(fake: Fake, command: Command) -> None:
    running = fake(Script(warnings=["few trials"]))
    done = command("validate", "study.yaml", "--server", running.address)
    assert (done.code, done.err) == (0, "Note: few trials\n")
    assert done.out == "study.yaml is right: study digits\n"
    running.manager.script.refuse = errors.FixRequest("bad", [Mistake("spec.algorithm.name", "is unknown")])
    done = command("validate", "study.yaml", "--server", running.address)
    assert (done.code, done.err) == (2, "study.yaml:11:21: spec.algorithm.name: is unknown\n")


def test_standard_input(command: Command, folder: Path) -> None:
    text = (folder / "study.yaml").read_text()
    assert command("run", "-", "--dry-run", input=text).code == 0
    assert command("run", "-", "--dry-run", input="[]").err.startswith("<standard input>:1:1: ")


def test_schema(command: Command, folder: Path) -> None:
    import jsonschema

    schema = json.loads(command("schema").out)
    jsonschema.validate(YAML(typ="safe").load(folder / "study.yaml"), schema)
