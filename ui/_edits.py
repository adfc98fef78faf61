"""Edits of a study, checked as documents are."""

from collections.abc import Mapping
from typing import Any

from tunesmith.client._values import Study
from tunesmith.services.errors import FixRequest
from tunesmith.study import DocumentError, Limits, read_document, to_document


def limits_of(study: Study, changes: Mapping[str, Any]) -> Limits:
    """The study's limits with some changes, by the names and forms of the document; None takes a limit away.

    Raises FixRequest with every mistake.
    """
    document = to_document(study.job)
    limits = {**document["spec"].get("limits", {}), **changes}
    document["spec"]["limits"] = {name: value for name, value in limits.items() if value is not None}
    try:
        return read_document(document).spec.limits
    except DocumentError as error:
        raise FixRequest("the limits have mistakes", error.mistakes) from None
