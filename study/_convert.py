"""A document of any kind that is understood, as the native one: what `convert` writes is what `validate` reads."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tunesmith.study._document import convert_document, document_yaml
from tunesmith.study._spec import StudyJob

_ANYWHERE = Path("/folder-of-the-document-that-nobody-told-of")


@dataclass(frozen=True, slots=True)
class Native:
    """A StudyJob as its native document says it. `warnings`: what another kind of document said and this cannot."""

    job: StudyJob
    text: str
    warnings: tuple[str, ...] = ()


def to_native(text: str | bytes, *, overrides: Sequence[tuple[str, str]] = (), name: str | None = None) -> Native:
    """The native document of a document; a relative `workingDir` stays relative. Raises DocumentError."""
    converted = convert_document(text, base=_ANYWHERE, overrides=overrides, name=name)
    trial = converted.job.spec.trial
    folder = Path(trial.working_dir)
    if folder.is_relative_to(_ANYWHERE):
        relative = str(folder.relative_to(_ANYWHERE))
        trial = replace(trial, working_dir="" if relative == "." else relative)
    job = replace(converted.job, spec=replace(converted.job.spec, trial=trial))
    return Native(job, document_yaml(job), converted.warnings)
