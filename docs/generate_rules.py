"""Writes into rules.md what the early-stopping rules say of themselves, which `tunesmith rules` shows too.

Run `python docs/generate_rules.py` after an edit of a description, or for a new rule. As with generate_algorithms.py,
what stands between two markers belongs to this script, and the rest of the page is written by hand.
"""

from collections.abc import Sequence
from pathlib import Path

from generate_algorithms import OVERVIEW, fill, overview, section

from tunesmith.earlystop import RuleDescription, load_registry

PAGE = Path(__file__).parent / "rules.md"


def generate(page: str, descriptions: Sequence[RuleDescription]) -> str:
    """Return the page with every block made anew. Raises ValueError for a block of what is no rule any more."""
    texts = {OVERVIEW: overview(descriptions)} | {one.name: section(one) for one in descriptions}
    return fill(page, texts, "generate_rules.py")


def ours() -> list[RuleDescription]:
    """Describe the rules that come with Tunesmith, whatever else is installed."""
    return [one.description for one in load_registry() if type(one).__module__.startswith("tunesmith.earlystop.")]


if __name__ == "__main__":
    PAGE.write_text(generate(PAGE.read_text(), ours()))
