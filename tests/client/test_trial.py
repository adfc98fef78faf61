"""What a trial calls: params, report, should_stop, checkpoint_dir."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

import tunesmith
from tunesmith.manager.collectors import make_collector
from tunesmith.study import CollectorSpec


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TUNESMITH_TRIAL", "digits-0-abcde")
    monkeypatch.setenv("TUNESMITH_TRIAL_DIR", str(tmp_path))
    monkeypatch.setenv("TUNESMITH_PARAMS", '{"C": 0.5, "kernel": "rbf", "batch": 32, "flip": true}')
    monkeypatch.setenv("TUNESMITH_CHECKPOINT_DIR", str(tmp_path / "checkpoint"))
    return tmp_path


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TUNESMITH_TRIAL", "TUNESMITH_TRIAL_DIR", "TUNESMITH_PARAMS", "TUNESMITH_CHECKPOINT_DIR"):
        monkeypatch.delenv(name, raising=False)


def test_params_are_typed_and_new_each_time(folder: Path) -> None:
    assert tunesmith.params() == {"C": 0.5, "kernel": "rbf", "batch": 32, "flip": True}
    tunesmith.params()["C"] = 7
    assert tunesmith.params()["C"] == 0.5


def test_defaults_stand_in_for_what_is_not_active(folder: Path) -> None:
    assert tunesmith.params(C=9.0, degree=3)["C"] == 0.5
    assert tunesmith.params(C=9.0, degree=3)["degree"] == 3


def test_reports_are_lines_that_the_collector_reads(folder: Path) -> None:
    tunesmith.report(step=3, loss=0.25, accuracy=1)
    tunesmith.report(**{"val-loss": math.nan, "gap": -math.inf})
    lines = (folder / "reports.jsonl").read_bytes().splitlines()
    assert json.loads(lines[0])["metrics"] == {"loss": 0.25, "accuracy": 1.0}
    assert b"NaN" in lines[1]
    json.loads(lines[1], parse_constant=pytest.fail)  # JSON has no such constants
    parser = make_collector(CollectorSpec(kind="reports"), None)
    assert parser.parse(lines[0]) == [("loss", 0.25, 3), ("accuracy", 1.0, 3)]
    (nan, inf) = parser.parse(lines[1])
    assert nan[0] == "val-loss"
    assert math.isnan(nan[1])
    assert inf == ("gap", -math.inf, None)


def test_what_float_takes_is_reported(folder: Path) -> None:
    numpy = pytest.importorskip("numpy")
    tunesmith.report(step=numpy.int64(2), loss=numpy.float32(0.5), count=numpy.int64(7), one=numpy.array(1.5))
    line = json.loads((folder / "reports.jsonl").read_text())
    assert (line["step"], line["metrics"]) == (2, {"loss": 0.5, "count": 7.0, "one": 1.5})


def test_mistakes_are_named_and_nothing_is_written(folder: Path) -> None:
    with pytest.raises(TypeError, match="loss='low'"):
        tunesmith.report(loss="low")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="needs a metric"):
        tunesmith.report(step=1)
    with pytest.raises(TypeError, match=r"whole number, but got step=1\.5"):
        tunesmith.report(step=1.5, loss=1)
    assert not (folder / "reports.jsonl").exists()


def test_a_report_that_cannot_be_written_raises(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNESMITH_TRIAL_DIR", str(folder / "gone"))
    with pytest.raises(FileNotFoundError):
        tunesmith.report(loss=1)


def test_stop_is_a_file(folder: Path) -> None:
    assert not tunesmith.should_stop()
    assert (folder / "asks").exists(), "so that it is given time to end"
    (folder / "stop").touch()
    assert tunesmith.should_stop()


def test_where_nothing_can_be_written_a_stop_is_seen_all_the_same(folder: Path) -> None:
    (folder / "stop").touch()
    folder.chmod(0o500)
    try:
        assert tunesmith.should_stop()
    finally:
        folder.chmod(0o700)


def test_the_checkpoint_folder_exists(folder: Path) -> None:
    assert tunesmith.checkpoint_dir() == folder / "checkpoint"
    assert tunesmith.checkpoint_dir().is_dir()


def test_alone_a_script_runs_with_its_defaults_and_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert tunesmith.params(C=1.0) == {"C": 1.0}
    tunesmith.report(step=3, loss=0.25)
    tunesmith.report(loss=math.nan)
    assert capsys.readouterr().out == "step=3 loss=0.25\nloss=nan\n"
    assert not tunesmith.should_stop()


def test_alone_what_cannot_work_says_so() -> None:
    with pytest.raises(RuntimeError, match="TUNESMITH_PARAMS is not set"):
        tunesmith.params()
    with pytest.raises(RuntimeError, match="TUNESMITH_CHECKPOINT_DIR is not set"):
        tunesmith.checkpoint_dir()


def test_reports_of_several_processes_do_not_mix(folder: Path) -> None:
    script = (
        "import tunesmith\nfor step in range(200): tunesmith.report(step=step, **{f'metric{i}': i for i in range(40)})"
    )
    writers = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    lines = (folder / "reports.jsonl").read_text().splitlines()
    assert len([json.loads(line) for line in lines]) == 600


def test_importing_it_imports_nothing_heavy() -> None:
    script = (
        "import json, importlib, math, operator, sys; before = set(sys.modules); import tunesmith; tunesmith.report;"
        "print(sorted(set(sys.modules) - before))"
    )
    printed = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "['tunesmith', 'tunesmith.client', 'tunesmith.client._trial']"


def test_public_names_are_there_and_no_others() -> None:
    assert set(tunesmith.__all__) <= set(dir(tunesmith))
    with pytest.raises(AttributeError, match="nonsense"):
        tunesmith.nonsense  # type: ignore[attr-defined]  # noqa: B018
