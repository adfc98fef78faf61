"""Trials with assignments of a user's own: what is checked, and how they are added."""

from collections.abc import Iterator, Sequence
from typing import Final

from tunesmith.manager._decide import LIMIT_ENDS
from tunesmith.manager._initial import complete
from tunesmith.manager.storage import Explanation, NewTrial, StudyRow, TrialRow, Tx
from tunesmith.services.errors import FixRequest, NotNow
from tunesmith.study import Assignment, Mistake, SearchSpace, StudyState, TrialState

MOST: Final = 1000
"""Assignments of one call, and trials of a study that may wait at a time: each of them is looked at in every round."""
EXPLANATION = Explanation("user", "enqueued by a user")


def enqueue(tx: Tx, study: StudyRow, given: Sequence[Assignment], now: float) -> list[TrialRow]:
    """Add a Pending trial for each assignment, or none at all.

    Raises FixRequest with every value that the space does not allow, and NotNow when the study takes no more trials.
    """
    if not 1 <= len(given) <= MOST:
        raise FixRequest(f"`1 <= len(assignments) <= {MOST}` must hold, but got (len(assignments)={len(given)})")
    _require_room(study, len(given))
    space = study.job.spec.space
    mistakes = [mistake for index, values in enumerate(given) for mistake in _mistakes(space, index, values)]
    if mistakes:
        raise FixRequest("the assignments do not fit the search space", mistakes)
    return tx.add_trials(study.uid, _completed(study, given), now)


def _require_room(study: StudyRow, count: int) -> None:
    if study.state.final:
        hint = f"; `tunesmith edit {study.name}` can raise its limits first" if study.reason in LIMIT_ENDS else ""
        raise NotNow(
            f"nothing can be enqueued, since study {study.name} has ended ({study.state}, {study.reason}){hint}"
        )
    if study.state is StudyState.ENDING:
        raise NotNow(f"nothing can be enqueued, since study {study.name} is ending ({study.reason})")
    limit = study.job.spec.limits.trials
    if limit is not None and study.total + count > limit:
        raise NotNow(
            f"`trials + enqueued <= limits.trials` must hold, but got (trials={study.total}, enqueued={count}, "
            f"limits.trials={limit}): raise the limit first, with `tunesmith edit {study.name} --trials N`"
        )
    waiting = study.counts[TrialState.PENDING]
    if waiting + count > MOST:
        raise NotNow(
            f"`pending + enqueued <= {MOST}` must hold, but got (pending={waiting}, enqueued={count}): "
            "enqueue the others when some have run"
        )


def _mistakes(space: SearchSpace, index: int, values: Assignment) -> Iterator[Mistake]:
    """Names that the space does not have, and values that their domains do not."""
    domains = {parameter.name: parameter.domain for parameter in space.parameters}
    for name, value in values.items():
        path = f"assignments[{index}].{name}"
        if name not in domains:
            yield Mistake(path, f"must be a parameter of the space; there are {', '.join(space.names)}")
        elif rule := domains[name].check(value):
            yield Mistake(path, rule)


def _completed(study: StudyRow, given: Sequence[Assignment]) -> list[NewTrial]:
    spec, mistakes, trials = study.job.spec, list[Mistake](), list[NewTrial]()
    for index, values in enumerate(given):
        filled, problems = complete(spec, study.next_number + index, spec.space.canonical(values))
        mistakes += [Mistake(f"assignments[{index}]", problem) for problem in problems]
        trials.append(NewTrial(filled, explanation=EXPLANATION))
    if mistakes:
        raise FixRequest("the assignments do not fit the search space", mistakes)
    return trials
