"""The state of CMA-ES after a study's history; kept while the history only grows, and made anew when it does not."""

import re
from typing import Final

from tunesmith.suggestion._algorithm import StudyView, TrialRecord
from tunesmith.suggestion._cma_cube import Cube
from tunesmith.suggestion._cma_run import Options, Run, Told
from tunesmith.suggestion._table import Standing, outcome_of

GENERATION: Final = "cmaes.generation"
"""Label of a trial: run and generation that drew it, as "0.12"."""
POINT: Final = "cmaes.point"
"""Label of a trial: where it lies in the Gaussian, which its values tell only roughly."""
_MEMO: Final = "cmaes"
_GENERATION = re.compile(r"([0-9]{1,6})\.([0-9]{1,9})", re.ASCII)


class Progress:
    """Trials in the order in which they ended, and the run that was told of all whole populations of them."""

    def __init__(self, cube: Cube, options: Options) -> None:
        """Begin without trials."""
        self.cube, self.run = cube, Run(cube, options)
        self._read = 0
        self._told: dict[int, Told] = {}
        self._waiting: dict[int, Told] = {}
        self._last = (-1, -1)

    def take(self, study: StudyView) -> bool:
        """Take what changed; False when it changes what the run was told, so that all must be told anew."""
        changed = sorted(set(study.log[self._read :]))
        self._read = len(study.log)
        for number in changed:
            ended = self._ended(study, study.history[number])
            if number in self._told:
                if ended != self._told[number]:
                    return False
            elif ended is None:
                self._waiting.pop(number, None)
            elif ended.order < self._last:
                return False
            else:
                self._waiting[number] = ended
        self._tell()
        return True

    def _ended(self, study: StudyView, record: TrialRecord) -> Told | None:
        """What a trial tells; None while it is pending, and for one that is no point of the space."""
        standing, loss = outcome_of(study.spec, record)
        if standing is Standing.PENDING:
            return None
        label = record.labels.get(POINT, "")
        if (sample := self.cube.read(record.assignment, label)) is None:
            return None
        found = _GENERATION.fullmatch(record.labels.get(GENERATION, ""))
        drawn = (int(found[1]), int(found[2])) if found else (-1, -1)
        order = (record.completion_rank, record.number)
        return Told(order, standing, loss if loss == loss else 0.0, drawn, label, sample)

    def _tell(self) -> None:
        """Tell the run of every whole population that waits."""
        if len(self._waiting) < self.run.population:
            return
        line = sorted(self._waiting.values(), key=lambda told: told.order)
        begun = 0
        while len(line) - begun >= self.run.population:
            generation = line[begun : begun + self.run.population]
            begun += len(generation)
            self.run.tell(generation)
        for told in line[:begun]:
            self._told[told.order[1]] = self._waiting.pop(told.order[1])
            self._last = told.order


def progress_of(study: StudyView, options: Options) -> Progress:
    """The study's progress as of its whole history."""
    progress: Progress | None = study.memo.get(_MEMO)
    if progress is None or not progress.take(study):
        progress = study.memo[_MEMO] = Progress(Cube(study.spec.space), options)
        progress.take(study)
    return progress
