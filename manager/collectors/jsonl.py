"""Kind `jsonl`: a file to which a trial appends one JSON object a line.

`{"loss": 0.3, "accuracy": 0.9, "step": 10}`, or `{"name": "loss", "value": 0.3, "step": 10}`. Also read: numbers in
strings, which Katib's trials write, for metrics that are named in the document; and `global_step` for the step.
"""

import json
from typing import Any

from tunesmith.manager.collectors._parser import Found, LineParser, as_number, as_step, encoded, is_name
from tunesmith.manager.collectors._registry import register
from tunesmith.study import CollectorSpec

_STEPS = ("step", "global_step")
_NO_METRICS = frozenset({*_STEPS, "time", "timestamp"})  # when every number is a metric, these are not


def read_object(line: bytes) -> dict[str, Any]:
    """The JSON object in a line; empty when there is none."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


class JsonParser:
    """Finds metrics in objects."""

    def __init__(self, wanted: frozenset[str] | None) -> None:
        """`wanted`: names to find; None: every one."""
        self._wanted = wanted
        self.needles = None if wanted is None else (*encoded(wanted), b"\\")  # a name may be escaped

    def parse(self, line: bytes) -> list[Found]:
        """The metrics in a line."""
        document = read_object(line)
        pairs = {document["name"]: document["value"]} if _is_pair(document) else document
        step = next((as_step(document[key]) for key in _STEPS if key in document and not self._wants(key)), None)
        found = ((name, self._value(name, value)) for name, value in pairs.items() if is_name(name))
        return [(name, number, step) for name, number in found if number is not None]

    def _wants(self, name: str) -> bool:
        return self._wanted is not None and name in self._wanted

    def _value(self, name: str, value: object) -> float | None:
        if self._wanted is None:
            return None if name in _NO_METRICS or isinstance(value, str) else as_number(value)
        return as_number(value) if name in self._wanted else None


def _is_pair(document: dict[str, Any]) -> bool:
    return isinstance(document.get("name"), str) and "value" in document


@register("jsonl")
def make(_spec: CollectorSpec, wanted: frozenset[str] | None) -> LineParser:
    """The parser of a trial's JSON lines."""
    return JsonParser(wanted)
