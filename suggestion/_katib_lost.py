"""Trials that Katib leaves out of a request: those without metrics, and those that it has not created yet.

An algorithm that does not look at values proposes the n-th trial by those before it alone. So it is asked again for the
lost ones, which count as tried then. What other algorithms have proposed for them, nobody can tell.
"""

from typing import Final

from tunesmith.study import TrialState
from tunesmith.suggestion._algorithm import StudyView, TrialRecord
from tunesmith.suggestion._history import History
from tunesmith.suggestion._katib_history import KatibHeld

MOST: Final = 1000
"""Lost trials that are found again; of more, none is: a client that counts otherwise must not keep us busy."""


def find_lost(held: KatibHeld, asked_before: int) -> None:
    """Put the lost ones of the first `asked_before` trials into the history."""
    known = held.history.records
    lost = [number for number in range(min(asked_before, len(known) + MOST + 1)) if number not in known]
    if lost and len(lost) <= MOST and not held.job.algorithm.description.capabilities.uses_values:
        held.history.apply(_proposed_again(held, set(lost)))


def _proposed_again(held: KatibHeld, lost: set[int]) -> list[TrialRecord]:
    before, job = History(held.job.spec.space), held.job
    view = StudyView(held.uid, job.spec, job.seed, job.settings, before.records, before.tried, before.log)
    found = list[TrialRecord]()
    for number in range(max(lost) + 1):
        if number not in lost:
            before.apply([held.history.records[number]])
            continue
        answer = job.algorithm.suggest(view, [(f"?{number}", number)])
        if not answer.suggestions:
            break  # a repetition was answered then
        assignment = answer.suggestions[0].assignment
        found.append(TrialRecord(number, f"?{number}", TrialState.METRICS_UNAVAILABLE, assignment))
        before.apply(found[-1:])
    return found
