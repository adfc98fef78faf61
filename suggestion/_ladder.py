"""Which trials stand on which rung of which bracket of Hyperband, read from a study's history.

Brackets are counted from 0 over all iterations: s_max, ..., 0, s_max, ... A trial's place is in its labels, which are
untrusted: a trial counts only where its assignment and its parent bear that out. One without a label (`initial`, or
enqueued by a user) joins the bracket that is being filled, when it has the resource with which that one begins.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from tunesmith.study import Assignment, ObjectiveType, TrialState
from tunesmith.suggestion._algorithm import StudyView, TrialRecord
from tunesmith.suggestion._brackets import Place, Plan


@dataclass(frozen=True, slots=True)
class Promotion:
    """A trial that goes on with more resource. It is the `rank`-th best, from 1, of `of` trials of its rung."""

    place: Place
    parent: TrialRecord
    assignment: Assignment
    rank: int
    of: int


class Ladder:
    """The members of every rung, by their numbers. Keeping it up to date costs what changed."""

    def __init__(self, plan: Plan) -> None:
        """Begin without trials."""
        self._plan = plan
        self._rungs: dict[int, list[list[int]]] = {}
        self._places: dict[int, Place] = {}
        self._promoted: set[int] = set()
        self._seen: dict[int, tuple[Mapping[str, str], int | None]] = {}
        self._last, self._read = -1, 0
        self._open: set[int] = set()  # brackets of which a member changed, and more may come
        self._filling = 0

    def take(self, study: StudyView) -> bool:
        """Take what changed; False when that cannot be put to what is held, and all must be read anew."""
        changed = dict.fromkeys(study.log[self._read :])
        self._read = len(study.log)
        for number in sorted(changed):
            record = study.history[number]
            known = self._seen.get(number)
            if known is None and number > self._last:
                self._add(study, record)
            elif known != (record.labels, record.parent):
                return False
            elif place := self._places.get(number):
                self._open.add(place.bracket)
        return True

    def _add(self, study: StudyView, record: TrialRecord) -> None:
        self._last = record.number
        self._seen[record.number] = (record.labels, record.parent)
        place = self._place(study, record)
        if place is None:
            return
        self._places[record.number] = place
        self._members(place).append(record.number)
        self._open.add(place.bracket)
        if place.rung:
            self._promoted.add(record.parent if record.parent is not None else -1)
        while self.missing(self._filling) <= 0:
            self._filling += 1

    def _place(self, study: StudyView, record: TrialRecord) -> Place | None:
        """Where a trial truly stands."""
        place = self._plan.place(record.labels) or Place(self._filling, 0)
        if record.assignment.get(self._plan.resource) != self._plan.level(place):
            return None
        if len(self._members(place)) >= self._plan.bracket(place.bracket).rungs[place.rung].size:
            return None
        if place.rung and not self._promotes(study, record, place):
            return None
        return place

    def _promotes(self, study: StudyView, record: TrialRecord, place: Place) -> bool:
        """Whether a trial is its parent's configuration, one rung higher."""
        parent = record.parent
        if parent is None or parent in self._promoted:
            return False
        if self._places.get(parent) != Place(place.bracket, place.rung - 1):
            return False
        return record.assignment == self._plan.at(study.history[parent].assignment, self._plan.level(place))

    def _members(self, place: Place) -> list[int]:
        if place.bracket not in self._rungs:
            self._rungs[place.bracket] = [[] for _ in self._plan.bracket(place.bracket).rungs]
        return self._rungs[place.bracket][place.rung]

    @property
    def filling(self) -> int:
        """The first bracket that lacks configurations to begin with."""
        return self._filling

    def missing(self, index: int) -> int:
        """How many configurations a bracket lacks to begin with."""
        began = len(self._rungs[index][0]) if index in self._rungs else 0
        return self._plan.bracket(index).rungs[0].size - began

    def expected(self, study: StudyView, before: int, given: Mapping[int, int]) -> int:
        """How many promotions may still come from the brackets below `before`, in which trials are pending.

        `given`: promotions that are not in the history yet, by bracket.
        """
        total = 0
        for index in self._open:
            if index < before and (index in given or self._any_pending(study, index)):
                sizes = [self._size(index, rung) - len(members) for rung, members in enumerate(self._rungs[index])]
                total += sum(max(size, 0) for size in sizes[1:]) - given.get(index, 0)
        return total

    def _any_pending(self, study: StudyView, index: int) -> bool:
        return not all(study.history[number].state.final for rung in self._rungs[index] for number in rung)

    def _size(self, index: int, rung: int) -> int:
        """How many trials a rung takes: those of the schedule, or fewer where the space has no more to begin with."""
        planned, began = self._plan.bracket(index).rungs[rung].size, len(self._rungs[index][0])
        return min(planned, max(began // int(self._plan.eta**rung), 1))

    def promotions(
        self, study: StudyView, dry: Callable[[int], bool], take: Callable[[Assignment], bool]
    ) -> Iterator[Promotion]:
        """What can be promoted now, oldest bracket first.

        `dry(index)`: the bracket gets no more configurations to begin with; `take` refuses an assignment that
        constraints forbid or that was tried.
        """
        for index in sorted(self._open):
            if self.missing(index) > 0 and not dry(index):
                continue
            looked_at = False
            for wanted, candidates in self._complete(study, index):
                looked_at |= bool(wanted and candidates)
                taken = (one for one in candidates if take(one.assignment))
                promoted = list(islice(taken, wanted))
                yield from promoted
                if promoted:
                    break
            if not looked_at and not self._any_pending(study, index):
                self._open.discard(index)  # until a member changes, which a retry may do

    def _complete(self, study: StudyView, index: int) -> Iterator[tuple[int, list[Promotion]]]:
        """For each rung whose trials have all ended: how many it still promotes, and those who can be, best first."""
        rungs = self._rungs[index]
        for rung, members in enumerate(rungs[:-1]):
            if not all(study.history[number].state.final for number in members):
                return
            place = Place(index, rung + 1)
            level, wanted = self._plan.level(place), self._size(index, rung + 1) - len(rungs[rung + 1])
            candidates = [
                Promotion(place, record, self._plan.at(record.assignment, level), rank, len(members))
                for rank, record in enumerate(_ranked(study, members), start=1)
                if record.number not in self._promoted
            ]
            yield max(wanted, 0), candidates


def _ranked(study: StudyView, members: list[int]) -> list[TrialRecord]:
    """The succeeded ones, best first. The others count as worse than all of them, and are never promoted."""
    sign = -1.0 if study.spec.objective.type is ObjectiveType.MAXIMIZE else 1.0
    succeeded = [
        record
        for record in map(study.history.__getitem__, members)
        if record.state is TrialState.SUCCEEDED and record.values and math.isfinite(record.values[0])
    ]
    return sorted(succeeded, key=lambda record: (sign * record.values[0], record.number))
