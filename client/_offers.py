"""Algorithms and early-stopping rules as `tunesmith algorithms` and `tunesmith rules` show them, in the same way."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tunesmith.client import _format
from tunesmith.client._data import offer_data
from tunesmith.client._options import Target
from tunesmith.client._output import Column, bold, emit, pairs, paragraph, room, table, table_rows
from tunesmith.client._terminal import safe
from tunesmith.services.errors import NotFound

if TYPE_CHECKING:
    from tunesmith.client._algorithm_values import Algorithm, Rule, Setting


def show_offers(where: Target, found: "Sequence[Algorithm | Rule]", kind: str, name: str | None) -> None:
    """Print a list of them, or the one that is called `name`. Raises NotFound.

    Args:
        where: How to print.
        found: What is offered.
        kind: What one of them is called.
        name: Whose everything is shown; None: a line of each.
    """
    if name is None:
        if where.for_people:
            _list(found)
        else:
            emit([offer_data(offer) for offer in found], where.output)
        return
    named = [offer for offer in found if name in (offer.name, *offer.aliases)]
    if not named:
        offered = ", ".join(offer.name for offer in found)
        raise NotFound(f"no {kind} is called {name}; there are {offered}")
    if where.for_people:
        _show(named[0])
    else:
        emit(offer_data(named[0]), where.output)


def _list(found: "Sequence[Algorithm | Rule]") -> None:
    columns = [Column("NAME"), Column("SUMMARY", folds=True)]
    table(columns, [[safe(offer.name), safe(offer.summary)] for offer in found])


def _show(offer: "Algorithm | Rule") -> None:
    from tunesmith.client._algorithm_values import Algorithm

    print(*map(bold, paragraph(f"{safe(offer.name)}: {safe(offer.summary)}")), sep="\n")
    if offer.description:
        print("", *paragraph(safe(offer.description)), sep="\n")
    able = _abilities(offer) if isinstance(offer, Algorithm) else {}
    facts = {"Also called": ", ".join(map(safe, offer.aliases)), **able, "Source": safe(offer.source)}
    if known := {key: text for key, text in facts.items() if text}:
        print()
        pairs(known)
    if offer.settings:
        field = "algorithm" if isinstance(offer, Algorithm) else "earlyStopping"
        print(f"\nSettings (spec.{field}.settings)")
        _settings(offer.settings)


def _abilities(algorithm: "Algorithm") -> Mapping[str, str]:
    can, useful = algorithm.capabilities, algorithm.max_useful_trials
    return {
        "Works with": ", ".join(name for name, has in can.items() if has),
        "Not with": ", ".join(name for name, has in can.items() if not has),
        "Learns": "from the values of trials" if algorithm.learns else "nothing: values of trials do not matter to it",
        "Trials": f"more than {useful:,} bring nothing" if useful else "",
    }


def _settings(settings: "Sequence[Setting]") -> None:
    """Print each setting as a row, and what it means below: beside it there is little room in 80 columns."""
    columns = [Column("NAME"), Column("TYPE"), Column("DEFAULT"), Column("RANGE", folds=True)]
    header, *rows = table_rows(columns, [_setting_row(setting) for setting in settings], room())
    print(*header, sep="\n")
    for setting, row in zip(settings, rows, strict=True):
        print(*row, *paragraph(safe(setting.meaning), "    "), sep="\n")


def _setting_row(setting: "Setting") -> list[str]:
    default = "-" if setting.default is None else _format.parameter(setting.default)
    return [safe(setting.name), setting.type, default, safe(_range(setting))]


def _range(setting: "Setting") -> str:
    if setting.choices:
        return " | ".join(setting.choices)
    low, high = _bound(setting.min), _bound(setting.max)
    if low and high:
        return f"{low} to {high}"
    return f"{low} or more" if low else f"{high} or less" if high else "-"


def _bound(value: float | None) -> str:
    if value is None:
        return ""
    return f"{int(value):,}" if value.is_integer() and abs(value) < 1e15 else _format.number(value)
