"""Which trials of Hyperband are promotions, found in the history alone: Katib gives labels to its trials, and not back.

A promotion has its parent's configuration, and the next resource of its bracket. Configurations are drawn, and hardly
ever twice; where they are, the earliest trial that is not promoted yet is the parent.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from tunesmith.study import Assignment, SearchSpace
from tunesmith.suggestion._algorithm import TrialRecord
from tunesmith.suggestion._brackets import RUNG, Place, Plan
from tunesmith.suggestion._studies import Job
from tunesmith.suggestion.algorithms.hyperband import plan_of


def recall(job: Job, records: Mapping[int, TrialRecord]) -> dict[int, TrialRecord]:
    """The records, by number, with labels and parents where they have none."""
    plan = plan_of(job.spec, job.settings)
    seen, found = _Seen(plan, job.spec.space), dict[int, TrialRecord]()
    for number, record in records.items():
        if RUNG in record.labels:
            place, parent = plan.place(record.labels), record.parent
        else:
            place, parent = seen.place(record)
            if place is not None:
                record = replace(record, labels={**record.labels, **plan.labels(place)}, parent=parent)
        if place is not None:
            seen.add(record, place)
        found[number] = record
    return found


class _Seen:
    """The trials so far: how full each bracket is, and who stands where with which configuration."""

    def __init__(self, plan: Plan, space: SearchSpace) -> None:
        self._plan, self._space = plan, space
        self._begun: dict[int, int] = defaultdict(int)
        self._filling = 0
        self._standing: dict[str, dict[Place, int]] = defaultdict(dict)

    def place(self, record: TrialRecord) -> tuple[Place | None, int | None]:
        """Where a trial must stand, and its parent; None: nowhere."""
        resource = record.assignment.get(self._plan.resource)
        key = self._key(record.assignment)
        for place, number in self._standing[key].items():
            above = Place(place.bracket, place.rung + 1)
            if self._exists(above) and above not in self._standing[key] and self._plan.level(above) == resource:
                return above, number
        return self._beginning(resource), None

    def _exists(self, place: Place) -> bool:
        return place.rung < len(self._plan.bracket(place.bracket).rungs)

    def _beginning(self, resource: object) -> Place | None:
        """The first bracket that lacks configurations, and begins with this resource."""
        for index in range(self._filling, self._filling + len(self._plan.brackets)):
            if self._missing(index) and self._plan.level(Place(index, 0)) == resource:
                return Place(index, 0)
        return None

    def _missing(self, index: int) -> bool:
        return self._begun[index] < self._plan.bracket(index).rungs[0].size

    def add(self, record: TrialRecord, place: Place) -> None:
        """Note where a trial stands."""
        self._standing[self._key(record.assignment)].setdefault(place, record.number)
        if place.rung == 0:
            self._begun[place.bracket] += 1
        while not self._missing(self._filling):
            self._filling += 1

    def _key(self, assignment: Assignment) -> str:
        rest = {name: value for name, value in assignment.items() if name != self._plan.resource}
        try:
            return self._space.key(rest)
        except (ValueError, TypeError, LookupError, ArithmeticError):
            return ""
