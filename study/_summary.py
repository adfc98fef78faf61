"""Numbers over many observations, kept up to date one value at a time."""

from dataclasses import dataclass, replace
from math import isfinite

from tunesmith.study._spec import Strategy
from tunesmith.study._values import LARGEST


def _sum(total: float, value: float) -> float:
    """Add, staying finite: an infinite total would be null in every table for ever after."""
    return min(max(total + value, -LARGEST), LARGEST)


@dataclass(frozen=True, slots=True)
class MetricSummary:
    """Numbers over one trial's finite observations of one metric, of its last attempt.

    `count`: finite observations; `non_finite`: the others, which enter nothing else. While `count` is 0, `total` is 0
    and the other numbers are None. `first` and `latest` are by order of arrival.
    """

    metric: str
    min: float | None = None
    max: float | None = None
    total: float = 0.0
    latest: float | None = None
    first: float | None = None
    count: int = 0
    non_finite: int = 0

    @property
    def average(self) -> float | None:
        """The mean, held between min and max, which rounding would leave; None without a finite observation."""
        if self.min is None or self.max is None:
            return None
        return min(max(self.total / self.count, self.min), self.max)

    def add(self, value: float) -> "MetricSummary":
        """The summary with one observation more."""
        if not isfinite(value):
            return replace(self, non_finite=self.non_finite + 1)
        return MetricSummary(  # not `replace`, which takes longer: there are 50,000 observations a second
            self.metric,
            value if self.min is None else min(self.min, value),
            value if self.max is None else max(self.max, value),
            _sum(self.total, value),
            value,
            value if self.first is None else self.first,
            self.count + 1,
            self.non_finite,
        )

    def value(self, strategy: Strategy) -> float | None:
        """The number that is the value of the metric; None without a finite observation."""
        match strategy:
            case Strategy.MIN:
                return self.min
            case Strategy.MAX:
                return self.max
            case Strategy.AVERAGE:
                return self.average
            case Strategy.LATEST:
                return self.latest


@dataclass(frozen=True, slots=True)
class StudyMetricSummary:
    """Numbers over the values of one metric of a study's succeeded trials; `count` is 1 or more."""

    metric: str
    min: float
    max: float
    total: float
    count: int

    @classmethod
    def of(cls, metric: str, value: float) -> "StudyMetricSummary":
        """The summary of one finite value."""
        return cls(metric, value, value, value, 1)

    @property
    def average(self) -> float:
        """The mean, held between min and max, which rounding would leave."""
        return min(max(self.total / self.count, self.min), self.max)

    def add(self, value: float) -> "StudyMetricSummary":
        """The summary with one finite value more; a value that is not finite changes nothing."""
        if not isfinite(value):
            return self
        return replace(
            self,
            min=min(self.min, value),
            max=max(self.max, value),
            total=_sum(self.total, value),
            count=self.count + 1,
        )
