"""What a document says of metrics: `objective`, `objectives`, `metrics`."""

from tunesmith.study._cursor import Cursor
from tunesmith.study._kinds_many import ListOf, ShortOr
from tunesmith.study._kinds_scalar import Choice, Number, Text
from tunesmith.study._record import Field, Record, Values
from tunesmith.study._spec import MetricSpec, Objective, ObjectiveType, Strategy

MAX_METRICS = 100

METRIC_NAME = Text(r"[^\s\x00-\x1f\x7f]+", "consist of visible characters without spaces", longest=250)
_STRATEGIES = {ObjectiveType.MAXIMIZE: Strategy.MAX, ObjectiveType.MINIMIZE: Strategy.MIN}


def _default_strategy(at: Cursor, values: Values) -> None:
    if values.get("strategy", "") is None and "type" in values:
        values["strategy"] = _STRATEGIES[values["type"]]


OBJECTIVE = Record(
    Objective,
    (
        Field("metric", METRIC_NAME, "Name of the metric, as the trial reports it."),
        Field("type", Choice(ObjectiveType), "Which way it is better."),
        Field("goal", Number(), "The study ends when a succeeded trial reaches it.", None),
        Field(
            "strategy",
            Choice(Strategy),
            "Which number of a trial's reports is its value. Absent: max when maximizing, min when minimizing.",
            None,
        ),
    ),
    rule=_default_strategy,
)

_METRIC = Record(
    MetricSpec,
    (
        Field("name", METRIC_NAME, "Name of the metric, as the trial reports it."),
        Field("strategy", Choice(Strategy), "Which number of a trial's reports is its value.", Strategy.LATEST),
    ),
)

OBJECTIVE_FIELD = Field("objective", OBJECTIVE, "What the study optimizes.", None)
OBJECTIVES_FIELD = Field(
    "objectives",
    ListOf(OBJECTIVE, least=1, most=1, too_many="several objectives are not supported yet"),
    "What the study optimizes, as a list.",
    None,
)
METRICS = Field(
    "metrics",
    ListOf(
        ShortOr(
            METRIC_NAME,
            _METRIC,
            MetricSpec,
            lambda metric: metric.name if metric.strategy is Strategy.LATEST else None,
            "a metric's name, or a mapping with `name` and `strategy`",
        ),
        most=MAX_METRICS,
    ),
    f"Metrics recorded beside the objective. Absent: every metric seen, {MAX_METRICS} names at most. []: none.",
    None,
)


def check_metrics(at: Cursor, values: Values) -> None:
    """Tell of metrics that are named twice."""
    seen = {objective.metric: "the objective" for objective in values.get("objectives") or ()}
    for index, metric in enumerate(values.get("metrics") or ()):
        if metric.name in seen:
            at.reach(("metrics", index)).refuse(
                f"must be named once, but `{metric.name}` is {seen[metric.name]} already"
            )
        seen.setdefault(metric.name, f"metrics[{index}]")
