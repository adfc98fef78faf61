"""The study in which some of the stopped trials of another are run to their ends."""

from collections.abc import Sequence
from dataclasses import replace

from tunesmith.client._audit import Audit, most_promising, own_runs
from tunesmith.client._client import Client
from tunesmith.client._values import Study
from tunesmith.services import errors
from tunesmith.study import AlgorithmSpec, Assignment, StudyJob
from tunesmith.study.naming import MAX_STUDY_NAME

SUFFIX = "-audit"
OF, UID = "audit-of", "audit-of-uid"
"""Labels of such a study: the name and the uid of the other."""


def sample(audit: Audit, count: int, taken: Sequence[Assignment] = ()) -> list[Assignment]:
    """Assignments of so many stopped trials: those that are taken, the most promising ones, and random ones.

    Of those that are chosen, half are the most promising, where the estimate matters most; the others, drawn by the
    study's seed, tell whether it is right elsewhere, and what to expect there. Of trials with equal assignments a
    run is that of the first (`own_runs`), which need not be the most promising.
    """
    import numpy as np

    held = own_runs([one.trial for one in audit.stopped], taken)
    left = [one.trial.assignment for one in most_promising(audit) if one.trial.number not in held]
    wanted = min(max(count - len(taken), 0), len(left))
    first = (wanted + 1) // 2
    drawn = np.random.default_rng(audit.study.spec.seed).permutation(len(left) - first)[: wanted - first]
    return [*taken, *left[:first], *(left[first + place] for place in drawn)]


def default_name(study: str) -> str:
    """The name of the study that finishes trials of another, unless one is given."""
    return f"{study[: MAX_STUDY_NAME - len(SUFFIX)].rstrip('-')}{SUFFIX}"


def found_study(client: Client, audited: Study, name: str) -> Study | None:
    """The study that finishes trials of another, if there is one. Raises AlreadyExists where its name is taken."""
    try:
        found = client.study(name)
    except errors.NotFound:
        return None
    if found.labels.get(UID) != audited.uid:
        raise errors.AlreadyExists(
            f"the study {name} is there, and is not one that finishes trials of {audited.name} as it is now:"
            " give another --name, or delete it"
        )
    return found


def finishing_job(audit: Audit, count: int, name: str, found: Study | None) -> StudyJob:
    """The document of a study that runs a sample to the end; one that was `found` keeps what it has, and gets more."""
    spec = audit.study.spec if found is None else found.spec
    initial = sample(audit, count, () if found is None else found.spec.initial)
    limits = replace(spec.limits, trials=len(initial), duration=None)
    if found is not None:
        return replace(found.job, spec=replace(spec, initial=tuple(initial), limits=limits))
    spec = replace(
        spec,
        objectives=tuple(replace(objective, goal=None) for objective in spec.objectives),
        algorithm=AlgorithmSpec("random"),
        early_stopping=None,
        initial=tuple(initial),
        limits=limits,
    )
    labels = {OF: audit.study.name, UID: audit.study.uid}
    return StudyJob(name=name, spec=spec, namespace=audit.study.namespace, labels=labels)
