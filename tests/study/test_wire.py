"""The wire: everything survives it, and what is wrong is told as a document's mistakes are."""

from hypothesis import given, settings
from job_strategies import jobs

from tunesmith.study import StudyJob, wire


@given(jobs())
@settings(deadline=None)
def test_a_job_survives_the_wire(job: StudyJob) -> None:
    message = type(wire.job_to_proto(job)).FromString(wire.job_to_proto(job).SerializeToString())
    assert wire.job_from_proto(message) == job
    assert wire.spec_from_proto(message.spec) == job.spec
