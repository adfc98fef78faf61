"""Documents: trials that workers run."""

from pathlib import Path

import pytest

from tunesmith.study import (
    DocumentError,
    TrialTemplate,
    document_yaml,
    read_study_job,
    to_document,
)

WORKERS = """apiVersion: tunesmith.dev/v1
kind: StudyJob
metadata: {name: digits}
spec:
  objective: {metric: loss, type: minimize}
  parameters: [{name: x, type: double, min: 0, max: 1}]
  limits: {trials: 3}
  trial: {workers: true}
"""


def test_trials_that_workers_run() -> None:
    job = read_study_job(WORKERS, base=Path("/work"))
    assert job.spec.trial == TrialTemplate(workers=True)  # and no folder
    assert to_document(job)["spec"]["trial"] == {"workers": True}
    assert read_study_job(document_yaml(job), base=None) == job


@pytest.mark.parametrize(
    ("trial", "mistakes"),
    [
        (
            "{workers: true, command: [a], workingDir: /b, env: {C: d}, resources: {cpu: 1}}",
            [
                "spec.trial.command: must be left out when `workers` is true, but got a list",
                "spec.trial.workingDir: must be left out when `workers` is true, but got '/b'",
                "spec.trial.env: must be left out when `workers` is true, but got a mapping",
                "spec.trial.resources: must be left out when `workers` is true, but got a mapping",
            ],
        ),
        ("{workers: 1}", ["spec.trial.workers: must be true or false, but got 1"]),
        ("{workers: false}", ["spec.trial.command: must be given, unless `workers` is true"]),
        (
            "{workers: true}\n  collector: {kind: jsonl}",
            [
                "spec.collector: must be left out when `trial.workers` is true: workers report their metrics, "
                "but got a mapping"
            ],
        ),
    ],
)
def test_workers_and_what_only_a_command_needs(trial: str, mistakes: list[str]) -> None:
    text = WORKERS.replace("{workers: true}", trial)
    with pytest.raises(DocumentError) as error:
        read_study_job(text, base=None)
    assert [f"{m.path}: {m.message}" for m in error.value.mistakes] == mistakes
    assert all(mistake.line for mistake in error.value.mistakes)
