"""The manager's side of the early-stopping contract: sends the observations that are news, and takes decisions."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from tunesmith.manager._calls import CHUNK, DEADLINE, Channels, answered
from tunesmith.manager._told import Observations, pages, record_of
from tunesmith.manager.storage import NewDecision, StudyRow, TrialRow
from tunesmith.services.errors import BaseRevision, FixRequest, NotFound
from tunesmith.study import Mistake, StudySpec, wire
from tunesmith.v1 import early_stopping_pb2 as pb
from tunesmith.v1 import early_stopping_pb2_grpc as rpc
from tunesmith.v1 import types_pb2 as types

SERVICE = "early-stopping"
MOST_TOLD = 2_000_000
"""Observations that are told in one call, which takes seconds: a service that holds nothing must hear of all."""


@dataclass(frozen=True, slots=True)
class Course:
    """A study, the trials whose state changed since a revision, and those that run and that nobody stops yet."""

    study: StudyRow
    changed: Sequence[TrialRow]
    running: Sequence[TrialRow]


Weighed = dict[int, tuple[int, int | None]]
"""By number of a trial: its attempt, and the step of the last decision on it."""


@dataclass(slots=True)
class Told:
    """What a service was told of a study. It is gone with this process, and then everything is told again.

    `calls` counts those that succeeded, and is the revision; `digest` tells one such telling from another.
    """

    digest: int = field(default_factory=lambda: int.from_bytes(os.urandom(8)))
    calls: int = 0
    revision: int = 0
    """Of the study: states up to it were told."""
    positions: dict[int, tuple[int, int]] = field(default_factory=dict)
    """By number of a trial: its attempt, and the position of the last observation that was told."""
    final: dict[int, bool] = field(default_factory=dict)
    """By number of a trial whose state was told: whether that was final."""
    behind: bool = False
    """Whether the last call left something untold."""

    def tells(self, trial: TrialRow) -> bool:
        """Whether the service must hear of this change of a trial's state: it was made, ended, or is to run again."""
        known, self.final[trial.number] = self.final.get(trial.number), trial.state.final
        return trial.state.final or known is not False


@dataclass(slots=True)
class Decider:
    """Client of early-stopping services.

    `address_of` tells where the manager's own service listens now, and waits while that one starts. `load` reads what
    changed in a study since a revision.
    """

    address_of: Callable[[], Awaitable[str]]
    load: Callable[[str, int], Awaitable[Course]]
    observations: Observations
    _channels: Channels = field(default_factory=Channels)
    _told: dict[str, Told] = field(default_factory=dict)
    _weighed: dict[str, Weighed] = field(default_factory=dict)

    async def rules(self) -> Sequence[types.RuleDescription]:
        """What the manager's own service offers."""
        address = await self.address_of()
        call = self._stub(address).Describe(pb.EarlyStoppingServiceDescribeRequest(), timeout=DEADLINE)
        return (await answered(call, address, SERVICE)).rules

    async def validate(self, spec: StudySpec) -> list[str]:
        """Warnings of the rule about a study, none without a rule; raises FixRequest with every mistake it finds."""
        if spec.early_stopping is None:
            return []
        address = await self._address(spec)
        request = pb.EarlyStoppingServiceValidateRequest(spec=wire.spec_to_proto(spec))
        try:
            reply = await answered(self._stub(address).Validate(request, timeout=DEADLINE), address, SERVICE)
        except NotFound as error:  # a rule that the service does not have is a mistake of the document
            raise FixRequest(str(error), [Mistake("spec.earlyStopping.name", str(error))]) from error
        return list(reply.warnings)

    async def decide(self, uid: str) -> list[NewDecision]:
        """What the study's rule says of its running trials, given all that they reported until now.

        What was said of a trial before, at the same step, is left out unless it is to stop now. Raises what the
        service's status means to its caller.
        """
        try:
            return await self._ask(uid, self._told.get(uid) or Told())
        except BaseRevision:
            return await self._ask(uid, Told())

    def forget(self, uid: str) -> None:
        """Drop what is remembered of a study that is over, gone, or another manager's."""
        self._told.pop(uid, None)
        self._weighed.pop(uid, None)

    async def close(self) -> None:
        """Close every channel."""
        await self._channels.close()

    async def _ask(self, uid: str, told: Told) -> list[NewDecision]:
        self._told.pop(uid, None)  # when the call fails, nobody knows what arrived
        course = await self.load(uid, told.revision)
        if not course.running:
            self._told[uid] = told
            return []
        address = await self._address(course.study.job.spec)
        while True:
            call = self._stub(address).Decide(_stream(course, told, self.observations), timeout=DEADLINE)
            response = await answered(call, address, SERVICE)
            told.calls += 1
            if not told.behind:  # else it has not seen everything, and what it said is of no use
                break
        told.revision = course.study.revision
        self._told[uid] = told
        weighed = self._weighed.setdefault(uid, {})
        return [decision for decision in _decisions(course, response) if _is_news(decision, weighed)]

    async def _address(self, spec: StudySpec) -> str:
        return (spec.early_stopping and spec.early_stopping.endpoint) or await self.address_of()

    def _stub(self, address: str) -> "rpc.EarlyStoppingServiceAsyncStub":
        return rpc.EarlyStoppingServiceStub(self._channels.to(address))


async def _stream(course: Course, told: Told, observations: Observations) -> AsyncIterator[pb.DecideRequest]:
    """The messages of a call; `told` is brought up to date on the way, as far as one call may tell."""
    yield pb.DecideRequest(header=_header(course, told))
    count, told.behind = 0, False
    for trial in {trial.number: trial for trial in (*course.changed, *course.running)}.values():
        async for chunk in _reports(trial, course.study.job.spec.objective.metric, told, observations):
            yield pb.DecideRequest(observations=chunk)
            count += len(chunk.values)
            if count >= MOST_TOLD:
                told.behind = True
                return
    for start in range(0, len(course.changed), CHUNK):
        news = [trial for trial in course.changed[start : start + CHUNK] if told.tells(trial)]
        yield pb.DecideRequest(observations=pb.ObservationChunk(records=map(record_of, news)))


def _header(course: Course, told: Told) -> pb.DecideHeader:
    spec = wire.spec_to_proto(course.study.job.spec)
    spec.early_stopping.endpoint = ""  # whoever is asked is there
    return pb.DecideHeader(
        study_uid=course.study.uid,
        generation=course.study.generation,
        spec=spec,
        base_revision=told.calls,
        base_digest=told.digest,
        revision=told.calls + 1,
        digest=told.digest,
        trials=[trial.number for trial in course.running],
    )


async def _reports(
    trial: TrialRow, metric: str, told: Told, observations: Observations
) -> AsyncIterator[pb.ObservationChunk]:
    """What the trial's last attempt reported of the objective and nobody was told yet, page by page."""
    if not trial.attempt:
        return  # it was never launched
    attempt, position = told.positions.get(trial.number, (trial.attempt, 0))
    if attempt != trial.attempt:
        position = 0
        told.positions[trial.number] = (trial.attempt, position)
        yield pb.ObservationChunk(restarted=[trial.number])
    async for page in pages(trial, metric, position, observations):
        told.positions[trial.number] = (trial.attempt, page[-1].position)
        yield pb.ObservationChunk(
            trials=[trial.number] * len(page),
            steps=[row.step for row in page],
            values=[row.value for row in page],
        )


def _decisions(course: Course, response: pb.DecideResponse) -> list[NewDecision]:
    """Check what a service of anybody's making answered; raises FixRequest for what it must not answer."""
    rule, asked = course.study.job.spec.early_stopping, {trial.number: trial for trial in course.running}
    assert rule is not None  # nobody asks about a study without one
    found = []
    for decision in response.decisions:
        if (trial := asked.pop(decision.trial, None)) is None:
            text = f"the early-stopping service decided on trial {decision.trial}, which nobody asked about"
            raise FixRequest(f"{text}, or decided on it twice")
        found.append(_decision(rule.name, trial.attempt, decision))
    return found


def _is_news(decision: NewDecision, weighed: Weighed) -> bool:
    """Whether this was not said before, in the same words or others."""
    before, now = weighed.get(decision.trial_number), (decision.attempt, decision.step)
    weighed[decision.trial_number] = now
    return decision.stop or now != before


def _decision(rule: str, attempt: int, decision: pb.Decision) -> NewDecision:
    return NewDecision(
        trial_number=decision.trial,
        attempt=attempt,
        rule=rule,
        stop=decision.stop,
        reason=decision.reason,
        predicted=decision.predicted_final if decision.HasField("predicted_final") else None,
        step=decision.step if decision.HasField("step") else None,
        complete=decision.complete,
    )
