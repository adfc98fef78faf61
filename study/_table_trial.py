"""What a document says of one trial: `trial` and `collector`."""

import re
from dataclasses import replace
from enum import StrEnum

from tunesmith.study._cursor import Cursor, found
from tunesmith.study._kinds_many import ListOf, MapOf
from tunesmith.study._kinds_quantity import Memory, Processors
from tunesmith.study._kinds_scalar import INT32, Choice, Flag, Text, Whole
from tunesmith.study._record import Field, Record, Values
from tunesmith.study._spec import CollectorSpec, Resources, TrialTemplate

_PLACEHOLDERS = "`${params.NAME}`, `${trial.dir}` and the other placeholders are replaced; `$${` stands for `${`."


def _check_env_name(name: str) -> str | None:
    if name.upper().startswith("TUNESMITH_"):
        return f"must not begin with TUNESMITH_, which Tunesmith sets itself, but got {name!r}"
    return None


RESOURCES = Record(
    Resources,
    (
        Field("cpu", Processors(), "Processors: 2, 0.5 or 500m. Absent: not limited.", None),
        Field("memory", Memory(), "Memory: 512Mi, 1Gi, or bytes. A trial that uses more is stopped.", None),
        Field("gpu", Whole(0, INT32), "Whole GPUs. Absent: none is set aside, and all are visible.", None),
    ),
)

_WORD = Text(empty=True, numbers=True)
_COMMAND = Field(
    "command",
    ListOf(_WORD, least=1),
    f"Program and arguments; no shell. {_PLACEHOLDERS} An argument that names an inactive parameter is left out, and "
    "so is an option in a word of its own before it.",
    (),
)


def _check_runner(at: Cursor, values: Values) -> None:
    """Either a command runs a trial, or a worker does in its own way."""
    if values.get("workers"):
        for item in TRIAL.fields[:-1]:
            if (entry := at.find(item.name)) and values.get(item.attr) != item.default:
                entry.refuse(f"must be left out when `workers` is true, but got {found(entry.node)}")
    elif "workers" in values and not at.find("command"):
        at.reach(("command",)).refuse("must be given, unless `workers` is true")


TRIAL = Record(
    TrialTemplate,
    (
        _COMMAND,
        Field(
            "workingDir",
            Text(),
            f"Folder in which a local trial starts, relative to this document. {_PLACEHOLDERS}",
            "",
            "working_dir",
        ),
        Field(
            "env",
            MapOf(
                _WORD,
                Text(
                    "[A-Za-z_.-][A-Za-z0-9_.-]*",
                    "consist of letters, digits, '_', '.' and '-', and not begin with a digit",
                    check=_check_env_name,
                ),
            ),
            f"Environment variables beside those of the manager. {_PLACEHOLDERS}",
            {},
        ),
        Field("resources", RESOURCES, "What one trial asks of the machine.", Resources()),
        Field(
            "workers",
            Flag(),
            "True: nothing is started. Workers of your own acquire trials over gRPC, report their metrics and complete "
            "them. Then there is no command, and nothing else.",
            False,
        ),
    ),
    rule=_check_runner,
    later=("image", "template", "success", "failure", "primary", "retain"),
    extra={
        "if": {"required": ["workers"], "properties": {"workers": {"const": True}}},
        "then": {"not": {"required": ["command"]}},
        "else": {"required": ["command"]},
    },
)
IDLE_TRIAL = replace(TRIAL, fields=(replace(_COMMAND, kind=ListOf(_WORD)), *TRIAL.fields[1:]), rule=None, extra={})
"""For services that run no trials: there may be no command."""


class CollectorKind(StrEnum):
    """The collectors that a document can name."""

    STDOUT = "stdout"
    FILE = "file"
    JSONL = "jsonl"


def _check_pattern(text: str) -> str | None:
    """What is wrong with a regular expression of a collector."""
    try:
        groups = re.compile(text).groupindex
    except (re.error, OverflowError, RecursionError, FutureWarning) as error:  # the last where warnings are errors
        return f"must be a regular expression, but {error}: {text!r}"
    if {"name", "value"} <= set(groups):
        return None
    got = ", ".join(groups) or "none"
    return (
        rf"must have the groups `name` and `value`, as in (?P<name>\w+)=(?P<value>\S+), but its named groups are: {got}"
    )


def _check_collector(at: Cursor, values: Values) -> None:
    """What each kind needs and does not take."""
    kind = values.get("kind")
    if kind == CollectorKind.FILE and values.get("path") == "":
        at.reach(("path",)).refuse("must be given for the kind `file`")
    if kind == CollectorKind.STDOUT and values.get("path"):
        at.reach(("path",)).refuse("must be left out for the kind `stdout`; the kinds `file` and `jsonl` read a file")
    if kind == CollectorKind.JSONL and values.get("patterns"):
        at.reach(("patterns",)).refuse("must be left out for the kind `jsonl`, whose lines are JSON objects")


def _make_collector(kind: CollectorKind, path: str, patterns: tuple[str, ...]) -> CollectorSpec:
    return CollectorSpec(str(kind), path, patterns)


COLLECTOR = Record(
    _make_collector,
    (
        Field(
            "kind",
            Choice(CollectorKind, later=("tensorboard", "prometheus", "push")),
            "stdout reads what the trial prints, file a file, jsonl a file of JSON objects (or standard output).",
            CollectorKind.STDOUT,
        ),
        Field("path", Text(), f"The file, relative to the trial's folder or absolute. {_PLACEHOLDERS}", ""),
        Field(
            "patterns",
            ListOf(Text(longest=1000, check=_check_pattern)),
            "Regular expressions with the groups `name` and `value`, and perhaps `step`. None: `name=value` tokens.",
            (),
        ),
    ),
    rule=_check_collector,
)
