"""The calls about what trials leave behind: observations, events, logs."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

from tunesmith.manager._attempts import OUTPUT
from tunesmith.manager.api import _requests as requests
from tunesmith.manager.api import _views as views
from tunesmith.manager.api._base import Calls, find
from tunesmith.manager.api._presence import present, present_stream
from tunesmith.manager.storage import AttemptRow, StoredObservation, Tx
from tunesmith.services.errors import NotFound, NotNow
from tunesmith.v1 import manager_pb2 as pb

LOG_PIECE = 64 * 1024
"""Bytes of a log in one message."""
LOG_TICK = 0.25
"""Seconds between two looks at a log that is followed."""
OBSERVATIONS = 10_000
"""Observations in one message."""


class RecordCalls(Calls):
    """Report and query observations, list events, stream logs."""

    @present
    async def ReportObservations(
        self, request: pb.ReportObservationsRequest, context: object
    ) -> pb.ReportObservationsResponse:
        """Store what an attempt reports over the wire. Idempotent by source and sequence, so no request_id is kept."""
        rows = requests.rows_of(request.observations, self._now())

        name = ""

        def work(tx: Tx) -> tuple[str, pb.ReportObservationsResponse]:
            nonlocal name
            study, trial = find(tx, request.trial)
            name = trial.name
            if request.attempt != trial.attempt or not trial.attempt_open:
                raise NotNow(
                    f"only the running attempt may report, but attempt {request.attempt} of {trial.name} is not it"
                    f" (attempt={trial.attempt}, running={trial.attempt_open})"
                )
            stored = tx.add_observations(trial.id, request.attempt, rows)
            reply = pb.ReportObservationsResponse(should_stop=trial.stop_kind is not None, stored=stored)
            return study.uid, reply

        uid, reply = await self._database.write(work)
        if self._context.workers is not None:  # a report is a sign of life
            self._context.workers.hear((name, request.attempt), told=reply.should_stop)
        self._engine.reported(uid)
        return reply

    @present_stream
    async def QueryObservations(
        self, request: pb.QueryObservationsRequest, context: object
    ) -> AsyncIterator[pb.QueryObservationsResponse]:
        """Stored observations of one attempt, by source."""
        _, trial = await self._database.read(lambda tx: find(tx, request.trial))
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
            found = tx.events(study.uid, number, after, size + 1, request.reason)
            names = {n: tx.trial(study.uid, n).name for n in {e.trial_number for e in found[:size]} if n is not None}
            token = str(found[size - 1].id) if len(found) > size else ""
            events = [views.event_message(event, names) for event in found[:size]]
            return pb.ListEventsResponse(events=events, next_page_token=token)

        return await self._database.read(work)

    @present
    async def ListDecisions(self, request: pb.ListDecisionsRequest, context: object) -> pb.ListDecisionsResponse:
        """A page of early-stopping decisions, oldest first."""
        key, size = requests.key_of(request.study), requests.page_size(request.page_size, 1000, 10_000)
        after = requests.number_token(request.page_token, 0)

        def work(tx: Tx) -> pb.ListDecisionsResponse:
            study = tx.find_study(*key)
            number = tx.find_trial(study.uid, request.trial).number if request.trial else None
            found = tx.decisions(study.uid, number, after, size + 1, stops=request.stops)
            token = str(found[size - 1].id) if len(found) > size else ""
            names = {row.trial_number: tx.trial(study.uid, row.trial_number).name for row in found[:size]}
            decisions = [views.decision_message(row, names[row.trial_number]) for row in found[:size]]
            return pb.ListDecisionsResponse(decisions=decisions, next_page_token=token)

        return await self._database.read(work)

    @present_stream
    async def StreamLogs(self, request: pb.StreamLogsRequest, context: object) -> AsyncIterator[pb.StreamLogsResponse]:
        """What an attempt printed, and with `follow` what it still prints."""

        def attempt_of(tx: Tx) -> AttemptRow | None:
            _, trial = find(tx, request.trial)
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
