"""ManagerService: the API over the engine and the store."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import grpc
from google.protobuf.message import Message

from tunesmith.manager import _operations as operations
from tunesmith.manager import _requests as requests
from tunesmith.manager import _views as views
from tunesmith.manager._attempts import OUTPUT
from tunesmith.manager._engine import Engine
from tunesmith.manager._presence import Presence, present, present_stream
from tunesmith.manager.storage import AttemptRow, StoredObservation, StudyRow, TrialRow, Tx
from tunesmith.services.errors import FixRequest, NotFound, NotNow
from tunesmith.study import DocumentError, StudyJob, wire
from tunesmith.v1 import manager_pb2 as pb
from tunesmith.v1 import manager_pb2_grpc as rpc

R = TypeVar("R", bound=Message)
T = TypeVar("T")

PERIOD = 0.1
"""Seconds between two messages of a watch, at least."""
QUIET = 15.0
"""Seconds after which a watch sends the study although nothing changed, so that times in it go on."""
LOG_PIECE = 64 * 1024
"""Bytes of a log in one message."""
LOG_TICK = 0.25
"""Seconds between two looks at a log that is followed."""
OBSERVATIONS = 10_000
"""Observations in one message."""


class ManagerServicer(rpc.ManagerServiceServicer):
    """Answers clients. It reads rows and records intents; the engine does the rest."""

    def __init__(self, engine: Engine, presence: Presence, *, allow_endpoints: bool) -> None:
        """`allow_endpoints`: a document may name a suggestion service's address, which we then connect to."""
        self._engine = engine
        self._context = engine.context
        self._database = engine.context.database
        self.presence = presence
        self._allow_endpoints = allow_endpoints

    # ---- studies

    @present
    async def CreateStudy(self, request: pb.CreateStudyRequest, context: object) -> pb.CreateStudyResponse:
        """Check the document, also by its algorithm, then create and start the study."""
        kept = await self._database.read(lambda tx: _recall(tx, request.request_id, pb.CreateStudyResponse))
        if kept is not None:
            return kept
        job = await asyncio.to_thread(requests.checked_job, request)  # a large document takes seconds
        warnings = await self._checked(job)

        def work(tx: Tx) -> pb.CreateStudyResponse:
            row = operations.create(tx, job, self._now())
            return pb.CreateStudyResponse(study=self._study(tx, row), warnings=warnings)

        reply = await self._once("CreateStudy", request.request_id, pb.CreateStudyResponse, work)
        await self._engine.drive(reply.study.uid)
        return reply

    @present
    async def ValidateStudy(self, request: pb.ValidateStudyRequest, context: object) -> pb.ValidateStudyResponse:
        """Every mistake of a document, those that only its algorithm sees included."""
        try:
            warnings = await self._checked(await asyncio.to_thread(requests.job_of, request))
        except (DocumentError, FixRequest) as error:
            if not error.mistakes:
                raise
            return pb.ValidateStudyResponse(
                mistakes=[
                    pb.Mistake(path=m.path, message=m.message, line=m.line, column=m.column) for m in error.mistakes
                ]
            )
        return pb.ValidateStudyResponse(warnings=warnings)

    @present
    async def GetStudy(self, request: pb.GetStudyRequest, context: object) -> pb.GetStudyResponse:
        """One study."""
        key = requests.key_of(request.key)
        return await self._database.read(lambda tx: pb.GetStudyResponse(study=self._study(tx, tx.find_study(*key))))

    @present
    async def ListStudies(self, request: pb.ListStudiesRequest, context: object) -> pb.ListStudiesResponse:
        """A page of studies, in the order in which they were made."""
        size = requests.page_size(request.page_size, 100, 1000)
        states = [wire.STUDY_STATE_FROM_PROTO[state] for state in request.states]

        def work(tx: Tx) -> pb.ListStudiesResponse:
            rows = tx.list_studies(request.namespace, states, dict(request.labels), request.page_token, size + 1)
            token = str(rows[size - 1].id) if len(rows) > size else ""
            return pb.ListStudiesResponse(studies=[self._study(tx, row) for row in rows[:size]], next_page_token=token)

        return await self._database.read(work)

    @present_stream
    async def WatchStudy(self, request: pb.WatchStudyRequest, context: object) -> AsyncIterator[pb.WatchStudyResponse]:
        """The study now and after each change, until it is final; NOT_FOUND when it is deleted meanwhile."""
        key = requests.key_of(request.key)
        while True:
            row = await self._database.read(lambda tx: tx.find_study(*key))
            count = self._engine.news.count(row.uid)
            study = await self._database.read(partial(self._current, row.uid))
            yield pb.WatchStudyResponse(study=study)
            if wire.STUDY_STATE_FROM_PROTO[study.state].final:
                return
            await asyncio.sleep(PERIOD)
            await self._engine.news.after(row.uid, count, QUIET)

    @present
    async def PauseStudy(self, request: pb.PauseStudyRequest, context: object) -> pb.PauseStudyResponse:
        """Launch nothing new."""
        study = await self._change("PauseStudy", request, operations.pause)
        return pb.PauseStudyResponse(study=study)

    @present
    async def ResumeStudy(self, request: pb.ResumeStudyRequest, context: object) -> pb.ResumeStudyResponse:
        """Go on with a paused study."""
        study = await self._change("ResumeStudy", request, operations.resume)
        return pb.ResumeStudyResponse(study=study)

    @present
    async def StopStudy(self, request: pb.StopStudyRequest, context: object) -> pb.StopStudyResponse:
        """End a study, or interrupt it."""
        study = await self._change("StopStudy", request, operations.interrupt if request.interrupt else operations.stop)
        return pb.StopStudyResponse(study=study)

    @present
    async def EditStudy(self, request: pb.EditStudyRequest, context: object) -> pb.EditStudyResponse:
        """Change limits, labels or initial assignments; all are checked first."""

        def change(tx: Tx, row: StudyRow, now: float) -> StudyRow:
            edited = requests.edit_of(request, row.job)
            return operations.edit(tx, row, generation=request.generation, now=now, **edited)

        study = await self._change("EditStudy", request, change)
        await self._engine.edited(await self._database.read(lambda tx: tx.study(study.uid)))
        return pb.EditStudyResponse(study=study)

    @present
    async def DeleteStudy(self, request: pb.DeleteStudyRequest, context: object) -> pb.DeleteStudyResponse:
        """Stop what runs, wait until it is gone, and forget the study. One that is gone already raises NOT_FOUND."""
        kept = await self._database.read(lambda tx: _recall(tx, request.request_id, pb.DeleteStudyResponse))
        if kept is not None:
            return kept
        row = await self._database.read(lambda tx: tx.find_study(*requests.key_of(request.key)))
        await self._end(row)

        def work(tx: Tx) -> pb.DeleteStudyResponse:
            tx.delete_study(row.uid)
            return pb.DeleteStudyResponse()

        await self._engine.forget(
            row, rows=lambda: self._once("DeleteStudy", request.request_id, pb.DeleteStudyResponse, work)
        )
        return pb.DeleteStudyResponse()

    async def _end(self, row: StudyRow) -> None:
        """Stop the study, and wait until nothing of it runs."""
        uid = row.uid

        def stop(tx: Tx) -> StudyRow:
            study = tx.study(uid)
            return study if study.state.final else operations.stop(tx, study, self._now())

        while not (await self._database.write(stop)).state.final:
            count = self._engine.news.count(uid)
            await self._engine.drive(uid)
            await self._engine.news.after(uid, count, 1.0)

    # ---- trials

    @present
    async def GetTrial(self, request: pb.GetTrialRequest, context: object) -> pb.GetTrialResponse:
        """One trial."""

        def work(tx: Tx) -> pb.GetTrialResponse:
            _, trial = _find(tx, request.key)
            return pb.GetTrialResponse(trial=_trial(tx, trial))

        return await self._database.read(work)

    @present
    async def ListTrials(self, request: pb.ListTrialsRequest, context: object) -> pb.ListTrialsResponse:
        """A page of trials, by number."""
        key, size = requests.key_of(request.study), requests.page_size(request.page_size, 1000, 10_000)
        after = requests.number_token(request.page_token, -1)
        states = [wire.TRIAL_STATE_FROM_PROTO[state] for state in request.states]

        def work(tx: Tx) -> pb.ListTrialsResponse:
            rows = tx.list_trials(tx.find_study(*key).uid, states, after, size + 1)
            token = str(rows[size - 1].number) if len(rows) > size else ""
            trials = [views.trial_message(view) for view in views.read_trials(tx, rows[:size])]
            return pb.ListTrialsResponse(trials=trials, next_page_token=token)

        return await self._database.read(work)

    @present_stream
    async def WatchTrials(
        self, request: pb.WatchTrialsRequest, context: object
    ) -> AsyncIterator[pb.WatchTrialsResponse]:
        """Trials that changed after a revision, then each further change, until the study is final."""
        key, revision = requests.key_of(request.study), request.since_revision
        uid = (await self._database.read(lambda tx: tx.find_study(*key))).uid

        def work(since: int, tx: Tx) -> tuple[StudyRow, list[views.TrialView]]:
            return tx.study(uid), views.read_trials(tx, tx.trials_since(uid, since, 1000))

        while True:
            count = self._engine.news.count(uid)
            row, found = await self._database.read(partial(work, revision))
            if found:
                revision = found[-1].row.revision
                trials = [views.trial_message(view) for view in found]
                yield pb.WatchTrialsResponse(trials=trials, revision=revision)
            if len(found) == 1000:
                continue
            if row.state.final:
                return
            await asyncio.sleep(PERIOD)
            await self._engine.news.after(uid, count, QUIET)

    @present
    async def StopTrial(self, request: pb.StopTrialRequest, context: object) -> pb.StopTrialResponse:
        """End one trial as Killed."""
        trial = await self._change_trial(
            "StopTrial", request, lambda tx, _, trial: operations.stop_trial(tx, trial, self._now())
        )
        return pb.StopTrialResponse(trial=trial)

    @present
    async def RetryTrial(self, request: pb.RetryTrialRequest, context: object) -> pb.RetryTrialResponse:
        """Run one trial again."""
        trial = await self._change_trial(
            "RetryTrial", request, lambda tx, study, trial: operations.retry_trial(tx, study, trial, self._now())
        )
        return pb.RetryTrialResponse(trial=trial)

    # ---- observations, events, logs

    @present
    async def ReportObservations(
        self, request: pb.ReportObservationsRequest, context: object
    ) -> pb.ReportObservationsResponse:
        """Store what an attempt reports over the wire. Idempotent by source and sequence, so no request_id is kept."""
        rows = requests.rows_of(request.observations, self._now())

        def work(tx: Tx) -> tuple[str, pb.ReportObservationsResponse]:
            study, trial = _find(tx, request.trial)
            if request.attempt != trial.attempt or not trial.attempt_open:
                raise NotNow(
                    f"only the running attempt may report, but attempt {request.attempt} of {trial.name} is not it"
                    f" (attempt={trial.attempt}, running={trial.attempt_open})"
                )
            stored = tx.add_observations(trial.id, request.attempt, rows)
            reply = pb.ReportObservationsResponse(should_stop=trial.stop_kind is not None, stored=stored)
            return study.uid, reply

        uid, reply = await self._database.write(work)
        self._engine.news.changed(uid)
        return reply

    @present_stream
    async def QueryObservations(
        self, request: pb.QueryObservationsRequest, context: object
    ) -> AsyncIterator[pb.QueryObservationsResponse]:
        """Stored observations of one attempt, by source."""
        _, trial = await self._database.read(lambda tx: _find(tx, request.trial))
        attempt, metrics, after = request.attempt or trial.attempt, list(request.metrics), 0

        def work(after: int, tx: Tx) -> list[StoredObservation]:
            return tx.observations(trial.id, attempt, metrics, after, OBSERVATIONS)

        while True:
            found = await self._database.read(partial(work, after))
            for source in dict.fromkeys(row.source for row in found):
                rows = [row for row in found if row.source == source]
                yield pb.QueryObservationsResponse(observations=views.columns(source, rows))
            if len(found) < OBSERVATIONS:
                return
            after = found[-1].position

    @present
    async def ListEvents(self, request: pb.ListEventsRequest, context: object) -> pb.ListEventsResponse:
        """A page of events, oldest first."""
        key, size = requests.key_of(request.study), requests.page_size(request.page_size, 1000, 10_000)
        after = requests.number_token(request.page_token, 0)

        def work(tx: Tx) -> pb.ListEventsResponse:
            study = tx.find_study(*key)
            number = tx.find_trial(study.uid, request.trial).number if request.trial else None
            found = tx.events(study.uid, number, after, size + 1)
            names = {n: tx.trial(study.uid, n).name for n in {e.trial_number for e in found[:size]} if n is not None}
            token = str(found[size - 1].id) if len(found) > size else ""
            events = [views.event_message(event, names) for event in found[:size]]
            return pb.ListEventsResponse(events=events, next_page_token=token)

        return await self._database.read(work)

    @present_stream
    async def StreamLogs(self, request: pb.StreamLogsRequest, context: object) -> AsyncIterator[pb.StreamLogsResponse]:
        """What an attempt printed, and with `follow` what it still prints."""

        def attempt_of(tx: Tx) -> AttemptRow | None:
            _, trial = _find(tx, request.trial)
            number = request.attempt or trial.attempt
            found = [attempt for attempt in tx.attempts(trial.id) if attempt.number == number]
            if not found and request.attempt:
                raise NotFound(f"trial {trial.name} has no attempt {number}")
            return found[0] if found else None

        position: int | None = None
        while True:
            attempt = await self._database.read(attempt_of)
            if attempt is not None:
                path = Path(attempt.folder) / OUTPUT
                position = _start(path, request) if position is None else position
                while data := await asyncio.to_thread(_piece, path, position):
                    position += len(data)
                    yield pb.StreamLogsResponse(data=data)
            if not request.follow or (attempt is not None and attempt.ending is not None):
                return
            await asyncio.sleep(LOG_TICK)

    # ---- shared

    def _now(self) -> float:
        return self._context.clock()

    def _current(self, uid: str, tx: Tx) -> pb.Study:
        return self._study(tx, tx.study(uid))

    def _study(self, tx: Tx, row: StudyRow) -> pb.Study:
        return views.study_message(views.read_study(tx, row), self._now(), self._engine.fault(row.uid))

    async def _checked(self, job: StudyJob) -> list[str]:
        """Warnings of the study's algorithm; raises FixRequest with its mistakes."""
        if job.spec.algorithm.endpoint and not self._allow_endpoints:
            raise FixRequest("spec.algorithm.endpoint: this server does not allow services of one's own")
        return await self._context.suggester.validate(job.spec)

    async def _once(self, method: str, request_id: str, kind: type[R], work: Callable[[Tx], R]) -> R:
        """Do `work` in a transaction, unless the same request was answered before: then give that answer again."""

        def run(tx: Tx) -> R:
            kept = _recall(tx, request_id, kind)
            if kept is not None:
                return kept
            reply = work(tx)
            if request_id:
                tx.remember(request_id, method, reply.SerializeToString(), self._now())
            return reply

        return await self._database.write(run)

    async def _change(
        self, method: str, request: "KeyedRequest", change: Callable[[Tx, StudyRow, float], StudyRow]
    ) -> pb.Study:
        """Change one study as its user asks, and let the engine see it."""
        key = requests.key_of(request.key)

        def work(tx: Tx) -> pb.Study:
            return self._study(tx, change(tx, tx.find_study(*key), self._now()))

        study = await self._once(method, request.request_id, pb.Study, work)
        await self._wake(study)
        return study

    async def _change_trial(
        self,
        method: str,
        request: pb.StopTrialRequest | pb.RetryTrialRequest,
        change: Callable[[Tx, StudyRow, TrialRow], TrialRow],
    ) -> pb.Trial:
        uid = ""

        def work(tx: Tx) -> pb.Trial:
            nonlocal uid
            study, trial = _find(tx, request.key)
            uid = study.uid
            return _trial(tx, change(tx, study, trial))

        trial = await self._once(method, request.request_id, pb.Trial, work)
        if uid:
            await self._engine.drive(uid)
        return trial

    async def _wake(self, study: pb.Study) -> None:
        if wire.STUDY_STATE_FROM_PROTO[study.state].final:
            self._engine.wake(study.uid)
        else:
            await self._engine.drive(study.uid)


KeyedRequest = pb.PauseStudyRequest | pb.ResumeStudyRequest | pb.StopStudyRequest | pb.EditStudyRequest


def _recall(tx: Tx, request_id: str, kind: type[R]) -> R | None:
    kept = tx.recall(request_id) if request_id else None
    return None if kept is None else kind.FromString(kept)


def _find(tx: Tx, key: pb.TrialKey) -> tuple[StudyRow, TrialRow]:
    study = tx.find_study(*requests.key_of(key.study))
    return study, tx.find_trial(study.uid, key.trial)


def _trial(tx: Tx, row: TrialRow) -> pb.Trial:
    return views.trial_message(views.read_trials(tx, [row])[0])


def _start(path: Path, request: pb.StreamLogsRequest) -> int:
    """Where in the log to begin."""
    if not request.HasField("tail_bytes") or not path.exists():
        return 0
    return max(path.stat().st_size - max(request.tail_bytes, 0), 0)


def _piece(path: Path, position: int) -> bytes:
    """What the log holds after `position`, a piece of it; empty at its end, and while there is no log."""
    try:
        with path.open("rb") as file:
            file.seek(position)
            return file.read(LOG_PIECE)
    except FileNotFoundError:
        return b""


def add_to(server: grpc.aio.Server, servicer: ManagerServicer) -> list[str]:
    """Add the service to a server; gives its full name."""
    rpc.add_ManagerServiceServicer_to_server(servicer, server)
    return [pb.DESCRIPTOR.services_by_name["ManagerService"].full_name]
