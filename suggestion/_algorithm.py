"""What an algorithm is, and the values that go in and come out of it."""

from collections.abc import Mapping, MutableMapping, Sequence, Set
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from tunesmith.services.settings import Settings
from tunesmith.study import Assignment, Mistake, StudySpec, TrialState
from tunesmith.suggestion._description import AlgorithmDescription


class Status(StrEnum):
    """Why fewer names than asked for were answered. WAIT: ask again when the history has changed."""

    OK = "ok"
    WAIT = "wait"
    EXHAUSTED = "exhausted"


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """A trial as an algorithm sees it.

    `values` are those of the objectives, in their order: empty while there is none, and perhaps NaN. `steps` holds
    values of the first objective by resource step, where the algorithm uses them. `parent`: number of the trial whose
    checkpoint it started from. `completion_rank`: order in which trials finished, from 1; 0: not finished.
    """

    number: int
    name: str
    state: TrialState
    assignment: Assignment
    values: tuple[float, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    parent: int | None = None
    group: str = ""
    completion_rank: int = 0
    steps: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StudyView:
    """A study as an algorithm sees it: read only, but for `memo`.

    `history` holds every trial known so far by number, pending ones too; `tried` the keys (`SearchSpace.key`) of all
    their assignments; `log` the numbers of trials in the order in which they came or changed, and only grows while
    `memo` lives. `memo` is scratch space that lives as long as the study is held, and begins empty at any moment:
    an algorithm may keep there what it would otherwise compute again, and an answer never depends on it.
    """

    uid: str
    spec: StudySpec
    seed: int
    settings: Settings
    history: Mapping[int, TrialRecord]
    tried: Set[str]
    log: Sequence[int]
    memo: MutableMapping[str, Any] = field(default_factory=dict)

    def latest_label(self, name: str) -> str:
        """Return the label of the trial of highest number that has it; empty: none has. Anybody may have written it."""
        for number in sorted(self.history, reverse=True):
            if label := self.history[number].labels.get(name):
                return label
        return ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an assignment was proposed: the model or method, a sentence for people, the acquisition's value if any."""

    model: str
    text: str
    acquisition: float | None = None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An assignment for the trial `name`; `labels` come back in the history."""

    name: str
    assignment: Assignment
    explanation: Explanation
    labels: Mapping[str, str] = field(default_factory=dict)
    parent: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Suggestions in the order of the names asked for. `message`: a sentence about WAIT or EXHAUSTED."""

    suggestions: tuple[Suggestion, ...]
    status: Status = Status.OK
    message: str = ""


class Algorithm(Protocol):
    """A way to choose what to try next. One instance serves all studies at once, so it keeps no state of its own.

    An answer is a function of the study's spec, seed, history and the names. Randomness is
    `numpy.random.default_rng([study.seed, trial number])` and nothing else, so that the same question has the same
    answer after any restart. `tests/suggestion/conformance.py` holds every algorithm to this.
    """

    @property
    def description(self) -> AlgorithmDescription:
        """What it is and can do; the service checks settings and capabilities against it before `check`."""

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """List what the algorithm cannot work with, beyond settings of a wrong type and missing capabilities."""

    def suggest(self, study: StudyView, names: Sequence[tuple[str, int]]) -> Answer:
        """Answer trials given by name and number, in ascending order of numbers, none of them in the history.

        Runs in a thread; never called twice at once for one study. Raises NoFeasiblePoint when constraints leave
        nothing that can be found.
        """


@runtime_checkable
class Confirming(Protocol):
    """An algorithm that has to ask somebody else whether it can work, once, before the study exists."""

    def confirm(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """List what keeps a study from being that has no other mistakes. Raises TryAgain when nobody answers."""


@runtime_checkable
class Remarking(Protocol):
    """An algorithm that has remarks which do not prevent a study, for people who validate a document."""

    def remarks(self, spec: StudySpec, settings: Settings) -> list[str]:
        """List remarks on a study that has no mistakes."""
