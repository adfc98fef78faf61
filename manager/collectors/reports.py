"""Kind `reports`: what `tunesmith.report()` appends, inside a trial, to `reports.jsonl`.

`{"time": 1764000000.5, "step": 10, "metrics": {"loss": 0.3, "accuracy": "NaN"}}`: JSON has no NaN and no infinities.
"""

from tunesmith.manager.collectors._parser import Found, LineParser, as_number, as_step, encoded, is_name
from tunesmith.manager.collectors._registry import register
from tunesmith.manager.collectors.jsonl import read_object
from tunesmith.study import CollectorSpec


class ReportParser:
    """Finds what was reported."""

    def __init__(self, wanted: frozenset[str] | None) -> None:
        """`wanted`: names to find; None: every one."""
        self._wanted = wanted
        self.needles = None if wanted is None else (*encoded(wanted), b"\\")

    def parse(self, line: bytes) -> list[Found]:
        """The metrics in a line."""
        document = read_object(line)
        metrics, step = document.get("metrics"), as_step(document.get("step"))
        if not isinstance(metrics, dict):
            return []
        found = ((name, as_number(value)) for name, value in metrics.items() if self._wants(name))
        return [(name, number, step) for name, number in found if number is not None]

    def _wants(self, name: str) -> bool:
        return is_name(name) and (self._wanted is None or name in self._wanted)


@register("reports")
def make(_spec: CollectorSpec, wanted: frozenset[str] | None) -> LineParser:
    """The parser of a trial's own reports."""
    return ReportParser(wanted)
