"""What the service holds of a study's trials: the records, and the keys of their assignments."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from types import MappingProxyType

from tunesmith.services.learning_curves import MOST_TRIALS
from tunesmith.study import Assignment, SearchSpace
from tunesmith.suggestion._algorithm import TrialRecord


class History:
    """Trials by number. Keeping it up to date costs what changed, not what is held."""

    def __init__(self, space: SearchSpace) -> None:
        """Start without trials."""
        self._space = space
        self._records: dict[int, TrialRecord] = {}
        self._numbers: dict[str, int] = {}
        self._keys: dict[int, str | None] = {}
        self._log: list[int] = []
        self._tried: dict[str, int] = {}  # key -> how many trials have it
        self._stepped: set[int] = set()  # numbers of the trials whose steps are kept
        self._newest = -1

    def __len__(self) -> int:
        """Count the trials."""
        return len(self._records)

    @property
    def records(self) -> Mapping[int, TrialRecord]:
        """All trials by number; shows later changes too."""
        return MappingProxyType(self._records)

    @property
    def tried(self) -> Set[str]:
        """Keys of all assignments, whatever became of the trials; shows later changes too."""
        return self._tried.keys()

    @property
    def log(self) -> Sequence[int]:
        """Numbers of the trials in the order in which they came or changed; only grows."""
        return self._log

    def number_of(self, name: str) -> int | None:
        """Return the number of the trial called `name`."""
        return self._numbers.get(name)

    def apply(self, records: Iterable[TrialRecord]) -> bool:
        """Put in records, each in place of what was held under its number.

        Returns:
            Whether a trial that was held has another assignment now, or is another trial. In an honest history that
            never happens; whoever relies on a point that was tried staying tried must begin anew.
        """
        rewritten = False
        for record in records:
            old = self._records.get(record.number)
            if old is None or old.name != record.name or not _same(old.assignment, record.assignment):
                rewritten |= old is not None
                self._forget(record.number)
                self._learn(record)
            self._records[record.number] = record
            self._log.append(record.number)
            self._newest = max(self._newest, record.number)
            if record.steps:
                self._stepped.add(record.number)
        self._drop_steps()
        return rewritten

    def _drop_steps(self) -> None:
        """Forget the steps of all but the latest trials: nobody sends them after a restart, and they take room."""
        for number in [number for number in self._stepped if number <= self._newest - MOST_TRIALS]:
            self._records[number] = replace(self._records[number], steps={})
            self._stepped.discard(number)

    def _learn(self, record: TrialRecord) -> None:
        """Note the name and the point of a trial."""
        key = _key(self._space, record.assignment)
        self._numbers[record.name] = record.number
        self._keys[record.number] = key
        if key is not None:
            self._tried[key] = self._tried.get(key, 0) + 1

    def _forget(self, number: int) -> None:
        """Take away the name and the point of a trial, if it is held."""
        if (old := self._records.get(number)) is None:
            return
        if self._numbers.get(old.name) == number:
            del self._numbers[old.name]
        key = self._keys.pop(number)
        if key is not None:
            self._tried[key] -= 1
            if not self._tried[key]:
                del self._tried[key]


def _same(one: Assignment, other: Assignment) -> bool:
    """Whether two assignments are equal; in Python 1 == True, which are two values here."""
    return one == other and all(type(one[name]) is type(other[name]) for name in one)


def _key(space: SearchSpace, assignment: Assignment) -> str | None:
    """Return the key of an assignment; None when it is no point of the space, so that it cannot be proposed again."""
    try:
        return space.key(assignment)
    except (ValueError, TypeError, LookupError, ArithmeticError):
        return None
