"""What is told of early stopping: a decision in a sentence, what it saved, and the lists of decisions."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.client.conftest import DOCUMENT, Command, Fake
from tests.client.fake_manager import START, Script
from tests.client.test_display import a_study

from tunesmith.client._client import Client
from tunesmith.client._result import ending
from tunesmith.client._stopping import decision_text, saved_line
from tunesmith.client._trial_values import Decision, Trial
from tunesmith.client._values import TrialCounts
from tunesmith.study import StudyState, TrialState, wire
from tunesmith.v1 import manager_pb2 as pb

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
STOP = Decision(1, "digits-3-abcde", 1, "median", True, "its average 0.5 is worse than 0.25", 0.4, 9, NOON)


def a_trial(state: TrialState = TrialState.EARLY_STOPPED, reports: int = 9, number: int = 3) -> Trial:
    """One whose last report of all is no number."""
    message = pb.Trial(name="digits-3-abcde", number=number, state=wire.TRIAL_STATE_TO_PROTO[state], value=0.5)
    message.metrics.add(metric="loss", count=reports - 1, non_finite=1)
    return Trial.from_proto(message)


@pytest.mark.parametrize(
    ("state", "decision", "expected"),
    [
        (
            TrialState.EARLY_STOPPED,
            STOP,
            "Stopped by median at step 9 (2026-01-02 12:00:00): its average 0.5 is worse than 0.25."
            " It would have reached loss 0.4; it had 0.5.",
        ),
        (
            TrialState.RUNNING,
            replace(STOP, stop=False, reason="at step 9 all is well."),
            "Not stopped by median (2026-01-02 12:00:00): at step 9 all is well."
            " It was expected to reach loss 0.4; it had 0.5.",
        ),
        (
            TrialState.RUNNING,
            replace(STOP, predicted=None, step=None),
            "Being stopped by median (2026-01-02 12:00:00): its average 0.5 is worse than 0.25.",
        ),
        (
            TrialState.SUCCEEDED,
            replace(STOP, predicted=None, reason=""),
            "Ended as Succeeded before it was stopped by median at step 9 (2026-01-02 12:00:00).",
        ),
    ],
)
def test_a_decision_in_a_sentence(folder: Path, state: TrialState, decision: Decision, expected: str) -> None:
    assert decision_text(a_study(folder), a_trial(state), decision) == expected


def test_what_stopping_saved(folder: Path) -> None:
    study = a_study(folder)
    whole = [a_trial(TrialState.SUCCEEDED, 20, number) for number in (0, 1)]
    assert saved_line(study, [*whole, a_trial(reports=4, number=2), a_trial(reports=6)]) == (
        "2 trials were stopped early, after 10 of their 40 reports; the study took 50 in place of 80."
    )
    assert saved_line(study, [*whole, a_trial(reports=4)]).startswith("1 trial was stopped early, after 4 of")
    done = replace(a_trial(TrialState.SUCCEEDED, 4), reason="converged")
    assert saved_line(study, [*whole, done]).startswith("1 trial was stopped early, after 4 of")
    assert decision_text(study, done, STOP).startswith("Ended as done by median at step 9 (")


@pytest.mark.parametrize(
    "trials",
    [
        [],
        [a_trial(TrialState.SUCCEEDED, 20)],
        [a_trial(reports=4)],
        [a_trial(TrialState.SUCCEEDED, 20, 0), a_trial(TrialState.SUCCEEDED, 19, 1), a_trial(reports=4)],
        [a_trial(TrialState.SUCCEEDED, 20, 0), a_trial(reports=21)],
        [a_trial(TrialState.SUCCEEDED, 1, 0), a_trial(reports=1)],
    ],
)
def test_what_cannot_be_known_is_not_told(folder: Path, trials: list[Trial]) -> None:
    assert saved_line(a_study(folder), trials) == ""


def test_decisions_are_listed(fake: Fake, command: Command, folder: Path) -> None:
    running = fake(Script(endings={1: (TrialState.EARLY_STOPPED, "earlyStopped", 0, b"")}))
    (folder / "study.yaml").write_text(DOCUMENT + "  earlyStopping: {name: hopeless}\n")
    done = command("run", "study.yaml")
    assert "[2/5] trial 1 was stopped early in 2.5s, C=" in done.out
    assert "5 trials: 4 succeeded, 1 stopped early, in 8.0s" in done.out
    (study,) = running.manager.studies.values()
    for number, (trial, stop) in enumerate([(0, False), (1, False), (1, True)], start=1):
        name, reason = f"digits-{trial}-abcde", f"at step {number} so it was"
        made = pb.StoredDecision(
            id=number, trial=name, attempt=1, rule="hopeless", stop=stop, reason=reason, step=number
        )
        made.time.FromDatetime(START)
        study.decisions.append(made)
    study.decisions[-1].predicted = 0.5

    assert command("get", "decisions", "digits", "--stops").out.splitlines() == [
        "TIME                 TRIAL           STEP  DECISION  PREDICTED  WHY",
        "2026-01-02 03:04:05  digits-1-abcde     3  stop            0.5  at step 3 so it was",
    ]
    assert len(command("get", "decisions", "digits", "--trial", "1").out.splitlines()) == 3
    found = json.loads(command("get", "decisions", "digits", "-o", "json").out)
    assert [(one["trial"], one["stop"], one["predicted"]) for one in found] == [
        ("digits-0-abcde", False, None),
        ("digits-1-abcde", False, None),
        ("digits-1-abcde", True, 0.5),
    ]
    with Client() as client:
        assert [decision.step for decision in client.decisions("digits", 1)] == [2, 3]

    shown = command("describe", "trial", "digits/1").out
    assert "\nEarly stopping\n  Stopped by hopeless (2026-01-02 03:04:05): at step 3 so it was. It would" in shown
    assert "\n  Not stopped by hopeless (2" in command("describe", "trial", "digits/0").out
    assert "Early stopping\n" not in command("describe", "trial", "digits/2").out
    assert json.loads(command("describe", "trial", "digits/1", "-o", "json").out)["decision"]["stop"] is True
    assert "\nEarly stopping  hopeless\n" in command("describe", "study", "digits").out
    assert json.loads(command("get", "study", "digits", "-o", "json").out)["earlyStopping"] == "hopeless"


def test_a_rule_that_failed_is_told_at_the_end_and_afterwards(fake: Fake, command: Command, folder: Path) -> None:
    message = "no trial is stopped early until the manager is started again: rule 'hopeless': it hurts"
    failed = pb.Event(reason="ruleFailed", message=message)
    failed.time.FromDatetime(START)
    running = fake()
    (folder / "study.yaml").write_text(DOCUMENT + "  earlyStopping: {name: hopeless}\n")
    assert "Early stopping failed" not in command("run", "study.yaml").out
    (study,) = running.manager.studies.values()
    study.events.append(failed)
    told = f"Early stopping failed (2026-01-02 03:04:05): {message}."
    assert told in command("run", "study.yaml").out.splitlines()
    assert told in command("describe", "study", "digits").out.splitlines()


@pytest.mark.parametrize(
    ("reason", "message", "told"),
    [
        (
            "trialsUsedUp",
            "all 3 trials were run (limits.trials)",
            "all 3 trials were run (limits.trials)",
        ),
        ("exhausted", "", "every assignment of the space was tried"),
    ],
)
def test_a_study_that_failed_with_all_run_says_that_none_succeeded(
    folder: Path, reason: str, message: str, told: str
) -> None:
    counts = TrialCounts(early_stopped=2, failed=1)
    study = replace(a_study(folder), state=StudyState.FAILED, reason=reason, message=message, counts=counts)
    assert ending(study) == f"Study digits failed: {told}, and none of them succeeded."
    one = replace(study, state=StudyState.SUCCEEDED, counts=TrialCounts(succeeded=1))
    assert "none of them" not in ending(one)


def test_other_failures_are_told_as_they_are(folder: Path) -> None:
    study = replace(a_study(folder), state=StudyState.FAILED, reason="algorithmFailed", message="no way")
    assert ending(study) == "Study digits failed: no way."
