"""The store: every study, trial and observation, in SQLite or PostgreSQL. The database is the truth.

`open_store(url)` gives a `Store`; `store.write(work)` and `store.read(work)` run `work(tx)` in one transaction.
"""

from tunesmith.manager.storage._errors import DatabaseUnusable
from tunesmith.manager.storage._fence import Fence, Fenced
from tunesmith.manager.storage._numbers import evenly
from tunesmith.manager.storage._rows import (
    AttemptRow,
    DecisionRow,
    EditRow,
    EventRow,
    Explanation,
    NewDecision,
    NewTrial,
    ObservationRow,
    Sample,
    StoredObservation,
    StudyRow,
    TokenRow,
    TrialCursor,
    TrialPage,
    TrialQuery,
    TrialRow,
    WorkerLease,
)
from tunesmith.manager.storage._store import Store, open_store, upgrade
from tunesmith.manager.storage._tx import Tx

__all__ = [
    "AttemptRow",
    "DatabaseUnusable",
    "DecisionRow",
    "EditRow",
    "EventRow",
    "Explanation",
    "Fence",
    "Fenced",
    "NewDecision",
    "NewTrial",
    "ObservationRow",
    "Sample",
    "Store",
    "StoredObservation",
    "StudyRow",
    "TokenRow",
    "TrialCursor",
    "TrialPage",
    "TrialQuery",
    "TrialRow",
    "Tx",
    "WorkerLease",
    "evenly",
    "open_store",
    "upgrade",
]
