"""What a document says of the course of a study: `algorithm`, `earlyStopping`, `limits`, `retry`."""

from tunesmith.study._cursor import Cursor
from tunesmith.study._kinds_many import ListOf, MapOf
from tunesmith.study._kinds_quantity import Span
from tunesmith.study._kinds_scalar import INT32, INT64, Choice, Text, Value, Whole
from tunesmith.study._record import Field, Record, Values
from tunesmith.study._spec import AlgorithmSpec, Limits, Retry, RuleSpec
from tunesmith.study._states import FailureClass

_NAME = Text("[A-Za-z0-9][A-Za-z0-9_.-]*", "consist of letters, digits, '_', '.' and '-'", longest=63)
_ADDRESS = Text(
    r"unix:.+|(https://)?([^\s:/]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}", "be host:port, https://host:port or unix:PATH"
)

ALGORITHM = Record(
    AlgorithmSpec,
    (
        Field(
            "name",
            _NAME,
            "The algorithm; `tunesmith algorithms` lists them. auto: chosen from the space and the limits.",
            "auto",
        ),
        Field(
            "settings",
            MapOf(
                Value(),
                known={"seed": Whole(0, INT64)},
                known_docs={"seed": "Seed of everything random in the study. Absent: drawn when the study is created."},
            ),
            "Settings of the algorithm, and `seed`.",
            {},
        ),
        Field("endpoint", _ADDRESS, "Address of a suggestion service of your own that offers the algorithm.", ""),
    ),
)

EARLY_STOPPING = Record(
    RuleSpec,
    (
        Field("name", _NAME, "The rule; `tunesmith rules` lists them."),
        Field("settings", MapOf(Value()), "Settings of the rule.", {}),
        Field("endpoint", _ADDRESS, "Address of an early-stopping service of your own that offers the rule.", ""),
    ),
)

_COUNT = Whole(1, INT32)

LIMITS = Record(
    Limits,
    (
        Field("trials", _COUNT, "Trials in all. Needed, unless the space is finite or `duration` is given.", None),
        Field("parallel", _COUNT, "Trials that run at the same time.", 1),
        Field("failed", Whole(0, INT32), "The study ends when more trials than this have failed, after retries.", 3),
        Field("duration", Span(), "Time that the study may spend running: 2h, 1h30m, 90s, or seconds.", None),
        Field(
            "trialDuration",
            Span(),
            "Time that one attempt of a trial may take: 10m, 90s, or seconds.",
            None,
            "trial_duration",
        ),
    ),
    later=("cost",),
)


def _default_classes(at: Cursor, values: Values) -> None:
    """Who asks for attempts and names no failures means all of them."""
    if values.get("on", ()) is None and "attempts" in values:
        values["on"] = tuple(FailureClass) if values["attempts"] > 1 else ()
    elif values.get("on") == () and values.get("attempts", 1) > 1:
        at.reach(("on",)).refuse("must name at least one failure class, or be left out for all of them")


RETRY = Record(
    Retry,
    (
        Field("attempts", _COUNT, "Attempts of a trial in all, the first one included."),
        Field("on", ListOf(Choice(FailureClass), unique=True), "Failures that are tried again. Absent: all.", None),
        Field("backoff", Span(zero=True), "Wait before the second attempt; doubled for each further one.", 10.0),
    ),
    rule=_default_classes,
)
