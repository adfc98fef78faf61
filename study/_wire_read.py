"""Specs and jobs from the wire, by the document that says the same; see `wire`."""

from typing import TypeVar

from tunesmith.study._cursor import Bad, Cursor, sweep
from tunesmith.study._document import read_document
from tunesmith.study._kind import Kind
from tunesmith.study._mistakes import DocumentError, Mistake
from tunesmith.study._node import Plain, from_plain
from tunesmith.study._space import SearchSpace
from tunesmith.study._spec import Limits, StudyJob, StudySpec
from tunesmith.study._table_run import LIMITS
from tunesmith.study._table_spec import API_VERSION, KIND, LENIENT_SPEC, SPACE
from tunesmith.study._where import Where
from tunesmith.study._wire_document import limits_document, space_document, spec_document
from tunesmith.v1 import manager_pb2, types_pb2

T = TypeVar("T")


def job_from_proto(message: manager_pb2.StudyJob) -> StudyJob:
    """The job, held to all the rules of a document; DocumentError with every mistake."""
    metadata: dict[str, Plain] = {"labels": dict(message.labels)}
    if message.key.name:
        metadata["name"] = message.key.name
    if message.key.namespace:
        metadata["namespace"] = message.key.namespace
    spec = spec_document(message.spec)
    return read_document({"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec})


def spec_from_proto(message: types_pb2.StudySpec) -> StudySpec:
    """The spec, held to the rules of what a suggestion service looks at; DocumentError with every mistake.

    Other than in a job there may be several objectives, and no trial and no limit.
    """
    return _read(LENIENT_SPEC, spec_document(message), ("spec",))


def space_from_proto(message: types_pb2.SearchSpace) -> SearchSpace:
    """The search space; DocumentError with every mistake."""
    return _read(SPACE, space_document(message), ("spec",))


def limits_from_proto(message: types_pb2.Limits) -> Limits:
    """The limits; DocumentError with every mistake. Whether they end a study is for its job to say."""
    return _read(LIMITS, limits_document(message), ("spec", "limits"))


def _read(kind: Kind[T], document: Plain, where: Where) -> T:
    log: list[Mistake] = []
    at = Cursor(from_plain(document), where, log)
    sweep(at)
    value = kind.read(at)
    if log or isinstance(value, Bad):
        raise DocumentError(log)
    return value
