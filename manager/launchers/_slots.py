"""Processors and GPUs of this machine, handed out to attempts in the order in which they ask."""

import asyncio
import os
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from tunesmith.study import Resources

_ROUNDING = 1e-9


class StoppedWaitingError(Exception):
    """The attempt that waited is not wanted any more."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What one attempt was given. `gpus` None: it did not ask, and sees them all."""

    cpu: float = 0.0
    gpus: tuple[str, ...] | None = None


class Slots:
    """First come, first served: one that asks for much is not overtaken by those that ask for little.

    `cpu` is a share of concurrency, not a cage: the processors asked for by the attempts that run add up to at most
    those of the machine. One that asks for more than the machine has runs alone.
    """

    def __init__(self, cpus: float, gpus: tuple[str, ...]) -> None:
        self._cpus = cpus
        self._gpus = gpus
        self._cpu_used = 0.0
        self._gpus_used: list[str] = []  # one is in it twice when a manager adopted more than it would grant
        self._waiting: deque[tuple[Resources, asyncio.Future[Grant]]] = deque()

    def refusal(self, resources: Resources) -> str:
        """Why the machine can never grant this; empty when it can."""
        if (resources.gpu or 0) > len(self._gpus):
            return (
                f"`gpu <= GPUs of this machine` must hold, but got (gpu={resources.gpu}, "
                f"GPUs of this machine={len(self._gpus)})"
            )
        return ""

    def ask(self, resources: Resources) -> asyncio.Future[Grant]:
        """A grant to come. Whoever gives it up settles the future, or withdraws it."""
        future: asyncio.Future[Grant] = asyncio.get_running_loop().create_future()
        if not resources.cpu and not resources.gpu:  # one that asks for nothing waits for nobody
            future.set_result(Grant(0.0, None if resources.gpu is None else ()))
        else:
            self._waiting.append((resources, future))
            self._serve()
        return future

    def withdraw(self, future: asyncio.Future[Grant]) -> None:
        """Give up a grant, whether it has come or not."""
        if not future.done():
            future.cancel()
        elif not future.cancelled() and future.exception() is None:
            self.give_back(future.result())

    def take(self, grant: Grant) -> None:
        """Count in what an attempt has already."""
        self._cpu_used += grant.cpu
        self._gpus_used += grant.gpus or ()

    def give_back(self, grant: Grant) -> None:
        """Free what an attempt had."""
        self._cpu_used -= grant.cpu
        for gpu in grant.gpus or ():
            self._gpus_used.remove(gpu)
        self._serve()

    def _serve(self) -> None:
        while self._waiting:
            resources, future = self._waiting[0]
            if not future.done():
                grant = self._grant(resources)
                if grant is None:
                    return
                self.take(grant)
                future.set_result(grant)
            self._waiting.popleft()

    def _grant(self, resources: Resources) -> Grant | None:
        cpu = min(resources.cpu or 0.0, self._cpus)
        free = [gpu for gpu in self._gpus if gpu not in self._gpus_used]
        if self._cpu_used + cpu > self._cpus + _ROUNDING or (resources.gpu or 0) > len(free):
            return None
        return Grant(cpu, None if resources.gpu is None else tuple(free[: resources.gpu]))


def count_cpus() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def find_gpus(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the GPUs that this process may use, as CUDA_VISIBLE_DEVICES has them."""
    visible = environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        names = [name.strip() for name in visible.split(",")]
        return tuple(name for name in names if name not in ("", "-1", "NoDevFiles"))
    numbers = [match[1] for name in os.listdir("/dev") if (match := re.fullmatch(r"nvidia(\d+)", name))]
    return tuple(sorted(numbers, key=int))
