"""A caller of the early-stopping service that keeps a study as the manager does: revisions, digests, what is sent."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import grpc

from tunesmith.services.channel import rpc_errors
from tunesmith.services.errors import BaseRevision, TryAgain
from tunesmith.study import StudySpec, TrialState, wire
from tunesmith.v1 import early_stopping_pb2 as messages
from tunesmith.v1 import early_stopping_pb2_grpc, suggestion_pb2


@dataclass
class Caller:
    """One study. `base` is the revision at which the service was left, as far as the caller knows.

    Each piece of news is a chunk of its own, and raises the revision by one.
    """

    spec: StudySpec
    uid: str = "0123456789abcdef"
    generation: int = 1
    base: int = 0
    news: list[messages.ObservationChunk] = field(default_factory=list)
    digests: list[int] = field(default_factory=lambda: [0])
    refusals: int = 0
    """Times that the service held another revision."""

    @property
    def revision(self) -> int:
        return len(self.news)

    def tell(self, chunk: messages.ObservationChunk) -> None:
        """Something happened."""
        told = b"%d" % self.digests[-1] + chunk.SerializeToString(deterministic=True)
        self.digests.append(int.from_bytes(hashlib.blake2b(told, digest_size=8).digest()))
        self.news.append(chunk)

    def report(self, number: int, values: Mapping[int, float] | Sequence[float]) -> None:
        """A trial reports values by step, or from step 1 on."""
        found = values if isinstance(values, Mapping) else dict(enumerate(values, 1))
        self.tell(
            messages.ObservationChunk(trials=[number] * len(found), steps=list(found), values=list(found.values()))
        )

    def end(self, number: int, *values: float, state: TrialState = TrialState.SUCCEEDED) -> None:
        """A trial ends, or runs again when the state is not final."""
        kind = wire.TRIAL_STATE_TO_PROTO[state]
        record = suggestion_pb2.TrialRecord(name=f"trial-{number}", number=number, state=kind, values=values)
        self.tell(messages.ObservationChunk(records=[record]))

    def restart(self, number: int) -> None:
        """Another attempt of a trial begins."""
        self.tell(messages.ObservationChunk(restarted=[number]))

    def header(self, *trials: int) -> messages.DecideHeader:
        """Ask about trials, from `base` on."""
        return messages.DecideHeader(
            study_uid=self.uid,
            generation=self.generation,
            spec=wire.spec_to_proto(self.spec),
            base_revision=self.base,
            base_digest=self.digests[self.base],
            revision=self.revision,
            digest=self.digests[-1],
            trials=trials,
        )

    def stream(self, *trials: int) -> Iterator[messages.DecideRequest]:
        """Give the header, and what came since `base`."""
        yield messages.DecideRequest(header=self.header(*trials))
        for chunk in self.news[self.base :]:
            yield messages.DecideRequest(observations=chunk)

    def ask(self, channel: grpc.Channel, *trials: int) -> messages.DecideResponse:
        """Ask about trials, from wherever the service is."""
        stub = early_stopping_pb2_grpc.EarlyStoppingServiceStub(channel)
        for _ in range(5):
            try:
                with rpc_errors():
                    response = stub.Decide(self.stream(*trials), timeout=60, wait_for_ready=True)
            except BaseRevision as held:
                self.refusals += 1
                known = held.revision < len(self.digests) and self.digests[held.revision] == held.digest
                self.base = held.revision if known else 0
            except TryAgain:
                continue  # it was killed a moment ago
            else:
                self.base = self.revision
                return response
        raise AssertionError("the service does not say where it is")

    def one(self, channel: grpc.Channel, trial: int) -> messages.Decision:
        """The decision about a trial."""
        (decision,) = self.ask(channel, trial).decisions
        return decision


def decide(channel: grpc.Channel, *parts: messages.DecideHeader | messages.ObservationChunk) -> messages.DecideResponse:
    """Send these messages, whatever they are."""
    requests = [
        messages.DecideRequest(header=part)
        if isinstance(part, messages.DecideHeader)
        else messages.DecideRequest(observations=part)
        for part in parts
    ]
    with rpc_errors():
        return early_stopping_pb2_grpc.EarlyStoppingServiceStub(channel).Decide(iter(requests), timeout=30)
