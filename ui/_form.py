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
_SETTINGS: Mapping[str, tuple[str, Where]] = {
    "settings": ("algorithm", ("spec", "algorithm", "settings")),
    "ruleSettings": ("rule", ("spec", "earlyStopping", "settings")),
}
"""Fields of the form that hold settings: whose they are, and where they stand."""
_LABELS: Where = ("metadata", "labels")
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
    for name, (owner, where) in _SETTINGS.items():
        if isinstance(form.get(name), Mapping):
            _put_settings(document, where, form[name], shown[name], anew=not _same(form, shown, owner))
    if not _same(form, shown, "labels"):
        _set(document, _LABELS, _pairs(str(form["labels"] or "")))
    if not _same(form, shown, "command"):
        _set(document, ("spec", "trial", "command"), _command(form["command"]))
    if isinstance(form.get("parameters"), list):
        forms = [entry for entry in form["parameters"] if isinstance(entry, Mapping)]
        kinds = {str(one.get("name")): one.get("type") for one in forms}
        entries = _matched(_get(document, ("spec", "parameters")), forms)
        new = CommentedSeq([_parameter(one, entry, kinds) for one, entry in zip(forms, entries, strict=True)])
        _set(document, ("spec", "parameters"), new or None)
    return _dump(document)


def _shown(document: CommentedMap) -> dict[str, Any]:
    form: dict[str, Any] = {name: _plain(_get(document, where)) for name, where in _TEXTS.items()}
    command = _get(document, ("spec", "trial", "command"))
    form["command"] = " ".join(_quoted(str(word)) for word in command) if isinstance(command, list) else None
    form |= {name: _settings(_get(document, where)) for name, (_, where) in _SETTINGS.items()}
    labels = _get(document, _LABELS)
    form["labels"] = " ".join(f"{key}={value}" for key, value in labels.items()) if isinstance(labels, dict) else None
    parameters = _get(document, ("spec", "parameters"))
    found = parameters if isinstance(parameters, list) else []
    form["parameters"] = [_parameter_form(entry) for entry in found if isinstance(entry, dict)]
    return form


def _settings(found: Any) -> dict[str, str]:
    """Settings as texts; those that are lists or mappings are not shown."""
    named = found if isinstance(found, Mapping) else {}
    return {str(name): _text(value) for name, value in named.items() if _plain(value) is not None}


def _put_settings(
    document: CommentedMap, where: Where, given: Mapping[str, Any], shown: Mapping[str, str], *, anew: bool
) -> None:
    """Set what differs from what was shown; `anew`: they are those of another algorithm, and the old ones go."""
    for name in [name for name in shown if anew and name not in given]:
        _set(document, (*where, name), None)
    for name, value in given.items():
        text = "" if value is None else str(value).strip()
        if text != shown.get(name, ""):
            _set(document, (*where, str(name)), _setting(text))


def _setting(text: str) -> Any:
    return {"": None, "true": True, "false": False}.get(text, _number(text))


def _pairs(text: str) -> CommentedMap | None:
    """`team=vision site=b` as a mapping; a word without `=` stays, and is a mistake that the document's check tells."""
    found = CommentedMap(tuple(word.partition("=")[::2]) for word in text.split())
    found.fa.set_flow_style()
    return found or None


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
    form["default"] = None if entry.get("default") is None else _text(entry["default"])
    form["when"] = _when_text(entry.get("when"))
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


def _parameter(form: Mapping[str, Any], entry: CommentedMap, kinds: Mapping[str, Any]) -> CommentedMap:
    """A parameter's entry, with what the form does not show of it. `kinds`: the type of each parameter."""
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
    if not _same(form, shown, "when"):
        _set(entry, ("when",), _when(str(form["when"] or ""), kinds))
    if not _same(form, shown, "default"):
        text = str(form["default"] or "").strip()
        _set(entry, ("default",), (_number(text) if form.get("type") != "categorical" else text) if text else None)
    return entry


def _when_text(found: Any) -> str | None:
    """`kernel=rbf,poly; layers=2`; None where a comma or a semicolon in a value would be taken for ours."""
    if not isinstance(found, Mapping):
        return None
    listed = {name: values if isinstance(values, list) else [values] for name, values in found.items()}
    text = "; ".join(f"{name}={','.join(_text(value) for value in values)}" for name, values in listed.items())
    odd = any(set(",;") & set(_text(value)) for values in listed.values() for value in values)
    return None if odd else text


def _when(text: str, kinds: Mapping[str, Any]) -> CommentedMap | None:
    found = CommentedMap()
    for part in text.split(";"):
        name, _, values = (piece.strip() for piece in part.partition("="))
        if name:
            number = kinds.get(name) in ("int", "discrete")
            words = [value.strip() for value in values.split(",") if value.strip()]
            found[name] = CommentedSeq([_number(word) if number else word for word in words])
            found[name].fa.set_flow_style()
    found.fa.set_flow_style()
    return found or None


def _value(text: str, kind: Any) -> int | float | str:
    return _number(text.strip()) if kind == "discrete" else text.strip()


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else None


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
