"""Whatever is killed, every attempt that was claimed ran at most once and gives exactly one exit."""

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from tests.local_place import Place, eventually, gone, processes_of, words_of

from tunesmith.manager.launchers import Exit
from tunesmith.manager.launchers import _link as link
from tunesmith.manager.launchers._runner import _processes
from tunesmith.services.errors import TryAgain
from tunesmith.study import FailureClass, Resources

COUNT = ("sh", "-c", "echo x >> count; while test -e ../../wait; do sleep 0.02; done; exit 5")
WAITING = "echo; while ! test -e go; do sleep 0.02; done; exit 6"
DEAF = "trap '' TERM; echo; while :; do sleep 0.05; done"


def act(place: Place, *names: str) -> subprocess.Popen[bytes]:
    """Start a manager that launches these."""
    script = Path(__file__).with_name("acting_manager.py")
    command = [sys.executable, str(script), str(place.runtime), str(place.folder / "trials"), ",".join(names), *COUNT]
    manager = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert manager.stdout is not None
    assert manager.stdout.readline() == b"ready\n"
    return manager


def kill(manager: subprocess.Popen[bytes]) -> None:
    manager.kill()
    manager.communicate()


def count(place: Place, name: str) -> int:
    file = place.attempt(name) / "count"
    return file.read_text().count("x") if file.exists() else 0


async def ends(place: Place, number: int) -> dict[str, Exit]:
    exits = [await place.next_exit() for _ in range(number)]
    assert await place.no_exit(0.1)
    assert len({exit.trial for exit in exits}) == number
    return {exit.trial: exit for exit in exits}


async def test_trials_outlive_the_manager_and_are_adopted(place: Place) -> None:
    names = [f"t{number}" for number in range(4)]
    (place.folder / "trials").mkdir()
    (place.folder / "trials/wait").touch()
    manager = act(place, *names)
    assert eventually(lambda: all(count(place, name) for name in names))
    kill(manager)
    await asyncio.sleep(0.1)
    assert [await place.launcher.adopt(name, 1, place.attempt(name)) for name in [*names, "t9"]] == [True] * 4 + [False]
    (place.folder / "trials/wait").unlink()
    assert {name: exit.status for name, exit in (await ends(place, 4)).items()} == dict.fromkeys(names, 5)


async def test_a_trial_that_ends_while_it_is_adopted_is_heard(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    await place.launch("t", "sh", "-c", WAITING)
    await place.started("t")
    await place.replace()
    check = place.launcher._fates.check

    async def answered_late(folder: str) -> dict[str, object]:
        state = await check(folder)
        (place.attempt("t") / "go").touch()
        while not (place.attempt("t") / "exit.json").exists():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)
        return state

    monkeypatch.setattr(place.launcher._fates, "check", answered_late)
    assert await place.launcher.adopt("t", 1, place.attempt("t"))
    assert (await place.next_exit(5)).status == 6


async def test_a_manager_killed_at_any_moment_launches_nothing_twice(place: Place) -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    chance = random.Random(seed)
    for round_number in range(8):
        names = [f"r{round_number}-{number}" for number in range(12)]
        manager = act(place, *names)
        await asyncio.sleep(chance.uniform(0, 0.12))
        kill(manager)
        adopted = [name for name in names if await place.launcher.adopt(name, 1, place.attempt(name))]
        for name in set(names) - set(adopted):
            assert count(place, name) == 0
            await place.launcher.launch(place.order(name, *COUNT))
        exits = await ends(place, len(names))
        assert {exit.status for exit in exits.values()} == {5}
        assert [count(place, name) for name in names] == [1] * len(names)


async def test_trials_outlive_their_runner_and_its_guard_tells_how_they_end(place: Place) -> None:
    names = ["a", "b", "c"]
    for name in names:
        await place.launch(name, "sh", "-c", WAITING)
        await place.started(name)
    first = place.runner
    first.kill()
    assert eventually(lambda: gone(first))
    assert (await place.run("d", "sh", "-c", "exit 3")).status == 3  # another runner serves
    assert len([p for p in processes_of(place.folder) if words_of(p)[:2] == ["sh", "-c"]]) == 3
    for name in names:
        (place.attempt(name) / "go").touch()
    exits = await ends(place, 3)
    assert {(exit.status, exit.failure, exit.unseen) for exit in exits.values()} == {
        (6, FailureClass.USER_ERROR, False)
    }
    assert eventually(lambda: len(place.guards()) == 1)  # the first one's has left


async def test_trials_outlive_their_runner_and_its_guard(place: Place) -> None:
    for name in ("a", "b"):
        await place.launch(name, "sh", "-c", WAITING)
        await place.started(name)
    place.kill_runners()
    assert (await place.run("c", "sh", "-c", "exit 3")).status == 3
    for name in ("a", "b"):
        (place.attempt(name) / "go").touch()
    exits = await ends(place, 2)
    assert {(exit.status, exit.failure, exit.unseen) for exit in exits.values()} == {(None, FailureClass.LOST, True)}
    assert {exit.message for exit in exits.values()} == {"it is gone, and left no exit status"}


async def test_a_runner_without_its_guard_serves_on(place: Place) -> None:
    await place.launch("a", "sh", "-c", WAITING)
    await place.started("a")
    (guard,) = place.guards()
    guard.kill()
    assert eventually(lambda: gone(guard))
    (place.attempt("a") / "go").touch()
    assert (await place.next_exit()).status == 6
    assert (await place.run("b", "sh", "-c", "exit 3")).status == 3


@pytest.mark.parametrize("then", ["exit 4", "sleep 0.3; exit 4"])
async def test_a_trial_that_kills_its_parent_is_seen_to_end(place: Place, then: str) -> None:
    exit = await place.run("a", "sh", "-c", f"kill -9 $PPID; {then}")
    assert (exit.status, exit.failure) == (4, FailureClass.USER_ERROR)


async def test_what_a_trial_left_is_killed_by_the_guard_too(place: Place) -> None:
    await place.launch("a", "sh", "-c", "setsid env -i sleep 1060 & " + WAITING)
    await place.started("a")
    place.runner.kill()
    (place.attempt("a") / "go").touch()
    assert (await place.next_exit()).status == 6
    assert eventually(
        lambda: not [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "1060"]]
    )


async def test_memory_over_the_limit_ends_what_the_guard_has(place: Place) -> None:
    script = "import os, time\nprint()\nwhile not os.path.exists('go'): time.sleep(0.05)\n"
    hungry = script + "block = bytearray(b'x') * 200_000_000; time.sleep(60)"
    await place.launch("a", sys.executable, "-c", hungry, resources=Resources(memory=100 << 20))
    await place.started("a")
    first = place.runner
    first.kill()
    assert eventually(lambda: gone(first))
    assert await place.no_exit(0.3)
    (place.attempt("a") / "go").touch()
    exit = await place.next_exit()
    assert (exit.failure, exit.unseen) == (FailureClass.OUT_OF_MEMORY, False)
    assert exit.message.endswith(" of 100 MiB")


async def test_what_lost_its_runner_is_given_notice(place: Place) -> None:
    script = "touch asks; echo; until test -e stop; do sleep 0.05; done; sleep 0.3; touch saved"
    await place.launch("asks", "sh", "-c", script)
    await place.launch("hurried", "sh", "-c", "touch asks; echo; sleep 1030")
    for name in ("asks", "hurried"):
        await place.started(name)
    place.kill_runners()
    await place.launcher.stop("asks", 1, 0, notice=60)
    await place.launcher.stop("hurried", 1, 10, notice=60)
    await place.launcher.stop("hurried", 1, 10)
    exits = await ends(place, 2)
    assert {exit.failure for exit in exits.values()} == {None}
    assert (place.attempt("asks") / "saved").exists()


@pytest.mark.parametrize("guarded", [True, False])
async def test_what_lost_its_runner_is_stopped(place: Place, guarded: bool) -> None:
    await place.launch("deaf", "sh", "-c", DEAF + " & setsid sleep 1030")
    await place.launch("polite", "sh", "-c", "trap 'test -e stop && exit 0' TERM; echo; while :; do sleep 0.05; done")
    for name in ("deaf", "polite"):
        await place.started(name)
    if guarded:
        place.runner.kill()
    else:
        place.kill_runners()
    await place.launcher.stop("deaf", 1, 0.3)
    await place.launcher.stop("polite", 1, 60)
    exits = await ends(place, 2)
    assert {exit.failure for exit in exits.values()} == {None}
    assert eventually(lambda: not [p for p in processes_of(place.folder) if "sleep" in words_of(p)])


async def test_a_runner_killed_at_any_moment_launches_nothing_twice(place: Place) -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    chance = random.Random(seed)
    for round_number in range(6):
        names = [f"r{round_number}-{number}" for number in range(12)]
        launches = [asyncio.create_task(place.launcher.launch(place.order(name, *COUNT))) for name in names]
        await asyncio.sleep(chance.uniform(0, 0.06))
        if round_number % 2:
            place.kill_runners()
        for runner in place.runners():
            runner.kill()
        await asyncio.gather(*launches)
        for name, exit in (await ends(place, len(names))).items():
            assert (exit.status, exit.failure) in ((5, FailureClass.USER_ERROR), (None, FailureClass.LOST))
            assert count(place, name) <= 1
            assert exit.status is None or count(place, name) == 1


async def test_both_killed(place: Place) -> None:
    (place.folder / "trials").mkdir()
    (place.folder / "trials/wait").touch()
    manager = act(place, "t", "u")
    assert eventually(lambda: bool(count(place, "t") and count(place, "u")))
    kill(manager)
    place.kill_runners()
    for name in ("t", "u"):
        assert await place.launcher.adopt(name, 1, place.attempt(name))
    assert await place.no_exit(0.1)
    (place.folder / "trials/wait").unlink()
    assert {exit.failure for exit in (await ends(place, 2)).values()} == {FailureClass.LOST}
    assert (count(place, "t"), count(place, "u")) == (1, 1)


async def test_a_runner_that_lost_its_socket_still_tells_how_its_trials_end(place: Place) -> None:
    await place.launch("t", "sh", "-c", WAITING)
    await place.started("t")
    for file in place.runtime.iterdir():
        file.unlink()
    await place.replace()
    assert await place.launcher.adopt("t", 1, place.attempt("t"))
    assert len(place.runners()) == 2
    (place.attempt("t") / "go").touch()
    assert (await place.next_exit()).status == 6


# ---- what is found in a folder


def leave(place: Place, **files: object) -> None:
    folder = place.attempt("t")
    folder.mkdir(parents=True)
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / name.replace("_", ".")).write_text(text)


def start(*command: str, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, start_new_session=True)


async def adopted_exit(place: Place) -> Exit:
    assert await place.launcher.adopt("t", 1, place.attempt("t"))
    assert await place.launcher.adopt("t", 1, place.attempt("t"))
    return (await ends(place, 1))["t"]


async def test_never_claimed(place: Place) -> None:
    assert not await place.launcher.adopt("t", 1, place.attempt("t"))


async def test_claimed_and_never_started(place: Place) -> None:
    leave(place, claim="")
    assert (await adopted_exit(place)).failure is FailureClass.LOST
    await place.launch("t", "true")
    assert await place.no_exit(0.1)


async def test_ended_long_ago(place: Place) -> None:
    record = {"status": 4, "signal": None, "failure": "", "message": "", "stopped": False, "time": 1.5}
    leave(place, claim="{}", exit_json=record)
    exit = await adopted_exit(place)
    assert (exit.status, exit.failure, exit.time) == (4, FailureClass.USER_ERROR, 1.5)


async def test_half_a_record_is_none(place: Place) -> None:
    leave(place, claim="{}", exit_json='{"status": 4,')
    assert (await adopted_exit(place)).failure is FailureClass.LOST


async def test_gone_after_a_stop_is_no_failure(place: Place) -> None:
    leave(place, claim="{}", stop="")
    assert (await adopted_exit(place)).failure is None


@pytest.mark.parametrize("lie", ["start", "boot"])
async def test_a_pid_that_was_given_away_is_not_the_trial(place: Place, lie: str) -> None:
    with start("sleep", "1040") as other:
        ticks, boot = _processes.start_ticks(other.pid), _processes.boot_id()
        assert ticks
        identity: dict[str, object] = {"pid": other.pid, "start": ticks, "boot": boot, "time": time.time()}
        identity[lie] = ticks - 1 if lie == "start" else "another"
        leave(place, claim="{}", process_json=identity)
        assert (await adopted_exit(place)).failure is FailureClass.LOST
        await place.launcher.stop("t", 1, 0)
        await asyncio.sleep(0.1)
        assert other.poll() is None
        other.kill()


async def test_a_process_that_nobody_wrote_down_is_found(place: Place) -> None:
    leave(place, claim="{}")
    env = {**os.environ, "TUNESMITH_TRIAL_DIR": str(place.attempt("t"))}
    with start("sh", "-c", "echo; sleep 1050 & wait", env=env) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert await place.launcher.adopt("t", 1, place.attempt("t"))
        assert await place.no_exit(0.1)
        other.kill()
    assert (await place.next_exit()).failure is FailureClass.LOST
    assert eventually(lambda: not [p for p in processes_of(place.folder) if "1050" in words_of(p)])


# ---- a runner that does not answer


async def test_a_runner_that_hangs_is_waited_for_so_long(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "_PATIENCE", 0.3)
    await place.run("t", "true")
    await place.launcher.close()
    runner = place.runner
    runner.suspend()
    await place.replace()
    with pytest.raises(TryAgain, match="must answer within 0 s"):
        await place.launch("u", "true")
    runner.resume()
    assert (await place.run("u", "true")).status == 0


async def test_a_runner_that_cannot_start(place: Place) -> None:
    place.runtime.rmdir()
    with pytest.raises(TryAgain, match="No such file or directory"):
        await place.launcher.start()
    place.runtime.mkdir()
    await place.launcher.start()


async def test_two_managers_at_once_start_one_runner(place: Place) -> None:
    others = [place.new_launcher() for _ in range(4)]
    await asyncio.gather(*(launcher.start() for launcher in [place.launcher, *others]))
    assert isinstance(place.runner, psutil.Process)
    for launcher in others:
        await launcher.close()
