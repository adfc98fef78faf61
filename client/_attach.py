"""What `run` does with a study: create, take up again, edit, or refuse it. Deciding is pure; doing is `take_up`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace

from tunesmith.client._client import Client
from tunesmith.client._errors import StudyDiffers
from tunesmith.client._format import plural
from tunesmith.client._progress import done_text
from tunesmith.client._secrets import HIDDEN, secret_name
from tunesmith.client._terminal import safe
from tunesmith.client._values import Study
from tunesmith.services import errors
from tunesmith.study import Assignment, Limits, StudyJob, StudyState, spec_differences

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Edit:
    """What of a study changes; None stays."""

    limits: Limits | None = None
    labels: Mapping[str, str] | None = None
    initial: tuple[Assignment, ...] | None = None

    def __bool__(self) -> bool:
        return any(part is not None for part in (self.limits, self.labels, self.initial))


def edit_for(study: Study, job: StudyJob) -> Edit:
    """The edit that makes a study what a document says.

    Raises:
        StudyDiffers: No edit can: something else than limits, labels and initial assignments differs. A seed that the
            document does not give was drawn, and is no difference.
    """
    old, new = study.spec, job.spec
    asked = replace(new, limits=old.limits, initial=old.initial, seed=old.seed if new.seed is None else new.seed)
    if differences := spec_differences(old, asked):
        raise StudyDiffers(study.name, [_shown(*difference) for difference in differences])
    return Edit(
        limits=new.limits if new.limits != old.limits else None,
        labels=dict(job.labels) if dict(job.labels) != dict(study.labels) else None,
        initial=new.initial if [dict(a) for a in new.initial] != [dict(a) for a in old.initial] else None,
    )


def _shown(path: str, old: str, new: str) -> tuple[str, str, str]:
    """A difference without secrets."""
    secret = path.startswith("spec.trial.env") and secret_name(path.removeprefix("spec.trial.env"))
    return (path, HIDDEN, f"{HIDDEN} (another)") if secret else (path, old, new)


def take_up(client: Client, job: StudyJob, say: Callable[[str], None], hold: Callable[[], None]) -> Study:
    """The study of a document: created, or the one of that name, edited and resumed as need be.

    `hold` is called before anything that may start trials.
    """
    for _ in range(_TRIES):
        try:
            found = client.study(job.name)
            hold()
            return _found(client, found, job, say)
        except errors.NotFound:
            pass
        except errors.StartOver:
            continue  # somebody else edited it
        hold()
        try:
            study, warnings = client.create(job)
        except errors.AlreadyExists:
            continue  # somebody else created it
        for warning in warnings:
            say(f"Note: {safe(warning)}")
        say(f"Study {safe(study.name)}: {outline(study)}.")
        return study
    raise errors.StartOver(f"others create, edit and delete the study {job.name} all the time")


def _found(client: Client, study: Study, job: StudyJob, say: Callable[[str], None]) -> Study:
    edit = edit_for(study, job)
    if edit:
        say(f"Study {safe(study.name)} is edited: {edit_text(study, edit)}.")
        study = client.edit(
            study.name, limits=edit.limits, labels=edit.labels, initial=edit.initial, generation=study.generation
        )
    at = done_text(study)
    if study.state.final:
        say(f"Study {safe(study.name)} has ended already; nothing is started.")
    elif study.state is StudyState.PAUSED:
        study = client.resume(study.name)
        say(f"Study {safe(study.name)} goes on from {at}.")
    elif not edit:
        say(f"Study {safe(study.name)} is under way, at {at}.")
    return study


def edit_text(study: Study, edit: Edit) -> str:
    """`limits.trials 60 → 100, labels`."""
    parts = []
    if edit.limits is not None:
        old, new = study.spec.limits, edit.limits
        names = [field.name for field in fields(Limits) if getattr(old, field.name) != getattr(new, field.name)]
        parts = [f"limits.{name} {_limit(getattr(old, name))} → {_limit(getattr(new, name))}" for name in names]
    parts += ["labels"] if edit.labels is not None else []
    parts += ["initial"] if edit.initial is not None else []
    return ", ".join(parts)


def _limit(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


def outline(study: Study) -> str:
    """`60 trials, 4 at a time, by auto`."""
    planned, limits = study.planned, study.spec.limits
    count = "trials until its time is used up" if planned is None else plural(planned, "trial")
    return f"{count}, {limits.parallel} at a time, algorithm {safe(study.spec.algorithm.name)}"
