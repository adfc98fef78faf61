"""`tunesmith algorithms`, `tunesmith rules`: what a document may name."""

from typing import TYPE_CHECKING

import click

from tunesmith.client._options import Target, target

if TYPE_CHECKING:
    from tunesmith.client._algorithm_values import Algorithm, Rule


@click.command(epilog="\b\nExamples:\n  tunesmith algorithms\n  tunesmith algorithms sobol")
@click.argument("name", required=False)
@target()
def command(where: Target, name: str | None) -> None:
    """List the algorithms that a StudyJob may name, or show one with its settings.

    Asks the manager that --server names, or the folder's if it runs; else the suggestion service is started for the
    moment.
    """
    from tunesmith.client._offers import show_offers

    show_offers(where, _algorithms(where), "algorithm", name)


@click.command(epilog="\b\nExamples:\n  tunesmith rules\n  tunesmith rules median")
@click.argument("name", required=False)
@target()
def rules(where: Target, name: str | None) -> None:
    """List the early-stopping rules that a StudyJob may name, or show one with its settings.

    Asks the manager that --server names, or the folder's if it runs; else the early-stopping service is started for the
    moment.
    """
    from tunesmith.client._offers import show_offers

    show_offers(where, _rules(where), "rule", name)


def _algorithms(where: Target) -> "list[Algorithm]":
    with where.running() as client:
        if client is not None:
            return client.algorithms()
    from tunesmith.client._question import describe_algorithms

    return describe_algorithms()


def _rules(where: Target) -> "list[Rule]":
    with where.running() as client:
        if client is not None:
            return client.rules()
    from tunesmith.client._question import describe_rules

    return describe_rules()
