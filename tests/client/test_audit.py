"""What an audit says of its estimates, and which trials it runs to the end."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.client.test_display import a_study
from tests.client.test_stopping import STOP, a_trial

from tunesmith.client._audit import Audit, Stopped, key_of, most_promising, own_runs
from tunesmith.client._audit_read import Finished, judge
from tunesmith.client._audit_sample import default_name, finishing_job, sample
from tunesmith.client._audit_text import audit_data, audit_lines, percent
from tunesmith.client._estimate import Curve
from tunesmith.study import Assignment, Limits, RuleSpec, StudyState

FINISH = "tunesmith audit digits --finish 5"
CHANCES = (0.001, 0.2, None, 0.0, 0.04)


def an_audit(folder: Path) -> Audit:
    """The objective is a loss, of which the best trial has 0.25; trials were stopped that have these chances."""
    study = a_study(folder, finished=20, limits=Limits(trials=60, parallel=4, duration=5.0))
    spec = replace(study.spec, early_stopping=RuleSpec("median"), seed=3)
    stopped = tuple(
        Stopped(
            trial=replace(a_trial(), name=f"digits-{number}-abcde", number=number, assignment={"C": float(number)}),
            step=9,
            expected=None if chance is None else 0.5 - chance,
            by_rule=number == 1,
            spread=None if chance is None else 0.125,
            chance=chance,
        )
        for number, chance in enumerate(CHANCES)
    )
    return Audit(replace(study, spec=spec, state=StudyState.SUCCEEDED), stopped, 20)


def reaching(audit: Audit, values: dict[int, float]) -> Audit:
    """The audit with what some trials reached, by number."""
    return replace(audit, stopped=tuple(replace(one, reached=values.get(one.trial.number)) for one in audit.stopped))


def numbers(assignments: list[Assignment]) -> list[float]:
    return [float(assignment["C"]) for assignment in assignments]


def test_the_most_promising_come_first(tmp_path: Path) -> None:
    assert [one.trial.number for one in most_promising(an_audit(tmp_path))] == [1, 4, 0, 3, 2]


def test_what_an_audit_says(tmp_path: Path) -> None:
    audit = an_audit(tmp_path)
    assert audit.missed == pytest.approx((0.2, 1 - 0.999 * 0.8 * 0.96))
    assert audit_lines(audit, None, FINISH) == [
        "5 trials of study digits were stopped early.",
        "The best of the 20 trials that succeeded is digits-3-abcde, with loss 0.25.",
        "",
        "TRIAL           STEP  HAD   WOULD REACH  BEATS THE BEST",
        "digits-1-abcde     9  0.5    0.3 ± 0.12            20 %",
        "digits-4-abcde     9  0.5   0.46 ± 0.12           4.0 %",
        "digits-0-abcde     9  0.5  0.499 ± 0.12           0.1 %",
        "digits-3-abcde     9  0.5    0.5 ± 0.12             0 %",
        "digits-2-abcde     9  0.5             -               -",
        "",
        "Stopping may have cost the best: P(best missed) is 20 % to 23 %.",
    ]


def test_while_a_study_goes_on_the_best_is_that_so_far(tmp_path: Path) -> None:
    audit = an_audit(tmp_path)
    goes_on = replace(audit, study=replace(audit.study, state=StudyState.RUNNING))
    assert audit_lines(goes_on, None, FINISH)[1].startswith(
        "The best of the 20 trials that succeeded so far is digits-3"
    )


def test_what_was_run_to_the_end_is_no_chance_any_more(tmp_path: Path) -> None:
    audit = an_audit(tmp_path)
    tested = reaching(audit, {1: 0.3, 2: 0.3})
    assert tested.missed == pytest.approx((0.04, 1 - 0.999 * 0.96))
    lines = audit_lines(tested, None, FINISH)
    assert lines[4].split() == ["digits-1-abcde", "9", "0.5", "0.3", "±", "0.12", "20", "%", "0.3"]
    assert lines[-2] == (
        "2 trials were run to the end: none of them beat the best, and what was expected is wrong by 0"
        " (root mean square)."
    )
    assert lines[-1] == "Stopping probably cost nothing: P(best missed) is 4.0 % to 4.1 %."
    sure = replace(audit, stopped=(replace(audit.stopped[1], chance=0.6),))
    assert audit_lines(sure, None, FINISH)[-1] == "Stopping probably cost the best: P(best missed) is 60 %."
    unsure = replace(audit, stopped=(replace(audit.stopped[1], chance=0.4),) * 2)
    assert audit_lines(unsure, None, FINISH)[-1] == "Stopping may have cost the best: P(best missed) is 40 % to 64 %."
    better = reaching(audit, {1: 0.125, 2: 0.2})
    assert better.missed == (1, 1)
    assert (
        audit_lines(better, None, FINISH)[-1]
        == "Stopping cost the best: digits-1-abcde reaches 0.125 when it runs to its end."
    )
    assert [one["better"] for one in audit_data(better)["stopped"]] == [True, None, None, None, True]


def test_nobody_can_say(tmp_path: Path) -> None:
    audit = an_audit(tmp_path)
    none = replace(audit, stopped=audit.stopped[2:3])
    assert none.missed is None
    assert audit_lines(none, None, FINISH)[-1] == (
        "Nobody can say what stopping cost: fewer than 4 trials that got so far have finished (outliers do not count)."
        " `tunesmith audit digits --finish 5` runs some to the end."
    )
    assert audit_lines(replace(audit, stopped=()), None, FINISH) == ["No trial of study digits was stopped early."]
    silent = replace(audit, stopped=(replace(audit.stopped[2], step=None),))
    assert audit_lines(silent, None, FINISH)[-1] == (
        "Nobody can say what stopping cost: none of these trials has reported a finite number."
    )


def test_where_nothing_succeeded_it_says_what_stopped_trials_reached(tmp_path: Path) -> None:
    audit = an_audit(tmp_path)
    without = replace(audit, study=replace(audit.study, best=None))
    lines = audit_lines(without, None, FINISH)
    assert "no best one to beat" in lines[1]
    assert lines[-1] == f"Stopping left nothing to compare with. `{FINISH}` runs some to the end."
    lines = audit_lines(reaching(without, {1: 0.5, 2: 0.125}), None, FINISH)
    assert lines[-2].startswith("2 trials were run to the end, and what was expected is wrong by ")
    assert lines[-1] == "Stopping cost all that there was: digits-2-abcde reaches 0.125 when it runs to its end."


def test_a_sample_is_half_the_most_promising_and_grows(tmp_path: Path) -> None:
    audit = an_audit(tmp_path)
    assert numbers(sample(audit, 1)) == [1.0]
    three = sample(audit, 3)
    assert numbers(three)[:2] == [1.0, 4.0]
    assert sample(audit, 3) == three
    assert sample(audit, 4, three)[:3] == three
    assert sample(audit, 2, three) == three
    assert sorted(numbers(sample(audit, 99, three))) == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_each_run_is_that_of_one_trial(tmp_path: Path) -> None:
    """Of two trials with equal assignments, of which one was run again, the other one was not."""
    audit = an_audit(tmp_path)
    twice = replace(audit.stopped[1], trial=replace(audit.stopped[1].trial, number=7, assignment={"C": 4.0}))
    audit = replace(audit, stopped=(*audit.stopped, twice))
    trials = [one.trial for one in audit.stopped]
    four: Assignment = {"C": 4.0}
    assert own_runs(trials, [four]) == {4: 0}
    assert own_runs(reversed(trials), [{"C": 1.0}, four, {"C": 99.0}, four, four]) == {1: 0, 4: 1, 7: 3}
    assert numbers(sample(audit, 99, [four])).count(4.0) == 2
    assert numbers(sample(audit, 99, [four, four])).count(4.0) == 2


def test_a_long_name_leaves_room() -> None:
    assert default_name("digits") == "digits-audit"
    assert default_name("a" * 43 + "-" + "b" * 6) == "a" * 43 + "-audit"


def test_the_study_that_finishes_a_sample(tmp_path: Path) -> None:
    audit = an_audit(tmp_path)
    job = finishing_job(audit, 2, "digits-audit", None)
    assert (job.spec.early_stopping, job.spec.limits.trials, job.spec.limits.duration) == (None, 2, None)
    assert (job.spec.trial, job.spec.limits.parallel) == (audit.study.spec.trial, 4)
    assert job.labels == {"audit-of": "digits", "audit-of-uid": "7"}
    found = replace(audit.study, name=job.name, spec=job.spec, labels=job.labels)
    assert finishing_job(audit, 2, "digits-audit", found) == job
    more = finishing_job(audit, 4, "digits-audit", found)
    assert more.spec.initial[:2] == job.spec.initial
    assert more.spec.limits.trials == len(more.spec.initial) == 4


def test_equal_assignments_are_of_equal_types() -> None:
    assert key_of({"a": 1, "b": "x"}) == key_of({"b": "x", "a": 1})
    assert len({key_of({"a": value}) for value in (1, 1.0, True, "1")}) == 4


def test_percents() -> None:
    chances = (None, 0.0, 0.0004, 0.004, 0.0312, 0.0994, 0.0996, 0.23, 0.996, 1.0)
    shown = ["-", "0 %", "< 0.1 %", "0.4 %", "3.1 %", "9.9 %", "10 %", "23 %", "> 99 %", "100 %"]
    assert list(map(percent, chances)) == shown


def test_an_estimate_and_its_spread_are_of_one_source(tmp_path: Path) -> None:
    """What the rule predicted says nothing of its error, and is told where there are too few curves for an estimate."""
    study, trial = an_audit(tmp_path).study, replace(a_trial(), assignment={"C": 9.0})
    finished = [
        Finished({"C": float(number)}, Curve((1, 9), (1.0 + number, 0.5 + number / 4)), 0.5 + number / 4)
        for number in range(6)
    ]
    curve, decision = Curve((1,), (3.0,)), replace(STOP, predicted=0.125)
    judged = judge(study, trial, curve, decision, finished, None)
    assert not judged.by_rule
    assert judged.expected == pytest.approx(1.0)
    assert judged.spread == pytest.approx(0.0)
    assert judged.reached is None
    few = judge(study, trial, curve, decision, finished[:3], finished[5])
    assert few.reached == finished[5].value
    assert (few.by_rule, few.expected, few.spread, few.chance) == (True, 0.125, None, None)
