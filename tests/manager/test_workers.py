"""Trials that workers run: acquired over gRPC, held by leases, completed, stopped, lost, and there after a crash."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from tests.house import House, until
from tests.manager.test_service import key, refused
from tests.running import Running, job

from tunesmith.services.channel import open_sync_channel
from tunesmith.v1 import manager_pb2 as pb
from tunesmith.v1 import types_pb2 as types
from tunesmith.v1.manager_pb2_grpc import ManagerServiceStub

PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION


class Worker:
    """A worker of one study."""

    def __init__(self, stub: ManagerServiceStub, study: str, name: str = "w", lease: float = 30) -> None:
        self.stub, self.study, self.name, self.lease = stub, study, name, lease

    def ask(self, wait: float = 20, **more: Any) -> pb.AcquiredTrial | None:
        request = pb.AcquireTrialRequest(
            worker=self.name, study=self.study, lease=seconds(self.lease), wait=seconds(wait), **more
        )
        reply = self.stub.AcquireTrial(request)
        return reply.trial if reply.HasField("trial") else None

    def acquire(self) -> pb.AcquiredTrial:
        found = self.ask()
        assert found is not None
        return found

    def beat(self, trial: pb.AcquiredTrial) -> pb.HeartbeatResponse:
        return self.stub.Heartbeat(pb.HeartbeatRequest(trial=trial.key, attempt=trial.attempt, worker=self.name))

    def report(self, trial: pb.AcquiredTrial, *losses: float) -> pb.ReportObservationsResponse:
        columns = pb.ObservationColumns(
            source=self.name, names=["loss"], metric=[0] * len(losses), value=losses, sequence=range(len(losses))
        )
        request = pb.ReportObservationsRequest(trial=trial.key, attempt=trial.attempt, observations=columns)
        return self.stub.ReportObservations(request)

    def complete(self, trial: pb.AcquiredTrial, **ending: Any) -> pb.CompleteTrialRequest:
        request = pb.CompleteTrialRequest(
            trial=trial.key, attempt=trial.attempt, worker=self.name, **ending or {"exit_status": 0}
        )
        self.stub.CompleteTrial(request)
        return request

    def work(self, loss: float = 1.0) -> pb.AcquiredTrial:
        trial = self.acquire()
        self.report(trial, loss)
        self.complete(trial)
        return trial


def seconds(number: float) -> Duration:
    return Duration(seconds=int(number), nanos=int(number % 1 * 1e9))


def create(manager: Running, name: str, **spec: Any) -> Worker:
    manager.create(name, trial={"workers": True}, **spec)
    return Worker(manager.stub, name)


def only(manager: Running, name: str) -> pb.Trial:
    (trial,) = manager.trials(name)
    return trial


def test_a_worker_runs_a_study(manager: Running) -> None:
    worker = create(manager, "run", limits={"trials": 3, "parallel": 1})
    first = worker.acquire()
    assert (first.number, first.attempt, first.key.study.name) == (0, 1, "run")
    assert first.study_uid == manager.study("run").uid
    assert first.checkpoint_dir.endswith(f"trials/{first.study_uid}/{first.key.trial}/checkpoint")
    trial = only(manager, "run")
    assert (trial.state, trial.assignment) == (types.TRIAL_STATE_RUNNING, first.assignment)
    assert worker.ask(wait=0) is None  # one at a time
    assert not worker.report(first, 3.0, 2.0).should_stop
    worker.complete(first)
    assert worker.work(1.0).number == 1
    worker.work(4.0)
    study = manager.ended("run")
    assert (study.state, study.counts.succeeded, study.best.value) == (types.STUDY_STATE_SUCCEEDED, 3, 1.0)
    events = manager.stub.ListEvents(pb.ListEventsRequest(study=key("run"), trial="0")).events
    assert [event.reason for event in events] == ["created", "launched", "acquired", "succeeded"]
    assert events[2].message == "worker w acquired attempt 1"
    ended = refused(lambda: worker.ask())
    assert ended == (PRECONDITION, "study run has ended (Succeeded, trialsUsedUp): it has no more trials")


def test_calls_that_come_twice_and_calls_that_come_late(manager: Running) -> None:
    worker = create(manager, "again", limits={"trials": 2, "parallel": 2})
    first = worker.ask(request_id="again-1")
    assert first is not None
    assert worker.ask(request_id="again-1") == first
    other = Worker(manager.stub, "again", "other")
    second = other.acquire()
    assert second.number == 1
    name = f"attempt 1 of {first.key.trial}"
    theirs = refused(lambda: other.beat(first))
    assert theirs == (PRECONDITION, f"{name} is not yours: worker 'w' acquired it, and you are 'other'")
    worker.report(first, 1.0)
    complete = worker.complete(first, exit_status=0, request_id="again-2")
    assert manager.stub.CompleteTrial(complete) == pb.CompleteTrialResponse()
    complete.request_id = "again-3"
    code, text = refused(lambda: manager.stub.CompleteTrial(complete))
    assert code is PRECONDITION
    assert text is not None
    assert text.startswith(f"{name} is not open any more: it ")
    until(lambda: manager.trials("again")[0].state == types.TRIAL_STATE_SUCCEEDED)
    assert refused(lambda: worker.beat(first)) == (PRECONDITION, f"{name} is not open any more: it ended as exited")
    manager.stub.StopStudy(pb.StopStudyRequest(key=key("again")))


def test_a_worker_that_waits_gets_the_trial_that_comes(manager: Running) -> None:
    worker = create(manager, "waits", limits={"trials": 2, "parallel": 1})
    first = worker.acquire()
    found: list[pb.AcquiredTrial] = []
    thread = threading.Thread(target=lambda: found.append(Worker(manager.stub, "", "patient").acquire()))
    thread.start()
    time.sleep(0.3)
    assert not found
    worker.report(first, 1.0)
    worker.complete(first)
    thread.join(10)
    assert [trial.number for trial in found] == [1]
    manager.stub.StopStudy(pb.StopStudyRequest(key=key("waits")))


def test_a_silent_worker_loses_its_trial_and_it_is_tried_again(manager: Running) -> None:
    worker = create(manager, "lost", limits={"trials": 1}, retry={"attempts": 2, "on": ["lost"], "backoff": "10ms"})
    worker.lease = 1
    first = worker.acquire()
    for _ in range(4):  # reports and heartbeats keep it
        time.sleep(0.4)
        worker.report(first, 1.0)
        worker.beat(first)
    second = worker.acquire()
    assert (second.key, second.attempt, second.assignment) == (first.key, 2, first.assignment)
    code, text = refused(lambda: worker.beat(first))
    assert (code, text) == (
        PRECONDITION,
        f"attempt 1 of {first.key.trial} is not open any more: it ended as failed (lost): "
        "its worker was silent for 1 s, as long as its lease lasted",
    )
    assert refused(lambda: worker.complete(first))[0] is PRECONDITION
    worker.report(second, 2.0)
    worker.complete(second)
    assert manager.ended("lost").counts.succeeded == 1


def test_how_a_trial_ends(manager: Running) -> None:
    worker = create(
        manager,
        "endings",
        limits={"trials": 4, "parallel": 1, "failed": 9},
        retry={"attempts": 2, "on": ["preempted"], "backoff": "10ms"},
    )
    worker.complete(worker.acquire(), exit_status=3)
    worker.complete(worker.acquire(), failure_class=types.FAILURE_CLASS_OUT_OF_MEMORY, message="the card is full")
    worker.complete(worker.acquire())  # without a report
    last = worker.acquire()
    worker.complete(last, failure_class=types.FAILURE_CLASS_PREEMPTED)
    again = until(lambda: worker.ask(wait=1), timeout=20)
    assert (again.key, again.attempt) == (last.key, 2)
    worker.report(again, 1.0)
    worker.complete(again)
    manager.ended("endings")
    assert [(t.reason, t.attempts[0].message) for t in manager.trials("endings")] == [
        ("userError", "exit status 3"),
        ("outOfMemory", "the card is full"),
        ("noMetrics", "it ended well but reported no value of the objective"),
        ("succeeded", ""),
    ]


def test_a_stop_is_heard_and_ends_the_trial(manager: Running) -> None:
    worker = create(manager, "stopped", limits={"trials": 9, "parallel": 2})
    first, second = worker.acquire(), worker.acquire()
    manager.stub.StopTrial(pb.StopTrialRequest(key=first.key))
    assert worker.report(first, 1.0).should_stop
    worker.complete(first)
    until(lambda: manager.trials("stopped")[0].state == types.TRIAL_STATE_KILLED)
    third = worker.acquire()
    manager.stub.StopStudy(pb.StopStudyRequest(key=key("stopped")))
    told = worker.beat(second)
    assert (told.should_stop, told.reason) == (True, "the study was stopped by its user")
    worker.complete(second, exit_status=1)
    assert manager.study("stopped").state == types.STUDY_STATE_ENDING  # the third has time
    assert worker.report(third, 1.0).should_stop
    worker.complete(third)
    assert manager.ended("stopped").state == types.STUDY_STATE_STOPPED
    assert [trial.state for trial in manager.trials("stopped")] == [types.TRIAL_STATE_KILLED] * 3


def test_a_worker_hears_that_a_rule_stopped_its_trial(manager: Running) -> None:
    rule = {"name": "median", "settings": {"startStep": 1, "minTrials": 1}}
    worker = create(manager, "early", limits={"trials": 2, "parallel": 2}, earlyStopping=rule)
    good, bad = worker.acquire(), worker.acquire()
    worker.report(good, 3.0, 2.0)
    worker.complete(good)
    worker.report(bad, 9.0, 8.0)
    until(lambda: worker.beat(bad).should_stop)
    told = worker.beat(bad).reason
    worker.report(bad, 9.0, 8.0, 7.0)  # its last word
    worker.complete(bad)
    assert manager.ended("early").counts.early_stopped == 1
    trial = manager.trials("early")[1]
    assert (trial.state, trial.reason, trial.value) == (types.TRIAL_STATE_EARLY_STOPPED, "earlyStopped", 7.0)
    (decision,) = [
        one
        for one in manager.stub.ListDecisions(pb.ListDecisionsRequest(study=key("early"), trial="1")).decisions
        if one.stop
    ]
    assert trial.message == told == decision.reason
    assert (decision.rule, decision.attempt, decision.trial) == ("median", 1, trial.name)


def test_time_limits_count_from_the_acquisition(manager: Running) -> None:
    worker = create(manager, "timed", limits={"trials": 1, "trialDuration": "1s"})
    time.sleep(1.5)
    assert only(manager, "timed").state == types.TRIAL_STATE_PENDING
    trial = worker.acquire()
    until(lambda: worker.beat(trial).should_stop, timeout=5)
    worker.complete(trial)
    manager.ended("timed")
    assert only(manager, "timed").reason == "timeout"


def test_pause_interrupt_and_delete(manager: Running) -> None:
    worker = create(manager, "steered", limits={"trials": 4, "parallel": 1})
    manager.stub.StopStudy(pb.StopStudyRequest(key=key("steered"), interrupt=True))  # while it is offered
    until(lambda: not [t for t in manager.trials("steered") if t.attempts and not t.attempts[-1].ending])
    assert worker.ask(wait=0.3) is None
    manager.stub.ResumeStudy(pb.ResumeStudyRequest(key=key("steered")))
    trial = worker.acquire()
    manager.stub.PauseStudy(pb.PauseStudyRequest(key=key("steered")))
    assert not worker.beat(trial).should_stop
    worker.report(trial, 1.0)
    worker.complete(trial)
    assert worker.ask(wait=0.3) is None
    manager.stub.ResumeStudy(pb.ResumeStudyRequest(key=key("steered")))
    until(lambda: manager.trials("steered")[-1].attempts)  # it is offered
    manager.stub.PauseStudy(pb.PauseStudyRequest(key=key("steered")))
    assert worker.ask(wait=0.5) is None
    manager.stub.ResumeStudy(pb.ResumeStudyRequest(key=key("steered")))
    trial = worker.acquire()
    assert [a.ending for a in manager.trials("steered")[1].attempts] == [pb.ATTEMPT_ENDING_INTERRUPTED, 0]
    deleting = threading.Thread(
        target=lambda: manager.stub.DeleteStudy(pb.DeleteStudyRequest(key=key("steered")), timeout=60)
    )
    deleting.start()
    until(lambda: worker.beat(trial).should_stop)
    worker.complete(trial)
    deleting.join(20)
    assert refused(lambda: worker.beat(trial))[0] is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (pb.AcquireTrialRequest(), "`worker` must be a name of 1 to 253 visible characters, but got ''"),
        (
            pb.AcquireTrialRequest(worker="w", lease=Duration(nanos=500_000_000)),
            "`1 s <= lease <= 3600 s` must hold, but got (lease=0.5 s)",
        ),
        (
            pb.AcquireTrialRequest(worker="w", wait=Duration(seconds=31)),
            "`0 s <= wait <= 30 s` must hold, but got (wait=31 s)",
        ),
    ],
)
def test_wishes_that_cannot_be_met(manager: Running, request_: pb.AcquireTrialRequest, text: str) -> None:
    assert refused(lambda: manager.stub.AcquireTrial(request_)) == (grpc.StatusCode.INVALID_ARGUMENT, text)


def test_endings_that_are_none(manager: Running) -> None:
    worker = create(manager, "none", limits={"trials": 1})
    trial = worker.acquire()
    cases: list[tuple[dict[str, Any], str]] = [
        ({"exit_status": 256}, "`0 <= exit_status <= 255` must hold, but got (exit_status=256)"),
        ({"message": "x"}, "`exit_status` or `failure_class` must be given, but got neither"),
        (
            {"failure_class": types.FAILURE_CLASS_NO_METRICS},
            "`failure_class` must be one that a worker can tell "
            "(userError, outOfMemory, preempted, timeout, lost), but got noMetrics",
        ),
    ]
    for ending, text in cases:
        wrong = refused(lambda: worker.complete(trial, **ending))  # noqa: B023
        assert wrong == (grpc.StatusCode.INVALID_ARGUMENT, text)
    manager.create("commanded")
    other = refused(lambda: Worker(manager.stub, "commanded").ask())
    assert other[0] is PRECONDITION
    manager.stub.StopStudy(pb.StopStudyRequest(key=key("none")))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.close()


def reach(house: House) -> ManagerServiceStub:
    """A stub of the folder's manager, started when there is none."""
    house("get", "studies")
    address = json.loads((house.folder / ".tunesmith" / "manager.json").read_text())["address"]
    return ManagerServiceStub(open_sync_channel(address))


def test_a_manager_that_is_killed(house: House) -> None:
    """Workers go on with what they have, nothing is handed out twice, and what was completed stays so."""
    document = job("kept", trial={"workers": True}, limits={"trials": 3, "parallel": 3})
    house.write("study.yaml", json.dumps(document))
    house("submit", "study.yaml")
    worker = Worker(reach(house), "kept", lease=10)
    first, second = worker.acquire(), worker.acquire()
    worker.report(first, 1.0)
    worker.complete(first)
    assert house.kill("tunesmith.manager") == 1
    worker.stub = reach(house)
    assert not worker.beat(second).should_stop
    third = worker.acquire()
    assert {trial.number for trial in (first, second, third)} == {0, 1, 2}
    assert worker.ask(wait=0.3) is None
    for trial in (second, third):
        worker.report(trial, 2.0)
        worker.complete(trial)
    house("watch", "kept")
    trials = house.json("get", "trials", "kept")
    assert [(trial["state"], trial["attempts"], trial["value"]) for trial in trials] == [
        ("Succeeded", 1, 1.0),
        ("Succeeded", 1, 2.0),
        ("Succeeded", 1, 2.0),
    ]


def test_a_worker_that_is_gone_with_the_manager(house: House) -> None:
    document = job("gone", trial={"workers": True}, limits={"trials": 1}, retry={"attempts": 2, "on": ["lost"]})
    house.write("study.yaml", json.dumps(document))
    house("submit", "study.yaml")
    worker = Worker(reach(house), "gone", lease=2)
    worker.acquire()
    house.kill("tunesmith.manager")
    worker.stub = reach(house)
    begun = time.monotonic()
    until(lambda: house.json("get", "trials", "gone")[0]["reason"] == "lost")
    assert time.monotonic() - begun > 1  # a full lease, from the new manager's start
