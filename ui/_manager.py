"""The manager as the dashboard sees it: `tunesmith.client`'s values, asked for from asyncio with a caller's token."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from tunesmith.client._algorithm_values import Algorithm, Rule
from tunesmith.client._connection import request_id
from tunesmith.client._trial_values import Decision, Event, Observation, Trial, observations_from_proto
from tunesmith.client._values import Study
from tunesmith.study import Assignment, Limits, Mistake, StudyJob, StudyState, TrialState, wire
from tunesmith.ui._calls import Line
from tunesmith.ui._query import TrialQuery
from tunesmith.v1 import manager_pb2 as pb

_PAGE = 1000


class Manager:
    """What one caller may see and do. Every error is one of `tunesmith.services.errors`."""

    def __init__(self, line: Line, request: str | None = None) -> None:
        """`request`: id of the caller's own for the one change that is made; None: a new one for each."""
        self.line = line
        self._request = request

    # ---------------------------------------------------------------- studies

    async def studies(self, namespace: str = "", states: Sequence[StudyState] = ()) -> list[Study]:
        """All studies, oldest first; an empty namespace is all of them."""
        request = pb.ListStudiesRequest(
            namespace=namespace, page_size=_PAGE, states=[wire.STUDY_STATE_TO_PROTO[state] for state in states]
        )
        return [Study.from_proto(study) async for study in self._paged("ListStudies", request, "studies")]

    async def study(self, key: pb.StudyKey) -> Study:
        """One study. Raises NotFound."""
        return Study.from_proto((await self.line.call("GetStudy", pb.GetStudyRequest(key=key))).study)

    async def watch(self, key: pb.StudyKey) -> AsyncIterator[Study]:
        """The study now and after each change, until it has ended."""
        async for reply in self.line.stream("WatchStudy", pb.WatchStudyRequest(key=key)):
            yield Study.from_proto(reply.study)

    async def validate(self, source: StudyJob | str) -> tuple[list[Mistake], list[str]]:
        """The mistakes of a document, and remarks of its algorithm. Creates nothing."""
        reply = await self.line.call("ValidateStudy", pb.ValidateStudyRequest(**_source(source)))
        return [Mistake(m.path, m.message, m.line, m.column) for m in reply.mistakes], list(reply.warnings)

    async def create(self, source: StudyJob | str) -> tuple[Study, list[str]]:
        """Create a study and start it; also what its algorithm remarks."""
        request = pb.CreateStudyRequest(request_id=self._id(), **_source(source))
        reply = await self.line.call("CreateStudy", request)
        return Study.from_proto(reply.study), list(reply.warnings)

    async def convert(self, document: str) -> tuple[str, list[str]]:
        """The native document that says what a document says; and remarks."""
        reply = await self.line.call("ConvertDocument", pb.ConvertDocumentRequest(document=document))
        return reply.document, list(reply.warnings)

    async def pause(self, key: pb.StudyKey) -> Study:
        """Launch nothing new."""
        return await self._changed("PauseStudy", pb.PauseStudyRequest(request_id=self._id(), key=key))

    async def resume(self, key: pb.StudyKey) -> Study:
        """Go on."""
        return await self._changed("ResumeStudy", pb.ResumeStudyRequest(request_id=self._id(), key=key))

    async def stop(self, key: pb.StudyKey, *, interrupt: bool = False) -> Study:
        """End it for good; with `interrupt` only stop its running trials."""
        request = pb.StopStudyRequest(request_id=self._id(), key=key, interrupt=interrupt)
        return await self._changed("StopStudy", request)

    async def delete(self, key: pb.StudyKey) -> None:
        """Forget it with all that belongs to it."""
        await self.line.call("DeleteStudy", pb.DeleteStudyRequest(request_id=self._id(), key=key))

    async def edit(
        self, key: pb.StudyKey, limits: Limits | None, labels: Mapping[str, str] | None, generation: int
    ) -> Study:
        """Change limits and labels; each that is given replaces the old whole."""
        request = pb.EditStudyRequest(request_id=self._id(), key=key, generation=generation)
        if limits is not None:
            request.limits.CopyFrom(wire.limits_to_proto(limits))
        if labels is not None:
            request.labels.CopyFrom(pb.LabelSet(labels=labels))
        return await self._changed("EditStudy", request)

    async def edits(self, key: pb.StudyKey) -> list[pb.StudyEdit]:
        """What the latest edits changed, the latest first."""
        return list((await self.line.call("ListEdits", pb.ListEditsRequest(study=key))).edits)

    # ---------------------------------------------------------------- trials

    async def trials(
        self, key: pb.StudyKey, states: Sequence[TrialState] = (), fields: Sequence[str] = ()
    ) -> list[Trial]:
        """The trials of a study by number; with `fields` only those of them."""
        request = pb.ListTrialsRequest(
            study=key,
            page_size=_PAGE,
            states=[wire.TRIAL_STATE_TO_PROTO[state] for state in states],
            read_mask=FieldMask(paths=fields),
        )
        return [Trial.from_proto(trial) async for trial in self._paged("ListTrials", request, "trials")]

    async def page(self, key: pb.StudyKey, query: TrialQuery) -> tuple[list[Trial], int]:
        """A page of trials, and how many there are on all pages. Raises FixRequest."""
        reply = await self.line.call("ListTrials", query.request(key))
        return [Trial.from_proto(trial) for trial in reply.trials], reply.total_size

    async def chosen(self, key: pb.StudyKey, query: TrialQuery) -> list[Trial]:
        """The trials of all pages. Raises FixRequest."""
        request = replace(query, limit=_PAGE).request(key)
        return [Trial.from_proto(trial) async for trial in self._paged("ListTrials", request, "trials", "skip")]

    async def trial(self, key: pb.TrialKey) -> Trial:
        """One trial, by its name or number. Raises NotFound."""
        return Trial.from_proto((await self.line.call("GetTrial", pb.GetTrialRequest(key=key))).trial)

    async def retry(self, key: pb.TrialKey) -> Trial:
        """Run it again."""
        request = pb.RetryTrialRequest(request_id=self._id(), key=key)
        return Trial.from_proto((await self.line.call("RetryTrial", request)).trial)

    async def stop_trial(self, key: pb.TrialKey) -> Trial:
        """Stop one trial."""
        request = pb.StopTrialRequest(request_id=self._id(), key=key)
        return Trial.from_proto((await self.line.call("StopTrial", request)).trial)

    async def enqueue(self, key: pb.StudyKey, assignments: Sequence[Assignment]) -> list[Trial]:
        """Add trials with assignments of the caller's own."""
        given = [wire.assignment_to_proto(values) for values in assignments]
        request = pb.EnqueueTrialsRequest(request_id=self._id(), study=key, assignments=given)
        return [Trial.from_proto(trial) for trial in (await self.line.call("EnqueueTrials", request)).trials]

    # ---------------------------------------------------------------- records

    async def observations(self, key: pb.TrialKey, metrics: Sequence[str] = (), attempt: int = 0) -> list[Observation]:
        """What a trial reported; `attempt` 0 is the last one."""
        request = pb.QueryObservationsRequest(trial=key, metrics=metrics, attempt=attempt)
        replies = await self.line.all("QueryObservations", request)
        return [row for reply in replies for row in observations_from_proto(reply.observations)]

    async def logs(
        self, key: pb.TrialKey, *, attempt: int = 0, follow: bool = False, tail_bytes: int | None = None
    ) -> AsyncIterator[bytes]:
        """What a trial printed, in pieces; with `follow` also what it prints until it ends."""
        request = pb.StreamLogsRequest(trial=key, attempt=attempt, follow=follow, tail_bytes=tail_bytes)
        async for reply in self.line.stream("StreamLogs", request):
            yield reply.data

    async def events(self, key: pb.StudyKey, trial: str = "") -> list[Event]:
        """What happened, oldest first; with `trial` only to that one."""
        request = pb.ListEventsRequest(study=key, trial=trial, page_size=_PAGE)
        return [Event.from_proto(event) async for event in self._paged("ListEvents", request, "events")]

    async def decisions(self, key: pb.StudyKey, trial: str = "") -> list[Decision]:
        """What the early-stopping rule said, oldest first; with `trial` only of that one."""
        request = pb.ListDecisionsRequest(study=key, trial=trial, page_size=_PAGE)
        return [Decision.from_proto(made) async for made in self._paged("ListDecisions", request, "decisions")]

    async def algorithms(self) -> list[Algorithm]:
        """What a document may name as its algorithm."""
        reply = await self.line.call("ListAlgorithms", pb.ListAlgorithmsRequest())
        return [Algorithm.from_proto(told) for told in reply.algorithms]

    async def rules(self) -> list[Rule]:
        """What a document may name as its early-stopping rule."""
        return [Rule.from_proto(told) for told in (await self.line.call("ListRules", pb.ListRulesRequest())).rules]

    async def _paged(self, method: str, request: Any, field: str, *once: str) -> AsyncIterator[Any]:
        """All pages; fields `once` of the request are meant for the first one."""
        while True:
            reply = await self.line.call(method, request)
            for item in getattr(reply, field):
                yield item
            if not reply.next_page_token:
                return
            request.page_token = reply.next_page_token
            for name in once:
                request.ClearField(name)

    async def _changed(self, method: str, request: Any) -> Study:
        return Study.from_proto((await self.line.call(method, request)).study)

    def _id(self) -> str:
        return self._request or request_id()


def study_key(namespace: str, name: str) -> pb.StudyKey:
    """The name of a study on the wire."""
    return pb.StudyKey(namespace=namespace, name=name)


def trial_key(namespace: str, name: str, trial: str) -> pb.TrialKey:
    """The name of a trial on the wire; `trial` is its name or its number."""
    return pb.TrialKey(study=study_key(namespace, name), trial=trial)


def _source(source: StudyJob | str) -> dict[str, Any]:
    return {"document": source} if isinstance(source, str) else {"job": wire.job_to_proto(source)}
