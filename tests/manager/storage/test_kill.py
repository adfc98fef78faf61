"""A process killed in the middle of its writes loses nothing that was committed, and leaves nothing half done."""

import subprocess
import sys
import time
from pathlib import Path

from tests.store_samples import new_study

from tunesmith.manager.storage import Store, Tx, open_store
from tunesmith.study import TrialState

TESTS = Path(__file__).parents[2]


def test_kill_loses_nothing_committed(store_url: str) -> None:
    store = open_store(store_url)
    uid = new_study(store).uid
    store.close()
    committed: set[int] = set()
    for round in range(2):
        program = [sys.executable, str(TESTS / "store_killed.py"), store_url, uid]
        env = {"PYTHONPATH": f"{TESTS.parent / 'src'}:{TESTS.parent}", "PATH": "/usr/bin:/bin"}
        writer = subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env=env)
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(0.1 + 0.137 * round)  # at any instant
        writer.kill()
        committed |= {int(first), *map(int, writer.stdout.read().split())}
        writer.wait()
        writer.stdout.close()
        again = open_store(store_url)
        check_whole(again, uid, committed)
        again.close()


def check_whole(store: Store, uid: str, committed: set[int]) -> None:
    def look(tx: Tx) -> None:
        study, trials = tx.study(uid), tx.list_trials(uid, limit=10**6)
        assert [trial.number for trial in trials] == list(range(study.next_number))
        done = [trial for trial in trials if trial.state is TrialState.SUCCEEDED]
        # Each died in the middle of one trial at most, which is as it was after its last step.
        assert study.counts[TrialState.SUCCEEDED] == len(done) == study.rank
        assert {trial.number for trial in done} >= committed
        assert len(trials) - len(done) <= 2
        assert [s.count for s in tx.study_summaries(uid)] == [len(done)] * 2
        assert study.revision == max(trial.revision for trial in trials)
        assert tx.digest_at(uid, study.revision) == study.digest
        for trial in done:
            assert [o.value for o in tx.observations(trial.id, 1)] == [0.5, 2.0]

    store.read(look)
