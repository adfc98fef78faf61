"""Documents: what is read, every mistake with its place, and the way there and back."""

import json
from pathlib import Path

from hypothesis import given, settings
from job_strategies import jobs

from tunesmith.study import StudyJob, document_yaml, read_document, read_study_job, to_document


@given(jobs())
@settings(deadline=None)
def test_a_job_survives_the_way_through_its_document(job: StudyJob) -> None:
    assert read_document(to_document(job)) == job
    assert read_study_job(document_yaml(job), base=None) == job
    assert read_study_job(json.dumps(to_document(job)), base=None) == job
