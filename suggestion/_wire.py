"""Between our values and the messages of the contract; nothing else here knows both."""

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from tunesmith.services.errors import FixRequest
from tunesmith.services.settings_wire import setting_to_proto
from tunesmith.study import Assignment, DocumentError, ParameterValue, wire
from tunesmith.suggestion._algorithm import Algorithm, Answer, Explanation, Status, Suggestion, TrialRecord
from tunesmith.suggestion._description import Capabilities
from tunesmith.suggestion._settings import all_settings
from tunesmith.v1 import suggestion_pb2 as messages
from tunesmith.v1 import types_pb2

_STATUS: Mapping[Status, messages.SuggestStatus.ValueType] = {
    Status.OK: messages.SUGGEST_STATUS_UNSPECIFIED,
    Status.WAIT: messages.SUGGEST_STATUS_WAIT,
    Status.EXHAUSTED: messages.SUGGEST_STATUS_EXHAUSTED,
}
_NONE: Final[Mapping[Any, Any]] = MappingProxyType({})
"""Labels or steps of a trial that has none, as most."""


def records_from_proto(trials: Iterable[messages.TrialRecord]) -> list[TrialRecord]:
    """Read trials of the history. Raises FixRequest for one that no caller should send."""
    names: Sequence[str] = ()
    records = []
    try:
        for trial in trials:
            names = _names(trial.assignment.values, names)
            records.append(_record_from_proto(trial, names))
    except DocumentError as error:
        raise FixRequest("a trial in the history has no possible assignment", error.mistakes) from error
    return records


def _names(found: Mapping[str, types_pb2.Value], before: Sequence[str]) -> Sequence[str]:
    """Return the names in a message that keeps no order, sorted: mostly, they are those of the trial before."""
    if len(found) == len(before) and all(map(found.__contains__, before)):
        return before
    return sorted(map(sys.intern, found))  # a study has few names, and many trials


def _record_from_proto(trial: messages.TrialRecord, names: Sequence[str]) -> TrialRecord:
    """Read one trial, whose parameters are called so."""
    state = wire.TRIAL_STATE_FROM_PROTO.get(trial.state)
    if state is None or trial.number < 0:
        rule = "a trial in the history must have a state and `number >= 0`"
        raise FixRequest(f"{rule}, but got (name={trial.name!r}, number={trial.number}, state={trial.state})")
    return TrialRecord(
        number=trial.number,
        name=trial.name,
        state=state,
        assignment=_assignment_from_proto(trial, names),
        values=tuple(trial.values),
        labels=dict(trial.labels) if trial.labels else _NONE,
        parent=trial.parent if trial.HasField("parent") else None,
        group=trial.group,
        completion_rank=trial.completion_rank,
        steps=dict(trial.steps) if trial.steps else _NONE,
    )


def _assignment_from_proto(trial: messages.TrialRecord, names: Sequence[str]) -> Assignment:
    """Read an assignment; as `wire.assignment_from_proto`, but ten thousand of them come at once after a restart."""
    values: dict[str, ParameterValue] = {}
    found = trial.assignment.values
    for name in names:
        value = found[name]
        kind = value.WhichOneof("kind")
        if kind is None or (kind == "double_value" and not math.isfinite(value.double_value)):
            return wire.assignment_from_proto(trial.assignment, f"trials[{trial.number}].assignment")  # raises
        values[name] = getattr(value, kind)
    return values


def answer_to_proto(answer: Answer) -> messages.SuggestResponse:
    """Write an answer."""
    suggestions = [_suggestion_to_proto(suggestion) for suggestion in answer.suggestions]
    return messages.SuggestResponse(suggestions=suggestions, status=_STATUS[answer.status], message=answer.message)


def _suggestion_to_proto(suggestion: Suggestion) -> messages.Suggestion:
    """Write one suggestion."""
    return messages.Suggestion(
        name=suggestion.name,
        assignment=wire.assignment_to_proto(suggestion.assignment),
        parent=suggestion.parent,
        labels=suggestion.labels,
        explanation=_explanation_to_proto(suggestion.explanation),
    )


def _explanation_to_proto(explanation: Explanation) -> types_pb2.Explanation:
    """Write an explanation."""
    return types_pb2.Explanation(model=explanation.model, text=explanation.text, acquisition=explanation.acquisition)


def algorithm_to_proto(algorithm: Algorithm) -> types_pb2.AlgorithmDescription:
    """Write what an algorithm says of itself."""
    description = algorithm.description
    return types_pb2.AlgorithmDescription(
        name=description.name,
        aliases=description.aliases,
        summary=description.summary,
        description=description.description,
        source=description.source,
        settings=[setting_to_proto(setting) for setting in all_settings(description)],
        capabilities=_capabilities_to_proto(description.capabilities),
    )


def _capabilities_to_proto(can: Capabilities) -> types_pb2.Capabilities:
    """Write capabilities. That history is kept is true of this server, whatever the algorithm."""
    return types_pb2.Capabilities(
        conditional=can.conditional,
        constraints=can.constraints,
        multi_objective=can.multi_objective,
        multi_fidelity=can.multi_fidelity,
        max_useful_trials=can.max_useful_trials,
        keeps_history=True,
        uses_values=can.uses_values,
        uses_steps=can.uses_steps,
    )
