"""One transaction, put together from its parts."""

from tunesmith.manager.storage._attempts import Attempts
from tunesmith.manager.storage._decisions import Decisions
from tunesmith.manager.storage._leases import Leases
from tunesmith.manager.storage._observations import Observations
from tunesmith.manager.storage._requests import Requests
from tunesmith.manager.storage._studies import Studies
from tunesmith.manager.storage._tokens import Tokens
from tunesmith.manager.storage._trial_pages import TrialPages
from tunesmith.manager.storage._worker_leases import WorkerLeases


class Tx(Studies, Attempts, Observations, Decisions, Requests, Leases, Tokens, TrialPages, WorkerLeases):
    """One transaction. Reads see what it wrote. Not to be kept after the transaction, nor used by two threads.

    In a transaction that writes, reading a study locks it: what was read holds until the end, and what is decided from
    it is decided on the truth. An exception leaves nothing behind when it leaves `Store.write`.
    """
