"""Placeholders: `${params.lr}` and the like in a trial's strings, found when a document is read, filled in per trial.

One pass over each string, no shell, no evaluation, and what is filled in is never looked at again. `$${` stands for the
text `${`. Doubles are written in the shortest form that reads back the same, booleans as `true` and `false`.

A parameter that is inactive in a trial has no value. In the command, an argument that names one is left out; and when
the whole argument is its placeholder, so is an option in a word of its own before it: of `--gamma ${params.gamma}`
nothing remains. In the environment, the working directory and the collector's path it becomes empty.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tunesmith.study._space import Assignment
from tunesmith.study._spec import CollectorSpec, TrialTemplate
from tunesmith.study._values import ParameterValue

NAMES = (
    "trial.name",
    "trial.number",
    "trial.attempt",
    "trial.seed",
    "trial.dir",
    "trial.checkpointDir",
    "study.name",
    "study.namespace",
)
PARAMS = "params."

_TOKEN = re.compile(r"\$\$\{|\$\{(?P<name>[^{}]*)\}|\$\{")
_OPTION = re.compile(r"--?[A-Za-z][^=\s]*")


@dataclass(frozen=True, slots=True)
class TrialContext:
    """What a trial's strings can name. `dir` is the attempt's folder; `params` has the active parameters."""

    study: str
    namespace: str
    trial: str
    number: int
    attempt: int
    seed: int
    dir: str
    checkpoint_dir: str
    params: Assignment

    def texts(self) -> dict[str, str]:
        """The text of every placeholder; an inactive parameter has none."""
        own = (
            self.trial,
            self.number,
            self.attempt,
            self.seed,
            self.dir,
            self.checkpoint_dir,
            self.study,
            self.namespace,
        )
        return {
            **dict(zip(NAMES, map(str, own), strict=True)),
            **{f"{PARAMS}{name}": text_of(value) for name, value in self.params.items()},
        }


@dataclass(frozen=True, slots=True)
class RenderedTrial:
    """A trial's strings as its launcher takes them."""

    command: tuple[str, ...]
    env: dict[str, str]
    working_dir: str
    collector_path: str


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One `${name}` in a string. `name` None: a `${` without its `}`."""

    name: str | None
    start: int
    text: str


def text_of(value: ParameterValue) -> str:
    """A value as a command line has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def placeholders(text: str) -> Iterator[Placeholder]:
    """The placeholders of a string, in order."""
    for match in _TOKEN.finditer(text):
        if match[0] != "$${":
            yield Placeholder(match["name"], match.start(), match[0])


def render(template: TrialTemplate, collector: CollectorSpec, context: TrialContext) -> RenderedTrial:
    """Fill in everything. The template's placeholders must be known ones, as a document's reader makes sure."""
    texts = context.texts()
    return RenderedTrial(
        tuple(_command(template.command, texts)),
        {name: _fill(value, texts) for name, value in template.env.items()},
        _fill(template.working_dir, texts),
        _fill(collector.path, texts),
    )


def _fill(text: str, texts: Mapping[str, str]) -> str:
    if "${" not in text:
        return text
    return _TOKEN.sub(lambda match: "${" if match["name"] is None else texts.get(match["name"], ""), text)


def _command(words: tuple[str, ...], texts: Mapping[str, str]) -> Iterator[str]:
    for index, word in enumerate(words):
        following = words[index + 1] if index + 1 < len(words) else ""
        orphaned = _OPTION.fullmatch(word) and "${" not in word and _alone(following) and _inactive(following, texts)
        if not orphaned and not _inactive(word, texts):
            yield _fill(word, texts)


def _alone(word: str) -> bool:
    """Whether the word is one placeholder and nothing else."""
    return (match := _TOKEN.fullmatch(word)) is not None and match["name"] is not None


def _inactive(word: str, texts: Mapping[str, str]) -> bool:
    return any((name := found.name) is not None and name not in texts for found in placeholders(word))
