"""What Katib is answered: as many assignments as it asked for, with names, labels and settings that it can store."""

import re
import secrets
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Final

from tunesmith.katib.v1beta1 import api_pb2 as katib
from tunesmith.services.errors import FixRequest, TryAgain
from tunesmith.study import Assignment
from tunesmith.suggestion._algorithm import Answer, Explanation, Status, Suggestion
from tunesmith.suggestion._brackets import BRACKET, RUNG, Place, Plan
from tunesmith.suggestion._katib_asked import CARRIED, HYPERBAND, MOST
from tunesmith.suggestion._katib_history import NUMBER, PARENT, KatibHeld, written
from tunesmith.suggestion._katib_study import KatibStudy
from tunesmith.suggestion._turn import ask
from tunesmith.suggestion.algorithms.hyperband import plan_of
from tunesmith.v1 import suggestion_pb2 as messages

MODEL: Final = "tunesmith.dev/model"
"""Label: the model or method that made the proposal."""
REPEATS: Final = "tunesmith.dev/repeats"
"""Label: the number of the trial whose assignment comes again, because nothing new is left."""
AT_ONCE: Final = 10_000
_EXPERIMENT = re.compile(r"[a-z]([-a-z0-9]{0,45}[a-z0-9])?", re.ASCII)
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", re.ASCII)


def reply(held: KatibHeld, study: KatibStudy, request: katib.GetSuggestionsRequest) -> katib.GetSuggestionsReply:
    """Ask the study's algorithm. Raises TryAgain when it waits for trials, which Katib's contract cannot say."""
    wanted = request.current_request_number
    if wanted > AT_ONCE:
        raise FixRequest(f"current_request_number must be at most {AT_ONCE}, but got {wanted}")
    if wanted <= 0:
        return katib.GetSuggestionsReply()
    numbers = _next_numbers(held, request)
    names = [messages.TrialName(name=_trial_name(request.experiment.name, n), number=n) for n in numbers]
    answer = ask(held, names)
    if len(answer.suggestions) < wanted and answer.status is Status.WAIT:
        raise TryAgain(answer.message)
    suggestions = (*answer.suggestions, *_again(held, answer, names[len(answer.suggestions) :]))
    assignments = [_assignments(one, name, study) for one, name in zip(suggestions, names, strict=True)]
    return katib.GetSuggestionsReply(parameter_assignments=assignments, algorithm=_algorithm(held, suggestions))


def _next_numbers(held: KatibHeld, request: katib.GetSuggestionsRequest) -> range:
    """Numbers for new trials: above all known ones, and above those that Katib leaves out of the history."""
    known = max(held.history.records, default=-1) + 1
    first = max(known, request.total_request_number - request.current_request_number)
    return range(first, first + request.current_request_number)


def _trial_name(experiment: str, number: int) -> str:
    """A name with the number, by which it is known again; the rest is random, as names are in one table for all.

    `_`-names are for an experiment that no cluster has: its client makes its own names.
    """
    if not _EXPERIMENT.fullmatch(experiment):
        return f"_{number}"
    tail = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(5))
    return f"{experiment}-{number}-{tail}"


def _again(held: KatibHeld, answer: Answer, names: Sequence[messages.TrialName]) -> list[Suggestion]:
    """Points that were tried before, for trials that get no new one: with fewer, Katib would ask for ever."""
    if not names:
        return []
    records, problems = held.history.records, held.job.spec.space.problems
    tried: list[tuple[int, Assignment]] = [
        (number, records[number].assignment) for number in sorted(records) if not problems(records[number].assignment)
    ]
    tried += [
        (n, one.assignment) for n, one in zip(count(max(records, default=-1) + 1), answer.suggestions, strict=False)
    ]
    if not tried:
        raise FixRequest(answer.message)
    chosen = [tried[name.number % len(tried)] for name in names]
    return [
        Suggestion(name.name, assignment, Explanation("repeat", answer.message), {REPEATS: str(number)})
        for name, (number, assignment) in zip(names, chosen, strict=True)
    ]


def _assignments(
    suggestion: Suggestion, name: messages.TrialName, study: KatibStudy
) -> katib.GetSuggestionsReply.ParameterAssignments:
    labels = {**suggestion.labels, NUMBER: str(name.number), MODEL: suggestion.explanation.model}
    if suggestion.parent is not None:
        labels[PARENT] = str(suggestion.parent)
    return katib.GetSuggestionsReply.ParameterAssignments(
        assignments=written(study.codecs, suggestion.assignment),
        trial_name="" if name.name.startswith("_") else name.name,
        labels={key: value for key, value in labels.items() if _LABEL_VALUE.fullmatch(value)},
    )


def _algorithm(held: KatibHeld, suggestions: Sequence[Suggestion]) -> katib.AlgorithmSpec | None:
    """Settings that Katib stores and sends back; None: nothing has to be stored."""
    values = {name: one.labels[name] for one in suggestions for name in CARRIED if name in one.labels}
    if held.job.spec.algorithm.name == HYPERBAND:
        values |= _state(held, suggestions[-1])
    if not values:
        return None
    settings = [katib.AlgorithmSetting(name=name, value=value) for name, value in values.items()]
    return katib.AlgorithmSpec(algorithm_settings=settings)


def _state(held: KatibHeld, last: Suggestion) -> Mapping[str, str]:
    """Where Hyperband is, in the words of Katib's; ours knows it from the history."""
    plan = plan_of(held.job.spec, held.job.settings)
    top, place = plan.levels[-1], plan.place(last.labels) or Place(0, 0)
    bracket = plan.bracket(place.bracket)
    return {
        "eta": str(plan.eta),
        "s_max": str(len(plan.levels) - 1),
        "r_l": str(held.job.settings[MOST] or float(top)),
        "b_l": str(float(len(plan.levels) * top)),
        "r": str(plan.levels[bracket.rungs[0].level]),
        "n": str(bracket.rungs[0].size),
        "current_s": str(bracket.s),
        "current_i": str(place.rung),
        "evaluating_trials": str(_evaluated(held, plan, place)),
    }


def _evaluated(held: KatibHeld, plan: Plan, place: Place) -> int:
    """Trials of the rung that are in the history."""
    standing = plan.labels(place)
    wanted = {name: standing[name] for name in (BRACKET, RUNG)}
    records = held.history.records.values()
    return sum(all(record.labels.get(name) == value for name, value in wanted.items()) for record in records)
