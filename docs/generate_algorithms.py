"""Writes into algorithms.md what the algorithms say of themselves, which `tunesmith algorithms` shows too.

Run `python docs/generate_algorithms.py` after an edit of a description, or for a new algorithm. What stands between two
markers belongs to this script: the overview, and a block for each algorithm. The rest of the page is written by hand.
An algorithm without a block gets a section of its own, after the others.
"""

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tunesmith.earlystop import RuleDescription
from tunesmith.study import ParameterValue
from tunesmith.suggestion import AlgorithmDescription, Capabilities, SettingDescription, load_registry

PAGE = Path(__file__).parent / "algorithms.md"
OVERVIEW = "overview"
_BLOCK = re.compile(r"<!-- (\S+): made by \S+ -->\n.*?<!-- \1: end -->\n", re.S)
_WIDTH = 120
_WORKS_WITH = {
    "conditional": "conditional parameters",
    "constraints": "constraints",
    "multi_objective": "several objectives",
    "multi_fidelity": "several fidelities",
}


def generate(page: str, descriptions: Sequence[AlgorithmDescription]) -> str:
    """Return the page with every block made anew. Raises ValueError for a block of what is no algorithm any more."""
    texts = {OVERVIEW: overview(descriptions)} | {one.name: section(one) for one in descriptions}
    return fill(page, texts, "generate_algorithms.py")


def fill(page: str, texts: Mapping[str, str], script: str) -> str:
    """Return a page with every block made anew from its text. Raises ValueError for a block that has none."""
    placed = [match[1] for match in _BLOCK.finditer(page)]
    if lost := [name for name in placed if name not in texts]:
        raise ValueError(f"there are blocks of {', '.join(lost)}, which {script} does not know")
    page = _BLOCK.sub(lambda match: _block(match[1], texts[match[1]], script), page)
    new = "".join(f"### {name}\n\n{_block(name, text, script)}\n" for name, text in texts.items() if name not in placed)
    *_, last = _BLOCK.finditer(page)
    end = page.index("\n## ", last.end()) + 1  # of the section whose block is the last
    return page[:end] + new + page[end:]


def _block(name: str, text: str, script: str) -> str:
    """Write a block with its markers."""
    return f"<!-- {name}: made by {script} -->\n{text}\n<!-- {name}: end -->\n"


def ours() -> list[AlgorithmDescription]:
    """Describe the algorithms that come with Tunesmith, whatever else is installed."""
    registry = load_registry()
    return [one.description for one in registry if type(one).__module__.startswith("tunesmith.suggestion.")]


def overview(descriptions: Iterable[AlgorithmDescription | RuleDescription]) -> str:
    """List all algorithms, or rules, with a link to the section of each."""
    rows = [(f"[`{one.name}`](#{one.name})", _names(one.aliases), one.summary) for one in descriptions]
    return table(("name", "also called", "what it does"), rows)


def section(one: AlgorithmDescription | RuleDescription) -> str:
    """Say of one algorithm, or rule, what it says of itself."""
    facts = [
        one.aliases and f"Also called {_names(one.aliases)}.",
        _capabilities(one.capabilities) if isinstance(one, AlgorithmDescription) else "",
        one.source and f"Source: {one.source}",
    ]
    rows = [_setting(setting) for setting in one.settings]
    settings = table(("setting", "type", "default", "range", "meaning"), rows) if rows else "No settings but `seed`."
    parts = [f"**{one.summary}**", wrapped(one.description), settings, *(wrapped(fact) for fact in facts if fact)]
    return "\n\n".join(parts)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table of Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _setting(setting: SettingDescription) -> Sequence[str]:
    """Write the row of a setting."""
    meaning = setting.meaning + (f" Also accepted as {_names(setting.aliases)}." if setting.aliases else "")
    return f"`{setting.name}`", setting.type.value, _default(setting.default), _range(setting), meaning


def _default(value: ParameterValue | None) -> str:
    """Write a default; `-` where the algorithm chooses."""
    if isinstance(value, bool):
        return str(value).lower()
    return "-" if value is None else f"`{value}`" if isinstance(value, str) else f"{value:,}".removesuffix(".0")


def _range(setting: SettingDescription) -> str:
    """Write what values there are."""
    if setting.choices:
        return _names(setting.choices)
    low, high = (None if bound is None else f"{bound:,.10g}" for bound in (setting.min, setting.max))
    if low and high:
        return f"{low} to {high}"
    return f"{low} or more" if low else f"{high} or less" if high else "-"


def _capabilities(can: Capabilities) -> str:
    """Write what an algorithm can work with, as a sentence or two."""
    able = [text for name, text in _WORKS_WITH.items() if getattr(can, name)]
    listed = " and ".join([", ".join(able[:-1]), able[-1]] if len(able) > 1 else able)
    learns = "Learns from the values of trials." if can.uses_values else "Does not depend on the values of trials."
    useful = f" More than {can.max_useful_trials:,} trials bring nothing." if can.max_useful_trials else ""
    return f"Works with {listed or 'parameters that are always active'}. {learns}{useful}"


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def wrapped(text: str, indent: str = "") -> str:
    """Break a paragraph into lines, all but the first with an indent."""
    lines = textwrap.wrap(text, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(generate(PAGE.read_text(), ours()))
