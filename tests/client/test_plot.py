"""`tunesmith plot` and `Client.figure`: files of each form, against a fake manager, and all kinds of a real study."""

import json
import re
import shutil
import struct
import sys
from pathlib import Path

import plotly.graph_objects
import pytest
from click.testing import CliRunner
from tests.client.conftest import Command, Fake
from tests.client.fake_manager import Running, Script
from tests.client.figure_samples import HOSTILE, numbers, sample
from tests.house import House
from tests.needs import missing

import tunesmith
from tunesmith.client.commands.plot import command as plot
from tunesmith.client.figures import figure, kinds
from tunesmith.client.figures._files import write_all, write_one
from tunesmith.client.figures._page import page
from tunesmith.services import errors
from tunesmith.study import TrialState

CURVES = """
import json, os, sys
rate, layers = json.loads(os.environ["TUNESMITH_PARAMS"])["rate"], int(sys.argv[1])
assert layers != 2
for step in range(5):
    print(f"step={step} loss={(rate - 0.1) ** 2 + layers / (step + 1)}", f"accuracy={step / 5}", flush=True)
"""


@pytest.fixture
def ended(fake: Fake, command: Command) -> Running:
    """A manager whose study `digits` has ended, with one failed trial."""
    running = fake(Script(endings={1: (TrialState.FAILED, "userError", 3, b"")}))
    assert command("run", "study.yaml").code == 0
    return running


def test_json_goes_to_standard_output(ended: Running, command: Command) -> None:
    done = command("plot", "digits")
    assert (done.code, done.err) == (0, "")
    made = json.loads(done.out)
    assert made["layout"]["meta"] == {"kind": "history", "title": "History", "drawn": 5, "of": 5}
    assert {trace["name"] for trace in made["data"]} >= {"Succeeded", "Failed", "Best so far"}


def test_files(ended: Running, command: Command, folder: Path) -> None:
    for name in ("a.html", "a.json"):
        done = command("plot", "digits", "--kind", "slice", "--output", name)
        assert (done.code, done.out, done.err) == (0, "", f"1 figure written to {name}\n")
    text = (folder / "a.html").read_text()
    assert "plotly.js v" in text[:4000]
    assert not re.search(r"<(script|link)[^>]+(src|href)=", text)
    assert json.loads((folder / "a.json").read_text())["layout"]["meta"]["kind"] == "slice"


def test_all_kinds(ended: Running, command: Command, folder: Path) -> None:
    done = command("plot", "digits", "--kind", "all", "--output", "figures", "--format", "json")
    assert done.code == 0
    assert "importance is left out: importance needs 2 parameters and 10 finished trials" in done.err
    drawn = {path.stem for path in (folder / "figures").iterdir()}
    assert drawn == {kind.name for kind in kinds()} - {"importance"}
    assert done.err.endswith("11 figures written to figures\n")
    assert command("plot", "digits", "--kind", "all", "--output", "figures").code == 0
    page = (folder / "figures" / "history.html").read_text()
    assert '<script src="plotly.min.js"></script>' in page
    assert len(page) < 30_000
    assert (folder / "figures" / "plotly.min.js").stat().st_size > 1_000_000
    assert command("plot", "digits", "--kind", "all", "--output", "report.html").code == 0
    assert (folder / "report.html").read_text().count('<div class="figure"') == 11


def test_a_comparison(ended: Running, command: Command) -> None:
    assert command("run", "study.yaml", "--name", "two").code == 0
    made = json.loads(command("plot", "digits", "two", "--kind", "compare").out)
    assert [trace["name"] for trace in made["data"]] == ["digits", "digits", "two", "two"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["digits", "--kind", "histogram"], "the kind of a figure must be one of [compare, contour"),
        (["digits", "--kind", "importance"], "importance needs 2 parameters and 10 finished trials with a value of"),
        (["digits", "two"], "--kind history draws 1 study, but got 2"),
        (["digits", "--format", "png"], "--format is for --kind all with a folder"),
        (
            ["digits", "--output", "a.pdf"],
            "--output must name a file that ends with .html, .json or .png, but got 'a.pdf'",
        ),
        (["digits", "--kind", "all", "--output", "a.png"], "a PNG holds 1 figure, but there are 11"),
        (["digits", "--metric", "x"], "the study digits has no metric 'x'; it has loss"),
        (["digits", "--output", "no/such/folder.html"], "No such file or directory"),
        (["nobody"], "no study nobody"),
    ],
)
def test_what_cannot_be(ended: Running, command: Command, words: list[str], message: str) -> None:
    done = command("plot", *words)
    assert done.code == 2
    assert message in done.err


def test_a_study_without_trials(fake: Fake, command: Command) -> None:
    fake(Script(pace=30))
    command("submit", "study.yaml")
    assert command("plot", "digits", "--kind", "edf").code == 2
    done = command("plot", "digits", "--kind", "all")
    assert (done.code, json.loads(done.out).keys()) == (0, {"timeline"})  # its trials have started


def test_without_plotly(ended: Running, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("plotly", "plotly.graph_objects", "plotly.io", "kaleido"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr("tunesmith.client.figures._page.plotly_script", _no_plotly)
    assert command("plot", "digits").code == 0
    assert "pip install 'tunesmith[plot]'" in command("plot", "digits", "--output", "a.html").err
    assert "a PNG needs Kaleido and a browser" in command("plot", "digits", "--output", "a.png").err
    with tunesmith.Client() as client:
        assert set(client.figure("digits", "history")) == {"data", "layout"}


def _no_plotly() -> str:
    raise errors.NotOffered("an HTML file needs Plotly: pip install 'tunesmith[plot]'")


def test_the_help_lists_all_kinds() -> None:
    text = CliRunner().invoke(plot, ["--help"]).output
    for kind in kinds():
        assert re.search(rf"^ +{kind.name} +[a-z]", text, re.M), kind.name


def test_a_page_of_hostile_names_ends_where_it_should() -> None:
    text = page(HOSTILE, [figure("history", sample(20, name=HOSTILE, metric=HOSTILE))], script="x.js")
    assert "<script>alert" not in text
    assert text.count("</script>") == 3


# ---- of a study that ran


def test_every_kind_of_a_real_study(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.write("train.py", CURVES)
    house.write(
        "study.yaml",
        """
apiVersion: tunesmith.dev/v1
kind: StudyJob
metadata: {name: real}
spec:
  objective: {metric: loss, type: minimize}
  parameters:
    - {name: rate, type: double, min: 0.001, max: 1, distribution: logUniform}
    - {name: layers, type: int, min: 1, max: 4}
    - {name: size, type: discrete, values: [8, 16], when: {layers: [3, 4]}}
  algorithm: {name: random, settings: {seed: 3}}
  limits: {trials: 20, parallel: 4, failed: 20}
  trial: {command: [python, train.py, "${params.layers}"], workingDir: .}
""",
    )
    try:
        house("run", "study.yaml")
        with tunesmith.Client(folder=tmp_path) as client:
            for kind in kinds():
                made = client.figure("real", kind.name)
                assert isinstance(made, plotly.graph_objects.Figure)
            curves = client.figure("real", "curves", metric="accuracy")
        study = house.json("get", "study", "real")
        assert len(curves.data) == study["trials"]["succeeded"] > 4
        assert max(len(numbers(trace.x)) for trace in curves.data) == 5
    finally:
        house.close()


def test_a_picture(tmp_path: Path) -> None:
    needs_a_browser()
    data = sample(30)
    write_one(tmp_path / "a.png", "digits", [figure("history", data)], dark=True)
    assert size(tmp_path / "a.png") == (2000, 1120)
    made = {kind: figure(kind, data) for kind in ("edf", "slice")}
    paths = write_all(tmp_path / "all", "digits", made, "png")
    assert [size(path)[0] for path in paths.values()] == [2000, 2000]


def test_pictures_that_cannot_be(ended: Running, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_a_browser()
    done = command("plot", "digits", "--output", "no/such/folder.png")
    assert (done.code, "No such file or directory" in done.err, "written" in done.err) == (2, True, False)
    monkeypatch.setenv("BROWSER_PATH", "/bin/false")
    done = command("plot", "digits", "--output", "a.png")
    assert (done.code, "a PNG needs Kaleido and a browser" in done.err) == (2, True)


def needs_a_browser() -> None:
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))):
        missing("Chromium or Chrome")


def size(path: Path) -> tuple[int, int]:
    """Width and height of a PNG."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    return int(width), int(height)
