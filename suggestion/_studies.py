"""A study as the service holds it between calls."""

from dataclasses import dataclass, field
from typing import Any

from tunesmith.services.settings import Settings
from tunesmith.study import StudySpec
from tunesmith.suggestion._algorithm import Algorithm, StudyView
from tunesmith.suggestion._history import History
from tunesmith.v1 import types_pb2


@dataclass(frozen=True, slots=True)
class Job:
    """What a study's spec comes to. `message` is the spec as it came, by which a changed one is known."""

    message: types_pb2.StudySpec
    spec: StudySpec
    algorithm: Algorithm
    settings: Settings
    seed: int


@dataclass(slots=True)
class Held:
    """One study at a revision. Changed only under the study's lock."""

    uid: str
    job: Job
    history: History
    revision: int = 0
    digest: int = 0
    memo: dict[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Count its trials."""
        return len(self.history)

    def view(self) -> StudyView:
        """Show it to an algorithm."""
        job, history = self.job, self.history
        return StudyView(
            self.uid, job.spec, job.seed, job.settings, history.records, history.tried, history.log, self.memo
        )
