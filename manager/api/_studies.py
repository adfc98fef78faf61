"""The calls about studies."""

import asyncio
from collections.abc import AsyncIterator, Callable

from tunesmith.manager._engine import Engine
from tunesmith.manager.api import _operations as operations
from tunesmith.manager.api import _requests as requests
from tunesmith.manager.api import _views as views
from tunesmith.manager.api._base import PERIOD, QUIET, Calls
from tunesmith.manager.api._presence import Presence, present, present_stream
from tunesmith.manager.storage import StudyRow, Tx
from tunesmith.services.errors import FixRequest
from tunesmith.study import DocumentError, Mistake, StudyJob, StudySpec, wire
from tunesmith.v1 import manager_pb2 as pb

KeyedRequest = pb.PauseStudyRequest | pb.ResumeStudyRequest | pb.StopStudyRequest | pb.EditStudyRequest


class StudyCalls(Calls):
    """Create, read, watch, steer and delete studies."""

    def __init__(self, engine: Engine, presence: Presence, *, allow_endpoints: bool) -> None:
        """`allow_endpoints`: a document may name a suggestion service's address, which we then connect to."""
        super().__init__(engine, presence)
        self._allow_endpoints = allow_endpoints

    @present
    async def CreateStudy(self, request: pb.CreateStudyRequest, context: object) -> pb.CreateStudyResponse:
        """Check the document, also by its algorithm, then create and start the study."""
        kept = await self._kept("CreateStudy", request.request_id, pb.CreateStudyResponse)
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
    async def ConvertDocument(self, request: pb.ConvertDocumentRequest, context: object) -> pb.ConvertDocumentResponse:
        """A document as the native one."""
        native = await asyncio.to_thread(requests.native_of, request.document)
        return pb.ConvertDocumentResponse(document=native.text, warnings=native.warnings)

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
        uid = ""
        while True:
            count = self._engine.news.count(uid)
            study = await self._database.read(lambda tx: self._study(tx, tx.find_study(*key)))
            if study.uid != uid:  # what changed meanwhile is only known from here on
                uid = study.uid
                continue
            yield pb.WatchStudyResponse(study=study)
            if wire.STUDY_STATE_FROM_PROTO[study.state].final:
                return
            await asyncio.sleep(PERIOD)
            await self._engine.news.after(uid, count, QUIET)

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
    async def ListEdits(self, request: pb.ListEditsRequest, context: object) -> pb.ListEditsResponse:
        """A page of edits, the latest first."""
        key, size = requests.key_of(request.study), requests.page_size(request.page_size, 100, 1000)
        before = requests.number_token(request.page_token, 0) or None

        def work(tx: Tx) -> pb.ListEditsResponse:
            found = tx.edits(tx.find_study(*key).uid, before, size + 1)
            token = str(found[size - 1].generation) if len(found) > size else ""
            return pb.ListEditsResponse(edits=[views.edit_message(one) for one in found[:size]], next_page_token=token)

        return await self._database.read(work)

    @present
    async def DeleteStudy(self, request: pb.DeleteStudyRequest, context: object) -> pb.DeleteStudyResponse:
        """Stop what runs, wait until it is gone, and forget the study. One that is gone already raises NOT_FOUND."""
        kept = await self._kept("DeleteStudy", request.request_id, pb.DeleteStudyResponse)
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

    async def _checked(self, job: StudyJob) -> list[str]:
        """Warnings of the study's algorithm and rule; raises FixRequest with the mistakes of both."""
        spec = job.spec
        if mistakes := [] if self._allow_endpoints else _endpoints(spec):
            raise FixRequest("; ".join(f"{mistake.path}: {mistake.message}" for mistake in mistakes), mistakes)
        warnings, refusals = list[str](), list[FixRequest]()
        for validate in (self._context.suggester.validate, self._context.decider.validate):
            try:
                warnings += await validate(spec)
            except FixRequest as refusal:
                refusals.append(refusal)
        if refusals:
            raise _together(refusals)
        return warnings

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

    async def _wake(self, study: pb.Study) -> None:
        if wire.STUDY_STATE_FROM_PROTO[study.state].final:
            self._engine.wake(study.uid)
        else:
            await self._engine.drive(study.uid)


def _endpoints(spec: StudySpec) -> list[Mistake]:
    """The addresses that a document names, as what they are where it must name none."""
    given = {
        "algorithm": spec.algorithm.endpoint,
        "earlyStopping": spec.early_stopping and spec.early_stopping.endpoint,
    }
    rule = "must be left out: this server does not allow services of one's own"
    return [
        Mistake(f"spec.{part}.endpoint", f"{rule}, but got {address!r}") for part, address in given.items() if address
    ]


def _together(refusals: list[FixRequest]) -> FixRequest:
    """One refusal with the mistakes of all."""
    mistakes = [mistake for refusal in refusals for mistake in refusal.mistakes]
    return FixRequest("; ".join(str(refusal) for refusal in refusals), mistakes)
