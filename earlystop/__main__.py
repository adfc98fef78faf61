"""`python -m tunesmith.earlystop serve`: the early-stopping service as a process of its own."""

import logging
from pathlib import Path

import click

from tunesmith.services.command import Listening, listening, usage_errors

_EXAMPLES = """\b
Examples:
  tunesmith earlystop serve
  tunesmith earlystop serve --rule median --rule asha --listen unix:/tmp/earlystop/s.sock
"""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """The early-stopping service of Tunesmith: says which running trials are not worth finishing."""


@main.command(epilog=_EXAMPLES)
@click.option("--rule", "rules", multiple=True, metavar="NAME", help="Offer only this one; may be repeated.")
@click.option("--max-studies", type=click.IntRange(1), default=256, show_default=True, help="Studies held in memory.")
@click.option(
    "--max-observations",
    type=click.IntRange(1),
    default=10_000_000,
    show_default=True,
    help="Observations, and values of parameters, held in memory, of all studies: some 50 to 105 bytes each.",
)
@click.option(
    "--db-manager",
    "db_managers",
    multiple=True,
    metavar="ADDR",
    help="Ask Katib's DB manager at host:port for what trials reported, when its controller names it; may be repeated.",
)
@click.option(
    "--follow-db-managers",
    is_flag=True,
    help="Ask any DB manager that is named. Only where nobody but Katib's controller can call: who can call this "
    "service can then make it connect anywhere.",
)
@click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Mark Katib's trials as stopped in the cluster of this file; in a pod its service account does without. Who "
    "can call this service can then mark any trial of the namespace.",
)
@click.option("--namespace", metavar="NAME", help="Namespace of Katib's trials.  [default: the pod's, or else default]")
@listening("127.0.0.1:6788")
def serve(
    rules: tuple[str, ...],
    max_studies: int,
    max_observations: int,
    db_managers: tuple[str, ...],
    follow_db_managers: bool,
    kubeconfig: Path | None,
    namespace: str | None,
    listening: Listening,
) -> None:
    """Serve early-stopping rules over gRPC, until SIGTERM, SIGINT or the end of the parent.

    Once calls are answered, one line of JSON on standard output gives the addresses: {"listen": ["127.0.0.1:6788"]}.
    The service runs no commands and holds no secrets, so it asks for no token. It keeps nothing on disk, and may be
    killed and started again at any moment.
    """
    from tunesmith.services.workers import limit_library_threads

    limit_library_threads()  # before anything imports numpy

    from tunesmith.earlystop import load_registry
    from tunesmith.earlystop._katib_logs import ObservationLogs
    from tunesmith.earlystop._katib_trials import Cluster, KatibTrials
    from tunesmith.earlystop._offer import Offer
    from tunesmith.services.studies import Studies

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with usage_errors():
        registry = load_registry()
        offered = registry.only(rules) if rules else registry
        logs = ObservationLogs(db_managers, all_allowed=follow_db_managers)
        trials = KatibTrials(Cluster(kubeconfig, namespace))
        listening.serve(Offer(offered, Studies(max_studies, max_observations), logs, trials).register)


if __name__ == "__main__":
    main(prog_name="tunesmith earlystop")
