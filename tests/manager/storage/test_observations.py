"""Observations, offsets and summaries: the conformance suite, on both databases."""

import math

import pytest
from tests.store_samples import (
    NOW,
    end,
    finished_trial,
    launch,
    make_job,
    new_study,
    new_trials,
    observe,
    running_trial,
)

from tunesmith.manager.storage import ObservationRow, Sample, Store, StoredObservation, Tx
from tunesmith.services.errors import NotNow
from tunesmith.study import (
    AttemptEnding,
    MetricSpec,
    MetricSummary,
    Objective,
    ObjectiveType,
    Strategy,
    StudyMetricSummary,
    TrialState,
)


@pytest.fixture
def trial(store: Store) -> int:
    """A running trial of a study that records every metric."""
    return running_trial(store, new_study(store).uid).id


def add(store: Store, trial: int, *rows: ObservationRow, attempt: int = 1) -> int:
    return store.write(lambda tx: tx.add_observations(trial, attempt, rows))


def summaries(store: Store, trial: int) -> dict[str, MetricSummary]:
    return {s.metric: s for s in store.read(lambda tx: tx.summaries([trial]))[trial]}


def stored(store: Store, trial: int, attempt: int = 1) -> list[StoredObservation]:
    return store.read(lambda tx: tx.observations(trial, attempt))


def test_observations_come_back_in_their_order(store: Store, trial: int) -> None:
    a = ObservationRow("acc", 0.1 + 0.2, 4, NOW + 0.125, "stdout", 10)
    b = ObservationRow("loss", 5e-324, None, NOW, "reports", 7)
    assert add(store, trial, a, b) == 2
    assert stored(store, trial) == [
        StoredObservation(1, "acc", 0.1 + 0.2, 4, NOW + 0.125, "stdout", 10),
        StoredObservation(2, "loss", 5e-324, 0, NOW, "reports", 7),
    ]


def test_what_is_reported_again_changes_nothing(store: Store, trial: int) -> None:
    rows = [observe("acc", 0.5, 10), observe("loss", 2.0, 10), observe("acc", 0.7, 20)]
    assert add(store, trial, *rows) == 3
    before = stored(store, trial), summaries(store, trial)
    assert add(store, trial, *rows) == 0
    assert add(store, trial, observe("acc", 99.0, 10), observe("acc", 99.0, 20, source="stdout")) == 0
    assert (stored(store, trial), summaries(store, trial)) == before


def test_within_a_batch_the_first_of_several_counts(store: Store, trial: int) -> None:
    assert add(store, trial, observe("acc", 1.0, 1), observe("acc", 2.0, 1), observe("acc", 3.0, 2)) == 2
    assert [row.value for row in stored(store, trial)] == [1.0, 3.0]


def test_source_sequence_and_metric_together_make_it_the_same(store: Store, trial: int) -> None:
    assert add(store, trial, observe("acc", 1.0, 5)) == 1
    assert add(store, trial, observe("acc", 1.0, 5, source="reports"), observe("b", 1.0, 5)) == 2
    assert add(store, trial, observe("acc", 1.0, 3), observe("acc", 1.0, 4), observe("acc", 1.0, 5)) == 2
    assert summaries(store, trial)["acc"].count == 4


def test_sequences_may_come_in_any_order_and_be_far_apart(store: Store, trial: int) -> None:
    far = (2**63 - 1, 5, -(2**63), 10**12, 6, -1)
    assert add(store, trial, *(observe("acc", 1.0, sequence) for sequence in far)) == 6
    assert add(store, trial, *(observe("acc", 2.0, sequence) for sequence in (*far, 7, 10**12 + 1))) == 2
    assert [row.sequence for row in stored(store, trial)] == [*far, 7, 10**12 + 1]


def test_a_batch_may_be_large(store: Store, trial: int) -> None:
    rows = [observe(f"m{i % 7}", float(i), i) for i in range(5000)]
    assert add(store, trial, *rows) == 5000
    assert add(store, trial, *rows[2000:], observe("m0", 0.0, 5000)) == 1
    found = [o for o in stored(store, trial) if o.metric == "m3"]
    assert [o.value for o in found] == [float(i) for i in range(3, 5000, 7)]
    assert [o.step for o in found] == list(range(len(found)))


def test_a_step_not_given_is_the_count_before_it(store: Store, trial: int) -> None:
    add(store, trial, observe("acc", 1.0, 1), observe("acc", math.nan, 2), observe("loss", 1.0, 2))
    add(store, trial, observe("acc", 1.0, 3, step=50), observe("acc", 1.0, 4), observe("acc", 1.0, 5, step=10**30))
    assert [(o.metric, o.step) for o in stored(store, trial)] == [
        ("acc", 0),
        ("acc", 1),
        ("loss", 0),
        ("acc", 50),
        ("acc", 3),
        ("acc", 4),
    ]


def test_values_that_are_not_finite_are_kept_and_counted_only(store: Store, trial: int) -> None:
    values = [math.nan, 1.0, math.inf, -math.inf, 3.0]
    add(store, trial, *(observe("acc", value, i) for i, value in enumerate(values)))
    found = [row.value for row in stored(store, trial)]
    assert math.isnan(found[0])
    assert found[1:] == values[1:]
    assert summaries(store, trial)["acc"] == MetricSummary("acc", 1.0, 3.0, 4.0, 3.0, 1.0, 2, 3)


def test_a_metric_that_is_never_finite_has_no_numbers(store: Store, trial: int) -> None:
    add(store, trial, observe("acc", math.nan, 1))
    assert summaries(store, trial)["acc"] == MetricSummary("acc", non_finite=1)


def test_totals_stay_finite(store: Store, trial: int) -> None:
    add(store, trial, *(observe("acc", 1.7e308, i) for i in range(3)))
    add(store, trial, observe("acc", -1.7e308, 3))
    total = summaries(store, trial)["acc"].total
    assert math.isfinite(total)


def test_summaries_are_of_the_last_attempt(store: Store) -> None:
    trial = running_trial(store, new_study(store).uid).id
    add(store, trial, observe("old", 1.0, 1), observe("acc", 1.0, 2))

    def retry(tx: Tx) -> None:
        tx.close_attempt(trial, AttemptEnding.FAILED, NOW)
        tx.move_trial(trial, TrialState.PENDING, "retry", "", NOW)

    store.write(retry)
    assert set(summaries(store, trial)) == {"old", "acc"}
    store.write(lambda tx: launch(tx, trial))
    assert summaries(store, trial) == {}
    assert add(store, trial, observe("acc", 5.0, 2), attempt=2) == 1
    assert add(store, trial, observe("late", 7.0, 3), attempt=1) == 1  # a late report of the first
    assert summaries(store, trial) == {"acc": MetricSummary("acc", 5.0, 5.0, 5.0, 5.0, 5.0, 1, 0)}
    assert [row.metric for row in stored(store, trial, 1)] == ["old", "acc", "late"]
    assert [row.metric for row in stored(store, trial, 2)] == ["acc"]


def test_offsets_are_committed_with_their_rows(store: Store, trial: int) -> None:
    def work(tx: Tx) -> None:
        tx.add_observations(trial, 1, [observe("acc", 1.0, 30)], ("stdout", 40))
        tx.add_observations(trial, 1, [], ("file:/a\ud800", 7))
        tx.add_observations(trial, 1, [observe("acc", 1.0, 3, source="push")])

    store.write(work)
    assert store.read(lambda tx: tx.offsets(trial, 1)) == {"stdout": 40, "file:/a?": 7}
    store.write(lambda tx: tx.add_observations(trial, 1, [observe("acc", 1.0, 45)], ("stdout", 50)))
    assert store.read(lambda tx: tx.offsets(trial, 1)) == {"stdout": 50, "file:/a?": 7}
    assert store.read(lambda tx: tx.offsets(trial, 2)) == {}

    def fail(tx: Tx) -> None:
        tx.add_observations(trial, 1, [observe("acc", 1.0, 55)], ("stdout", 60))
        raise KeyError("on purpose")

    with pytest.raises(KeyError):
        store.write(fail)
    assert store.read(lambda tx: tx.offsets(trial, 1))["stdout"] == 50
    assert store.write(lambda tx: tx.add_observations(trial, 1, [observe("acc", 1.0, 55)], ("stdout", 60))) == 1


def test_only_attempts_that_exist_report(store: Store) -> None:
    trial = new_trials(store, new_study(store).uid)[0].id
    for attempt in (0, 1, 2):
        with pytest.raises(NotNow, match=f"attempt {attempt}"):
            add(store, trial, observe("acc", 1.0, 1), attempt=attempt)
    store.write(lambda tx: launch(tx, trial))
    assert add(store, trial, observe("acc", 1.0, 1)) == 1
    with pytest.raises(NotNow):
        add(store, trial, observe("acc", 1.0, 1), attempt=2)


def test_a_trial_that_has_ended_takes_nothing_new(store: Store, trial: int) -> None:
    row = observe("acc", 1.0, 1)
    add(store, trial, row)
    store.write(lambda tx: end(tx, trial))
    assert add(store, trial, row) == 0

    def work(tx: Tx) -> None:
        for _ in range(2):
            with pytest.raises(NotNow, match="until it ends"):
                tx.add_observations(trial, 1, [row, observe("acc", 2.0, 2)])

    store.write(work)
    assert [o.value for o in stored(store, trial)] == [1.0]


def test_a_hundred_metrics_are_kept_when_every_one_is_recorded(store: Store, trial: int) -> None:
    rows = [observe(f"m{i}", 1.0, i) for i in range(150)]
    assert add(store, trial, *rows[:90]) == 90
    assert add(store, trial, *rows, observe("acc", 1.0, 200)) == 10  # 9 others, and the objective has its place
    assert add(store, trial, observe("m5", 2.0, 300), observe("m120", 2.0, 301), observe("acc", 2.0, 302)) == 2
    found = summaries(store, trial)
    assert len(found) == 100
    assert "acc" in found
    assert "m98" in found
    assert "m99" not in found


@pytest.mark.parametrize(("metrics", "kept"), [((), {"acc"}), ((MetricSpec("loss"),), {"acc", "loss"})])
def test_only_declared_metrics_are_recorded(store: Store, metrics: tuple[MetricSpec, ...], kept: set[str]) -> None:
    trial = running_trial(store, new_study(store, make_job(metrics=metrics)).uid).id
    assert add(store, trial, observe("acc", 1.0, 1), observe("loss", 1.0, 1), observe("x", 1.0, 1)) == len(kept)
    assert set(summaries(store, trial)) == kept


def test_observations_are_read_in_pages_and_by_metric(store: Store, trial: int) -> None:
    add(store, trial, *(observe(f"m{i % 3}", float(i), i) for i in range(30)))
    found: list[StoredObservation] = []
    while page := store.read(
        lambda tx: tx.observations(trial, 1, after=found[-1].position if found else 0, limit=7)  # noqa: B023
    ):
        found += page
    assert [o.value for o in found] == [float(i) for i in range(30)]
    some = store.read(lambda tx: tx.observations(trial, 1, ["m1", "m2", "unknown"], after=10, limit=3))
    assert [o.value for o in some] == [10.0, 11.0, 13.0]
    assert store.read(lambda tx: tx.observations(trial, 1, ["unknown"])) == []
    assert store.read(lambda tx: tx.observations(trial, 2)) == []


def test_few_observations_are_a_whole_sample(store: Store, trial: int) -> None:
    add(store, trial, *(observe(f"m{i % 3}", float(i), i) for i in range(30)))
    found = store.read(lambda tx: tx.sample(trial, 1, "m1", 10))
    assert found.whole
    assert [row.value for row in found.rows] == [1.0 + 3 * i for i in range(10)]
    assert store.read(lambda tx: tx.sample(trial, 1, "unknown", 10)) == Sample([], whole=True)
    assert store.read(lambda tx: tx.sample(trial, 2, "m1", 10)) == Sample([], whole=True)


@pytest.mark.parametrize("others", [0, 1, 6, 300])
def test_a_sample_of_many_lies_evenly_whatever_else_is_reported(store: Store, trial: int, others: int) -> None:
    rows = [observe("acc", float(i), i * (others + 1)) for i in range(105)]
    for row in rows:
        add(store, trial, row, *(observe("batch", 0.0, row.sequence + place) for place in range(1, others + 1)))
    add(store, trial, *(observe("batch", 0.0, 10**6 + place) for place in range(others)))
    found = store.read(lambda tx: tx.sample(trial, 1, "acc", 10))
    assert not found.whole
    assert [row.value for row in found.rows] == [0, 11, 23, 34, 46, 57, 69, 80, 92, 104]
    assert {row.metric for row in found.rows} == {"acc"}


def test_a_sample_of_all_but_one(store: Store, trial: int) -> None:
    add(store, trial, *(observe("acc", float(i), i) for i in range(4)))
    assert [row.value for row in store.read(lambda tx: tx.sample(trial, 1, "acc", 3)).rows] == [0, 1, 3]
    assert store.read(lambda tx: tx.sample(trial, 1, "acc", 4)).whole


def test_summaries_of_many_trials_at_once(store: Store) -> None:
    uid = new_study(store).uid
    ids = [finished_trial(store, uid, acc=float(i), b=1.0).id for i in range(3)]
    ids.append(new_trials(store, uid)[0].id)
    for look in (store.read, store.write):
        found = look(lambda tx: tx.summaries(ids))
        assert list(found) == ids
        assert [[s.metric for s in found[i]] for i in ids] == [["acc", "b"]] * 3 + [[]]
        assert [found[i][0].max for i in ids[:3]] == [0.0, 1.0, 2.0]


def test_names_are_cleaned(store: Store, trial: int) -> None:
    add(store, trial, ObservationRow("a\0b", 1.0, None, NOW, "s\ud800", 1), observe("ab", 2.0, 2, source="s?"))
    assert [(o.metric, o.source) for o in stored(store, trial)] == [("ab", "s?"), ("ab", "s?")]


def test_a_time_that_is_no_number_is_the_beginning_of_time(store: Store, trial: int) -> None:
    add(store, trial, ObservationRow("acc", 1.0, None, math.nan, "s", 1))
    assert stored(store, trial)[0].time == 0.0


def test_study_summaries_hold_each_metric_by_its_strategy(store: Store) -> None:
    job = make_job(strategy=Strategy.MAX, metrics=(MetricSpec("loss", Strategy.MIN), MetricSpec("t", Strategy.AVERAGE)))
    uid = new_study(store, job).uid
    for first, second in ((1.0, 3.0), (5.0, 2.0)):
        trial = running_trial(store, uid).id
        rows = [observe(m, v, i) for i, v in enumerate((first, second, math.nan)) for m in ("acc", "loss", "t")]
        store.write(lambda tx, t=trial, r=rows: (tx.add_observations(t, 1, r), end(tx, t)))  # type: ignore[misc]
    assert store.read(lambda tx: tx.study_summaries(uid)) == [
        StudyMetricSummary("acc", 3.0, 5.0, 8.0, 2),
        StudyMetricSummary("loss", 1.0, 2.0, 3.0, 2),
        StudyMetricSummary("t", 2.0, 3.5, 5.5, 2),
    ]


def test_study_summaries_are_over_successes_and_finite_values(store: Store) -> None:
    uid = new_study(store).uid
    finished_trial(store, uid, acc=1.0, other=math.nan)
    finished_trial(store, uid, acc=2.0, other=7.0)
    for state in (TrialState.FAILED, TrialState.EARLY_STOPPED, TrialState.KILLED, TrialState.METRICS_UNAVAILABLE):
        trial = running_trial(store, uid).id
        add(store, trial, observe("acc", 100.0, 1), observe("only-failed", 1.0, 1))
        store.write(lambda tx, t=trial, s=state: end(tx, t, s))  # type: ignore[misc]
    assert store.read(lambda tx: tx.study_summaries(uid)) == [
        StudyMetricSummary("acc", 1.0, 2.0, 3.0, 2),
        StudyMetricSummary("other", 7.0, 7.0, 7.0, 1),
    ]


def test_a_metric_not_declared_counts_by_its_latest_value(store: Store) -> None:
    uid = new_study(store).uid
    trial = running_trial(store, uid).id
    add(store, trial, observe("loss", 1.0, 1), observe("loss", 9.0, 2), observe("loss", 4.0, 3))
    store.write(lambda tx: end(tx, trial))
    assert store.read(lambda tx: tx.study_summaries(uid)) == [StudyMetricSummary("loss", 4.0, 4.0, 4.0, 1)]


def test_an_objective_is_better_only_strictly() -> None:
    assert not Objective("a", ObjectiveType.MINIMIZE).better(1.0, 1.0)
