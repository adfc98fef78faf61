"""Assignments of a user's own: checked, completed, run first, counted, and there after a crash."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import grpc
import pytest
from tests.house import House, until
from tests.manager.test_service import SLEEPS, key, refused
from tests.running import Running, job

from tunesmith.client._arguments import assignment_of
from tunesmith.manager._initial import complete
from tunesmith.services.errors import FixRequest, from_rpc_error
from tunesmith.study import StudyJob, read_document, wire
from tunesmith.v1 import manager_pb2 as pb
from tunesmith.v1 import types_pb2 as types

SPACE: dict[str, Any] = {
    "parameters": [
        {"name": "x", "type": "double", "min": 0, "max": 1},
        {"name": "n", "type": "int", "min": 1, "max": 9, "default": 5},
        {"name": "kernel", "type": "categorical", "values": ["rbf", "linear"]},
        {"name": "gamma", "type": "double", "min": 0, "max": 1, "when": {"kernel": "rbf"}},
    ],
    "constraints": ["params.x * params.n <= 4.5"],
}


def request(study: str, *given: Mapping[str, Any], request_id: str = "") -> pb.EnqueueTrialsRequest:
    assignments = [wire.assignment_to_proto(values) for values in given]
    return pb.EnqueueTrialsRequest(request_id=request_id, study=key(study), assignments=assignments)


def read(trial: pb.Trial) -> dict[str, Any]:
    return dict(wire.assignment_from_proto(trial.assignment))


def test_they_run_before_proposals_and_count(manager: Running) -> None:
    manager.create("mine", limits={"trials": 4, "parallel": 1}, trial=paused(manager.house.folder, "mine"))
    until(lambda: manager.study("mine").counts.running)
    twice = request("mine", {"x": 0.25}, {"x": 1}, request_id="mine-1")
    first = manager.stub.EnqueueTrials(twice)
    assert manager.stub.EnqueueTrials(twice) == first  # and nothing is added
    assert [(t.number, t.state, read(t)) for t in first.trials] == [
        (1, types.TRIAL_STATE_PENDING, {"x": 0.25}),
        (2, types.TRIAL_STATE_PENDING, {"x": 1.0}),
    ]
    assert first.trials[0].explanation.text == "enqueued by a user"
    (manager.house.folder / "mine").touch()
    assert manager.ended("mine").counts.succeeded == 4
    trials = manager.trials("mine")
    assert [trial.explanation.model for trial in trials] == ["random", "user", "user", "random"]
    assert [read(trial) for trial in trials[1:3]] == [{"x": 0.25}, {"x": 1.0}]


def paused(folder: Path, name: str) -> dict[str, Any]:
    """A trial that ends when a file comes."""
    return {
        "command": ["sh", "-c", f"while [ ! -e {name} ]; do sleep 0.02; done; echo loss=1"],
        "workingDir": str(folder),
    }


@pytest.mark.parametrize(
    ("given", "path", "rule"),
    [
        ({"x": 2.0}, "assignments[1].x", "must hold, but got"),
        ({"n": 1.5}, "assignments[1].n", "1.5"),
        ({"kernel": "poly"}, "assignments[1].kernel", "poly"),
        ({"z": 1}, "assignments[1].z", "must be a parameter of the space; there are x, n, kernel, gamma"),
        ({"x": 1.0, "n": 9}, "assignments[1]", "params.x * params.n <= 4.5"),
        ({"kernel": "linear", "gamma": 0.5}, "assignments[1]", "gamma: must be left out"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_added(
    manager: Running, given: dict[str, Any], path: str, rule: str
) -> None:
    if not manager.stub.ListStudies(pb.ListStudiesRequest(labels={"for": "wrong"})).studies:
        document = job_document("wrong-enqueued", labels={"for": "wrong"})
        manager.stub.CreateStudy(pb.CreateStudyRequest(document=document))
        until(lambda: manager.study("wrong-enqueued").state == types.STUDY_STATE_RUNNING)
        manager.stub.PauseStudy(pb.PauseStudyRequest(key=key("wrong-enqueued")))
    total = manager.study("wrong-enqueued").counts.total
    with pytest.raises(grpc.RpcError) as error:
        manager.stub.EnqueueTrials(request("wrong-enqueued", {"x": 0.1}, given))
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    told = from_rpc_error(error.value)
    assert isinstance(told, FixRequest)
    assert [mistake.path for mistake in told.mistakes] == [path]
    assert rule in told.mistakes[0].message
    assert manager.study("wrong-enqueued").counts.total == total


def job_document(name: str, labels: dict[str, str]) -> str:
    document = job(name, script=SLEEPS, **SPACE, limits={"trials": 50, "parallel": 1})
    document["metadata"]["labels"] = labels
    return json.dumps(document)


def test_what_is_left_out_is_completed_to_a_feasible_point() -> None:
    spec = space_job().spec
    for number in range(40):
        filled, problems = complete(spec, number, {"gamma": 0.5})
        assert problems == []
        assert (filled["kernel"], filled["gamma"], filled["n"]) == ("rbf", 0.5, 5)
        assert spec.space.problems(filled) == []
        assert complete(spec, number, {"gamma": 0.5})[0] == filled
    filled, problems = complete(spec, 0, {"x": 1.0})
    assert problems == spec.space.problems(filled) != []  # 1.0 * 5: no sample can help


def space_job() -> StudyJob:
    return read_document(job("space", **SPACE, limits={"trials": 9}))


def test_a_study_that_takes_no_more_says_so(manager: Running) -> None:
    manager.create("full", script=SLEEPS, limits={"trials": 2, "parallel": 1})
    until(lambda: manager.study("full").counts.running)
    code, text = refused(lambda: manager.stub.EnqueueTrials(request("full", {"x": 0.1}, {"x": 0.2})))
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert text is not None
    assert "but got (trials=1, enqueued=2, limits.trials=2)" in text
    none = refused(lambda: manager.stub.EnqueueTrials(request("full")))
    assert none == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "`1 <= len(assignments) <= 1000` must hold, but got (len(assignments)=0)",
    )
    manager.stub.StopStudy(pb.StopStudyRequest(key=key("full")))
    manager.ended("full")
    ended = refused(lambda: manager.stub.EnqueueTrials(request("full", {"x": 0.1})))
    assert ended == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "nothing can be enqueued, since study full has ended (Stopped, stopped)",
    )


def test_a_value_without_a_kind_is_a_mistake(manager: Running) -> None:
    manager.create("kinds", script=SLEEPS, limits={"trials": 9, "parallel": 1})
    wrong = pb.EnqueueTrialsRequest(study=key("kinds"), assignments=[types.Assignment(values={"x": types.Value()})])
    with pytest.raises(grpc.RpcError) as error:
        manager.stub.EnqueueTrials(wrong)
    told = from_rpc_error(error.value)
    assert isinstance(told, FixRequest)
    assert [str(mistake) for mistake in told.mistakes] == [
        "assignments[0].x: must be a string, a number or a boolean, but got null"
    ]


def test_the_command_and_a_manager_that_is_killed(tmp_path: Path) -> None:
    house = House(tmp_path)
    try:
        document = job("kept", trial=paused(tmp_path, "go"), limits={"trials": 3, "parallel": 1})
        house.write("study.yaml", json.dumps(document))
        house("submit", "study.yaml")
        until(lambda: house.json("get", "study", "kept")["trials"]["running"])
        told = house("enqueue", "kept", "x=0.25").stdout
        name = house.json("get", "trials", "kept")[1]["name"]
        assert told == f"Trial {name} is enqueued: x=0.25\n"
        assert house.kill("tunesmith.manager") == 1
        house.write("go", "")
        house("watch", "kept")
        trials = house.json("get", "trials", "kept")
        assert [(trial["number"], trial["state"]) for trial in trials] == [(n, "Succeeded") for n in range(3)]
        assert trials[1] == trials[1] | {"name": name, "assignment": {"x": 0.25}, "attempts": 1}
        refused = house("enqueue", "kept", "x=0.5", check=2)
        assert "since study kept has ended (Succeeded, trialsUsedUp)" in refused.stderr
    finally:
        house.close()


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["a=1", "b=1.0", "c=true", "d=rbf"], {"a": 1, "b": 1.0, "c": True, "d": "rbf"}),
        (['a="1"', "b='true'", "c=x=y"], {"a": "1", "b": "true", "c": "x=y"}),
    ],
)
def test_values_of_a_command_line(texts: list[str], found: dict[str, Any]) -> None:
    values = assignment_of(texts)
    assert values == found
    assert [type(value) for value in values.values()] == [type(value) for value in found.values()]


@pytest.mark.parametrize("texts", [["a"], ["=1"], ["a="], ["a=null"], ["a=1", "a=2"]])
def test_values_that_are_none(texts: list[str]) -> None:
    with pytest.raises(click.BadParameter):
        assignment_of(texts)
