"""What a document says: the spec with all its parts, and the StudyJob around it."""

from dataclasses import replace
from functools import partial
from typing import Any

from tunesmith.study._check_spec import Known, check_initial, check_limits, make_space, read_known
from tunesmith.study._check_trial import check_placeholders
from tunesmith.study._cursor import Cursor, found
from tunesmith.study._kinds_many import ListOf, MapOf
from tunesmith.study._kinds_scalar import Choice, Const, Text
from tunesmith.study._record import Field, Record, Values
from tunesmith.study._space import SearchSpace
from tunesmith.study._spec import (
    AlgorithmSpec,
    CollectorSpec,
    Limits,
    OnCompletion,
    Retry,
    StudyJob,
    StudySpec,
    TrialTemplate,
)
from tunesmith.study._table_goal import METRICS, OBJECTIVE, OBJECTIVE_FIELD, OBJECTIVES_FIELD, check_metrics
from tunesmith.study._table_run import ALGORITHM, EARLY_STOPPING, LIMITS, RETRY
from tunesmith.study._table_space import CONSTRAINTS, INITIAL, PARAMETERS
from tunesmith.study._table_trial import COLLECTOR, IDLE_TRIAL, TRIAL
from tunesmith.study.naming import _LABEL, MAX_NAME, MAX_STUDY_NAME, check_name

API_VERSION = "tunesmith.dev/v1"
KIND = "StudyJob"
MAX_LABELS = 63

_TRIAL_FIELD = Field("trial", TRIAL, "How one trial runs.")


def _make_spec(objective: Any, algorithm: AlgorithmSpec, **rest: Any) -> StudySpec:
    """The spec; `rest` is the same in the document and in the program by now."""
    settings: Values = dict(algorithm.settings)
    seed = settings.pop("seed", None)
    return StudySpec(algorithm=replace(algorithm, settings=settings), seed=seed, **rest)


def _split_spec(record: Record[StudySpec], spec: StudySpec) -> Values:
    seed = {} if spec.seed is None else {"seed": spec.seed}
    one = len(spec.objectives) == 1
    return {
        "objective": spec.objective if one else None,
        "objectives": None if one else spec.objectives,
        "parameters": spec.space.parameters,
        "constraints": spec.space.constraints,
        **{name: getattr(spec, name) for name in ("metrics", "limits", "retry", "initial", "trial", "collector")},
        "early_stopping": spec.early_stopping,
        "algorithm": replace(spec.algorithm, settings={**seed, **spec.algorithm.settings}),
        "on_completion": spec.on_completion,
    }


def _merge_objectives(at: Cursor, values: Values) -> None:
    """Make a list of the one objective; it stands in one of two fields."""
    given = [name for name in ("objective", "objectives") if at.find(name)]
    if len(given) != 1:
        rule = "must be given" if not given else "must be left out when `objectives` is given"
        at.reach(("objective",)).refuse(rule)
    elif (objective := values.get("objective")) is not None:
        values["objectives"] = (objective,)


def _rule(at: Cursor, values: Values) -> None:
    """What must hold in a spec whose trials are to run."""
    known = _lenient_rule(at, values)
    check_metrics(at, values)
    check_placeholders(at, known)
    check_limits(at, values, known)
    _check_workers(at, values)


def _check_workers(at: Cursor, values: Values) -> None:
    """A worker reports by itself: there is no file that a collector could read."""
    trial, collector_at = values.get("trial"), at.find("collector")
    if trial and trial.workers and collector_at and values.get("collector") != CollectorSpec():
        got = found(collector_at.node)
        collector_at.refuse(
            f"must be left out when `trial.workers` is true: workers report their metrics, but got {got}"
        )


def _lenient_rule(at: Cursor, values: Values) -> Known:
    """What must hold in any spec."""
    _merge_objectives(at, values)
    known = read_known(at, values)
    make_space(at, values, known)
    check_initial(at, values, known)
    return known


_FIELDS = (
    OBJECTIVE_FIELD,
    OBJECTIVES_FIELD,
    METRICS,
    PARAMETERS,
    CONSTRAINTS,
    Field("algorithm", ALGORITHM, "What proposes the trials.", AlgorithmSpec()),
    Field(
        "earlyStopping",
        EARLY_STOPPING,
        "The rule that stops hopeless trials. Absent: every trial runs to its end.",
        None,
        "early_stopping",
    ),
    Field("limits", LIMITS, "When the study ends, and how much of it runs at once.", Limits()),
    Field("retry", RETRY, "Which failures are tried again. Absent: none.", Retry()),
    INITIAL,
    _TRIAL_FIELD,
    Field("collector", COLLECTOR, "How metrics get out of a trial.", CollectorSpec()),
    Field(
        "onCompletion",
        Choice(OnCompletion),
        "Running trials when the study ends before them: they are stopped, or waited for.",
        OnCompletion.STOP,
        "on_completion",
    ),
)


def _space_rule(at: Cursor, values: Values) -> None:
    make_space(at, values, read_known(at, values))


SPACE: Record[SearchSpace] = Record(lambda space: space, (PARAMETERS, CONSTRAINTS), rule=_space_rule)
"""A search space by itself; only read."""

SPEC = Record(
    _make_spec,
    _FIELDS,
    _split_spec,
    _rule,
    later=("outcomeConstraints", "repeat", "warmStart"),
    extra={"oneOf": [{"required": ["objective"]}, {"required": ["objectives"]}]},
)

_LENIENT = {
    "objectives": replace(OBJECTIVES_FIELD, kind=ListOf(OBJECTIVE, least=1)),
    "trial": replace(_TRIAL_FIELD, kind=IDLE_TRIAL, default=TrialTemplate()),
}
LENIENT_SPEC = replace(SPEC, fields=tuple(_LENIENT.get(item.name, item) for item in _FIELDS), rule=_lenient_rule)
"""For services that run no trials: what they do not look at may be missing, and several objectives may be there."""


def _dns_label(kind: str, longest: int) -> Text:
    return Text(longest=longest, check=partial(check_name, kind), shape=_LABEL.pattern)


_LABEL_NAME = r"([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)"
_LABEL_RULE = "consist of letters, digits, '_', '.' and '-', and begin and end with a letter or digit"

_METADATA: Record[Values] = Record(
    dict,
    (
        Field("name", _dns_label("study", MAX_STUDY_NAME), "Name of the study, unique in its namespace."),
        Field("namespace", _dns_label("namespace", MAX_NAME), "Whose study it is.", "default"),
        Field(
            "labels",
            MapOf(
                Text(f"{_LABEL_NAME}?", _LABEL_RULE, longest=63, empty=True),
                Text(
                    f"([a-z0-9][a-z0-9.-]*/)?{_LABEL_NAME}",
                    f"{_LABEL_RULE}; a DNS name and '/' may stand before it",
                    63,
                ),
                most=MAX_LABELS,
            ),
            "Words to find the study by.",
            {},
        ),
    ),
    lambda record, value: value,
)


def _make_job(api_version: str, kind: str, metadata: Values, spec: StudySpec) -> StudyJob:
    return StudyJob(spec=spec, **metadata)


def _split_job(record: Record[StudyJob], job: StudyJob) -> Values:
    metadata = {"name": job.name, "namespace": job.namespace, "labels": job.labels}
    return {"api_version": API_VERSION, "kind": KIND, "metadata": metadata, "spec": job.spec}


JOB = Record(
    _make_job,
    (
        Field("apiVersion", Const(API_VERSION), "The form of this document.", attribute="api_version"),
        Field("kind", Const(KIND), "A StudyJob."),
        Field("metadata", _METADATA, "Name and labels."),
        Field("spec", SPEC, "What is tuned, and how."),
    ),
    _split_job,
)
