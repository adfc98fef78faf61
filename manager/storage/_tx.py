"""What can be done in one transaction. This file holds the signatures until the parts are there."""

from collections.abc import Mapping, Sequence

from tunesmith.manager.storage._rows import (
    AttemptRow,
    EventRow,
    NewTrial,
    ObservationRow,
    StoredObservation,
    StudyRow,
    TokenRow,
    TrialRow,
)
from tunesmith.study import (
    Assignment,
    AttemptEnding,
    FailureClass,
    Limits,
    MetricSummary,
    StudyJob,
    StudyMetricSummary,
    StudyState,
    TrialState,
)


class Tx:
    """One transaction. Reads see what it wrote. Not to be kept after the transaction, nor used by two threads."""

    # studies

    def insert_study(self, uid: str, job: StudyJob, now: float) -> StudyRow:
        """Add a study in state Created. Raises AlreadyExists when (namespace, name) is taken."""
        raise NotImplementedError

    def study(self, uid: str) -> StudyRow:
        """The study. Raises NotFound."""
        raise NotImplementedError

    def find_study(self, namespace: str, name: str) -> StudyRow:
        """The study of that name. Raises NotFound."""
        raise NotImplementedError

    def list_studies(
        self,
        namespace: str = "",
        states: Sequence[StudyState] = (),
        labels: Mapping[str, str] | None = None,
        after: str = "",
        limit: int = 100,
    ) -> list[StudyRow]:
        """Studies in the order in which they were made, after the one whose `str(row.id)` is `after`.

        Empty `namespace`, `states`: all; `labels`: studies that have all of these. A bad `after` raises FixRequest.
        """
        raise NotImplementedError

    def live_studies(self) -> list[str]:
        """Uids of the studies that are not final, in the order in which they were made."""
        raise NotImplementedError

    def delete_study(self, uid: str) -> None:
        """Forget the study with all its rows, lease included. Raises NotFound."""
        raise NotImplementedError

    def edit_study(
        self,
        uid: str,
        *,
        limits: Limits | None = None,
        labels: Mapping[str, str] | None = None,
        initial: Sequence[Assignment] | None = None,
        now: float,
    ) -> StudyRow:
        """Replace what is given, raise the generation, and add an event that names the differences. Raises NotFound."""
        raise NotImplementedError

    def move_study(self, uid: str, state: StudyState, reason: str, message: str, now: float) -> StudyRow:
        """Move the study, keep its times, and add an event. Raises NotFound, TransitionError."""
        raise NotImplementedError

    # trials

    def add_trials(self, uid: str, trials: Sequence[NewTrial], now: float) -> list[TrialRow]:
        """Add trials in state Pending with the next numbers, and an event for each. Raises NotFound."""
        raise NotImplementedError

    def live_trials(self, uid: str) -> list[TrialRow]:
        """Pending and Running trials by number."""
        raise NotImplementedError

    def trial(self, uid: str, number: int) -> TrialRow:
        """The trial. Raises NotFound."""
        raise NotImplementedError

    def trial_by_id(self, trial_id: int) -> TrialRow:
        """The trial. Raises NotFound."""
        raise NotImplementedError

    def find_trial(self, uid: str, name_or_number: str) -> TrialRow:
        """The trial by its name, or by its number in decimal digits. Raises NotFound."""
        raise NotImplementedError

    def list_trials(
        self, uid: str, states: Sequence[TrialState] = (), after: int = -1, limit: int = 1000
    ) -> list[TrialRow]:
        """Trials by number, after number `after`; empty `states`: all."""
        raise NotImplementedError

    def trials_since(self, uid: str, revision: int, limit: int = 1000) -> list[TrialRow]:
        """Trials that changed after `revision`, in the order of their revisions."""
        raise NotImplementedError

    def digest_at(self, uid: str, revision: int) -> int | None:
        """The study's digest at a revision it had, unsigned; None: it never had that revision."""
        raise NotImplementedError

    def move_trial(
        self,
        trial_id: int,
        state: TrialState,
        reason: str,
        message: str,
        now: float,
        *,
        not_before: float | None = None,
    ) -> TrialRow:
        """Move the trial, and everything that follows from it, in one go; add an event.

        Final states give it a completion rank and its value; Succeeded enters its metrics into the study summaries and
        the best. Back to Pending forgets value, rank and stop intent; from a final state (a user's retry) also failures.

        Raises:
            NotFound: No such trial.
            TransitionError: The table has no such move, or its attempt is still open (close it first).
        """
        raise NotImplementedError

    def request_stop(self, trial_id: int, kind: str, reason: str, now: float) -> TrialRow:
        """Note that the trial should stop. The first intent wins, except that `kill` overrides `interrupt`.

        Changes nothing of a trial that is final, and is no change of state: the revision stays, and there is no event.
        """
        raise NotImplementedError

    # attempts

    def open_attempt(self, trial_id: int, folder: str, now: float) -> AttemptRow:
        """Open the next attempt of a Pending trial; its summaries begin empty. Raises TransitionError when one is open."""
        raise NotImplementedError

    def launched(self, trial_id: int, now: float) -> TrialRow:
        """Pending to Running, with an event; a Running trial stays as it is. Raises TransitionError without open attempt."""
        raise NotImplementedError

    def close_attempt(
        self,
        trial_id: int,
        ending: AttemptEnding,
        now: float,
        failure_class: FailureClass | None = None,
        exit_status: int | None = None,
        message: str = "",
    ) -> bool:
        """Write the ending of the open attempt; `failed` counts as a failure. False: none was open, nothing changed."""
        raise NotImplementedError

    def attempts(self, trial_id: int) -> list[AttemptRow]:
        """All attempts by number."""
        raise NotImplementedError

    # observations

    def add_observations(
        self, trial_id: int, attempt: int, rows: Sequence[ObservationRow], offset: tuple[str, int] | None = None
    ) -> int:
        """Store what is new, and bring the attempt's summaries up to date.

        A row whose (source, sequence, metric) the attempt has already changes nothing. Metrics that the study does not
        record are left out, and so are those beyond 100 names when it records every metric (objectives always count).

        Args:
            trial_id: The trial.
            attempt: One of its attempts, usually the last.
            rows: In the order in which they were reported.
            offset: Source and position up to which it has been read; committed with the rows.

        Returns:
            How many rows were stored.

        Raises:
            NotFound: No such trial.
            NotNow: No such attempt, or the trial is final and there are new rows.
        """
        raise NotImplementedError

    def offsets(self, trial_id: int, attempt: int) -> dict[str, int]:
        """Position up to which each source of the attempt has been read."""
        raise NotImplementedError

    def summaries(self, trial_ids: Sequence[int]) -> dict[int, list[MetricSummary]]:
        """Summaries of the last attempt of each trial, in the order in which the metrics came; every id has an entry."""
        raise NotImplementedError

    def study_summaries(self, uid: str) -> list[StudyMetricSummary]:
        """Summaries over the succeeded trials, by metric name."""
        raise NotImplementedError

    def observations(
        self, trial_id: int, attempt: int, metrics: Sequence[str] = (), after: int = 0, limit: int = 10_000
    ) -> list[StoredObservation]:
        """Observations in the order in which they came, after position `after`; empty `metrics`: all."""
        raise NotImplementedError

    # events

    def add_event(self, uid: str, trial_number: int | None, state: str, reason: str, message: str, now: float) -> None:
        """Add an event beside those of the transitions. `state` empty: none changed."""
        raise NotImplementedError

    def events(self, uid: str, trial: int | None = None, after: int = 0, limit: int = 1000) -> list[EventRow]:
        """Events with an id above `after` by id: of the study and all its trials, or of trial number `trial`."""
        raise NotImplementedError

    # requests

    def recall(self, request_id: str) -> bytes | None:
        """The reply given to this request within the last day; None: it is new."""
        raise NotImplementedError

    def remember(self, request_id: str, method: str, reply: bytes, now: float) -> None:
        """Keep the reply for a day. Another manager answering the same request meanwhile raises TryAgain at once."""
        raise NotImplementedError

    # leases

    def acquire_lease(self, uid: str, owner: str, now: float, ttl: float) -> int | None:
        """Take the study's lease when it is free, run out, or `owner`'s already. Each success raises the epoch.

        Returns:
            The new epoch; None: another owner holds the lease.
        """
        raise NotImplementedError

    def renew_lease(self, uid: str, owner: str, epoch: int, now: float, ttl: float) -> bool:
        """Hold the lease until `now + ttl`. False: it is somebody else's."""
        raise NotImplementedError

    def release_lease(self, uid: str, owner: str, epoch: int) -> bool:
        """Free the lease at once. False: it is somebody else's."""
        raise NotImplementedError

    # tokens

    def add_token(self, name: str, hash: bytes, role: str, now: float) -> None:
        """Add a token. Raises AlreadyExists when the name or the hash is taken."""
        raise NotImplementedError

    def token_by_hash(self, hash: bytes) -> TokenRow | None:
        """The token with that hash."""
        raise NotImplementedError

    def list_tokens(self) -> list[TokenRow]:
        """All tokens by name."""
        raise NotImplementedError

    def delete_token(self, name: str) -> None:
        """Forget the token. Raises NotFound."""
        raise NotImplementedError
