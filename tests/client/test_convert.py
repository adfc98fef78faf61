"""`tunesmith convert`."""

import json
from pathlib import Path

from tests.client.conftest import DOCUMENT, Command

from tunesmith.study import read_study_job, to_document


def test_convert_writes_what_it_understands(command: Command, folder: Path) -> None:
    job = read_study_job(DOCUMENT, base=folder)
    done = command("convert", "study.yaml")
    assert (done.code, done.err) == (0, "")
    assert read_study_job(done.out, base=folder) == job
    assert str(folder) not in done.out
    (folder / "again.yaml").write_text(done.out)
    assert command("convert", "again.yaml").out == done.out
    as_json = json.loads(command("convert", "study.yaml", "-o", "json").out)
    assert as_json["metadata"] == to_document(job)["metadata"]


def test_convert_shows_what_validate_shows(command: Command, folder: Path) -> None:
    (folder / "wrong.yaml").write_text("apiVersion: kubeflow.org/v1beta1\nkind: Experiment\n")
    converted, validated = command("convert", "wrong.yaml"), command("validate", "wrong.yaml")
    assert (converted.code, converted.out) == (2, "")
    assert converted.err == validated.err
    assert "wrong.yaml:1:13: apiVersion: must be tunesmith.dev/v1, but got 'kubeflow.org/v1beta1'" in converted.err
