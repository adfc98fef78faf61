"""A manager on a real Unix socket that runs nothing: its trials end when their time is over, with values of a formula.

It answers as ManagerService is documented, through the real server of `tunesmith.services`, and remembers every call.
"""

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc
import numpy

from tunesmith.services import errors, local
from tunesmith.services.server import TlsFiles, serving
from tunesmith.study import StudyState, TrialState, wire
from tunesmith.v1 import manager_pb2 as pb
from tunesmith.v1 import manager_pb2_grpc as rpc
from tunesmith.v1 import types_pb2 as types

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
"""When everything begins, on the fake's clock."""
_ENDED = (StudyState.SUCCEEDED, StudyState.FAILED, StudyState.STOPPED)


@dataclass
class FakeStudy:
    """One study: its message, and its trials by number."""

    message: pb.Study
    trials: list[pb.Trial] = field(default_factory=list)
    events: list[pb.Event] = field(default_factory=list)
    decisions: list[pb.StoredDecision] = field(default_factory=list)
    logs: dict[int, bytes] = field(default_factory=dict)

    @property
    def state(self) -> StudyState:
        return wire.STUDY_STATE_FROM_PROTO[self.message.state]

    def move(self, state: StudyState, reason: str = "", message: str = "") -> None:
        self.message.state = wire.STUDY_STATE_TO_PROTO[state]
        self.message.reason, self.message.message = reason, message


Ending = tuple[TrialState, str, int, bytes]
"""How a trial ends: state, reason, exit status, and what it printed."""


@dataclass
class Script:
    """How trials go. `pace`: seconds that each takes; `endings`: other than well, by number."""

    pace: float = 0.0
    value: Callable[[dict[str, Any]], float] = lambda values: float(next(iter(values.values())))
    endings: dict[int, Ending] = field(default_factory=dict)
    refuse: errors.TunesmithError | None = None
    """Raised by CreateStudy and ValidateStudy."""
    warnings: list[str] = field(default_factory=list)
    break_watch_after: int | None = None
    """The first watch breaks after so many messages."""
    slowness: float = 0.0
    """Seconds that CreateStudy takes."""
    lost_replies: int = 0
    """So many replies of CreateStudy do not arrive."""
    never_stops: bool = False
    """Trials ignore that they are to stop."""
    fault: tuple[str, str] | None = None
    """Reason and message of a platform that cannot go on."""


class FakeManager(rpc.ManagerServiceServicer):
    """See the module."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.studies: dict[tuple[str, str], FakeStudy] = {}
        self.calls: list[tuple[str, Any]] = []
        self._replies: dict[str, Any] = {}
        self._changed, self._changes = asyncio.Condition(), 0
        self._tasks: set[asyncio.Task[None]] = set()

    def register(self, server: grpc.aio.Server) -> list[str]:
        rpc.add_ManagerServiceServicer_to_server(self, server)
        return [pb.DESCRIPTOR.services_by_name["ManagerService"].full_name]

    def find(self, key: pb.StudyKey) -> FakeStudy:
        name = (key.namespace or "default", key.name)
        if name not in self.studies:
            raise errors.NotFound(f"no study {key.name} in namespace {name[0]}")
        return self.studies[name]

    def trial(self, key: pb.TrialKey) -> tuple[FakeStudy, pb.Trial]:
        study = self.find(key.study)
        for trial in study.trials:
            if key.trial in (trial.name, str(trial.number)):
                return study, trial
        raise errors.NotFound(f"no trial {key.trial} in study {key.study.name}")

    async def changed(self) -> None:
        self._changes += 1
        async with self._changed:
            self._changed.notify_all()

    async def _after(self, changes: int) -> None:
        """Wait until more has changed: what changes while a message is on its way counts, too."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._changes > changes)

    # ---- studies

    async def CreateStudy(self, request: pb.CreateStudyRequest, context: Any) -> pb.CreateStudyResponse:
        self.calls.append(("CreateStudy", request))
        reply = self._replies.get(request.request_id) or self._created(request)
        await asyncio.sleep(self.script.slowness)
        if self.script.lost_replies:
            self.script.lost_replies -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")
        return reply

    def _created(self, request: pb.CreateStudyRequest) -> pb.CreateStudyResponse:
        if self.script.refuse is not None:
            raise self.script.refuse
        key = (request.job.key.namespace or "default", request.job.key.name)
        if key in self.studies:
            raise errors.AlreadyExists(f"study {key[1]} is there already")
        study = FakeStudy(self._message(request.job))
        self.studies[key] = study
        self._drive(study)
        reply = pb.CreateStudyResponse(study=study.message, warnings=self.script.warnings)
        self._replies[request.request_id] = reply
        return reply

    def _message(self, job: pb.StudyJob) -> pb.Study:
        study = pb.Study(
            key=pb.StudyKey(namespace=job.key.namespace or "default", name=job.key.name),
            uid=uuid.UUID(int=7).hex,
            generation=1,
            labels=job.labels,
            spec=job.spec,
            state=types.STUDY_STATE_RUNNING,
        )
        size = wire.spec_from_proto(job.spec).space.count()
        if size is not None:
            study.space_size = size
        if not study.spec.HasField("seed"):
            study.spec.seed = 42
        study.created.FromDatetime(START)
        study.started.FromDatetime(START)
        return study

    def _drive(self, study: FakeStudy) -> None:
        task = asyncio.get_running_loop().create_task(self._run(study))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, study: FakeStudy) -> None:
        """One trial after the other, `parallel` at a time, until the limit."""
        if self.script.fault:
            study.message.reason, study.message.message = self.script.fault
            await self.changed()
            return
        spec = wire.spec_from_proto(study.message.spec)
        while study.state is StudyState.RUNNING:
            waiting = [t for t in study.trials if t.state == types.TRIAL_STATE_PENDING]
            while len(waiting) < spec.limits.parallel and len(study.trials) < (spec.limits.trials or 10):
                waiting.append(self._add(study, spec))
            if not waiting:
                self._end(study)
                await self.changed()
                return
            for trial in waiting:
                trial.state = types.TRIAL_STATE_RUNNING
                self._attempt(study, trial)
            self._count(study)
            await self.changed()
            await asyncio.sleep(self.script.pace)
            for trial in waiting:
                if study.state is StudyState.RUNNING and trial.state == types.TRIAL_STATE_RUNNING:
                    self._conclude(study, trial)
            self._count(study)
            await self.changed()

    def _add(self, study: FakeStudy, spec: Any) -> pb.Trial:
        number = len(study.trials)
        values = spec.space.sample(numpy.random.default_rng([spec.seed, number]))
        trial = pb.Trial(
            name=f"{study.message.key.name}-{number}-abcde",
            number=number,
            state=types.TRIAL_STATE_PENDING,
            assignment=wire.assignment_to_proto(values),
            explanation=types.Explanation(model="fake", text="drawn at random"),
        )
        trial.created.FromDatetime(START + timedelta(seconds=number))
        study.trials.append(trial)
        return trial

    def _attempt(self, study: FakeStudy, trial: pb.Trial) -> None:
        number = len(trial.attempts) + 1
        attempt = trial.attempts.add(number=number, folder=f"/state/trials/{trial.name}/{number}")
        attempt.started.FromDatetime(START + timedelta(seconds=trial.number))
        trial.started.CopyFrom(attempt.started)

    def _conclude(self, study: FakeStudy, trial: pb.Trial) -> None:
        well: Ending = (TrialState.SUCCEEDED, "succeeded", 0, b"loss=1\n")
        state, reason, status, log = self.script.endings.get(trial.number, well)
        values = wire.assignment_from_proto(trial.assignment)
        study.logs[trial.number] = log
        trial.state, trial.reason = wire.TRIAL_STATE_TO_PROTO[state], reason
        attempt = trial.attempts[-1]
        attempt.exit_status = status
        attempt.ending = pb.ATTEMPT_ENDING_EXITED if state is TrialState.SUCCEEDED else pb.ATTEMPT_ENDING_FAILED
        if state is TrialState.FAILED:
            attempt.failure_class = types.FAILURE_CLASS_USER_ERROR
            attempt.message = trial.message = f"exited with status {status}"
        attempt.finished.FromDatetime(START + timedelta(seconds=trial.number + 2.5))
        trial.finished.CopyFrom(attempt.finished)
        if state is TrialState.SUCCEEDED:
            value = self.script.value(dict(values))
            trial.value = value
            metric = study.message.spec.objectives[0].metric
            trial.metrics.add(metric=metric, min=value, max=value, average=value, latest=value, first=value, count=1)
        study.message.revision += 1
        trial.revision = study.message.revision
        study.events.append(
            pb.Event(id=len(study.events) + 1, trial=trial.name, state=str(state), reason=reason, time=trial.finished)
        )

    def _count(self, study: FakeStudy) -> None:
        by_state = [wire.TRIAL_STATE_FROM_PROTO[trial.state] for trial in study.trials]
        counts = study.message.counts
        counts.total = len(by_state)
        for name in ("pending", "running", "succeeded", "failed", "killed", "early_stopped", "metrics_unavailable"):
            state = TrialState["_".join(name.upper().split("_"))]
            setattr(counts, name, by_state.count(state))
        done = [trial for trial in study.trials if trial.HasField("value")]
        study.message.elapsed.FromTimedelta(timedelta(seconds=2 * len(done)))
        if not done:
            return
        lowest = study.message.spec.objectives[0].type == types.OBJECTIVE_TYPE_MINIMIZE
        best = (min if lowest else max)(done, key=lambda trial: trial.value)
        study.message.best.CopyFrom(
            pb.BestTrial(name=best.name, number=best.number, value=best.value, assignment=best.assignment)
        )
        values = [trial.value for trial in done]
        metric = study.message.spec.objectives[0].metric
        del study.message.metrics[:]
        study.message.metrics.add(
            metric=metric, min=min(values), max=max(values), average=sum(values) / len(values), count=len(values)
        )

    def _end(self, study: FakeStudy) -> None:
        well = study.message.counts.succeeded > 0
        reason = "trialsUsedUp" if well else "tooManyFailures"
        study.move(StudyState.SUCCEEDED if well else StudyState.FAILED, reason)
        study.message.finished.FromDatetime(START + timedelta(minutes=1))

    async def ValidateStudy(self, request: pb.ValidateStudyRequest, context: Any) -> pb.ValidateStudyResponse:
        self.calls.append(("ValidateStudy", request))
        if isinstance(self.script.refuse, errors.FixRequest):
            mistakes = [pb.Mistake(path=m.path, message=m.message) for m in self.script.refuse.mistakes]
            return pb.ValidateStudyResponse(mistakes=mistakes)
        return pb.ValidateStudyResponse(warnings=self.script.warnings)

    async def GetStudy(self, request: pb.GetStudyRequest, context: Any) -> pb.GetStudyResponse:
        return pb.GetStudyResponse(study=self.find(request.key).message)

    async def ListStudies(self, request: pb.ListStudiesRequest, context: Any) -> pb.ListStudiesResponse:
        found = [
            study.message
            for study in self.studies.values()
            if request.namespace in ("", study.message.key.namespace)
            and (not request.states or study.message.state in request.states)
            and all(study.message.labels.get(key) == value for key, value in request.labels.items())
        ]
        first = int(request.page_token or 0)
        more = str(first + 2) if first + 2 < len(found) else ""  # small pages, so that they are followed
        return pb.ListStudiesResponse(studies=found[first : first + 2], next_page_token=more)

    async def WatchStudy(self, request: pb.WatchStudyRequest, context: Any) -> AsyncIterator[pb.WatchStudyResponse]:
        self.calls.append(("WatchStudy", request))
        sent = 0
        while True:
            study, changes = self.find(request.key), self._changes
            yield pb.WatchStudyResponse(study=study.message)
            sent += 1
            if study.state in _ENDED:
                return
            if sent == self.script.break_watch_after:
                self.script.break_watch_after = None
                raise errors.TryAgain("going away")
            await self._after(changes)

    async def PauseStudy(self, request: pb.PauseStudyRequest, context: Any) -> pb.PauseStudyResponse:
        study = self._known("PauseStudy", request)
        if study.state is not StudyState.RUNNING:
            raise errors.NotNow(f"only a study in state Running can pause, but {request.key.name} is {study.state}")
        study.move(StudyState.PAUSED, "paused")
        await self.changed()
        return pb.PauseStudyResponse(study=study.message)

    async def ResumeStudy(self, request: pb.ResumeStudyRequest, context: Any) -> pb.ResumeStudyResponse:
        study = self._known("ResumeStudy", request)
        study.move(StudyState.RUNNING)
        self._drive(study)
        return pb.ResumeStudyResponse(study=study.message)

    async def StopStudy(self, request: pb.StopStudyRequest, context: Any) -> pb.StopStudyResponse:
        study = self._known("StopStudy", request)
        if study.state in _ENDED:
            raise errors.NotNow("it has ended already")
        study.move(*((StudyState.PAUSED, "interrupted") if request.interrupt else (StudyState.STOPPED, "stopped")))
        reply = pb.StopStudyResponse()
        reply.study.CopyFrom(study.message)
        for trial in study.trials:
            if trial.state == types.TRIAL_STATE_RUNNING and not self.script.never_stops:
                trial.state = types.TRIAL_STATE_PENDING if request.interrupt else types.TRIAL_STATE_KILLED
        self._count(study)
        await self.changed()
        return reply

    async def DeleteStudy(self, request: pb.DeleteStudyRequest, context: Any) -> pb.DeleteStudyResponse:
        self._known("DeleteStudy", request)
        del self.studies[request.key.namespace or "default", request.key.name]
        await self.changed()
        return pb.DeleteStudyResponse()

    async def EditStudy(self, request: pb.EditStudyRequest, context: Any) -> pb.EditStudyResponse:
        study = self._known("EditStudy", request)
        if request.generation not in (0, study.message.generation):
            raise errors.StartOver("another edit came first")
        if request.HasField("limits"):
            study.message.spec.limits.CopyFrom(request.limits)
        if request.HasField("labels"):
            study.message.labels.clear()
            study.message.labels.update(request.labels.labels)
        study.message.generation += 1
        if study.state is StudyState.SUCCEEDED and request.HasField("limits"):
            study.move(StudyState.RUNNING)
            self._drive(study)
        return pb.EditStudyResponse(study=study.message)

    def _known(self, method: str, request: Any) -> FakeStudy:
        assert request.request_id
        self.calls.append((method, request))
        return self.find(request.key)

    # ---- trials

    async def GetTrial(self, request: pb.GetTrialRequest, context: Any) -> pb.GetTrialResponse:
        return pb.GetTrialResponse(trial=self.trial(request.key)[1])

    async def ListEdits(self, request: pb.ListEditsRequest, context: Any) -> pb.ListEditsResponse:
        return pb.ListEditsResponse()

    async def ListTrials(self, request: pb.ListTrialsRequest, context: Any) -> pb.ListTrialsResponse:
        self.calls.append(("ListTrials", request))
        found = [t for t in self.find(request.study).trials if not request.states or t.state in request.states]
        first, size = int(request.page_token or 0), min(request.page_size or 1000, 7)
        more = str(first + size) if first + size < len(found) else ""
        return pb.ListTrialsResponse(trials=found[first : first + size], next_page_token=more)

    async def WatchTrials(self, request: pb.WatchTrialsRequest, context: Any) -> AsyncIterator[pb.WatchTrialsResponse]:
        study, revision = self.find(request.study), request.since_revision
        while True:
            changes = self._changes
            found = [trial for trial in study.trials if trial.revision > revision]
            if found:
                revision = study.message.revision
                yield pb.WatchTrialsResponse(trials=found, revision=revision)
            if study.state in _ENDED:
                return
            await self._after(changes)

    async def StopTrial(self, request: pb.StopTrialRequest, context: Any) -> pb.StopTrialResponse:
        self.calls.append(("StopTrial", request))
        return pb.StopTrialResponse(trial=self.trial(request.key)[1])

    async def RetryTrial(self, request: pb.RetryTrialRequest, context: Any) -> pb.RetryTrialResponse:
        self.calls.append(("RetryTrial", request))
        _, trial = self.trial(request.key)
        if trial.state == types.TRIAL_STATE_SUCCEEDED:
            raise errors.NotNow(f"only a failed trial can be retried, but {trial.name} is Succeeded")
        trial.state = types.TRIAL_STATE_PENDING
        return pb.RetryTrialResponse(trial=trial)

    # ---- the rest

    async def ListAlgorithms(self, request: pb.ListAlgorithmsRequest, context: Any) -> pb.ListAlgorithmsResponse:
        self.calls.append(("ListAlgorithms", request))
        golden = types.AlgorithmDescription(name="golden", aliases=["phi"], summary="Multiples of the golden ratio.")
        golden.settings.add(name="turns", type=types.SETTING_TYPE_INT, min=1, max=10**6, meaning="How often it turns.")
        golden.settings[0].default_value.int_value = 3
        golden.settings.add(name="start", type=types.SETTING_TYPE_DOUBLE, max=0.5, meaning="Where it begins.")
        mode = {"choices": ["up", "down"], "meaning": "The direction that it takes once it moves."}
        golden.settings.add(name="mode", type=types.SETTING_TYPE_STRING, **mode)
        golden.settings[2].default_value.string_value = "up"
        golden.capabilities.conditional = True
        return pb.ListAlgorithmsResponse(algorithms=[golden])

    async def ListRules(self, request: pb.ListRulesRequest, context: Any) -> pb.ListRulesResponse:
        self.calls.append(("ListRules", request))
        rule = types.RuleDescription(name="hopeless", aliases=["lost"], summary="Stops what is lost.", source="Dante")
        rule.settings.add(name="startStep", type=types.SETTING_TYPE_INT, min=1, meaning="From which step on.")
        rule.settings[0].default_value.int_value = 4
        return pb.ListRulesResponse(rules=[rule])

    async def EnqueueTrials(self, request: Any, context: Any) -> pb.EnqueueTrialsResponse:
        raise errors.NotOffered("not here")

    async def ConvertDocument(self, request: Any, context: Any) -> pb.ConvertDocumentResponse:
        raise errors.NotOffered("not here")

    async def AcquireTrial(self, request: Any, context: Any) -> pb.AcquireTrialResponse:
        raise errors.NotOffered("not here")

    async def Heartbeat(self, request: Any, context: Any) -> pb.HeartbeatResponse:
        raise errors.NotOffered("not here")

    async def CompleteTrial(self, request: Any, context: Any) -> pb.CompleteTrialResponse:
        raise errors.NotOffered("not here")

    async def ReportObservations(self, request: Any, context: Any) -> pb.ReportObservationsResponse:
        raise errors.NotOffered("not here")

    async def QueryObservations(
        self, request: pb.QueryObservationsRequest, context: Any
    ) -> AsyncIterator[pb.QueryObservationsResponse]:
        self.trial(request.trial)
        for source in ("stdout", "reports"):
            columns = pb.ObservationColumns(
                names=["loss", "accuracy"],
                metric=[0, 1],
                value=[0.5, float("nan")],
                step=[1, 2],
                time=[1_500_000_000, 2_000_000_000],
                sequence=[7, 9],
                source=source,
            )
            yield pb.QueryObservationsResponse(observations=columns)

    async def ListEvents(self, request: pb.ListEventsRequest, context: Any) -> pb.ListEventsResponse:
        study = self.find(request.study)
        wanted = [
            e
            for e in study.events
            if request.trial in ("", e.trial, e.trial.split("-")[-2:][0]) and request.reason in ("", e.reason)
        ]
        return pb.ListEventsResponse(events=wanted)

    async def ListDecisions(self, request: pb.ListDecisionsRequest, context: Any) -> pb.ListDecisionsResponse:
        found = self.find(request.study).decisions
        wanted = [d for d in found if request.trial in ("", d.trial, d.trial.split("-")[-2])]
        wanted = [d for d in wanted if d.stop or not request.stops]
        return pb.ListDecisionsResponse(decisions=wanted)

    async def StreamLogs(self, request: pb.StreamLogsRequest, context: Any) -> AsyncIterator[pb.StreamLogsResponse]:
        self.calls.append(("StreamLogs", request))
        study, trial = self.trial(request.trial)
        log = study.logs.get(trial.number, b"")
        if request.HasField("tail_bytes"):
            log = log[-request.tail_bytes :]
        for first in range(0, len(log), 1000):
            yield pb.StreamLogsResponse(data=log[first : first + 1000])


@dataclass
class Running:
    """A fake that answers. `address`: where; `manager` is touched only through `on_loop`."""

    address: str
    manager: FakeManager
    loop: asyncio.AbstractEventLoop

    def calls(self, method: str) -> list[Any]:
        return [request for name, request in list(self.manager.calls) if name == method]

    def place(self, folder: Path) -> None:
        """Make it the local manager of a folder."""
        local.write_place(local.state_folder(folder), local.this_place(self.address))


@contextmanager
def fake_manager(
    script: Script | None = None, address: str | None = None, tls: TlsFiles | None = None
) -> Iterator[Running]:
    """A fake in a thread of its own, while the block runs."""
    started: list[Running] = []
    ready, stop = threading.Event(), asyncio.Event()

    async def main(at: str) -> None:
        manager = FakeManager(script or Script())
        async with serving(manager.register, listen=[at], token_check=None, drain=0, tls=tls) as addresses:
            started.append(Running(addresses[0], manager, asyncio.get_running_loop()))
            ready.set()
            await stop.wait()

    with TemporaryDirectory(prefix="ts-") as folder:
        thread = threading.Thread(target=lambda: asyncio.run(main(address or f"unix:{folder}/s")), daemon=True)
        thread.start()
        assert ready.wait(20)
        try:
            yield started[0]
        finally:
            started[0].loop.call_soon_threadsafe(stop.set)
            thread.join(20)
