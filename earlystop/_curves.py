"""What the service holds of a study: every trial's curve, and which trials have ended."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from types import MappingProxyType

from tunesmith.earlystop._curve import Curve
from tunesmith.study import Assignment, TrialState


@dataclass(frozen=True, slots=True)
class Ended:
    """How a trial ended. `loss` is its value, times -1 where the study maximizes; None: it has none."""

    state: TrialState
    loss: float | None


class Curves:
    """Trials by number. Keeping it up to date costs what is news, not what is held."""

    def __init__(self) -> None:
        """Start without trials."""
        self._curves: dict[int, Curve] = {}
        self._ended: dict[int, Ended] = {}
        self._running: dict[int, None] = {}
        self._assignments: dict[int, Assignment] = {}
        self._size = self._given = self._epoch = self._version = 0

    @property
    def curves(self) -> Mapping[int, Curve]:
        """Trials that have observations, by number; shows later changes too."""
        return MappingProxyType(self._curves)

    @property
    def ended(self) -> Mapping[int, Ended]:
        """Trials that ended, by number; shows later changes too."""
        return MappingProxyType(self._ended)

    @property
    def running(self) -> Set[int]:
        """Numbers of the trials that have observations and did not end; shows later changes too."""
        return self._running.keys()

    @property
    def assignments(self) -> Mapping[int, Assignment]:
        """What trials were given, by number; shows later changes too."""
        return MappingProxyType(self._assignments)

    @property
    def epoch(self) -> int:
        """Another number whenever anything changed in trials that ended."""
        return self._epoch

    @property
    def version(self) -> int:
        """Another number whenever anything changed."""
        return self._version

    @property
    def size(self) -> int:
        """Count the observations, the trials that ended, and the values of parameters."""
        return self._size + len(self._ended) + self._given

    def restart(self, numbers: Iterable[int]) -> None:
        """Another attempt of these trials began: they run, and what they reported is void."""
        self._version += 1
        for number in numbers:
            self._size -= len(self._curves.pop(number, ()))
            self._running.pop(number, None)
            if self._ended.pop(number, None):
                self._epoch += 1

    def observe(self, numbers: Sequence[int], steps: Sequence[int], losses: Sequence[float]) -> None:
        """Take observations, one for each element of the three columns."""
        self._version += 1
        for number, step, loss in zip(numbers, steps, losses, strict=True):
            if (curve := self._curves.get(number)) is None:
                curve = self._begin(number)
            if curve.add(step, loss):
                self._size += 1
                if number in self._ended:
                    self._epoch += 1

    def end(self, number: int, ended: Ended | None) -> None:
        """A trial ended, in place of what was known of its end; None: it runs again."""
        self._version += 1
        if self._ended.get(number) != ended:
            self._epoch += 1
        if ended is not None:
            self._ended[number] = ended
            self._running.pop(number, None)
            return
        self._ended.pop(number, None)
        if number in self._curves:
            self._running[number] = None

    def give(self, number: int, assignment: Assignment) -> None:
        """A trial was given this, in place of what was known of it."""
        self._version += 1
        if number in self._ended:
            self._epoch += 1
        self._given += len(assignment) - len(self._assignments.get(number, ()))
        self._assignments[number] = assignment

    def _begin(self, number: int) -> Curve:
        curve = self._curves[number] = Curve()
        if number not in self._ended:
            self._running[number] = None
        return curve
