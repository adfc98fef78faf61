"""The manager's side of the suggestion contract: asks for assignments, and sends only the history that is news."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from tunesmith.manager._calls import CHUNK, DEADLINE, NEWEST, Channels, answered
from tunesmith.manager._told import Sampled, record_of, steps_of
from tunesmith.manager.storage import Explanation, NewTrial, StudyRow, TrialRow
from tunesmith.services.errors import BaseRevision, FixRequest, NotFound, NotOffered, TryAgain
from tunesmith.services.learning_curves import MOST_TRIALS
from tunesmith.study import Mistake, StudySpec, wire
from tunesmith.study.naming import trial_name
from tunesmith.v1 import suggestion_pb2 as pb
from tunesmith.v1 import suggestion_pb2_grpc as rpc
from tunesmith.v1 import types_pb2 as types

SERVICE = "suggestion"


_Offered = Sequence[types.AlgorithmDescription]


@dataclass(frozen=True, slots=True)
class History:
    """A study and what changed in it since a revision, read in one transaction."""

    study: StudyRow
    trials: Sequence[TrialRow]
    """In the order of their change."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the service answered: new trials by number, and whether it waits or has nothing left."""

    trials: tuple[tuple[int, NewTrial], ...]
    revision: int
    """Of the history that it saw."""
    waits: bool = False
    exhausted: bool = False
    message: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a study's questions go, and the spec that goes there: its endpoint is set where it is to be followed."""

    address: str
    spec: types.StudySpec

    @property
    def follows(self) -> bool:
        """Whether the manager's own service is to ask the endpoint, which speaks Katib's contract and not ours."""
        return bool(self.spec.algorithm.endpoint)


@dataclass(slots=True)
class Suggester:
    """Client of suggestion services, one channel for each address.

    An endpoint that does not speak our contract is asked by our own service, which speaks Katib's, too.

    `address_of` tells where the manager's own service listens now, and waits while that one starts; `others` is where
    further ones do, for the algorithms that those before them do not offer. `load` reads a
    study's history since a revision; `digest_at` its digest at a revision, None when that is not known any more.
    `sample` reads what trials reported, for algorithms that want values at steps.
    """

    address_of: Callable[[], Awaitable[str]]
    load: Callable[[str, int], Awaitable[History]]
    digest_at: Callable[[str, int], Awaitable[int | None]]
    sample: Sampled
    others: Sequence[str] = ()
    _channels: Channels = field(default_factory=Channels)
    _held: dict[str, tuple[int, int]] = field(default_factory=dict)  # revision and digest that the service holds
    _can: dict[tuple[str, str], types.Capabilities] = field(default_factory=dict)  # by endpoint and algorithm
    _ours: dict[str, bool] = field(default_factory=dict)  # whether an endpoint speaks our contract
    _homes: dict[str, str] = field(default_factory=dict)  # which of the manager's own services offers an algorithm

    async def algorithms(self) -> _Offered:
        """What the manager's own services offer. One that is away is left out, unless all are: that raises TryAgain."""
        found: dict[str, types.AlgorithmDescription] = {}
        async for _, offered in self._offers():
            for algorithm in offered:
                found.setdefault(algorithm.name, algorithm)
        return list(found.values())

    async def validate(self, spec: StudySpec) -> list[str]:
        """Warnings of the algorithm about a study; raises FixRequest with every mistake that it finds."""
        self._ours.pop(spec.algorithm.endpoint, None)  # another service may be there by now
        self._homes.pop(spec.algorithm.name, None)
        try:
            route = await self._route(spec)
            request = pb.ValidateRequest(spec=route.spec)
            call = self._stub(route.address).Validate(request, timeout=DEADLINE)
            reply = await answered(call, route.address, SERVICE)
        except NotFound as error:  # an algorithm that the service does not have is a mistake of the document
            raise FixRequest(str(error), [Mistake("spec.algorithm.name", str(error))]) from error
        return list(reply.warnings)

    async def looks_ahead(self, spec: StudySpec) -> bool:
        """Whether this study's algorithm may be asked before results are in: its proposals do not depend on them."""
        can = await self._capabilities(spec, await self._route(spec))
        return can is not None and not can.uses_values

    async def suggest(self, uid: str, count: int) -> Reply:
        """Assignments for the next `count` trials; raises what the service's status means to its caller.

        A service that is new to this process is offered the present revision first: after a restart of the manager it
        often holds that already.
        """
        history = await self.load(uid, self._held[uid][0] if uid in self._held else NEWEST)
        base, digest = self._held.get(uid, (history.study.revision, history.study.digest))
        try:
            return await self._ask(history, base, digest, count)
        except BaseRevision as other:
            known = other.revision > 0 and await self.digest_at(uid, other.revision) == other.digest
            base, digest = (other.revision, other.digest) if known else (0, 0)
        return await self._ask(await self.load(uid, base), base, digest, count)

    def forget(self, uid: str) -> None:
        """Drop what is remembered of a study that is gone."""
        self._held.pop(uid, None)

    async def close(self) -> None:
        """Close every channel."""
        await self._channels.close()

    async def _ask(self, history: History, base: int, digest: int, count: int) -> Reply:
        study = history.study
        numbers = range(study.next_number, study.next_number + count)
        names = {trial_name(study.name, study.uid, number): number for number in numbers}
        route = await self._route(study.job.spec)
        try:
            can = await self._capabilities(study.job.spec, route)
            stops = study.job.spec.early_stopping is not None
            sample = self.sample if stops and can is not None and can.uses_steps else None
            request = _stream(history, route.spec, base, digest, names, sample)
            call = self._stub(route.address).Suggest(request, timeout=DEADLINE)
            response = await answered(call, route.address, SERVICE)
        except NotOffered as error:
            if self._ours.pop(study.job.spec.algorithm.endpoint, None) is None:
                raise
            raise TryAgain(str(error)) from error  # a service of the other contract may have taken its place
        self._held[study.uid] = (study.revision, study.digest)
        return _reply(study, names, response)

    async def _capabilities(self, spec: StudySpec, route: Route) -> types.Capabilities | None:
        """What a study's algorithm can do; None: nobody knows, or a service of Katib's contract is behind it.

        Such a service proposes for trials that are to run now, and is told no steps.
        """
        name, key = spec.algorithm.name, (spec.algorithm.endpoint, spec.algorithm.name)
        if route.follows:
            return None
        if key not in self._can:
            for algorithm in await self._offered(route.address):
                if _is_called(algorithm, name):
                    self._can[key] = algorithm.capabilities
        return self._can.get(key)

    async def _offered(self, address: str) -> _Offered:
        call = self._stub(address).Describe(pb.DescribeRequest(), timeout=DEADLINE)
        return (await answered(call, address, SERVICE)).algorithms

    async def _route(self, spec: StudySpec) -> Route:
        """Where to ask for a study; the first time, its endpoint says whether it speaks our contract."""
        message, endpoint = wire.spec_to_proto(spec), spec.algorithm.endpoint
        if not endpoint:
            return Route(await self._home(spec.algorithm.name), message)
        if not await self._speaks_ours(endpoint):
            return Route(await self.address_of(), message)
        message.algorithm.endpoint = ""
        return Route(endpoint, message)

    async def _home(self, name: str) -> str:
        """Which of the manager's own services is asked: the first that offers the algorithm. Raises NotFound."""
        if not self.others:
            return await self.address_of()
        if name not in self._homes:
            names = set[str]()
            async for address, offered in self._offers(all_answer=True):
                names.update(algorithm.name for algorithm in offered)
                if any(_is_called(algorithm, name) for algorithm in offered):
                    self._homes[name] = address
                    break
            else:
                raise NotFound(f"algorithm {name[:100]!r} is not offered here (offered: {', '.join(sorted(names))})")
        return self._homes[name]

    async def _offers(self, *, all_answer: bool = False) -> AsyncIterator[tuple[str, _Offered]]:
        """Each of the manager's own services that answers, and what it offers.

        Raises TryAgain at the end when none did, or with `all_answer` when one did not.
        """
        away, answers = None, 0
        for address in (await self.address_of(), *self.others):
            try:
                offered = await self._offered(address)
            except TryAgain as error:
                away = error
            else:
                answers += 1
                yield address, offered
        if away is not None and (all_answer or not answers):
            raise away

    async def _speaks_ours(self, endpoint: str) -> bool:
        if endpoint not in self._ours:
            try:
                await self._offered(endpoint)
            except NotOffered:
                self._ours[endpoint] = False
            else:
                self._ours[endpoint] = True
        return self._ours[endpoint]

    def _stub(self, address: str) -> "rpc.SuggestionServiceAsyncStub":
        return rpc.SuggestionServiceStub(self._channels.to(address))


def _is_called(algorithm: types.AlgorithmDescription, name: str) -> bool:
    return name == algorithm.name or name in algorithm.aliases


async def _stream(
    history: History,
    spec: types.StudySpec,
    base: int,
    digest: int,
    names: dict[str, int],
    sample: Sampled | None,
) -> AsyncIterator[pb.SuggestRequest]:
    """The messages of a call; `sample` None: values at steps are not asked for."""
    study, metric = history.study, history.study.job.spec.objective.metric
    oldest = study.next_number - MOST_TRIALS

    async def record(trial: TrialRow) -> pb.TrialRecord:
        if sample is None or not trial.attempt or not trial.state.final or trial.number < oldest:
            return record_of(trial)
        return record_of(trial, steps_of(await sample(trial, metric)))

    header = pb.SuggestHeader(
        study_uid=study.uid,
        generation=study.generation,
        spec=spec,
        base_revision=base,
        base_digest=digest,
        revision=study.revision,
        digest=study.digest,
        names=[pb.TrialName(name=name, number=number) for name, number in names.items()],
    )
    yield pb.SuggestRequest(header=header)
    for start in range(0, len(history.trials), CHUNK):
        chunk = history.trials[start : start + CHUNK]
        trials = [await record(trial) for trial in chunk]
        yield pb.SuggestRequest(history=pb.HistoryChunk(trials=trials))


def _reply(study: StudyRow, names: dict[str, int], response: pb.SuggestResponse) -> Reply:
    """Check what a service of anybody's making answered; raises FixRequest for what it must not answer."""
    trials = []
    for suggestion in response.suggestions:
        new = _new_trial(suggestion)
        if suggestion.name not in names:
            raise FixRequest(f"the suggestion service answered a trial that it was not asked for: {suggestion.name!r}")
        problems = study.job.spec.space.problems(new.assignment)
        if problems:
            raise FixRequest(f"the suggestion service proposed what the search space does not allow: {problems[0]}")
        trials.append((names[suggestion.name], new))
    status = response.status
    return Reply(
        tuple(trials),
        study.revision,
        waits=status == pb.SUGGEST_STATUS_WAIT,
        exhausted=status == pb.SUGGEST_STATUS_EXHAUSTED,
        message=response.message,
    )


def _new_trial(suggestion: pb.Suggestion) -> NewTrial:
    told = suggestion.explanation
    acquisition = told.acquisition if told.HasField("acquisition") else None
    return NewTrial(
        assignment=wire.assignment_from_proto(suggestion.assignment),
        labels=dict(suggestion.labels),
        parent=suggestion.parent if suggestion.HasField("parent") else None,
        explanation=Explanation(told.model, told.text, acquisition) if suggestion.HasField("explanation") else None,
    )
