"""What a service that speaks Katib's contract is told of a study's trials, and what their labels remember for it.

Only trials that it proposed are told: its own kind knows no others, and some fail at the sight of one.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tunesmith.katib.v1beta1 import api_pb2 as katib
from tunesmith.study import Assignment, ParameterValue, TrialState
from tunesmith.suggestion._algorithm import StudyView, TrialRecord
from tunesmith.suggestion._katib_space import codecs_for, objective_of
from tunesmith.suggestion._katib_values import Codec

NAME: Final = "katib.trial"
"""Label: the trial's name as the service knows it. A trial without it is none of the service's."""
VALUES: Final = "katib.values"
"""Label: values that the service wrote otherwise than we would, as it wrote them: by that it knows its trials again."""
LABELS: Final = "katib.labels"
"""Label: labels that the service gave the trial."""
SETTINGS: Final = "katib.settings"
"""Label: settings of the algorithm, in which services keep state, as they were after this trial was proposed."""

_MEMO: Final = "katib told"
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
_Status = katib.TrialStatus
_CONDITIONS: Final[Mapping[TrialState, "katib.TrialStatus.TrialConditionType.ValueType"]] = {
    TrialState.PENDING: _Status.CREATED,
    TrialState.RUNNING: _Status.RUNNING,
    TrialState.SUCCEEDED: _Status.SUCCEEDED,
    TrialState.KILLED: _Status.KILLED,
    TrialState.FAILED: _Status.FAILED,
    TrialState.EARLY_STOPPED: _Status.EARLYSTOPPED,
}
"""Those without metrics are left out, as Katib does."""


@dataclass(slots=True)
class Told:
    """The trials as they were told last, by number, and how much of the study's log that is."""

    trials: dict[int, katib.Trial] = field(default_factory=dict)
    proposed: set[int] = field(default_factory=set)
    read: int = 0


def told_of(study: StudyView) -> Told:
    """What is to be told now, at the price of what changed."""
    told: Told = study.memo.setdefault(_MEMO, Told())
    codecs = codecs_for(study.spec.space)
    for number in dict.fromkeys(study.log[told.read :]):
        record = study.history[number]
        told.trials.pop(number, None)
        if NAME in record.labels:
            told.proposed.add(number)
            if (trial := _trial(record, study, codecs)) is not None:
                told.trials[number] = trial
    told.read = len(study.log)
    return told


def _trial(record: TrialRecord, study: StudyView, codecs: tuple[Codec, ...]) -> katib.Trial | None:
    condition, values = _CONDITIONS.get(record.state), [value for value in record.values[:1] if math.isfinite(value)]
    if condition is None or (record.state is TrialState.EARLY_STOPPED and not values):
        return None
    metrics = [katib.Metric(name=study.spec.objective.metric, value=repr(value)) for value in values]
    return katib.Trial(
        name=record.labels[NAME],
        spec=katib.TrialSpec(
            objective=objective_of(study.spec.objective),
            parameter_assignments=katib.TrialSpec.ParameterAssignments(assignments=_assignments(record, codecs)),
            labels=_object(record.labels.get(LABELS)),
        ),
        status=_Status(
            start_time=_time(record.number),
            completion_time=_time(record.completion_rank) if record.state.final else "",
            condition=condition,
            observation=katib.Observation(metrics=metrics),
        ),
    )


def _assignments(record: TrialRecord, codecs: tuple[Codec, ...]) -> list[katib.ParameterAssignment]:
    written = _object(record.labels.get(VALUES))
    values = {codec.name: codec.write(record.assignment[codec.name]) for codec in codecs}
    return [katib.ParameterAssignment(name=name, value=written.get(name, value)) for name, value in values.items()]


def _time(place: int) -> str:
    """A time by which trials are in the right order: no other is known here, and none is needed."""
    seconds = min(place, 10**9)
    return (_BEGINNING + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def settings_of(study: StudyView) -> dict[str, str]:
    """The settings of the algorithm as the service last left them; the document's, where it never said any."""
    from tunesmith.suggestion._katib_values import text_of

    given = {name: text_of(value) for name, value in study.spec.algorithm.settings.items()}
    for number in sorted(study.history, reverse=True):
        if SETTINGS in study.history[number].labels:
            return given | _object(study.history[number].labels[SETTINGS])
    return given


def remembered(
    given: katib.GetSuggestionsReply.ParameterAssignments, assignment: Assignment, codecs: tuple[Codec, ...], name: str
) -> dict[str, str]:
    """The labels of a proposed trial, which is called `name` unless the service calls it otherwise."""
    texts = {one.name: one.value for one in given.assignments}
    ours: Mapping[str, ParameterValue] = assignment
    other = {codec.name: texts[codec.name] for codec in codecs if codec.write(ours[codec.name]) != texts[codec.name]}
    labels = {NAME: given.trial_name or name}
    if other:
        labels[VALUES] = json.dumps(other)
    if given.labels:
        labels[LABELS] = json.dumps(dict(given.labels))
    return labels


def _object(text: str | None) -> dict[str, str]:
    """The texts of a JSON object; labels are untrusted."""
    try:
        found: Any = json.loads(text or "{}")
    except ValueError:
        return {}
    pairs = found.items() if isinstance(found, dict) else ()
    return {key: value for key, value in pairs if isinstance(key, str) and isinstance(value, str)}
