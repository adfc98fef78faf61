"""`tunesmith algorithms`: what a document may name."""

from typing import TYPE_CHECKING

import click

from tunesmith.client._options import Target, target

if TYPE_CHECKING:
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
    from tunesmith.client._output import Column, bold, pairs, paragraph, table
    from tunesmith.client._terminal import safe

    head, *more = paragraph(f"{safe(algorithm.name)}: {safe(algorithm.summary)}")
    print(bold(head), *more, sep="\n")
    if algorithm.description:
        print("", *paragraph(safe(algorithm.description)), sep="\n")
    can = ", ".join(name for name, has in algorithm.capabilities.items() if has)
    useful = algorithm.max_useful_trials
    rows = {
        "Also called": ", ".join(map(safe, algorithm.aliases)),
        "Source": safe(algorithm.source),
        "Can": can,
        "Trials": f"more than {useful:,} bring nothing" if useful else "",
    }
    print()
    pairs({key: text for key, text in rows.items() if text})
    if algorithm.settings:
        print("\nSettings (spec.algorithm.settings)")
        columns = [Column("NAME"), Column("TYPE"), Column("DEFAULT"), Column("RANGE", folds=True)]
        table([*columns, Column("MEANING", folds=True)], [_setting_row(setting) for setting in algorithm.settings])


def _setting_row(setting: "Setting") -> list[str]:
    from tunesmith.client import _format
    from tunesmith.client._terminal import safe

    default = "-" if setting.default is None else _format.parameter(setting.default)
    return [safe(setting.name), setting.type, default, safe(_range(setting)), safe(setting.meaning)]


def _range(setting: "Setting") -> str:
    from tunesmith.client import _format

    if setting.choices:
        return " | ".join(setting.choices)
    if setting.min is not None and setting.max is not None:
        return f"{_format.number(setting.min)} to {_format.number(setting.max)}"
    if setting.min is not None:
        return f"{_format.number(setting.min)} or more"
    return "-" if setting.max is None else f"{_format.number(setting.max)} or less"
