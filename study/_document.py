"""Reading and writing StudyJob documents: YAML or JSON text, with all mistakes at once, and plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunesmith.study._cursor import Bad, Cursor, found, sweep
from tunesmith.study._emit import emit
from tunesmith.study._mistakes import DocumentError, Mistake
from tunesmith.study._node import BrokenNode, MapNode, ScalarNode, from_plain
from tunesmith.study._overrides import apply_overrides
from tunesmith.study._spec import StudyJob
from tunesmith.study._table_spec import API_VERSION, JOB
from tunesmith.study._yaml import read_yaml

_OWN_FOLDERS = ("${trial.dir}", "${trial.checkpointDir}")


def read_study_job(
    text: str | bytes,
    *,
    base: Path | None,
    overrides: Sequence[tuple[str, str]] = (),
    name: str | None = None,
) -> StudyJob:
    """The StudyJob that a document describes.

    Args:
        text: YAML 1.2 or JSON, from anybody.
        base: Absolute folder of the document: a relative `workingDir` is taken from there, and one that is not given is
            that folder. None: a relative one is a mistake, and none given stays empty.
        overrides: `--set path=value`, in this order; a value is YAML, and `null` removes what is there.
        name: Takes the place of `metadata.name`.

    Raises:
        DocumentError: With every mistake, in the order of the document; those of overrides have no line.
    """
    return convert_document(text, base=base, overrides=overrides, name=name).job


@dataclass(frozen=True, slots=True)
class Converted:
    """What a document describes. `warnings`: what it says beside that, and nothing acts on."""

    job: StudyJob
    warnings: tuple[str, ...] = ()


def convert_document(
    text: str | bytes,
    *,
    base: Path | None,
    overrides: Sequence[tuple[str, str]] = (),
    name: str | None = None,
) -> Converted:
    """As `read_study_job`, with remarks: every document comes in here, whatever its `apiVersion`.

    Only the native one is understood so far, about which there is nothing to remark.
    """
    log: list[Mistake] = []
    root = apply_overrides(read_yaml(text, log), overrides, name, log)
    return Converted(_read(Cursor(root, (), log), base))


def read_document(document: Mapping[str, Any], *, base: Path | None = None) -> StudyJob:
    """As `read_study_job`, of plain data such as `to_document` gives; of any size."""
    return _read(Cursor(from_plain(document), (), []), base)


def to_document(job: StudyJob) -> dict[str, Any]:
    """The document of a StudyJob as plain data, without what has its default. Reading it gives an equal StudyJob."""
    return JOB.write(job)


def document_yaml(job: StudyJob) -> str:
    """The document of a StudyJob as YAML."""
    return emit(to_document(job))


def _read(root: Cursor, base: Path | None) -> StudyJob:
    sweep(root)
    job = JOB.read(root) if _ours(root) else None
    folder = _working_dir(root, base)
    if root.log or job is None or isinstance(job, Bad):
        raise DocumentError(root.log)
    if folder is None or job.spec.trial.workers:
        return job
    return replace(job, spec=replace(job.spec, trial=replace(job.spec.trial, working_dir=folder)))


def _ours(root: Cursor) -> bool:
    """Whether it is worth looking further; a document of another kind would have nothing but mistakes."""
    if not isinstance(root.node, MapNode):
        empty = isinstance(root.node, ScalarNode) and root.node.value is None
        root.refuse(f"must be a StudyJob, but {'the document is empty' if empty else f'got {found(root.node)}'}")
        return False
    version = root.find("apiVersion")
    if version is None or isinstance(version.node, BrokenNode):
        return True
    if isinstance(version.node, ScalarNode) and version.node.value == API_VERSION:
        return True
    version.refuse(f"must be {API_VERSION}, but got {found(version.node)}; no other is supported yet")
    return False


def _working_dir(root: Cursor, base: Path | None) -> str | None:
    """The folder in which trials start; None: as the document has it."""
    at = root.find("spec", "trial", "workingDir")
    if at is None:
        return None if base is None else str(base)
    text = at.node.value if isinstance(at.node, ScalarNode) else None
    if not isinstance(text, str) or not text or text.startswith(("/", *_OWN_FOLDERS)):
        return None
    if base is None:
        at.refuse(f"must be absolute, since the document's folder is not known, but got {found(at.node)}")
        return None
    return str(base / text)
