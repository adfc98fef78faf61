"""The form of the common case and the document it stands for, kept in step: either is written from the other."""

import io
import shlex
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from tunesmith.services.errors import FixRequest
from tunesmith.study import DocumentError
from tunesmith.study._yaml import read_yaml

Where = tuple[str, ...]

_TEXTS: Mapping[str, Where] = {
    "name": ("metadata", "name"),
    "namespace": ("metadata", "namespace"),
    "metric": ("spec", "objective", "metric"),
    "type": ("spec", "objective", "type"),
    "goal": ("spec", "objective", "goal"),
    "algorithm": ("spec", "algorithm", "name"),
    "rule": ("spec", "earlyStopping", "name"),
    "trials": ("spec", "limits", "trials"),
    "parallel": ("spec", "limits", "parallel"),
    "failed": ("spec", "limits", "failed"),
    "duration": ("spec", "limits", "duration"),
    "workingDir": ("spec", "trial", "workingDir"),
}
_NUMBERS = ("goal", "trials", "parallel", "failed")
_START = "apiVersion: tunesmith.dev/v1\nkind: StudyJob\n"


def form_of(text: str) -> dict[str, Any]:
    """What the form shows of a document; null for what is not given. Raises FixRequest where it is no YAML mapping."""
    return _shown(_load(text))


def with_form(text: str, form: Mapping[str, Any]) -> str:
    """A document that says what the form says; comments, and what the form does not show, stay. Raises FixRequest.

    Only what differs from what the form shows of the document is read: a text cannot say all that a value can.
    """
    document = _load(text or _START)
    shown = _shown(document)
    for name, where in _TEXTS.items():
        if not _same(form, shown, name):
            _set(document, where, _scalar(name, form[name]))
    if not _same(form, shown, "command"):
        _set(document, ("spec", "trial", "command"), _command(form["command"]))
    if isinstance(form.get("parameters"), list):
        forms = [entry for entry in form["parameters"] if isinstance(entry, Mapping)]
        entries = _matched(_get(document, ("spec", "parameters")), forms)
        new = CommentedSeq([_parameter(one, entry) for one, entry in zip(forms, entries, strict=True)])
        _set(document, ("spec", "parameters"), new or None)
    return _dump(document)


def _shown(document: CommentedMap) -> dict[str, Any]:
    form: dict[str, Any] = {name: _plain(_get(document, where)) for name, where in _TEXTS.items()}
    command = _get(document, ("spec", "trial", "command"))
    form["command"] = " ".join(_quoted(str(word)) for word in command) if isinstance(command, list) else None
    parameters = _get(document, ("spec", "parameters"))
    found = parameters if isinstance(parameters, list) else []
    form["parameters"] = [_parameter_form(entry) for entry in found if isinstance(entry, dict)]
    return form


def _same(form: Mapping[str, Any], shown: Mapping[str, Any], name: str) -> bool:
    """Whether a field is as it was shown; one that the form leaves out is."""
    before, now = shown[name], form.get(name, shown[name])
    return ("" if before is None else str(before)) == ("" if now is None else str(now))


def _load(text: str) -> CommentedMap:
    try:
        read_yaml(text, [])  # counts depth, nodes and aliases before anything is made of them
        found = _yaml().load(text)
    except DocumentError as error:
        raise FixRequest("the document is no YAML", error.mistakes) from None
    except (YAMLError, ValueError) as error:
        raise FixRequest(f"the document is no YAML: {error}") from None
    if found is None:
        return _load(_START)
    if not isinstance(found, CommentedMap):
        raise FixRequest("the document must be a mapping")
    return found


def _dump(document: CommentedMap) -> str:
    out = io.StringIO()
    _yaml().dump(document, out)
    return out.getvalue()


def _yaml() -> YAML:
    yaml = YAML(typ="rt")
    yaml.width, yaml.preserve_quotes = 120, True
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _get(document: Any, where: Where) -> Any:
    for step in where:
        if not isinstance(document, Mapping) or step not in document:
            return None
        document = document[step]
    return document


def _set(document: MutableMapping[str, Any], where: Where, value: Any) -> None:
    """Set a value, or take it away with the mappings that it leaves empty; what is right already is not touched."""
    if _get(document, where) == value:
        return
    head, rest = where[0], where[1:]
    if not rest:
        if value is None:
            document.pop(head, None)
        else:
            document[head] = value
        return
    if not isinstance(document.get(head), MutableMapping):
        if value is None:
            return
        document[head] = CommentedMap()
    _set(document[head], rest, value)
    if not document[head]:
        del document[head]


def _scalar(name: str, given: Any) -> Any:
    text = "" if given is None else str(given).strip()
    return None if not text else _number(text) if name in _NUMBERS else text


def _number(text: str) -> int | float | str:
    """A number as it is written; other text stays, and is a mistake that the document's check tells."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _command(given: Any) -> CommentedSeq | None:
    try:
        words = shlex.split(str(given or ""))
    except ValueError:
        words = str(given).split()  # a quote is still being typed
    return CommentedSeq(words) if words else None


def _quoted(word: str) -> str:
    """A word as `shlex` reads it back; it is for no shell, so `$` and `*` stand as they are."""
    return word if word and not set(word) & set(" \t\n'\"\\#") else shlex.quote(word)


def _parameter_form(entry: Mapping[str, Any]) -> dict[str, Any]:
    form = {name: _plain(entry.get(name)) for name in ("name", "type", "min", "max", "step", "distribution")}
    values = entry.get("values")
    form["values"] = ", ".join(_text(value) for value in values) if isinstance(values, list) else None
    return form


def _matched(found: Any, forms: Sequence[Mapping[str, Any]]) -> list[CommentedMap]:
    """The entry of each form: the one of its name, else the one at its place, which was renamed; or a new one."""
    old = [entry for entry in found or () if isinstance(entry, CommentedMap)]
    known = {str(entry.get("name")): entry for entry in old}
    names = [str(form.get("name")) for form in forms]
    renamed = {
        now: entry
        for now, (before, entry) in zip(names, known.items(), strict=False)
        if len(known) == len(names) and before not in names
    }
    return [known.get(name) or renamed.get(name) or _entry() for name in names]


def _entry() -> CommentedMap:
    entry = CommentedMap()
    entry.fa.set_flow_style()
    return entry


def _parameter(form: Mapping[str, Any], entry: CommentedMap) -> CommentedMap:
    """A parameter's entry, with what the form does not show of it (conditions, a default)."""
    shown = _parameter_form(entry)
    for name in ("name", "type", "distribution"):
        _set(entry, (name,), _scalar(name, form.get(name)))
    ranged = form.get("type") in ("double", "int")
    for name in ("min", "max", "step"):
        text = str(form.get(name) if form.get(name) is not None else "").strip()
        _set(entry, (name,), _number(text) if text and ranged else None)
    values = [_value(text, form.get("type")) for text in str(form.get("values") or "").split(",") if text.strip()]
    if ranged or not values:
        _set(entry, ("values",), None)
    elif not _same(form, shown, "values"):
        listed = CommentedSeq(values)
        listed.fa.set_flow_style()
        _set(entry, ("values",), listed)
    return entry


def _value(text: str, kind: Any) -> int | float | str:
    return _number(text.strip()) if kind == "discrete" else text.strip()


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else None


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
