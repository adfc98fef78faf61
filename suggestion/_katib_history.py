"""The trials of a request as a history of ours: their numbers, their records, and what changed since the last request.

Katib sends all trials each time, in no certain order, and leaves out those without metrics. A trial's number is in its
name or in a label, both of which we gave it; where neither came back, trials are counted in the order of their start.
"""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Final

from tunesmith.katib.v1beta1 import api_pb2 as katib
from tunesmith.study import TrialState
from tunesmith.suggestion._algorithm import TrialRecord
from tunesmith.suggestion._history import History
from tunesmith.suggestion._katib_asked import HYPERBAND
from tunesmith.suggestion._katib_rungs import recall
from tunesmith.suggestion._katib_study import KatibStudy
from tunesmith.suggestion._katib_values import Codec
from tunesmith.suggestion._studies import Held

NUMBER: Final = "tunesmith.dev/trial"
"""Label: a trial's number."""
PARENT: Final = "tunesmith.dev/parent"
"""Label: the number of the trial whose checkpoint it started from."""
_DIGITS = re.compile(r"[0-9]{1,9}", re.ASCII)
_NEVER = "~"  # sorts after every time

_Status = katib.TrialStatus
_STATES: Final[Mapping[int, TrialState]] = {
    _Status.CREATED: TrialState.PENDING,
    _Status.RUNNING: TrialState.RUNNING,
    _Status.SUCCEEDED: TrialState.SUCCEEDED,
    _Status.KILLED: TrialState.KILLED,
    _Status.FAILED: TrialState.FAILED,
    _Status.METRICSUNAVAILABLE: TrialState.METRICS_UNAVAILABLE,
    _Status.EARLYSTOPPED: TrialState.EARLY_STOPPED,
}


@dataclass(slots=True)
class KatibHeld(Held):
    """A study of Katib's between requests. `raw`: each trial as it came, by number; `read`: what was made of it."""

    raw: dict[int, bytes] = field(default_factory=dict)
    read: dict[int, TrialRecord] = field(default_factory=dict)


def numbered(trials: Iterable[katib.Trial], experiment: str) -> dict[int, katib.Trial]:
    """The trials by number, ascending."""
    named = re.compile(re.escape(experiment) + r"-([0-9]{1,9})-[a-z0-9]{5}", re.ASCII)
    known, others = dict[int, katib.Trial](), list[katib.Trial]()
    for trial in trials:
        number = _number(trial, named)
        if number is None or number in known:
            others.append(trial)
        else:
            known[number] = trial
    others.sort(key=lambda trial: trial.status.start_time or _NEVER)
    free = 0
    for trial in others:
        while free in known:
            free += 1
        known[free] = trial
    return dict(sorted(known.items()))


def _number(trial: katib.Trial, named: "re.Pattern[str]") -> int | None:
    if found := named.fullmatch(trial.name):
        return int(found[1])
    text = trial.spec.labels.get(NUMBER, "")
    return int(text) if _DIGITS.fullmatch(text) else None


def advance(held: KatibHeld | None, uid: str, study: KatibStudy, trials: Mapping[int, katib.Trial]) -> KatibHeld:
    """Bring what is held to these trials; it is begun anew where it holds a trial that they do not."""
    if held is None or any(number not in trials for number in held.raw):
        held = KatibHeld(uid, study.job, History(study.job.spec.space))
    held.job = study.job
    changed, codecs = set[int](), {codec.name: codec for codec in study.codecs}
    for number, trial in trials.items():
        raw = trial.SerializeToString()
        if held.raw.get(number) != raw:
            held.raw[number], held.read[number] = raw, _record(number, trial, codecs, study.metric)
            changed.add(number)
    if held.history.apply(_news(held, study, trials, changed)):
        held.memo.clear()
    return held


def _news(
    held: KatibHeld, study: KatibStudy, trials: Mapping[int, katib.Trial], changed: Set[int]
) -> list[TrialRecord]:
    """The records that differ from those in the history, by what the trials say or by what only all of them tell."""
    before, ranks = held.history.records, _ranks(held.read, trials)
    records = dict[int, TrialRecord]()
    for number in trials:
        rank, known = ranks.get(number, 0), before.get(number)
        if number in changed or known is None or known.completion_rank != rank:
            known = replace(held.read[number], completion_rank=rank)
        records[number] = known
    if study.job.spec.algorithm.name == HYPERBAND:
        records = recall(study.job, records)
    if records and study.carried:
        last = max(records)
        records[last] = replace(records[last], labels={**study.carried, **held.read[last].labels})
    return [record for number, record in records.items() if before.get(number) is not record]


def _ranks(read: Mapping[int, TrialRecord], trials: Mapping[int, katib.Trial]) -> dict[int, int]:
    """In which order the trials ended, from 1; those that end in the same second by their numbers."""
    ended = [(trials[number].status.completion_time or _NEVER, number) for number in trials if read[number].state.final]
    return {number: rank for rank, (_, number) in enumerate(sorted(ended), start=1)}


def _record(number: int, trial: katib.Trial, codecs: Mapping[str, Codec], metric: str) -> TrialRecord:
    labels = dict(trial.spec.labels)
    parent = labels.pop(PARENT, "")
    labels.pop(NUMBER, None)
    return TrialRecord(
        number=number,
        name=trial.name,
        state=_state(trial.status),
        assignment={
            codecs[one.name].parameter.name: codecs[one.name].read(one.value)
            for one in trial.spec.parameter_assignments.assignments
            if one.name in codecs
        },
        values=_values(trial, metric),
        labels=labels,
        parent=int(parent) if _DIGITS.fullmatch(parent) else None,
    )


def _state(status: katib.TrialStatus) -> TrialState:
    """A condition that we do not know has ended when it has a time at which it did."""
    unknown = TrialState.FAILED if status.completion_time else TrialState.RUNNING
    return _STATES.get(status.condition, unknown)


def _values(trial: katib.Trial, metric: str) -> tuple[float, ...]:
    """The value of the objective, whose name the trial says, too; empty: there is none."""
    wanted = trial.spec.objective.objective_metric_name or metric
    for one in trial.status.observation.metrics:
        if one.name == wanted:
            try:
                return (float(one.value),)
            except ValueError:
                return ()  # "unavailable"
    return ()


def written(codecs: Sequence[Codec], assignment: Mapping[str, object]) -> list[katib.ParameterAssignment]:
    """An assignment as Katib has it."""
    return [
        katib.ParameterAssignment(name=codec.name, value=codec.write(assignment[codec.parameter.name]))  # type: ignore[arg-type]
        for codec in codecs
        if codec.parameter.name in assignment
    ]
