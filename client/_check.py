"""What whoever will run a document says of it, before anything is created."""

from typing import TYPE_CHECKING

from tunesmith.client._options import Target

if TYPE_CHECKING:
    from tunesmith.study import StudyJob


def remarks(where: Target, job: "StudyJob") -> list[str]:
    """Of its algorithm, and of its early-stopping rule. Raises FixRequest with the mistakes that they find.

    Asked is the manager that is meant, if it runs; else the services themselves, started for the moment.
    """
    from tunesmith.services.errors import FixRequest

    with where.running(job.namespace) as client:
        if client is None:
            from tunesmith.client._question import validate

            return validate(job.spec)
        mistakes, warnings = client.validate(job)
    if mistakes:
        raise FixRequest("the manager found mistakes", mistakes)
    return warnings
