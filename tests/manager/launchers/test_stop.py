"""Stopping trials, and what they may use of the machine."""

import asyncio
import os
import signal
import sys
import time

import pytest
from tests.local_place import Place

from tunesmith.manager.launchers._slots import find_gpus
from tunesmith.study import FailureClass, Resources

DEAF = "trap '' TERM; echo; while :; do sleep 0.05; done"
POLITE = "trap 'test -e stop && exit 7' TERM; echo; while :; do sleep 0.05; done"


async def test_a_stop_is_a_file_and_a_signal(place: Place) -> None:
    await place.launch("t", "sh", "-c", POLITE)
    await place.started("t")
    for _ in range(3):
        await place.launcher.stop("t", 1, 10)
    exit = await place.next_exit()
    assert (exit.status, exit.signal, exit.failure) == (7, None, None)
    assert await place.no_exit()
    await place.launcher.stop("t", 1, 10)  # nothing happens


async def test_one_that_does_not_listen_is_killed(place: Place) -> None:
    await place.launch("t", "sh", "-c", DEAF)
    await place.started("t")
    begin = time.monotonic()
    await place.launcher.stop("t", 1, 0.3)
    exit = await place.next_exit()
    assert (exit.status, exit.signal, exit.failure, exit.message) == (None, signal.SIGKILL, None, "killed by SIGKILL")
    assert 0.3 <= time.monotonic() - begin < 3


async def test_one_that_looks_for_its_stop_is_given_notice(place: Place) -> None:
    await place.launch("t", "sh", "-c", "touch asks; echo; until test -e stop; do sleep 0.05; done; sleep 0.3; exit 3")
    await place.started("t")
    await place.launcher.stop("t", 1, 0, notice=30)
    assert (await place.next_exit()).status == 3


async def test_notice_is_over_at_its_time_or_by_another_stop(place: Place) -> None:
    for name, then in (("slow", None), ("hurried", 0.0)):
        await place.launch(name, "sh", "-c", "touch asks; echo; sleep 60")
        await place.started(name)
        begin = time.monotonic()
        await place.launcher.stop(name, 1, 10, notice=0.4 if then is None else 60)
        if then is not None:
            await place.launcher.stop(name, 1, 10, notice=then)
        exit = await place.next_exit()
        assert (exit.signal, exit.failure) == (signal.SIGTERM, None)
        assert (time.monotonic() - begin >= 0.4) == (then is None)


async def test_one_that_does_not_look_needs_no_notice(place: Place) -> None:
    await place.launch("t", "sh", "-c", DEAF)
    await place.started("t")
    begin = time.monotonic()
    await place.launcher.stop("t", 1, 0.3, notice=60)
    assert (await place.next_exit()).signal == signal.SIGKILL
    assert 0.3 <= time.monotonic() - begin < 5


async def test_the_shorter_grace_holds(place: Place) -> None:
    await place.launch("t", "sh", "-c", DEAF)
    await place.started("t")
    for grace in (60, 0.2, 60):
        await place.launcher.stop("t", 1, grace)
    assert (await place.next_exit(5)).signal == signal.SIGKILL


async def test_one_that_is_suspended_is_stopped(place: Place) -> None:
    await place.launch("t", "sh", "-c", POLITE)
    await place.started("t")
    os.kill(place.eldest("sh", "-c").pid, signal.SIGSTOP)
    await place.launcher.stop("t", 1, 10)
    assert (await place.next_exit(5)).status == 7


async def test_the_runner_keeps_the_time_when_the_manager_is_gone(place: Place) -> None:
    await place.launch("t", "sh", "-c", DEAF)
    await place.started("t")
    await place.launcher.stop("t", 1, 0.5)
    await place.launcher.close()
    await asyncio.sleep(1)
    await place.replace()
    assert await place.launcher.adopt("t", 1, place.attempt("t"))
    exit = await place.next_exit()
    assert (exit.signal, exit.failure) == (signal.SIGKILL, None)


async def test_a_stop_right_after_the_launch_is_not_lost(place: Place) -> None:
    launch = asyncio.create_task(place.launch("t", "sh", "-c", "sleep 60"))
    await asyncio.sleep(0)
    await place.launcher.stop("t", 1, 10)
    await launch
    exit = await place.next_exit()
    assert (exit.signal, exit.failure) == (signal.SIGTERM, None)


async def test_a_stop_of_a_stranger_is_nothing(place: Place) -> None:
    await place.launcher.stop("nobody", 1, 1)
    assert await place.no_exit(0.1)


CPUS = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


async def test_processors_are_handed_out_in_order(place: Place) -> None:
    await place.launch("a", "sh", "-c", "echo; sleep 60", resources=Resources(cpu=CPUS))
    b = asyncio.create_task(place.launch("b", "true", resources=Resources(cpu=1000.0)))  # runs alone
    c = asyncio.create_task(place.launch("c", "true", resources=Resources(cpu=0.1)))
    d = asyncio.create_task(place.launch("d", "true"))  # asks for none
    await d
    assert (await place.next_exit()).trial == "d"
    assert not b.done()
    assert not c.done()
    await place.launcher.stop("a", 1, 10)
    assert [(await place.next_exit()).trial for _ in range(3)] == ["a", "b", "c"]
    await asyncio.gather(b, c)


async def test_one_that_waits_can_be_stopped_or_cancelled(place: Place) -> None:
    await place.launch("a", "sleep", "60", resources=Resources(cpu=CPUS))
    b = asyncio.create_task(place.launch("b", "true", resources=Resources(cpu=1.0)))
    c = asyncio.create_task(place.launch("c", "true", resources=Resources(cpu=1.0)))
    await asyncio.sleep(0.05)
    await place.launcher.stop("b", 1, 10)
    exit = await place.next_exit()
    assert (exit.trial, exit.status, exit.failure, exit.message) == (
        "b",
        None,
        None,
        "it was stopped before it started",
    )
    await b
    c.cancel()
    with pytest.raises(asyncio.CancelledError):
        await c
    assert not place.attempt("c").exists()
    await place.launcher.stop("a", 1, 10)
    await place.next_exit()
    assert (await place.run("c", "true", resources=Resources(cpu=1.0))).status == 0


async def test_gpus_are_handed_out(place: Place) -> None:
    await place.replace({**os.environ, "CUDA_VISIBLE_DEVICES": "3,GPU-9"})
    show = ("sh", "-c", 'echo "[$CUDA_VISIBLE_DEVICES]"; while ! test -e go; do sleep 0.02; done')
    for trial, gpus in (("a", 1), ("b", 1), ("none", 0), ("any", None)):
        await place.launch(trial, *show, resources=Resources(gpu=gpus))
        await place.started(trial)
    assert {place.output("a"), place.output("b")} == {b"[3]\n", b"[GPU-9]\n"}
    assert place.output("none") == b"[]\n"
    assert place.output("any") == b"[3,GPU-9]\n"
    both = asyncio.create_task(place.launch("both", *show, resources=Resources(gpu=2)))
    for trial in ("a", "b", "none", "any"):
        (place.attempt(trial) / "go").touch()
        await place.next_exit()
    await both
    await place.started("both")
    assert place.output("both") == b"[3,GPU-9]\n"
    (place.attempt("both") / "go").touch()
    await place.next_exit()


async def test_more_gpus_than_there_are_is_refused(place: Place) -> None:
    await place.replace({**os.environ, "CUDA_VISIBLE_DEVICES": ""})
    exit = await place.run("t", "true", resources=Resources(gpu=2))
    assert exit.failure is FailureClass.USER_ERROR
    assert exit.message == "`gpu <= GPUs of this machine` must hold, but got (gpu=2, GPUs of this machine=0)"


def test_gpus_are_found() -> None:
    assert find_gpus({"CUDA_VISIBLE_DEVICES": "0, 2"}) == ("0", "2")
    assert find_gpus({"CUDA_VISIBLE_DEVICES": "-1"}) == ()
    assert all(name.isdigit() for name in find_gpus({}))


HUNGRY = "import time; print(); block = bytearray(b'x') * 200_000_000; time.sleep(60)"


async def test_memory_over_the_limit_ends_it(place: Place) -> None:
    exit = await place.run("t", sys.executable, "-c", HUNGRY, resources=Resources(memory=100 << 20))
    assert (exit.signal, exit.failure) == (signal.SIGKILL, FailureClass.OUT_OF_MEMORY)
    assert exit.message.startswith("`memory` must hold the trial, but it used ")
    assert exit.message.endswith(" of 100 MiB")


async def test_memory_of_children_counts_and_shared_memory_once(place: Place) -> None:
    shared = "import os, time; block = bytearray(b'x') * 60_000_000; [os.fork() or time.sleep(1.5) for _ in range(2)]"
    await place.launch("shared", sys.executable, "-c", shared, resources=Resources(memory=120 << 20))
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HUNGRY!r}], start_new_session=True)"
    await place.launch("child", sys.executable, "-c", child, resources=Resources(memory=100 << 20))
    ends = {exit.trial: exit for exit in [await place.next_exit() for _ in range(2)]}
    assert ends["child"].failure is FailureClass.OUT_OF_MEMORY
    assert ends["shared"].status == 0


async def test_memory_is_watched_after_adoption(place: Place) -> None:
    script = f"import os, time\nprint()\nwhile not os.path.exists('go'): time.sleep(0.05)\n{HUNGRY}"
    await place.launch("t", sys.executable, "-c", script, resources=Resources(cpu=CPUS, memory=100 << 20))
    await place.started("t")
    await place.replace()
    assert await place.launcher.adopt("t", 1, place.attempt("t"))
    other = asyncio.create_task(place.launch("u", "true", resources=Resources(cpu=CPUS)))
    await asyncio.sleep(0.1)
    assert not other.done()  # its processors are counted in
    (place.attempt("t") / "go").touch()
    assert (await place.next_exit()).failure is FailureClass.OUT_OF_MEMORY
    await other
    assert (await place.next_exit()).status == 0
