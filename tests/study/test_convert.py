"""Documents as native ones: what they say stays, and what is wrong is what a reader says of it."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from tests.documents import CHANGES, RIGHT
from tests.job_strategies import jobs

from tunesmith.study import DocumentError, StudyJob, document_yaml, read_study_job, to_native

SMALL = """{"kind": "StudyJob", "apiVersion": "tunesmith.dev/v1", "metadata": {"namespace": "default", "name": "a"},
"spec": {"trial": {"command": ["run", "${params.x}"]DIR}, "limits": {"trials": 1e1, "failed": 3},
"objective": {"type": "minimize", "metric": "loss", "strategy": "min"},
"parameters": [{"name": "x", "type": "double", "max": 1, "min": 0}]}}"""
WRITTEN = """apiVersion: tunesmith.dev/v1
kind: StudyJob
metadata:
  name: a
spec:
  objective:
    metric: loss
    type: minimize
    strategy: min
  parameters:
    - {name: x, type: double, min: 0.0, max: 1.0}
  limits:
    trials: 10
  trial:
    command: [run, "${params.x}"]
"""


def test_it_is_brought_into_order() -> None:
    native = to_native(SMALL.replace("DIR", ""))
    assert (native.text, native.warnings) == (WRITTEN, ())
    assert to_native(native.text).text == native.text


@pytest.mark.parametrize(
    ("given_", "written"),
    [(".", ""), ("./sub/dir", "sub/dir"), ("../up", "../up"), ("/abs", "/abs"), ("${trial.dir}/x", "${trial.dir}/x")],
)
def test_a_folder_stays_as_relative_as_it_was(given_: str, written: str) -> None:
    native = to_native(SMALL.replace("DIR", f', "workingDir": "{given_}"'))
    assert native.job.spec.trial.working_dir == written
    base = Path("/home/me")
    there = read_study_job(SMALL.replace("DIR", f', "workingDir": "{given_}"'), base=base)
    assert read_study_job(native.text, base=base) == there


@settings(max_examples=50)
@given(jobs())
def test_a_native_document_says_the_same(job: StudyJob) -> None:
    text = document_yaml(job)
    assert to_native(text).job == job
    assert to_native(text).text == text


@pytest.mark.parametrize("change", CHANGES[:40])
def test_mistakes_are_those_of_the_reader(change: tuple[str, str, list[str]]) -> None:
    text = RIGHT.replace(change[0], change[1])
    found = []
    for read in (lambda: read_study_job(text, base=Path("/b")), lambda: to_native(text)):
        with pytest.raises(DocumentError) as error:
            read()
        found.append(error.value.mistakes)
    assert found[0] == found[1]


def test_katib_is_refused_by_name() -> None:
    text = WRITTEN.replace("tunesmith.dev/v1", "kubeflow.org/v1beta1").replace("StudyJob", "Experiment")
    with pytest.raises(DocumentError, match=r"must be tunesmith.dev/v1, but got 'kubeflow.org/v1beta1'"):
        to_native(text)
