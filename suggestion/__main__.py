"""`python -m tunesmith.suggestion serve`: the suggestion service as a process of its own."""

import logging

import click

from tunesmith.services.command import Listening, listening, usage_errors

_EXAMPLES = """\b
Examples:
  tunesmith suggestion serve
  tunesmith suggestion serve --algorithm sobol --algorithm grid --listen unix:/tmp/suggest/s.sock
"""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """The suggestion service of Tunesmith: proposes what a study tries next."""


@main.command(epilog=_EXAMPLES)
@click.option("--algorithm", "algorithms", multiple=True, metavar="NAME", help="Offer only this one; may be repeated.")
@click.option(
    "--follow-endpoints",
    is_flag=True,
    help="Ask the service at the endpoint of a study, by Katib's contract. For a manager's own service only: who can "
    "call this one can then make it connect anywhere.",
)
@click.option("--max-studies", type=click.IntRange(1), default=256, show_default=True, help="Studies held in memory.")
@click.option(
    "--max-trials",
    type=click.IntRange(1),
    default=250_000,
    show_default=True,
    help="Trials held in memory, of all studies.",
)
@listening("127.0.0.1:6789")
def serve(
    algorithms: tuple[str, ...], follow_endpoints: bool, max_studies: int, max_trials: int, listening: Listening
) -> None:
    """Serve algorithms over gRPC, until SIGTERM, SIGINT or the end of the parent.

    Once calls are answered, one line of JSON on standard output gives the addresses: {"listen": ["127.0.0.1:6789"]}.
    The service runs no commands and holds no secrets, so it asks for no token. It keeps nothing on disk, and may be
    killed and started again at any moment.
    """
    from tunesmith.services.workers import limit_library_threads

    limit_library_threads()  # before anything imports numpy

    from tunesmith.services.studies import Studies
    from tunesmith.suggestion import load_registry
    from tunesmith.suggestion._katib_adapter import KatibAdapter
    from tunesmith.suggestion._offer import Offer

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with usage_errors():
        registry = load_registry()
        offered = registry.only(algorithms) if algorithms else registry
        if follow_endpoints:
            offered = offered.following(KatibAdapter())
        listening.serve(Offer(offered, Studies(max_studies, max_trials)).register)


if __name__ == "__main__":
    main(prog_name="tunesmith suggestion")
