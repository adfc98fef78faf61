"""A worker: takes trials of a study from the manager, runs them in its own way, and gives them back.

Call it as often as you like, wherever the manager can be reached: `python worker.py STUDY NAME`.
"""

import sys
import traceback
from collections.abc import Iterator

import tunesmith
from tunesmith.services.errors import NotNow


def train(x: float, y: float, epochs: int = 5) -> Iterator[float]:
    """Your own work: gives the loss after each epoch."""
    for epoch in range(1, epochs + 1):
        yield (1 - x) ** 2 + 100 * (y - x * x) ** 2 + 1 / epoch


def main(study: str, name: str) -> None:
    """Work until the study has ended."""
    with tunesmith.Client() as client:
        while not client.study(study).state.final:
            try:
                work = client.acquire(name, study, lease=30, wait=5)
            except NotNow:  # it has ended meanwhile
                break
            if work is None:
                continue
            print(f"{name} runs {work.trial}: {dict(work.params)}", flush=True)
            with client.keep(work) as alive:  # sends the heartbeats
                try:
                    for epoch, loss in enumerate(train(**work.params), start=1):
                        client.report_work(work, {"loss": loss}, step=epoch)
                        if alive.stop:
                            break
                    client.complete(work)
                except NotNow as error:  # the manager does not wait for us any more
                    print(f"{name} lets go of {work.trial}: {error}", file=sys.stderr)
                except Exception as error:
                    traceback.print_exc()
                    client.complete(work, status=1, message=repr(error))


if __name__ == "__main__":
    main(*sys.argv[1:3])
