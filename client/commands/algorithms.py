"""`tunesmith algorithms`: what a document may name."""

from typing import TYPE_CHECKING

import click

from tunesmith.client._options import Target, target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tunesmith.client._algorithm_values import Algorithm, Setting


@click.command(epilog="\b\nExamples:\n  tunesmith algorithms\n  tunesmith algorithms sobol")
@click.argument("name", required=False)
@target()
def command(where: Target, name: str | None) -> None:
    """List the algorithms that a StudyJob may name, or show one with its settings.

    Asks the manager that --server names, or the folder's if it runs; else the suggestion service is started for the
    moment.
    """
    from tunesmith.client._data import algorithm_data
    from tunesmith.client._output import emit
    from tunesmith.services.errors import NotFound

    found = _offered(where)
    if name is None:
        if where.for_people:
            _list(found)
        else:
            emit([algorithm_data(algorithm) for algorithm in found], where.output)
        return
    named = [algorithm for algorithm in found if name in (algorithm.name, *algorithm.aliases)]
    if not named:
        offered = ", ".join(algorithm.name for algorithm in found)
        raise NotFound(f"no algorithm is called {name}; there are {offered}")
    if where.for_people:
        _show(named[0])
    else:
        emit(algorithm_data(named[0]), where.output)


def _offered(where: Target) -> "list[Algorithm]":
    with where.running() as client:
        if client is not None:
            return client.algorithms()
    from tunesmith.client._suggestion import describe

    return describe()


def _list(found: "list[Algorithm]") -> None:
    from tunesmith.client._output import Column, table
    from tunesmith.client._terminal import safe

    columns = [Column("NAME"), Column("SUMMARY", folds=True)]
    table(columns, [[safe(algorithm.name), safe(algorithm.summary)] for algorithm in found])


def _show(algorithm: "Algorithm") -> None:
    from tunesmith.client._output import bold, pairs, paragraph
    from tunesmith.client._terminal import safe

    print(*map(bold, paragraph(f"{safe(algorithm.name)}: {safe(algorithm.summary)}")), sep="\n")
    if algorithm.description:
        print("", *paragraph(safe(algorithm.description)), sep="\n")
    print()
    pairs({key: text for key, text in _facts(algorithm).items() if text})
    if algorithm.settings:
        print("\nSettings (spec.algorithm.settings)")
        _settings(algorithm.settings)


def _facts(algorithm: "Algorithm") -> dict[str, str]:
    from tunesmith.client._terminal import safe

    can, useful = algorithm.capabilities, algorithm.max_useful_trials
    return {
        "Also called": ", ".join(map(safe, algorithm.aliases)),
        "Works with": ", ".join(name for name, has in can.items() if has),
        "Not with": ", ".join(name for name, has in can.items() if not has),
        "Learns": "from the values of trials" if algorithm.learns else "nothing: values of trials do not matter to it",
        "Trials": f"more than {useful:,} bring nothing" if useful else "",
        "Source": safe(algorithm.source),
    }


def _settings(settings: "Sequence[Setting]") -> None:
    """Print each setting as a row, and what it means below: beside it there is little room in 80 columns."""
    from tunesmith.client._output import Column, paragraph, room, table_rows
    from tunesmith.client._terminal import safe

    columns = [Column("NAME"), Column("TYPE"), Column("DEFAULT"), Column("RANGE", folds=True)]
    header, *rows = table_rows(columns, [_setting_row(setting) for setting in settings], room())
    print(*header, sep="\n")
    for setting, row in zip(settings, rows, strict=True):
        print(*row, *paragraph(safe(setting.meaning), "    "), sep="\n")


def _setting_row(setting: "Setting") -> list[str]:
    from tunesmith.client import _format
    from tunesmith.client._terminal import safe

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
    from tunesmith.client import _format

    if value is None:
        return ""
    text = _format.number(value)
    return f"{int(text):,}" if text.lstrip("-").isdigit() else text
