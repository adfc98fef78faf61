"""A caller of the suggestion service that keeps a study as the manager does: revisions, digests, and what is sent."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import grpc

from tunesmith.services.channel import rpc_errors
from tunesmith.services.errors import BaseRevision, TryAgain
from tunesmith.study import Assignment, StudySpec, TrialState, wire
from tunesmith.v1 import suggestion_pb2 as messages
from tunesmith.v1 import suggestion_pb2_grpc

CHUNK = 500
"""Trials in one message of the stream."""


@dataclass
class Caller:
    """One study. `base` is the revision at which the service was left, as far as the caller knows."""

    spec: StudySpec
    uid: str = "0123456789abcdef"
    generation: int = 1
    revision: int = 0
    digest: int = 0
    base: int = 0
    records: dict[int, messages.TrialRecord] = field(default_factory=dict)
    digests: dict[int, int] = field(default_factory=lambda: {0: 0})
    refusals: int = 0
    """Times that the service held another revision."""

    def add(
        self,
        assignment: Assignment,
        state: TrialState = TrialState.PENDING,
        labels: Mapping[str, str] | None = None,
        values: Sequence[float] = (),
        parent: int | None = None,
    ) -> messages.TrialRecord:
        """Put a trial into the history."""
        number = max(self.records, default=-1) + 1
        record = messages.TrialRecord(
            name=f"trial-{number}",
            number=number,
            assignment=wire.assignment_to_proto(assignment),
            labels=labels,
            values=values,
            parent=parent,
        )
        self.records[number] = record
        self.move(number, state)
        return record

    def move(self, number: int, state: TrialState) -> None:
        """Give a trial another state."""
        self.revision += 1
        self.digest = int.from_bytes(hashlib.blake2b(f"{self.digest}:{number}:{state}".encode()).digest()[:8])
        self.digests[self.revision] = self.digest
        self.records[number].state = wire.TRIAL_STATE_TO_PROTO[state]
        self.records[number].revision = self.revision
        self.records[number].completion_rank = self.revision if state.final else 0

    def header(self, number: int) -> messages.SuggestHeader:
        """Ask for so many trials, from `base` on."""
        first = max(self.records, default=-1) + 1
        return messages.SuggestHeader(
            study_uid=self.uid,
            generation=self.generation,
            spec=wire.spec_to_proto(self.spec),
            base_revision=self.base,
            base_digest=self.digests[self.base],
            revision=self.revision,
            digest=self.digest,
            names=[messages.TrialName(name=f"trial-{n}", number=n) for n in range(first, first + number)],
        )

    def stream(self, number: int) -> Iterator[messages.SuggestRequest]:
        """Give the header, and what changed since `base`."""
        yield messages.SuggestRequest(header=self.header(number))
        changed = sorted(
            (one for one in self.records.values() if one.revision > self.base), key=lambda one: one.revision
        )
        for start in range(0, len(changed), CHUNK):
            yield messages.SuggestRequest(history=messages.HistoryChunk(trials=changed[start : start + CHUNK]))

    def ask(self, channel: grpc.Channel, number: int) -> messages.SuggestResponse:
        """Ask for so many trials without taking them up, from wherever the service is."""
        stub = suggestion_pb2_grpc.SuggestionServiceStub(channel)
        for _ in range(5):
            try:
                with rpc_errors():
                    response = stub.Suggest(self.stream(number), timeout=60, wait_for_ready=True)
            except BaseRevision as held:
                self.refusals += 1
                self.base = held.revision if self.digests.get(held.revision) == held.digest else 0
            except TryAgain:
                continue  # it was killed a moment ago
            else:
                self.base = self.revision
                return response
        raise AssertionError("the service does not say where it is")

    def run(self, channel: grpc.Channel, number: int) -> messages.SuggestResponse:
        """Ask for so many trials, and take them up as pending."""
        response = self.ask(channel, number)
        for suggestion in response.suggestions:
            parent = suggestion.parent if suggestion.HasField("parent") else None
            self.add(wire.assignment_from_proto(suggestion.assignment), labels=dict(suggestion.labels), parent=parent)
        return response

    @property
    def keys(self) -> list[str]:
        """Keys of all assignments, in order."""
        records = (self.records[number] for number in sorted(self.records))
        return [self.spec.space.key(wire.assignment_from_proto(record.assignment)) for record in records]


def suggest(channel: grpc.Channel, *parts: messages.SuggestHeader | messages.HistoryChunk) -> messages.SuggestResponse:
    """Send these messages, whatever they are."""
    requests = [
        messages.SuggestRequest(header=part)
        if isinstance(part, messages.SuggestHeader)
        else messages.SuggestRequest(history=part)
        for part in parts
    ]
    with rpc_errors():
        return suggestion_pb2_grpc.SuggestionServiceStub(channel).Suggest(iter(requests), timeout=30)
