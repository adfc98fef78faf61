"""What a writer has read and written of the studies and trials that go on.

Within a transaction the locked row of a study keeps it true. On SQLite, where nearly always one process writes, it is
kept from one transaction to the next, which saves half of the statements; `Store` throws it away when a transaction
fails, or when another process has written.
"""

from collections.abc import Sequence
from typing import Final

from tunesmith.manager.storage._head import Head
from tunesmith.manager.storage._keys import study_of
from tunesmith.manager.storage._ledger import Ledger
from tunesmith.manager.storage._rows import TrialRow
from tunesmith.study import StudyMetricSummary

_MOST: Final = 10_000


class Live:
    """What is known, by the ids of the tables.

    `trials` holds only trials that are not final; `ledgers` are by trial and attempt, `summaries` (None: there is none)
    by study and metric, `epochs` of leases by uid.
    """

    def __init__(self) -> None:
        """Nothing known."""
        self.heads: dict[int, Head] = {}
        self.trials: dict[int, TrialRow] = {}
        self.ledgers: dict[tuple[int, int], Ledger] = {}
        self.summaries: dict[tuple[int, str], StudyMetricSummary | None] = {}
        self.epochs: dict[str, int] = {}
        self._whole: set[int] = set()  # studies of which every live trial is known
        self._ids: dict[str, int] = {}

    def head_of(self, uid: str) -> Head | None:
        """The head of the study, when it is known."""
        study_id = self._ids.get(uid)
        return None if study_id is None else self.heads[study_id]

    def put_head(self, head: Head) -> Head:
        """Keep a head that was read; one that is here already stays, for it holds what is not written yet."""
        self._ids[head.uid] = head.id
        return self.heads.setdefault(head.id, head)

    def put_trial(self, trial: TrialRow) -> None:
        """Keep a trial as it was read or written, while it goes on."""
        if trial.state.final:
            self.trials.pop(trial.id, None)
            self.ledgers.pop((trial.id, trial.attempt), None)
        else:
            self.trials[trial.id] = trial

    def live_trials(self, study_id: int) -> list[TrialRow] | None:
        """The study's trials that are not final, by number; None: not all of them are known."""
        if study_id not in self._whole:
            return None
        return [self.trials[key] for key in sorted(key for key in self.trials if study_of(key) == study_id)]

    def put_live_trials(self, study_id: int, trials: Sequence[TrialRow]) -> None:
        """Keep all trials of the study that are not final."""
        self._whole.add(study_id)
        for trial in trials:
            self.put_trial(trial)

    def forget(self, head: Head) -> None:
        """Forget a study with its trials."""
        del self.heads[head.id], self._ids[head.uid]
        self._whole.discard(head.id)
        self.epochs.pop(head.uid, None)
        self.summaries = {key: summary for key, summary in self.summaries.items() if key[0] != head.id}
        self.trials = {key: trial for key, trial in self.trials.items() if study_of(key) != head.id}
        self.ledgers = {key: ledger for key, ledger in self.ledgers.items() if study_of(key[0]) != head.id}

    def is_large(self) -> bool:
        """Whether so much is known that it should be forgotten, for its memory."""
        known = (self.heads, self.trials, self.ledgers, self.summaries, self.epochs)
        return sum(len(part) for part in known) > _MOST
