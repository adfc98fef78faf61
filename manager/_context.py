"""What every study's loop shares (store, launcher, suggestion client, clock), and how a trial is rendered."""

import asyncio
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from tunesmith.manager._attempts import Ending, Watched, sources_of
from tunesmith.manager._calls import NEWEST
from tunesmith.manager._decider import Course, Decider
from tunesmith.manager._suggester import History, Suggester
from tunesmith.manager._told import PAGE, SAMPLED
from tunesmith.manager.launchers import Launch, Launcher
from tunesmith.manager.launchers.workers import WorkersLauncher
from tunesmith.manager.storage import Fence, Sample, Store, StoredObservation, StudyRow, TrialRow, Tx
from tunesmith.study import RenderedTrial, StudySpec, TrialContext, TrialState, render
from tunesmith.study.naming import trial_name, trial_seed

T = TypeVar("T")


class Database:
    """The store behind one thread for writing and one for reading, so that the loop never waits for a disk."""

    def __init__(self, store: Store) -> None:
        """Take over `store`; `close` closes it."""
        self.store = store
        self._writer = ThreadPoolExecutor(1, "store-writer")
        self._reader = ThreadPoolExecutor(2, "store-reader")

    async def write(self, work: Callable[[Tx], T], fence: Fence | None = None) -> T:
        """One transaction. It is finished even when the caller is cancelled meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, self.store.write, work, fence)

    async def read(self, work: Callable[[Tx], T]) -> T:
        """One read-only transaction."""
        return await asyncio.get_running_loop().run_in_executor(self._reader, self.store.read, work)

    async def history(self, uid: str, revision: int) -> History:
        """A study and what changed in it since a revision."""
        if revision == NEWEST:
            return History(await self.read(lambda tx: tx.study(uid)), ())
        return await self.read(lambda tx: History(tx.study(uid), tx.trials_since(uid, revision, NEWEST)))

    async def course(self, uid: str, revision: int) -> Course:
        """A study, what changed in it since a revision, and the trials that run and that nobody stops yet."""

        def work(tx: Tx) -> Course:
            running = [trial for trial in tx.live_trials(uid) if trial.state is TrialState.RUNNING]
            unstopped = [trial for trial in running if trial.stop_kind is None]
            return Course(tx.study(uid), tx.trials_since(uid, revision, NEWEST), unstopped)

        return await self.read(work)

    async def observations(self, trial: TrialRow, metric: str, after: int) -> list[StoredObservation]:
        """A page of what the trial's last attempt reported of a metric, after a position."""
        return await self.read(lambda tx: tx.observations(trial.id, trial.attempt, [metric], after, PAGE))

    async def sample(self, trial: TrialRow, metric: str) -> Sample:
        """What the trial's last attempt reported of a metric, or a sample where that is much."""
        return await self.read(lambda tx: tx.sample(trial.id, trial.attempt, metric, SAMPLED))

    async def digest_at(self, uid: str, revision: int) -> int | None:
        """The study's digest at a revision; None: not known any more."""
        return await self.read(lambda tx: tx.digest_at(uid, revision))

    def close(self) -> None:
        """Finish what was begun, and close the store."""
        self._writer.shutdown()
        self._reader.shutdown()
        self.store.close()


def no_fault(_point: str) -> None:
    """Nothing goes wrong here: what a manager is given outside of tests."""


@dataclass(frozen=True)
class Context:
    """The surroundings of a study's loop."""

    database: Database
    launcher: Launcher
    """Where trials run: by their command, unless `for_study` chose another."""
    suggester: Suggester
    decider: Decider
    state: Path
    """Absolute folder of trials and logs."""
    changed: Callable[[str], None]
    """Tells watchers that a study changed."""
    clock: Callable[[], float]
    """Seconds since 1970 UTC."""
    watchers: dict[tuple[str, int], Callable[[], None]] = field(default_factory=dict)
    """Who is woken by the exit of an attempt, by the launcher's key."""
    endings: dict[tuple[str, int], Ending] = field(default_factory=dict)
    """Exits that are not in the store yet. The launcher tells each once, and a loop may have to begin anew."""
    fault_point: Callable[[str], None] = no_fault
    """Called between the steps of applying; a test dies in it."""
    free_bytes: Callable[[Path], int] = field(default=lambda path: _free(path))
    """Free space of the disk that holds a folder."""
    workers: WorkersLauncher | None = None
    """Where trials run that workers ask for. None: they are not offered."""

    @property
    def launchers(self) -> list[Launcher]:
        """All of them."""
        return [self.launcher] if self.workers is None else [self.launcher, self.workers]

    def for_study(self, spec: StudySpec) -> "Context":
        """The surroundings of this study's loop: the only place that chooses its launcher."""
        return replace(self, launcher=self.workers) if spec.trial.workers and self.workers else self


def _free(path: Path) -> int:
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize


def trial_folder(state: Path, uid: str, name: str) -> Path:
    """Where the attempts of a trial have their folders, and its checkpoints theirs."""
    return state / "trials" / uid / name


def checkpoints(state: Path, study: StudyRow, trial: TrialRow, parent: int) -> tuple[Path, Path]:
    """The checkpoint folders of a trial's parent, given by its number, and of the trial."""
    first, second = (
        trial_folder(state, study.uid, name) / "checkpoint"
        for name in (trial_name(study.name, study.uid, parent), trial.name)
    )
    return first, second


def folder_of(state: Path, study: StudyRow, trial: TrialRow, attempt: int) -> Path:
    """Folder of one attempt."""
    return trial_folder(state, study.uid, trial.name) / str(attempt)


def rendered(state: Path, study: StudyRow, trial: TrialRow) -> tuple[RenderedTrial, Path]:
    """The trial's command with every placeholder filled in, and the folder of its last attempt."""
    spec = study.job.spec
    folder = folder_of(state, study, trial, trial.attempt)
    context = TrialContext(
        study=study.name,
        namespace=study.namespace,
        trial=trial.name,
        number=trial.number,
        attempt=trial.attempt,
        seed=trial_seed(spec.seed, trial.number),
        dir=str(folder),
        checkpoint_dir=str(folder.parent / "checkpoint"),
        params=trial.assignment,
    )
    return render(spec.trial, spec.collector, context), folder


def prepared(state: Path, study: StudyRow, trial: TrialRow) -> tuple[Launch, Watched]:
    """What the launcher is asked for, and how the attempt is then followed."""
    command, folder = rendered(state, study, trial)
    return _launch_of(study, trial, command, folder), _watched(study, trial, command, folder, {})


def _launch_of(study: StudyRow, trial: TrialRow, command: RenderedTrial, folder: Path) -> Launch:
    own = {
        "TUNESMITH_TRIAL": trial.name,
        "TUNESMITH_PARAMS": _params_json(trial),
        "TUNESMITH_TRIAL_DIR": str(folder),
        "TUNESMITH_CHECKPOINT_DIR": str(folder.parent / "checkpoint"),
    }
    return Launch(
        trial=trial.name,
        attempt=trial.attempt,
        folder=folder,
        command=command.command,
        env={**command.env, **own},
        working_dir=command.working_dir or str(folder),
        resources=study.job.spec.trial.resources,
        namespace=study.namespace,
        study=study.name,
        workers=study.job.spec.trial.workers,
    )


def _params_json(trial: TrialRow) -> str:
    return json.dumps(dict(trial.assignment), separators=(",", ":"))


def wanted_metrics(spec: StudySpec) -> frozenset[str] | None:
    """Names of the metrics that are recorded; None: every one."""
    if spec.metrics is None:
        return None
    return frozenset([objective.metric for objective in spec.objectives] + [metric.name for metric in spec.metrics])


def watched(state: Path, study: StudyRow, trial: TrialRow, offsets: dict[str, int]) -> Watched:
    """The trial's last attempt, to be followed from these offsets."""
    return _watched(study, trial, *rendered(state, study, trial), offsets)


def _watched(
    study: StudyRow, trial: TrialRow, command: RenderedTrial, folder: Path, offsets: dict[str, int]
) -> Watched:
    spec = study.job.spec
    sources = (
        []  # a worker reports by itself
        if spec.trial.workers
        else sources_of(spec.collector, command.collector_path, wanted_metrics(spec), folder, offsets)
    )
    return Watched(trial.id, trial.number, trial.name, trial.attempt, folder, sources)
