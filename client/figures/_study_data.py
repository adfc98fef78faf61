"""What figures are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from tunesmith.client._trial_values import Observation, Trial
from tunesmith.client._values import Study
from tunesmith.client.figures._choice import curves_drawn

if TYPE_CHECKING:
    from tunesmith.client._client import Client
    from tunesmith.study import StudySpec


@dataclass(frozen=True)
class StudyData:
    """A study with its trials, as they were at one moment.

    Attributes:
        study: The study.
        trials: All its trials, by number.
        observations: What trials reported, by their number; only curves need it, and only of those that they draw.
        now: When that was; None: when last something is known to have happened.
    """

    study: Study
    trials: tuple[Trial, ...]
    observations: Mapping[int, tuple[Observation, ...]] = field(default_factory=dict)
    now: datetime | None = None

    @property
    def spec(self) -> "StudySpec":
        """What the study's document says."""
        return self.study.spec

    @classmethod
    def load(cls, client: "Client", key: str, *, observations: bool = False, metric: str | None = None) -> Self:
        """Ask a manager.

        Args:
            client: Who asks.
            key: The study's name, in the client's namespace.
            observations: Whether to ask for the reports that curves are drawn from.
            metric: Of which metric; None: the objective.

        Raises:
            NotFound: There is no such study.
        """
        study, trials = client.study(key), tuple(client.trials(key))
        wanted = curves_drawn(study, trials) if observations else ()
        names = [metric or study.spec.objective.metric]
        rows = {trial.number: tuple(client.observations(key, trial.number, metrics=names)) for trial in wanted}
        return cls(study, trials, rows, datetime.now(UTC))
