"""What callers send, turned into values: documents, keys, pages, columns. Raises FixRequest with every mistake."""

from collections.abc import Sequence
from typing import TypedDict

from tunesmith.manager.storage import ObservationRow
from tunesmith.services.errors import FixRequest
from tunesmith.study import (
    Assignment,
    DocumentError,
    Limits,
    Mistake,
    Native,
    StudyJob,
    read_study_job,
    to_native,
    wire,
)
from tunesmith.v1 import manager_pb2 as pb
from tunesmith.v1 import types_pb2 as types

DEFAULT_NAMESPACE = "default"


def job_of(request: pb.CreateStudyRequest | pb.ValidateStudyRequest) -> StudyJob:
    """The StudyJob that a request carries, typed or as a document. Raises DocumentError."""
    match request.WhichOneof("source"):
        case "document":
            return read_study_job(request.document, base=None)
        case "job":
            return wire.job_from_proto(request.job)
        case _:
            raise FixRequest("`job` or `document` must be given, but got neither")


def checked_job(request: pb.CreateStudyRequest) -> StudyJob:
    """The StudyJob that a request carries; raises FixRequest with every mistake."""
    try:
        return job_of(request)
    except DocumentError as error:
        raise FixRequest("the StudyJob has mistakes", error.mistakes) from error


def native_of(text: str) -> Native:
    """The native document of a document; raises FixRequest with every mistake."""
    try:
        return to_native(text)
    except DocumentError as error:
        raise FixRequest("the document has mistakes", error.mistakes) from error


def assignments_of(messages: Sequence[types.Assignment]) -> list[Assignment]:
    """The `assignments` of a request. Raises FixRequest with every value that is none."""
    found, mistakes = list[Assignment](), list[Mistake]()
    for index, message in enumerate(messages):
        try:
            found.append(wire.assignment_from_proto(message, f"assignments[{index}]"))
        except DocumentError as error:
            mistakes += error.mistakes
    if mistakes:
        raise FixRequest("the assignments have mistakes", mistakes)
    return found


def key_of(key: pb.StudyKey) -> tuple[str, str]:
    """Namespace and name."""
    if not key.name:
        raise FixRequest("the study's `name` must be given, but it is empty")
    return key.namespace or DEFAULT_NAMESPACE, key.name


def page_size(size: int, default: int, most: int) -> int:
    """Rows of a page; 0: the default."""
    if not 0 <= size <= most:
        raise FixRequest(f"`0 <= page_size <= {most}` must hold, but got (page_size={size})")
    return size or default


def number_token(token: str, first: int) -> int:
    """The number after which a page begins."""
    if not token:
        return first
    if not (token.isascii() and token.isdigit() and len(token) < 19):
        raise FixRequest(f"`page_token` must be one that an earlier page gave, but got {token!r}")
    return int(token)


def rows_of(columns: pb.ObservationColumns, now: float) -> list[ObservationRow]:
    """Reported observations. Every column that is given must be as long as `metric`."""
    length = len(columns.metric)
    for name, column in (("value", columns.value), ("sequence", columns.sequence)):
        _require_length(name, column, length)
    for name, optional in (("step", columns.step), ("time", columns.time)):
        if optional:
            _require_length(name, optional, length)
    if not columns.source:
        raise FixRequest("`source` must be given, but it is empty")
    if any(not 0 <= index < len(columns.names) for index in columns.metric):
        raise FixRequest(f"`metric` must hold indexes into `names`, which has {len(columns.names)} elements")
    return [
        ObservationRow(
            metric=columns.names[columns.metric[i]],
            value=columns.value[i],
            step=columns.step[i] if columns.step else None,
            time=columns.time[i] / 1e9 if columns.time else now,
            source=columns.source,
            sequence=columns.sequence[i],
        )
        for i in range(length)
    ]


def _require_length(name: str, column: Sequence[object], length: int) -> None:
    if len(column) != length:
        raise FixRequest(f"`{name}` must be as long as `metric`, but got ({name}={len(column)}, metric={length})")


class Edit(TypedDict):
    """What an edit replaces; None: it stays."""

    limits: Limits | None
    labels: dict[str, str] | None
    initial: tuple[Assignment, ...] | None


def edit_of(request: pb.EditStudyRequest, job: StudyJob) -> Edit:
    """What a request changes, checked as the document that it makes. Raises FixRequest with every mistake."""
    message = wire.job_to_proto(job)
    if request.HasField("limits"):
        message.spec.limits.CopyFrom(request.limits)
    if request.HasField("labels"):
        message.labels.clear()
        message.labels.update(request.labels.labels)
    if request.HasField("initial"):
        message.spec.ClearField("initial")
        message.spec.initial.extend(request.initial.assignments)
    try:
        edited = wire.job_from_proto(message)
    except DocumentError as error:
        raise FixRequest("the edited StudyJob has mistakes", error.mistakes) from error
    return Edit(
        limits=edited.spec.limits if request.HasField("limits") else None,
        labels=dict(edited.labels) if request.HasField("labels") else None,
        initial=edited.spec.initial if request.HasField("initial") else None,
    )
