"""A study as the service holds it between calls."""

from dataclasses import dataclass, field
from typing import Any

from tunesmith.earlystop._curves import Curves
from tunesmith.earlystop._rule import Rule, StudyView
from tunesmith.services.settings import Settings
from tunesmith.study import StudySpec
from tunesmith.v1 import types_pb2


@dataclass(frozen=True, slots=True)
class Job:
    """What a study's spec comes to. `message` is the spec as it came, by which a changed one is known."""

    message: types_pb2.StudySpec
    spec: StudySpec
    rule: Rule
    settings: Settings
    seed: int


@dataclass(slots=True)
class Held:
    """One study at a revision. Changed only under the study's lock."""

    uid: str
    job: Job
    curves: Curves = field(default_factory=Curves)
    revision: int = 0
    digest: int = 0
    memo: dict[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Count its observations and trials."""
        return self.curves.size

    def view(self) -> StudyView:
        """Show it to a rule."""
        job, held = self.job, self.curves
        return StudyView(
            self.uid,
            job.spec,
            job.seed,
            job.settings,
            held.curves,
            held.ended,
            held.running,
            held.assignments,
            held.version,
            held.epoch,
            self.memo,
        )
