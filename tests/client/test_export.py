"""What `export` writes, as CSV and as JSON."""

import csv
import io
import json
from pathlib import Path

from ruamel.yaml import YAML
from tests.client.conftest import Command
from tests.client.fake_manager import Running


def test_export_csv(ended: Running, command: Command, folder: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(command("export", "digits").out)))
    trials = json.loads(command("get", "trials", "digits", "-o", "json").out)
    assert len(rows) == len(trials) == 5
    for row, trial in zip(rows, trials, strict=True):
        assert row["name"] == trial["name"]
        assert float(row["params.C"]) == trial["assignment"]["C"]
        assert row["value"] == ("" if trial["value"] is None else repr(trial["value"]))
    assert rows[1]["metrics.loss.latest"] == ""
    assert command("export", "digits", "--file", "x.csv").err == "5 trials written to x.csv\n"
    assert list(csv.DictReader(io.StringIO((folder / "x.csv").read_text()))) == rows
    assert command("export", "digits", "--file", "no/such/x.csv").code == 2


def test_export_as_output_says(ended: Running, command: Command) -> None:
    as_json = command("export", "digits", "--format", "json")
    assert command("export", "digits", "-o", "json").out == as_json.out
    assert YAML(typ="safe").load(command("export", "digits", "-o", "yaml").out) == json.loads(as_json.out)
    done = command("export", "digits", "-o", "yaml", "--format", "csv")
    assert (done.code, done.out) == (2, "")
    assert "give one of them" in done.err


def test_export_json(ended: Running, command: Command) -> None:
    found = json.loads(command("export", "digits", "--format", "json").out)
    assert found["study"] == json.loads(command("get", "study", "digits", "-o", "json").out)
    assert found["trials"] == json.loads(command("get", "trials", "digits", "-o", "json").out)
