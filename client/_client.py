"""`tunesmith.Client`: everything the manager does, from Python."""

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tunesmith.client._algorithm_values import Algorithm, Rule
from tunesmith.client._connection import Connection, request_id
from tunesmith.client._trial_values import Decision, Event, Observation, Trial, observations_from_proto
from tunesmith.client._values import Study
from tunesmith.client._work import WorkerCalls
from tunesmith.services import errors
from tunesmith.study import Assignment, Limits, Mistake, StudyJob, StudyState, TrialState, wire
from tunesmith.v1 import manager_pb2

if TYPE_CHECKING:
    from tunesmith.services.channel import ClientTls

_PAGE = 1000


class Client(WorkerCalls):
    """A manager, seen from Python: the local one of a folder, started when none answers, or one at an address.

    Every error is one of `tunesmith.services.errors`, named by what to do about it. Usable from several threads, but
    not across a fork.

    Args:
        server: Address of a manager (`host:port` or `unix:/path`). None: TUNESMITH_SERVER, or else the local manager.
        namespace: Where studies are looked for, and where documents are submitted to unless it is `default`.
        token: What a manager on TCP asks for. None: TUNESMITH_TOKEN.
        folder: The folder whose `.tunesmith` the local manager keeps. None: the current one.
        tls: Files by which a server at `https://host:port` and this client know one another. None: those that
            TUNESMITH_CA, TUNESMITH_CERT and TUNESMITH_KEY name.

    Example:
        ```python
        with tunesmith.Client() as client:
            client.submit("study.yaml")
            print(client.wait("digits").best)
        ```
    """

    def __init__(
        self,
        server: str | None = None,
        *,
        namespace: str = "default",
        token: str | None = None,
        folder: Path | str | None = None,
        tls: "ClientTls | None" = None,
    ) -> None:
        from tunesmith.client import _local

        server = server or os.environ.get("TUNESMITH_SERVER")
        token = token or os.environ.get("TUNESMITH_TOKEN")
        base = Path.cwd() if folder is None else Path(folder).resolve()
        self.namespace = namespace
        self._base = base
        if server:
            self._connection = Connection(lambda: server, token, tls)
        else:
            self._connection = Connection(lambda: _local.reach(base))

    @classmethod
    def over(cls, connection: Connection, namespace: str = "default", base: Path | None = None) -> Self:
        """A client over a connection of the caller's own."""
        client = cls.__new__(cls)
        client.namespace, client._connection, client._base = namespace, connection, base or Path.cwd()
        return client

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection. Studies go on."""
        self._connection.close()

    # ---------------------------------------------------------------- studies

    def studies(
        self,
        *,
        states: Sequence[StudyState] = (),
        labels: Mapping[str, str] | None = None,
        all_namespaces: bool = False,
    ) -> list[Study]:
        """All studies, oldest first; only those in one of `states`, and with all `labels`, where these are given."""
        request = manager_pb2.ListStudiesRequest(
            namespace="" if all_namespaces else self.namespace,
            page_size=_PAGE,
            states=[wire.STUDY_STATE_TO_PROTO[state] for state in states],
            labels=labels or {},
        )
        pages = self._connection.pages(lambda stub: stub.ListStudies, request)
        return [Study.from_proto(study) for reply in pages for study in reply.studies]

    def study(self, name: str) -> Study:
        """One study. Raises NotFound."""
        request = manager_pb2.GetStudyRequest(key=self._key(name))
        return Study.from_proto(self._connection.call(lambda stub: stub.GetStudy, request).study)

    def submit(self, job: "StudyJob | Mapping[str, Any] | Path | str") -> Study:
        """Create a study from a document (a path, or its content as a dict) and start it.

        Raises AlreadyExists when the name is taken, and FixRequest with every mistake.

        A relative `workingDir` is meant from the document's folder, or from the client's folder for a dict.
        """
        return self.create(self.read(job))[0]

    def create(self, job: StudyJob) -> tuple[Study, list[str]]:
        """Create a study; also what its algorithm remarks about it."""
        request = manager_pb2.CreateStudyRequest(request_id=request_id(), job=wire.job_to_proto(job))
        reply = self._connection.call(lambda stub: stub.CreateStudy, request)
        return Study.from_proto(reply.study), list(reply.warnings)

    def validate(self, job: StudyJob) -> tuple[list[Mistake], list[str]]:
        """The mistakes that `submit` would refuse the document for, and the algorithm's remarks. Creates nothing."""
        request = manager_pb2.ValidateStudyRequest(job=wire.job_to_proto(job))
        reply = self._connection.call(lambda stub: stub.ValidateStudy, request)
        return [Mistake(m.path, m.message, m.line, m.column) for m in reply.mistakes], list(reply.warnings)

    def convert(self, document: str) -> tuple[str, list[str]]:
        """The native document, in YAML, that says what a document says; and remarks. Raises FixRequest."""
        request = manager_pb2.ConvertDocumentRequest(document=document)
        reply = self._connection.call(lambda stub: stub.ConvertDocument, request)
        return reply.document, list(reply.warnings)

    def read(self, job: "StudyJob | Mapping[str, Any] | Path | str") -> StudyJob:
        """A document as a value, in the client's namespace if it has one. Raises WrongDocument with every mistake."""
        from tunesmith.client import _documents

        if isinstance(job, StudyJob):
            return job
        overrides = [] if self.namespace == "default" else [("metadata.namespace", self.namespace)]
        if isinstance(job, Mapping):
            return _documents.read_text(json.dumps(job), "the document", base=self._base, overrides=overrides)
        return _documents.read_file(Path(job), overrides=overrides)

    def wait(self, name: str, timeout: float | None = None) -> Study:
        """Wait until a study has ended, and return it.

        Args:
            name: The study.
            timeout: Seconds; None: as long as it takes.

        Raises:
            TimeoutError: It had not ended in time. It goes on.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError(f"the study {name} did not end in {timeout:g} seconds")
            try:
                for study in self.watch(name, deadline=left):
                    if study.state.final:
                        return study
            except errors.TryAgain:
                self.study(name)  # starts a local manager again, and raises when nobody can be reached

    def watch(self, name: str, *, deadline: float | None = None) -> Iterator[Study]:
        """The study now and after each change, until it has ended. Raises TryAgain when the manager goes away."""
        request = manager_pb2.WatchStudyRequest(key=self._key(name))
        for reply in self._connection.stream(lambda stub: stub.WatchStudy, request, deadline):
            yield Study.from_proto(reply.study)

    def pause(self, name: str) -> Study:
        """Launch nothing new; running trials go on."""
        request = manager_pb2.PauseStudyRequest(request_id=request_id(), key=self._key(name))
        return Study.from_proto(self._connection.call(lambda stub: stub.PauseStudy, request).study)

    def resume(self, name: str) -> Study:
        """Go on with a study that was paused or interrupted."""
        request = manager_pb2.ResumeStudyRequest(request_id=request_id(), key=self._key(name))
        return Study.from_proto(self._connection.call(lambda stub: stub.ResumeStudy, request).study)

    def stop(self, name: str, *, interrupt: bool = False) -> Study:
        """End a study for good; with `interrupt` only stop its running trials, which run again after `resume`."""
        request = manager_pb2.StopStudyRequest(request_id=request_id(), key=self._key(name), interrupt=interrupt)
        return Study.from_proto(self._connection.call(lambda stub: stub.StopStudy, request).study)

    def delete(self, name: str) -> None:
        """Stop what runs and forget the study with all its trials, observations and folders."""
        request = manager_pb2.DeleteStudyRequest(request_id=request_id(), key=self._key(name))
        self._connection.call(lambda stub: stub.DeleteStudy, request)

    def edit(
        self,
        name: str,
        *,
        limits: Limits | None = None,
        labels: Mapping[str, str] | None = None,
        initial: Sequence[Assignment] | None = None,
        generation: int = 0,
    ) -> Study:
        """Change limits, labels or initial assignments; each that is given replaces the old whole.

        Args:
            name: The study.
            limits: When it ends. A study that a raised limit had ended runs again.
            labels: All its labels.
            initial: All assignments that are tried first.
            generation: What the edit was made from; raises StartOver when another edit came first. 0: any.
        """
        request = manager_pb2.EditStudyRequest(request_id=request_id(), key=self._key(name), generation=generation)
        if limits is not None:
            request.limits.CopyFrom(wire.limits_to_proto(limits))
        if labels is not None:
            request.labels.CopyFrom(manager_pb2.LabelSet(labels=labels))
        if initial is not None:
            assignments = [wire.assignment_to_proto(values) for values in initial]
            request.initial.CopyFrom(manager_pb2.AssignmentList(assignments=assignments))
        return Study.from_proto(self._connection.call(lambda stub: stub.EditStudy, request).study)

    # ---------------------------------------------------------------- trials

    def trials(
        self,
        study: str,
        *,
        states: Sequence[TrialState] = (),
        search: str = "",
        order_by: str = "",
        descending: bool = False,
        limit: int | None = None,
    ) -> list[Trial]:
        """The trials of a study by number, or in another order; only those that are asked for. Raises FixRequest.

        Args:
            study: The study.
            states: Only these; empty: all.
            search: Words that must all occur in the trial's name, state or reason, or in `name=value` of its parameters
                and labels.
            order_by: `value`, `duration`, `params.NAME`, `metrics.NAME`, ...; empty: `number`. Trials without the value
                come last.
            descending: The largest first.
            limit: At most so many; None: all.
        """
        request = manager_pb2.ListTrialsRequest(
            study=self._key(study),
            page_size=_PAGE if limit is None else min(_PAGE, limit),
            states=[wire.TRIAL_STATE_TO_PROTO[state] for state in states],
            search=search,
            order_by=order_by,
            descending=descending,
        )
        pages = self._connection.pages(lambda stub: stub.ListTrials, request)
        return list(islice((Trial.from_proto(trial) for reply in pages for trial in reply.trials), limit))

    def trial(self, study: str, trial: str | int) -> Trial:
        """One trial, by its name or its number. Raises NotFound."""
        request = manager_pb2.GetTrialRequest(key=self._trial_key(study, trial))
        return Trial.from_proto(self._connection.call(lambda stub: stub.GetTrial, request).trial)

    def watch_trials(self, study: str, since_revision: int = 0) -> Iterator[tuple[list[Trial], int]]:
        """Every trial that changed after a revision, then each further change, with the revision to go on from."""
        request = manager_pb2.WatchTrialsRequest(study=self._key(study), since_revision=since_revision)
        for reply in self._connection.stream(lambda stub: stub.WatchTrials, request):
            yield [Trial.from_proto(trial) for trial in reply.trials], reply.revision

    def retry(self, study: str, trial: str | int) -> Trial:
        """Run a failed or killed trial, or one without metrics, again."""
        request = manager_pb2.RetryTrialRequest(request_id=request_id(), key=self._trial_key(study, trial))
        return Trial.from_proto(self._connection.call(lambda stub: stub.RetryTrial, request).trial)

    def stop_trial(self, study: str, trial: str | int) -> Trial:
        """Stop one trial; it ends as Killed."""
        request = manager_pb2.StopTrialRequest(request_id=request_id(), key=self._trial_key(study, trial))
        return Trial.from_proto(self._connection.call(lambda stub: stub.StopTrial, request).trial)

    def enqueue(self, study: str, *assignments: Assignment) -> list[Trial]:
        """Add trials with assignments of your own, which run before what the algorithm proposes next.

        What an assignment leaves out takes its default, or is sampled. Raises FixRequest with every value that the
        search space does not allow, and NotNow when the study has ended or its limits leave no room.
        """
        request = manager_pb2.EnqueueTrialsRequest(
            request_id=request_id(),
            study=self._key(study),
            assignments=[wire.assignment_to_proto(values) for values in assignments],
        )
        reply = self._connection.call(lambda stub: stub.EnqueueTrials, request)
        return [Trial.from_proto(trial) for trial in reply.trials]

    def observations(
        self, study: str, trial: str | int, *, metrics: Sequence[str] = (), attempt: int = 0
    ) -> list[Observation]:
        """What a trial reported, in the order in which it came; `attempt` 0 is the last one."""
        request = manager_pb2.QueryObservationsRequest(
            trial=self._trial_key(study, trial), metrics=metrics, attempt=attempt
        )
        replies = self._connection.stream(lambda stub: stub.QueryObservations, request)
        return [row for reply in replies for row in observations_from_proto(reply.observations)]

    def figure(
        self,
        study: str,
        kind: str,
        *others: str,
        metric: str | None = None,
        parameters: Sequence[str] = (),
        evaluator: str = "ped-anova",
    ) -> Any:
        """A figure of a study, and of others for the kinds that compare, as `tunesmith.client.figures` makes them.

        A Plotly Figure where Plotly is installed, which a notebook shows; else its dict. Raises NotNow when there is
        nothing to draw yet, and FixRequest for a kind, metric or parameter that is not there.
        """
        from tunesmith.client import figures
        from tunesmith.client.figures._figure import kind_of

        seen = kind_of(kind).observations
        data = [figures.StudyData.load(self, name, observations=seen, metric=metric) for name in (study, *others)]
        made = figures.figure(kind, *data, metric=metric, parameters=parameters, evaluator=evaluator)
        try:
            from plotly.graph_objects import Figure
        except ImportError:
            return made
        return Figure(made)

    def logs(
        self,
        study: str,
        trial: str | int,
        *,
        attempt: int = 0,
        follow: bool = False,
        tail_bytes: int | None = None,
    ) -> Iterator[bytes]:
        """What a trial printed, in pieces; `attempt` 0 is the last. With `follow` also what it prints until it ends."""
        request = manager_pb2.StreamLogsRequest(
            trial=self._trial_key(study, trial), attempt=attempt, follow=follow, tail_bytes=tail_bytes
        )
        for reply in self._connection.stream(lambda stub: stub.StreamLogs, request):
            yield reply.data

    def events(self, study: str, trial: str | int | None = None, *, reason: str = "") -> list[Event]:
        """What happened to a study and its trials, oldest first; with `trial` only to that one.

        `reason`: only what happened for it, as `ruleFailed`; empty: everything.
        """
        request = manager_pb2.ListEventsRequest(
            study=self._key(study), trial="" if trial is None else str(trial), page_size=_PAGE, reason=reason
        )
        pages = self._connection.pages(lambda stub: stub.ListEvents, request)
        return [Event.from_proto(event) for reply in pages for event in reply.events]

    def decisions(self, study: str, trial: str | int | None = None, *, stops: bool = False) -> list[Decision]:
        """What the study's early-stopping rule said of its trials, oldest first.

        With `trial` only of that one; `stops`: only decisions to stop a trial.
        """
        request = manager_pb2.ListDecisionsRequest(
            study=self._key(study), trial="" if trial is None else str(trial), stops=stops, page_size=_PAGE
        )
        pages = self._connection.pages(lambda stub: stub.ListDecisions, request)
        return [Decision.from_proto(decision) for reply in pages for decision in reply.decisions]

    # -------------------------------------------------- algorithms and rules

    def algorithms(self) -> list[Algorithm]:
        """What a document may name in `spec.algorithm.name`."""
        reply = self._connection.call(lambda stub: stub.ListAlgorithms, manager_pb2.ListAlgorithmsRequest())
        return [Algorithm.from_proto(told) for told in reply.algorithms]

    def rules(self) -> list[Rule]:
        """What a document may name in `spec.earlyStopping.name`."""
        reply = self._connection.call(lambda stub: stub.ListRules, manager_pb2.ListRulesRequest())
        return [Rule.from_proto(told) for told in reply.rules]

    def _key(self, name: str) -> manager_pb2.StudyKey:
        return manager_pb2.StudyKey(namespace=self.namespace, name=name)

    def _trial_key(self, study: str, trial: str | int) -> manager_pb2.TrialKey:
        return manager_pb2.TrialKey(study=self._key(study), trial=str(trial))
