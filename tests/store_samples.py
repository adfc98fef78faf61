"""Studies and trials for the store's tests."""

from collections.abc import Sequence
from itertools import count

from tunesmith.manager.storage import NewTrial, ObservationRow, Store, StudyRow, TrialRow, Tx
from tunesmith.study import (
    AttemptEnding,
    CategoricalDomain,
    DoubleDomain,
    FailureClass,
    IntDomain,
    Limits,
    MetricSpec,
    Objective,
    ObjectiveType,
    Parameter,
    ParameterValue,
    SearchSpace,
    Strategy,
    StudyJob,
    StudySpec,
    StudyState,
    TrialState,
    TrialTemplate,
)

NOW = 1_700_000_000.25
_numbers = count()

SPACE = SearchSpace(
    (
        Parameter("x", DoubleDomain(0.0, 1.0)),
        Parameter("n", IntDomain(1, 9)),
        Parameter("kind", CategoricalDomain(("a", "b", True))),
    )
)
ASSIGNMENT: dict[str, ParameterValue] = {"x": 0.1, "n": 3, "kind": "a"}


def make_job(
    name: str = "",
    *,
    type: ObjectiveType = ObjectiveType.MAXIMIZE,
    strategy: Strategy = Strategy.MAX,
    metrics: Sequence[MetricSpec] | None = None,
    namespace: str = "default",
    labels: dict[str, str] | None = None,
) -> StudyJob:
    """A job whose objective is `acc`."""
    spec = StudySpec(
        objectives=(Objective("acc", type, goal=0.9, strategy=strategy),),
        space=SPACE,
        trial=TrialTemplate(("python", "train.py", "--x=${params.x}"), working_dir="/work"),
        metrics=None if metrics is None else tuple(metrics),
        limits=Limits(trials=100, parallel=4),
        initial=({"x": 0.5, "n": 2},),
        seed=7,
    )
    return StudyJob(name or f"study{next(_numbers)}", spec, namespace, labels or {})


def make_uid() -> str:
    """One that was never used."""
    return f"{next(_numbers):032x}"


def new_study(store: Store, job: StudyJob | None = None, *, running: bool = True) -> StudyRow:
    """A study in the store."""
    uid = make_uid()

    def work(tx: Tx) -> StudyRow:
        row = tx.insert_study(uid, job or make_job(), NOW)
        return tx.move_study(uid, StudyState.RUNNING, "", "", NOW) if running else row

    return store.write(work)


def new_trials(store: Store, uid: str, count: int = 1) -> list[TrialRow]:
    """Pending trials."""
    return store.write(lambda tx: tx.add_trials(uid, [NewTrial(ASSIGNMENT) for _ in range(count)], NOW))


def launch(tx: Tx, trial: int) -> TrialRow:
    """Open an attempt and start it."""
    tx.open_attempt(trial, "/folder", NOW)
    return tx.launched(trial, NOW)


def running_trial(store: Store, uid: str) -> TrialRow:
    """A trial that runs."""
    trial = new_trials(store, uid)[0].id
    return store.write(lambda tx: launch(tx, trial))


def end(tx: Tx, trial: int, state: TrialState = TrialState.SUCCEEDED, reason: str = "") -> TrialRow:
    """Close the attempt that is open, and move the trial."""
    failed = state in (TrialState.FAILED, TrialState.METRICS_UNAVAILABLE)
    ending = AttemptEnding.FAILED if failed else AttemptEnding.EXITED
    tx.close_attempt(trial, ending, NOW, FailureClass.USER_ERROR if failed else None, 1 if failed else 0)
    return tx.move_trial(trial, state, reason, "", NOW)


def observe(
    metric: str, value: float, sequence: int, step: int | None = None, source: str = "stdout"
) -> ObservationRow:
    """A row."""
    return ObservationRow(metric, value, step, NOW, source, sequence)


def finished_trial(store: Store, uid: str, **values: float) -> TrialRow:
    """A trial that succeeded with one observation of each metric."""
    trial = running_trial(store, uid).id

    def work(tx: Tx) -> TrialRow:
        rows = [observe(metric, value, sequence) for sequence, (metric, value) in enumerate(values.items())]
        tx.add_observations(trial, 1, rows)
        return end(tx, trial)

    return store.write(work)
