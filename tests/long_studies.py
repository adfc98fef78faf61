"""Studies with as many trials as anybody could want, written straight into a store: 10,000 take some seconds."""

import math
import random
import uuid
from collections.abc import Mapping

from tunesmith.manager.storage import NewTrial, ObservationRow, Store, TrialRow, Tx
from tunesmith.study import (
    AttemptEnding,
    CategoricalDomain,
    Condition,
    Distribution,
    DoubleDomain,
    FailureClass,
    IntDomain,
    Limits,
    Objective,
    ObjectiveType,
    Parameter,
    ParameterValue,
    SearchSpace,
    StudyJob,
    StudySpec,
    StudyState,
    TrialState,
    TrialTemplate,
)

BEGAN = 1_790_000_000.0
"""When the first trial began."""
_BATCH = 500
_STEPS = 3

SPACE = SearchSpace(
    (
        Parameter("C", DoubleDomain(0.01, 100.0, Distribution.LOG_UNIFORM)),
        Parameter("kernel", CategoricalDomain(("rbf", "poly", "linear"))),
        Parameter("gamma", DoubleDomain(1e-5, 1.0, Distribution.LOG_UNIFORM), (Condition("kernel", ("rbf", "poly")),)),
        Parameter("degree", IntDomain(2, 5), (Condition("kernel", ("poly",)),)),
        Parameter("batch", IntDomain(16, 256)),
        Parameter("dropout", DoubleDomain(0.0, 0.5)),
    )
)


def long_study(
    store: Store, name: str, trials: int, *, labels: Mapping[str, str] | None = None, running: bool = False
) -> str:
    """A study that has ended with so many trials; with `running` one that waits for workers. Gives its uid."""
    uid = uuid.uuid4().hex
    template = TrialTemplate(workers=True) if running else TrialTemplate(("python", "train.py", "--C=${params.C}"))
    spec = StudySpec(
        (Objective("loss", ObjectiveType.MINIMIZE),),
        SPACE,
        template,
        limits=Limits(max(trials, 1) + 10**5, failed=10**5),
        seed=1,
    )
    job = StudyJob(name, spec, labels=labels or {})

    def begin(tx: Tx) -> None:
        tx.insert_study(uid, job, BEGAN)
        tx.move_study(uid, StudyState.RUNNING, "", "", BEGAN)

    store.write(begin)
    chance = random.Random(trials)
    for first in range(0, trials, _BATCH):
        numbers = range(first, min(first + _BATCH, trials))
        store.write(lambda tx, numbers=numbers: _add(tx, uid, numbers, chance))  # type: ignore[misc]

    def finish(tx: Tx) -> None:
        tx.move_study(uid, StudyState.ENDING, "trialsUsedUp", "", BEGAN + trials)
        tx.move_study(uid, StudyState.SUCCEEDED, "trialsUsedUp", "", BEGAN + trials)

    if not running:
        store.write(finish)
    return uid


def _add(tx: Tx, uid: str, numbers: range, chance: random.Random) -> None:
    now = BEGAN + numbers[0]
    added = tx.add_trials(uid, [NewTrial(_assignment(chance)) for _ in numbers], now)
    for trial in added:
        _run(tx, trial, now, chance)


def _assignment(chance: random.Random) -> dict[str, ParameterValue]:
    found: dict[str, ParameterValue] = {"kernel": chance.choice(("rbf", "poly", "linear"))}
    found |= {"C": 10 ** chance.uniform(-2, 2), "batch": chance.randint(16, 256), "dropout": chance.uniform(0, 0.5)}
    if found["kernel"] != "linear":
        found["gamma"] = 10 ** chance.uniform(-5, 0)
    if found["kernel"] == "poly":
        found["degree"] = chance.randint(2, 5)
    return found


def _run(tx: Tx, trial: TrialRow, now: float, chance: random.Random) -> None:
    """A trial from its launch to its end: one of 25 fails, one of 10 is stopped early."""
    tx.open_attempt(trial.id, f"/var/tunesmith/trials/{trial.name}", now)
    tx.launched(trial.id, now)
    base = 0.1 + abs(math.log10(float(trial.assignment["C"]))) / 4 + float(trial.assignment["dropout"])
    rows = [
        ObservationRow("loss", base + 1 / (step + 1) + chance.gauss(0, 0.02), step, now + step, "stdout", step)
        for step in range(_STEPS)
    ]
    rows.append(ObservationRow("seconds", chance.uniform(1, 9), None, now, "stdout", _STEPS))
    tx.add_observations(trial.id, 1, rows)
    failed, early = trial.number % 25 == 7, trial.number % 10 == 3
    ending = AttemptEnding.FAILED if failed else AttemptEnding.STOPPED if early else AttemptEnding.EXITED
    end = now + chance.uniform(1, 60)
    tx.close_attempt(trial.id, ending, end, FailureClass.USER_ERROR if failed else None, 1 if failed else 0)
    state = TrialState.FAILED if failed else TrialState.EARLY_STOPPED if early else TrialState.SUCCEEDED
    tx.move_trial(trial.id, state, "userError" if failed else "median" if early else "", "", end)
