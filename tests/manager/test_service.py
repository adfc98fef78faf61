"""The manager's gRPC API, called over its socket."""

import base64
import json
import math
import time
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from tests.house import until
from tests.running import Running, job

from tunesmith.manager.api import _trial_views
from tunesmith.manager.storage import NewDecision, open_store
from tunesmith.services.errors import FixRequest, from_rpc_error
from tunesmith.v1 import manager_pb2 as pb
from tunesmith.v1 import types_pb2 as types

SLEEPS = "import time; print('loss=2', flush=True); time.sleep(60)"


def key(name: str) -> pb.StudyKey:
    return pb.StudyKey(name=name)


def refused(call: Callable[[], object]) -> tuple[grpc.StatusCode, str | None]:
    with pytest.raises(grpc.RpcError) as error:
        call()
    return error.value.code(), error.value.details()


def test_a_study_is_created_watched_and_read(manager: Running) -> None:
    created = manager.create("read")
    assert (created.generation, created.spec.seed, len(created.uid)) == (1, 1, 32)
    study = manager.ended("read")
    assert (study.state, study.reason) == (types.STUDY_STATE_SUCCEEDED, "trialsUsedUp")
    assert (study.counts.total, study.counts.succeeded) == (2, 2)
    assert [(m.metric, m.min, m.max, m.average, m.count) for m in study.metrics] == [("loss", 1, 1, 1, 2)]
    first, second = manager.trials("read")
    assert (first.number, second.number) == (0, 1)
    assert {first.completion_rank, second.completion_rank} == {1, 2}
    assert first.explanation.model == "random"
    assert [(a.number, a.ending, a.exit_status) for a in first.attempts] == [(1, pb.ATTEMPT_ENDING_EXITED, 0)]
    by_number = manager.stub.GetTrial(pb.GetTrialRequest(key=pb.TrialKey(study=key("read"), trial="1"))).trial
    assert by_number == second


def test_a_request_that_comes_twice_gets_the_same_answer(manager: Running) -> None:
    request = pb.CreateStudyRequest(request_id="twice-1", document=json.dumps(job("twice", script=SLEEPS)))
    first = manager.stub.CreateStudy(request)
    assert manager.stub.CreateStudy(request) == first
    other = pb.CreateStudyRequest(request_id="twice-2", document=request.document)
    assert refused(lambda: manager.stub.CreateStudy(other))[0] is grpc.StatusCode.ALREADY_EXISTS
    stop = pb.StopStudyRequest(request_id="twice-3", key=key("twice"))
    stopped = manager.stub.StopStudy(stop)
    assert manager.ended("twice").state == types.STUDY_STATE_STOPPED
    assert manager.stub.StopStudy(stop) == stopped  # and no error that it has ended
    delete = pb.DeleteStudyRequest(request_id="twice-4", key=key("twice"))
    assert manager.stub.DeleteStudy(delete) == manager.stub.DeleteStudy(delete)


def test_a_request_id_is_for_one_call(manager: Running) -> None:
    request = pb.CreateStudyRequest(request_id="reused", document=json.dumps(job("reused", script=SLEEPS)))
    manager.stub.CreateStudy(request)
    for call in (
        lambda: manager.stub.StopStudy(pb.StopStudyRequest(request_id="reused", key=key("reused"))),
        lambda: manager.stub.DeleteStudy(pb.DeleteStudyRequest(request_id="reused", key=key("reused"))),
    ):
        code, text = refused(call)
        assert code is grpc.StatusCode.INVALID_ARGUMENT
        assert text == "`request_id` must be new for each call, but 'reused' was given to CreateStudy"
    assert manager.study("reused").state == types.STUDY_STATE_RUNNING
    manager.stub.StopStudy(pb.StopStudyRequest(key=key("reused")))


def test_mistakes_of_algorithm_and_rule_are_named_together(manager: Running) -> None:
    document = json.dumps(job("two", algorithm={"name": "nonsense"}, earlyStopping={"name": "folly"}))
    reply = manager.stub.ValidateStudy(pb.ValidateStudyRequest(document=document))
    assert [mistake.path for mistake in reply.mistakes] == ["spec.algorithm.name", "spec.earlyStopping.name"]


def test_every_mistake_is_named_and_nothing_is_created(manager: Running) -> None:
    document = """
apiVersion: tunesmith.dev/v1
kind: StudyJob
metadata: {name: wrong}
spec:
  objective: {metric: loss, type: smaller}
  parameters:
    - {name: x, type: double, min: 3, max: 1}
  limits: {trials: 1}
  trial: {command: [echo, "${params.y}"]}
"""
    code, _ = refused(lambda: manager.stub.CreateStudy(pb.CreateStudyRequest(document=document)))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    mistakes = manager.stub.ValidateStudy(pb.ValidateStudyRequest(document=document)).mistakes
    assert {m.path for m in mistakes} == {"spec.objective.type", "spec.parameters[0].min", "spec.trial.command[1]"}
    assert all(m.line and m.column for m in mistakes)
    assert refused(lambda: manager.study("wrong"))[0] is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"algorithm": {"name": "nonesuch"}}, "spec.algorithm.name"),
        ({"algorithm": {"name": "random", "settings": {"sed": 1}}}, "spec.algorithm.settings.sed"),
        ({"algorithm": {"name": "grid", "settings": {"points": 1}}}, "spec.algorithm.settings.points"),
    ],
)
def test_what_only_the_algorithm_knows_is_a_mistake_too(manager: Running, change: dict[str, Any], path: str) -> None:
    document = json.dumps(job("algorithm", **change))
    mistakes = manager.stub.ValidateStudy(pb.ValidateStudyRequest(document=document)).mistakes
    assert [m.path for m in mistakes] == [path]
    code, _ = refused(lambda: manager.stub.CreateStudy(pb.CreateStudyRequest(document=document)))
    assert code in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND)


def test_pause_and_resume(manager: Running) -> None:
    manager.create(
        "pausing", script="import time; time.sleep(0.5); print('loss=1')", limits={"trials": 4, "parallel": 1}
    )
    until(lambda: manager.study("pausing").counts.running)
    paused = manager.stub.PauseStudy(pb.PauseStudyRequest(key=key("pausing"))).study
    assert paused.state == types.STUDY_STATE_PAUSED
    until(lambda: not manager.study("pausing").counts.running)
    time.sleep(0.5)
    assert manager.study("pausing").counts.total == 1
    manager.stub.ResumeStudy(pb.ResumeStudyRequest(key=key("pausing")))
    study = manager.ended("pausing")
    assert study.counts.succeeded == 4
    assert refused(lambda: manager.stub.PauseStudy(pb.PauseStudyRequest(key=key("pausing"))))[0] is (
        grpc.StatusCode.FAILED_PRECONDITION
    )


def test_stop_one_trial_and_retry_it(manager: Running) -> None:
    manager.create("one", script=SLEEPS, limits={"trials": 1})
    (trial,) = until(lambda: [t for t in manager.trials("one") if t.state == types.TRIAL_STATE_RUNNING])
    trial_key = pb.TrialKey(study=key("one"), trial=trial.name)
    manager.stub.StopTrial(pb.StopTrialRequest(key=trial_key))
    study = manager.ended("one")
    assert (study.state, study.counts.killed) == (types.STUDY_STATE_FAILED, 1)
    assert manager.trials("one")[0].state == types.TRIAL_STATE_KILLED

    retried = manager.stub.RetryTrial(pb.RetryTrialRequest(key=trial_key)).trial
    assert retried.state == types.TRIAL_STATE_PENDING
    until(lambda: manager.trials("one")[0].state == types.TRIAL_STATE_RUNNING)
    assert len(manager.trials("one")[0].attempts) == 2
    manager.stub.StopStudy(pb.StopStudyRequest(key=key("one")))
    assert manager.ended("one").state == types.STUDY_STATE_STOPPED


def test_edit_checks_and_continues(manager: Running) -> None:
    manager.create("edited")
    assert manager.ended("edited").counts.total == 2
    wrong = pb.EditStudyRequest(key=key("edited"), limits=types.Limits(trials=0))
    assert refused(lambda: manager.stub.EditStudy(wrong))[0] is grpc.StatusCode.INVALID_ARGUMENT
    stale = pb.EditStudyRequest(key=key("edited"), generation=9, limits=types.Limits(trials=3))
    assert refused(lambda: manager.stub.EditStudy(stale))[0] is grpc.StatusCode.ABORTED
    edit = pb.EditStudyRequest(key=key("edited"), generation=1, limits=types.Limits(trials=3, parallel=1))
    edited = manager.stub.EditStudy(edit).study
    assert (edited.generation, edited.state) == (2, types.STUDY_STATE_RUNNING)
    assert manager.ended("edited").counts.succeeded == 3
    labels = pb.EditStudyRequest(key=key("edited"), labels=pb.LabelSet(labels={"team": "vision"}))
    assert manager.stub.EditStudy(labels).study.state == types.STUDY_STATE_SUCCEEDED
    found = manager.stub.ListStudies(pb.ListStudiesRequest(labels={"team": "vision"})).studies
    assert [study.key.name for study in found] == ["edited"]


def test_initial_assignments_come_first_and_are_completed(manager: Running) -> None:
    parameters = [
        {"name": "x", "type": "double", "min": 0, "max": 1},
        {"name": "y", "type": "int", "min": 1, "max": 9, "default": 5},
    ]
    manager.create("initial", parameters=parameters, initial=[{"x": 0.25}, {"y": 7}], limits={"trials": 3})
    manager.ended("initial")
    first, second, _ = manager.trials("initial")
    assert (first.assignment.values["x"].double_value, first.assignment.values["y"].int_value) == (0.25, 5)
    assert second.assignment.values["y"].int_value == 7
    assert first.explanation.model == "initial"


def test_goal_ends_the_study_and_stops_the_others(manager: Running) -> None:
    script = "import sys, time; x = float(sys.argv[1]); time.sleep(0 if x == 0.5 else 60); print(f'loss={x}')"
    objective = {"metric": "loss", "type": "minimize", "goal": 0.5}
    manager.create(
        "goal",
        script=script,
        objective=objective,
        initial=[{"x": 0.9}, {"x": 0.5}],
        limits={"trials": 5, "parallel": 2},
    )
    study = manager.ended("goal")
    assert (study.state, study.reason, study.best.value) == (types.STUDY_STATE_SUCCEEDED, "goalReached", 0.5)
    assert study.counts.killed >= 1


def test_retries_by_class(manager: Running) -> None:
    script = "import os, sys; n = int(os.environ['N']); print('loss=1'); os.kill(os.getpid(), 15) if n < 3 else None"
    manager.create(
        "retried",
        script=script,
        limits={"trials": 1},
        retry={"attempts": 3, "on": ["preempted"], "backoff": "100ms"},
        trial={"command": ["python", "-S", "-c", script], "env": {"N": "${trial.attempt}"}},
    )
    manager.ended("retried")
    (trial,) = manager.trials("retried")
    assert trial.state == types.TRIAL_STATE_SUCCEEDED
    failed, preempted = pb.ATTEMPT_ENDING_FAILED, types.FAILURE_CLASS_PREEMPTED
    endings = [(a.ending, a.failure_class) for a in trial.attempts]
    assert endings == [(failed, preempted), (failed, preempted), (pb.ATTEMPT_ENDING_EXITED, 0)]


def test_failures_above_the_limit_end_the_study(manager: Running) -> None:
    manager.create("failing", script="import sys; sys.exit(2)", limits={"trials": 20, "parallel": 1, "failed": 2})
    study = manager.ended("failing")
    assert (study.state, study.reason, study.counts.failed) == (types.STUDY_STATE_FAILED, "tooManyFailures", 3)


def test_reports_are_idempotent_and_numbers_that_are_none_are_kept_apart(manager: Running) -> None:
    manager.create("reporting", script=SLEEPS, limits={"trials": 1})
    (trial,) = until(lambda: [t for t in manager.trials("reporting") if t.metrics])
    columns = pb.ObservationColumns(
        names=["loss", "other"],
        metric=[0, 0, 0, 1],
        value=[0.5, math.nan, math.inf, 7.0],
        step=[1, 2, 3, 1],
        sequence=[1, 2, 3, 3],
        source="worker",
    )
    trial_key = pb.TrialKey(study=key("reporting"), trial=trial.name)
    request = pb.ReportObservationsRequest(trial=trial_key, attempt=1, observations=columns)
    assert manager.stub.ReportObservations(request).stored == 4
    again = manager.stub.ReportObservations(request)
    assert (again.stored, again.should_stop) == (0, False)
    (trial,) = manager.trials("reporting")
    loss = next(metric for metric in trial.metrics if metric.metric == "loss")
    assert (loss.min, loss.max, loss.first, loss.latest, loss.count, loss.non_finite) == (0.5, 2.0, 2.0, 0.5, 2, 2)
    replies = list(manager.stub.QueryObservations(pb.QueryObservationsRequest(trial=trial_key)))
    assert [reply.observations.source for reply in replies] == ["stdout", "worker"]
    assert list(replies[1].observations.step) == [1, 2, 3, 1]
    stale = pb.ReportObservationsRequest(trial=trial_key, attempt=2, observations=columns)
    assert refused(lambda: manager.stub.ReportObservations(stale))[0] is grpc.StatusCode.FAILED_PRECONDITION
    columns.value.pop()
    short = pb.ReportObservationsRequest(trial=trial_key, attempt=1, observations=columns)
    code, text = refused(lambda: manager.stub.ReportObservations(short))
    assert (code, text) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "`value` must be as long as `metric`, but got (value=3, metric=4)",
    )
    manager.stub.StopStudy(pb.StopStudyRequest(key=key("reporting")))
    manager.ended("reporting")


def test_pages_events_and_logs(manager: Running) -> None:
    manager.create("paged", limits={"trials": 5, "parallel": 2})
    manager.ended("paged")
    numbers, token = [], ""
    while True:
        page = manager.stub.ListTrials(pb.ListTrialsRequest(study=key("paged"), page_size=2, page_token=token))
        numbers += [trial.number for trial in page.trials]
        token = page.next_page_token
        if not token:
            break
    assert numbers == [0, 1, 2, 3, 4]
    trial = manager.trials("paged")[0]
    events = manager.stub.ListEvents(pb.ListEventsRequest(study=key("paged"), trial=trial.name)).events
    assert [event.state for event in events] == ["Pending", "Running", "Succeeded"]
    trial_key = pb.TrialKey(study=key("paged"), trial=trial.name)
    logs = manager.stub.StreamLogs(pb.StreamLogsRequest(trial=trial_key, follow=True))
    assert b"".join(reply.data for reply in logs) == b"loss=1\n"
    tail = manager.stub.StreamLogs(pb.StreamLogsRequest(trial=trial_key, tail_bytes=2))
    assert b"".join(reply.data for reply in tail) == b"1\n"
    assert refused(lambda: manager.stub.ListTrials(pb.ListTrialsRequest(study=key("paged"), page_token="x")))[0] is (
        grpc.StatusCode.INVALID_ARGUMENT
    )


def test_trials_come_in_the_order_that_is_asked_for(manager: Running) -> None:
    script = "import sys; print('loss=' + sys.argv[1])"
    manager.create("ordered", script=script, limits={"trials": 5, "parallel": 1})
    manager.ended("ordered")
    request = pb.ListTrialsRequest(study=key("ordered"), order_by="params.x", descending=True, page_size=2)
    pages = [manager.stub.ListTrials(request)]
    while pages[-1].next_page_token:
        request.page_token = pages[-1].next_page_token
        pages.append(manager.stub.ListTrials(request))
    values = [trial.value for page in pages for trial in page.trials]
    assert (values, len(values)) == (sorted(values, reverse=True), 5)
    assert [page.total_size for page in pages] == [5, 5, 5]
    ranged = pb.TrialRange(field="value", min=values[2], max=values[1])
    found = manager.stub.ListTrials(
        pb.ListTrialsRequest(study=key("ordered"), ranges=[ranged], order_by="value", skip=1, search="succeeded x=0.")
    )
    assert ([trial.value for trial in found.trials], found.total_size) == ([values[1]], 2)


SOME = base64.urlsafe_b64encode(b'["value ascending",1.0,0]').decode()
WRONG_PAGES: dict[str, tuple[dict[str, Any], str]] = {
    "order": ({"order_by": "beauty"}, "order_by: must be one of number, name, "),
    "parameter": ({"order_by": "params.y"}, "order_by: must be one of number, name, "),
    "range": ({"ranges": [pb.TrialRange(field="value", min=math.nan)]}, "ranges[0]: must have numbers as bounds"),
    "value": ({"ranges": [pb.TrialRange(field="params.x", values=[types.Value()])]}, "ranges[0].values[0]: must "),
    "state": ({"states": [0]}, "states[0]: must be a state of a trial, but got 0"),
    "skip": ({"skip": -1}, "skip: must not be below 0, but got -1"),
    "search": ({"search": "x" * 1001}, "search: must have at most 1,000 letters, but got 1,001"),
    "ranges": ({"ranges": [pb.TrialRange(field="value")] * 101}, "ranges: must be at most 100, but got 101"),
    "mask": ({"read_mask": {"paths": ["name", "beauty"]}}, "read_mask.paths[1]: must be a field of Trial, but got 'b"),
    "token": ({"page_token": "x"}, "page_token: must be one that an earlier page gave, but got 'x'"),
    "letters": ({"page_token": "ä"}, "page_token: must be one that an earlier page gave, but got 'ä'"),
    "other token": ({"page_token": SOME}, "page_token: must be of the order that is asked for, number ascending, but"),
    "infinite": (
        {"page_token": base64.urlsafe_b64encode(b'["value ascending",1e999,0]').decode(), "order_by": "value"},
        "page_token: must be one that an earlier page gave",
    ),
}


@pytest.mark.parametrize("name", WRONG_PAGES)
def test_trials_that_cannot_be_asked_for(manager: Running, name: str) -> None:
    given, told = WRONG_PAGES[name]
    with pytest.raises(grpc.RpcError) as error:
        manager.stub.ListTrials(pb.ListTrialsRequest(study=key("ordered"), **given))
    refusal = from_rpc_error(error.value)
    assert isinstance(refusal, FixRequest)
    assert f"{refusal.mistakes[0].path}: {refusal.mistakes[0].message}".startswith(told)


def test_delete_stops_and_forgets(manager: Running) -> None:
    uid = manager.create("deleted", script=SLEEPS).uid
    until(lambda: manager.study("deleted").counts.running == 2)
    manager.stub.DeleteStudy(pb.DeleteStudyRequest(key=key("deleted")))
    assert refused(lambda: manager.study("deleted"))[0] is grpc.StatusCode.NOT_FOUND
    assert not (manager.house.folder / ".tunesmith" / "trials" / uid).exists()
    assert not manager.house.processes("loss=2")
    assert manager.create("deleted").uid != uid
    manager.ended("deleted")


def test_watching_trials_sends_each_change(manager: Running) -> None:
    manager.create("watched", limits={"trials": 3, "parallel": 1})
    last: dict[int, int] = {}
    for reply in manager.stub.WatchTrials(pb.WatchTrialsRequest(study=key("watched"))):
        last |= {trial.number: trial.state for trial in reply.trials}
    assert last == dict.fromkeys(range(3), types.TRIAL_STATE_SUCCEEDED)


def test_every_field_of_a_trial_is_told() -> None:
    assert set(_trial_views._TOLD) == set(pb.Trial.DESCRIPTOR.fields_by_name)


def test_only_the_fields_of_trials_that_are_wanted_are_sent(manager: Running) -> None:
    manager.create("masked", limits={"trials": 2, "parallel": 1})
    manager.ended("masked")
    whole = manager.trials("masked")
    mask = FieldMask(paths=["number", "state", "value", "assignment"])
    brief = [pb.Trial(number=t.number, state=t.state, value=t.value, assignment=t.assignment) for t in whole]
    assert list(manager.stub.ListTrials(pb.ListTrialsRequest(study=key("masked"), read_mask=mask)).trials) == brief
    (reply,) = manager.stub.WatchTrials(pb.WatchTrialsRequest(study=key("masked"), read_mask=mask))
    assert (list(reply.trials), reply.revision) == (brief, whole[-1].revision)
    assert all(trial.metrics and trial.attempts and trial.name for trial in whole)


def test_the_algorithms_that_documents_may_name(manager: Running) -> None:
    found = {a.name: a for a in manager.stub.ListAlgorithms(pb.ListAlgorithmsRequest(), timeout=30).algorithms}
    assert {"auto", "grid", "random", "sobol"} <= set(found)
    assert [setting.name for setting in found["grid"].settings] == ["points", "seed"]


def test_a_document_is_converted(manager: Running) -> None:
    document = job("convert", limits={"trials": 2, "failed": 3})
    reply = manager.stub.ConvertDocument(pb.ConvertDocumentRequest(document=json.dumps(document)))
    assert reply.document.startswith("apiVersion: tunesmith.dev/v1\nkind: StudyJob\nmetadata:\n  name: convert\n")
    assert "failed" not in reply.document  # it is the default
    assert not reply.warnings
    manager.stub.CreateStudy(pb.CreateStudyRequest(document=reply.document))
    manager.ended("convert")
    katib = pb.ConvertDocumentRequest(document="apiVersion: kubeflow.org/v1beta1\nkind: Experiment")
    with pytest.raises(grpc.RpcError) as error:
        manager.stub.ConvertDocument(katib)
    told = from_rpc_error(error.value)
    assert isinstance(told, FixRequest)
    mistakes = manager.stub.ValidateStudy(pb.ValidateStudyRequest(document=katib.document)).mistakes
    assert [(m.path, m.message.partition(" (line ")[0]) for m in told.mistakes] == [
        (m.path, m.message) for m in mistakes
    ]
    assert "must be tunesmith.dev/v1, but got 'kubeflow.org/v1beta1'" in mistakes[0].message


def test_decisions_are_listed(manager: Running) -> None:
    study = manager.create("decided")
    manager.ended("decided")
    assert manager.stub.ListDecisions(pb.ListDecisionsRequest(study=key("decided"))) == pb.ListDecisionsResponse()
    missing = refused(lambda: manager.stub.ListDecisions(pb.ListDecisionsRequest(study=key("decided"), trial="9")))
    assert missing[0] is grpc.StatusCode.NOT_FOUND
    store = open_store(f"sqlite:///{manager.house.folder}/.tunesmith/tunesmith.db")
    made = [NewDecision(number, 1, "median", bool(number), "why", 0.5, number) for number in (0, 1, 0)]
    store.write(lambda tx: tx.add_decisions(study.uid, made, 1.5))
    store.close()
    found, token = list[pb.StoredDecision](), ""
    while True:
        request = pb.ListDecisionsRequest(study=key("decided"), page_size=2, page_token=token)
        page = manager.stub.ListDecisions(request)
        found += page.decisions
        token = page.next_page_token
        if not token:
            break
    names = [trial.name for trial in manager.trials("decided")]
    assert [(d.trial, d.stop, d.step, d.predicted, d.time.ToMilliseconds()) for d in found] == [
        (names[0], False, 0, 0.5, 1500),
        (names[1], True, 1, 0.5, 1500),
        (names[0], False, 0, 0.5, 1500),
    ]
    of_one = manager.stub.ListDecisions(pb.ListDecisionsRequest(study=key("decided"), trial=names[1])).decisions
    assert list(of_one) == [found[1]]
