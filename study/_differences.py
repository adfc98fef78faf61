"""What is different between two specs, by path; whether that is an edit or an error is for the caller to say."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tunesmith.study._emit import flow_text
from tunesmith.study._spec import StudySpec
from tunesmith.study._table_spec import SPEC
from tunesmith.study._where import Where, where_text

NOT_GIVEN = "(not given)"


def spec_differences(old: StudySpec, new: StudySpec) -> list[tuple[str, str, str]]:
    """(path, old text, new text) of every field that differs, in the order of documents.

    A seed that the new spec does not give is no difference: it was drawn when the study was created.
    """
    if new.seed is None:
        old = replace(old, seed=None)
    pairs = _compare(SPEC.write(old), SPEC.write(new), ("spec",))
    return [(where_text(where), _text(before), _text(after)) for where, before, after in pairs]


def _compare(old: Any, new: Any, where: Where) -> Iterator[tuple[Where, Any, Any]]:
    """Each difference; lists of mappings are compared entry by entry, others as a whole."""
    if isinstance(where[-1], str):  # a field that is not given is compared as an empty one; an entry of a list is not
        old = {} if old is None and isinstance(new, dict) else old
        new = {} if new is None and isinstance(old, dict) else new
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            yield from _compare(old.get(key), new.get(key), (*where, key))
    elif _records(old) and _records(new):
        for index in range(max(len(old), len(new))):
            before = old[index] if index < len(old) else None
            after = new[index] if index < len(new) else None
            yield from _compare(before, after, (*where, index))
    elif old != new or type(old) is not type(new):
        yield where, old, new


def _records(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def _text(value: Any) -> str:
    return NOT_GIVEN if value is None else flow_text(value)
