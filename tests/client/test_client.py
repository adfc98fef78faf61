"""`tunesmith.Client`: everything the manager does, from Python."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from tests.client.conftest import DOCUMENT, Fake
from tests.client.fake_manager import Script

import tunesmith
from tunesmith.client._client import Client
from tunesmith.client._errors import WrongDocument
from tunesmith.services import errors
from tunesmith.study import Limits, StudyState, TrialState, read_study_job


@pytest.fixture
def client(fake: Fake) -> Iterator[Client]:
    """A client of the current folder, whose trials take no time and of which the second fails."""
    fake(Script(endings={1: (TrialState.FAILED, "userError", 3, b"boom\n")}))
    with Client() as found:
        yield found


def test_it_is_the_packages_face() -> None:
    assert tunesmith.Client is Client


def test_submit_takes_a_path_a_dict_and_a_value(client: Client, folder: Path) -> None:
    one = client.submit("study.yaml")
    assert (one.name, one.spec.trial.working_dir) == ("digits", str(folder))
    document = YAML(typ="safe").load(DOCUMENT)
    document["metadata"]["name"] = "two"
    assert client.submit(document).spec == one.spec
    three = read_study_job(DOCUMENT, base=folder, name="three")
    assert client.submit(three).job == three
    assert [study.name for study in client.studies()] == ["digits", "two", "three"]
    with pytest.raises(errors.AlreadyExists):
        client.submit(folder / "study.yaml")
    with pytest.raises(WrongDocument) as caught:
        client.submit({"apiVersion": "tunesmith.dev/v1"})
    assert caught.value.mistakes


def test_wait_and_look(client: Client) -> None:
    client.submit("study.yaml")
    study = client.wait("digits", timeout=20)
    assert study.state is StudyState.SUCCEEDED
    assert study.best is not None
    assert study.best.assignment["C"] == study.best.value == study.metrics[0].min
    assert study.counts.finished == study.planned == 5
    trials = client.trials("digits")
    assert [trial.number for trial in trials] == [0, 1, 2, 3, 4]
    assert client.trials("digits", states=[TrialState.FAILED]) == [trials[1]] == [client.trial("digits", 1)]
    assert client.trials("digits", limit=2) == trials[:2]
    assert b"".join(client.logs("digits", 1)) == b"boom\n"
    assert [event.trial for event in client.events("digits", trial=1)] == ["digits-1-abcde"]
    assert trials[1].last is not None
    assert trials[1].last.exit_status == 3


def test_many_trials_come_in_pages(fake: Fake) -> None:
    fake()
    with Client() as client:
        client.submit("study.yaml")
        client.wait("digits", timeout=20)
        client.edit("digits", limits=Limits(trials=30, parallel=10))
        client.wait("digits", timeout=20)
        assert [trial.number for trial in client.trials("digits")] == list(range(30))


def test_observations(client: Client) -> None:
    client.submit("study.yaml")
    client.wait("digits", timeout=20)
    rows = client.observations("digits", 0)
    assert [(row.metric, row.step, row.source, row.sequence) for row in rows] == [
        ("loss", 1, "stdout", 7),
        ("accuracy", 2, "stdout", 9),
        ("loss", 1, "reports", 7),
        ("accuracy", 2, "reports", 9),
    ]
    assert rows[0].value == 0.5
    assert rows[0].time == 1.5
    assert math.isnan(rows[1].value)


def test_control(fake: Fake) -> None:
    fake(Script(pace=30))
    with Client() as client:
        client.submit("study.yaml")
        assert client.pause("digits").state is StudyState.PAUSED
        assert client.resume("digits").state is StudyState.RUNNING
        assert client.edit("digits", labels={"a": "b"}).labels == {"a": "b"}
        with pytest.raises(errors.StartOver):
            client.edit("digits", labels={}, generation=1)
        with pytest.raises(TimeoutError):
            client.wait("digits", timeout=0.2)
        assert client.stop("digits", interrupt=True).state is StudyState.PAUSED
        assert client.stop("digits").state is StudyState.STOPPED
        client.delete("digits")
        with pytest.raises(errors.NotFound):
            client.study("digits")


def test_wait_outlives_a_manager(fake: Fake) -> None:
    fake(Script(pace=0.1, break_watch_after=2))
    with Client() as client:
        client.submit("study.yaml")
        assert client.wait("digits", timeout=20).state is StudyState.SUCCEEDED


def test_a_call_whose_reply_is_lost_happens_once(fake: Fake) -> None:
    running = fake(Script(pace=30, lost_replies=2))
    with Client() as client:
        assert client.submit("study.yaml").name == "digits"
    first, *others = running.calls("CreateStudy")
    assert [request.request_id for request in others] == [first.request_id] * 2


def test_addresses(fake: Fake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    running = fake()
    with Client(running.address, namespace="team") as client:
        client.submit(Path("study.yaml"))
    monkeypatch.setenv("TUNESMITH_SERVER", running.address)
    with Client() as client:
        assert [study.namespace for study in client.studies(all_namespaces=True)] == ["team"]
    monkeypatch.delenv("TUNESMITH_SERVER")
    with Client(folder=tmp_path) as client:
        assert client.studies() == []
        assert client.studies(all_namespaces=True)[0].name == "digits"
