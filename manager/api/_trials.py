"""The calls about trials."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial

from tunesmith.manager.api import _operations as operations
from tunesmith.manager.api import _requests as requests
from tunesmith.manager.api import _trial_views as views
from tunesmith.manager.api._base import PERIOD, QUIET, Calls, find, trial_of
from tunesmith.manager.api._enqueue import enqueue
from tunesmith.manager.api._presence import present, present_stream
from tunesmith.manager.api._trial_queries import cursor_of, query_of, token_of
from tunesmith.manager.storage import StudyRow, TrialRow, Tx
from tunesmith.v1 import manager_pb2 as pb


class TrialCalls(Calls):
    """Read, watch, stop, retry and enqueue trials."""

    @present
    async def GetTrial(self, request: pb.GetTrialRequest, context: object) -> pb.GetTrialResponse:
        """One trial."""

        def work(tx: Tx) -> pb.GetTrialResponse:
            _, trial = find(tx, request.key)
            return pb.GetTrialResponse(trial=trial_of(tx, trial))

        return await self._database.read(work)

    @present
    async def ListTrials(self, request: pb.ListTrialsRequest, context: object) -> pb.ListTrialsResponse:
        """A page of trials, in the order that is asked for."""
        key, size = requests.key_of(request.study), requests.page_size(request.page_size, 1000, 10_000)
        query, after, wanted = query_of(request), cursor_of(request), views.wanted_fields(request.read_mask)

        def work(tx: Tx) -> pb.ListTrialsResponse:
            found = tx.find_trials(tx.find_study(*key).uid, query, after, request.skip, size)
            trials = [views.trial_message(view, wanted) for view in views.read_trials(tx, found.trials, wanted)]
            token = token_of(request, found.end)
            return pb.ListTrialsResponse(trials=trials, next_page_token=token, total_size=found.total)

        return await self._database.read(work)

    @present_stream
    async def WatchTrials(
        self, request: pb.WatchTrialsRequest, context: object
    ) -> AsyncIterator[pb.WatchTrialsResponse]:
        """Trials that changed after a revision, then each further change, until the study is final."""
        key, revision = requests.key_of(request.study), request.since_revision
        wanted = views.wanted_fields(request.read_mask)
        uid = (await self._database.read(lambda tx: tx.find_study(*key))).uid

        def work(since: int, tx: Tx) -> tuple[StudyRow, list[views.TrialView]]:
            return tx.study(uid), views.read_trials(tx, tx.trials_since(uid, since, 1000), wanted)

        while True:
            count = self._engine.news.count(uid)
            row, found = await self._database.read(partial(work, revision))
            if found:
                revision = found[-1].row.revision
                trials = [views.trial_message(view, wanted) for view in found]
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

    @present
    async def EnqueueTrials(self, request: pb.EnqueueTrialsRequest, context: object) -> pb.EnqueueTrialsResponse:
        """Add trials with assignments of the caller's own."""
        key = requests.key_of(request.study)
        given, uid = requests.assignments_of(request.assignments), ""

        def work(tx: Tx) -> pb.EnqueueTrialsResponse:
            nonlocal uid
            study = tx.find_study(*key)
            uid = study.uid
            trials = [trial_of(tx, row) for row in enqueue(tx, study, given, self._now())]
            return pb.EnqueueTrialsResponse(trials=trials)

        reply = await self._once("EnqueueTrials", request.request_id, pb.EnqueueTrialsResponse, work)
        if uid:
            await self._engine.drive(uid)
        return reply

    async def _change_trial(
        self,
        method: str,
        request: pb.StopTrialRequest | pb.RetryTrialRequest,
        change: Callable[[Tx, StudyRow, TrialRow], TrialRow],
    ) -> pb.Trial:
        uid = ""

        def work(tx: Tx) -> pb.Trial:
            nonlocal uid
            study, trial = find(tx, request.key)
            uid = study.uid
            return trial_of(tx, change(tx, study, trial))

        trial = await self._once(method, request.request_id, pb.Trial, work)
        if uid:
            await self._engine.drive(uid)
        return trial
