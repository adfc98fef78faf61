"""Local trials: how real processes start, what they see, and how they end."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from tests.local_place import Place, eventually, gone, processes_of

from tunesmith.manager.launchers import Launch, LauncherContext, make_launcher
from tunesmith.manager.launchers.local import LocalLauncher
from tunesmith.study import FailureClass


@pytest.mark.parametrize(
    ("script", "status", "signal", "failure", "message"),
    [
        ("exit 0", 0, None, None, ""),
        ("exit 3", 3, None, FailureClass.USER_ERROR, "exit status 3"),
        ("exit 137", 137, None, FailureClass.LOST, "exit status 137 (killed by SIGKILL)"),
        ("kill -SEGV $$", None, 11, FailureClass.USER_ERROR, "killed by SIGSEGV"),
        ("kill -KILL $$", None, 9, FailureClass.LOST, "killed by SIGKILL"),
        ("kill -TERM $$", None, 15, FailureClass.PREEMPTED, "killed by SIGTERM"),
    ],
)
async def test_an_exit_tells_how_it_ended(
    place: Place, script: str, status: int | None, signal: int | None, failure: FailureClass | None, message: str
) -> None:
    exit = await place.run("t", "sh", "-c", script)
    assert (exit.trial, exit.attempt) == ("t", 1)
    assert (exit.status, exit.signal, exit.failure, exit.message) == (status, signal, failure, message)
    assert abs(exit.time - (place.attempt("t") / "claim").stat().st_mtime) < 5


async def test_the_files_of_an_attempt(place: Place) -> None:
    await place.run("t", "sh", "-c", "echo out; echo err >&2; cat; exit 2")
    folder = place.attempt("t")
    assert sorted(os.listdir(folder)) == ["claim", "exit.json", "output.log", "process.json"]
    assert place.output("t") == b"out\nerr\n"
    identity = json.loads((folder / "process.json").read_text())
    assert identity.keys() == {"pid", "start", "boot", "time"}
    record = json.loads((folder / "exit.json").read_text())
    assert (record["status"], record["signal"], record["stopped"]) == (2, None, False)


async def test_a_trial_leads_a_session_of_its_own_in_its_folder(place: Place) -> None:
    script = "import os; print(os.getsid(0) == os.getpgid(0) == os.getpid(), os.getcwd(), os.isatty(0), end='')"
    await place.run("t", sys.executable, "-c", script)
    assert place.output("t").decode() == f"True {place.attempt('t')} False"


async def test_it_runs_where_it_is_told_to(place: Place, tmp_path: Path) -> None:
    work = tmp_path / "work with spaces"
    work.mkdir()
    (work / "run.sh").write_text("#!/bin/sh\npwd\n")
    (work / "run.sh").chmod(0o755)
    await place.run("t", "./run.sh", working_dir=str(work))
    assert place.output("t").decode().strip() == str(work)


async def test_signals_are_as_a_program_expects_them(place: Place) -> None:
    script = (
        "import signal as s; print([n.name for n in s.valid_signals() if n not in (s.SIGKILL, s.SIGSTOP)"
        " and isinstance(n, s.Signals) and s.getsignal(n) == s.SIG_IGN], s.pthread_sigmask(s.SIG_BLOCK, []), end='')"
    )
    await place.run("t", sys.executable, "-c", script)
    assert place.output("t").decode() == "['SIGPIPE', 'SIGXFSZ'] set()"  # Python itself ignores these two


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("no-such-program",), "must be on PATH, but no-such-program is not"),
        (("./train.sh",), "must exist, but ./train.sh does not (working directory "),
        (("/etc/passwd",), "must be executable, but /etc/passwd is not"),
        (("{folder}/plain",), "must be a binary of this machine or begin with `#!`"),
        (("{folder}/lost",), "the interpreter that"),
        (("true", "a\0b"), "null"),
        (("true", "x" * 200_000), "too long for this machine"),
    ],
)
async def test_a_command_that_cannot_start_ends_with_a_sentence(
    place: Place, tmp_path: Path, command: tuple[str, ...], words: str
) -> None:
    for name, text in (("plain", "echo hi\n"), ("lost", "#!/no/such/interpreter\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    exit = await place.run("t", *(word.format(folder=tmp_path) for word in command))
    assert (exit.status, exit.signal, exit.failure) == (None, None, FailureClass.USER_ERROR)
    assert words in exit.message
    assert (await place.run("next", "true")).status == 0


async def test_a_working_directory_that_is_none_ends_with_a_sentence(place: Place, tmp_path: Path) -> None:
    exit = await place.run("t", "true", working_dir=str(tmp_path / "none"))
    assert exit.failure is FailureClass.USER_ERROR
    assert exit.message == f"the working directory must exist, but got {tmp_path / 'none'}"
    (tmp_path / "file").touch()
    exit = await place.run("u", "true", working_dir=str(tmp_path / "file"))
    assert exit.message == f"the working directory {tmp_path / 'file'} cannot be entered: Not a directory"


async def test_the_environment(place: Place) -> None:
    odd = os.fsdecode(b"\xff\xfe")
    big = "x" * 100_000
    environ = {**os.environ, "SECRET": "s", "TUNESMITH_TOKEN": "t", "KEPT": odd, "BIG": big, "LINES2": "a\nb"}
    await place.replace(environ)
    env = {"ADDED": "1", "KEPT2": odd, "TUNESMITH_CHECKPOINT_DIR": str(place.folder / "trials/t/checkpoint")}
    script = "import os, json; json.dump(dict(os.environ), open('env', 'w'))"
    exit = await place.run("t", "python", "-c", script, env=env)
    assert exit.status == 0
    seen = json.loads((place.attempt("t") / "env").read_text())
    assert not {"SECRET", "TUNESMITH_TOKEN"} & seen.keys()
    assert seen["KEPT"] == seen["KEPT2"] == odd
    assert (seen["BIG"], seen["LINES2"], seen["ADDED"], seen["PYTHONUNBUFFERED"]) == (big, "a\nb", "1", "1")
    assert seen["PATH"].startswith(os.path.dirname(sys.executable) + ":")
    assert seen["TUNESMITH_TRIAL"] == "t"
    assert seen["TUNESMITH_TRIAL_DIR"] == str(place.attempt("t"))
    assert (place.folder / "trials/t/checkpoint").is_dir()


async def test_it_prints_much_and_binary(place: Place) -> None:
    script = "import os, sys\nfor _ in range(50): sys.stdout.buffer.write(bytes(range(256)) * 4096)"
    assert (await place.run("t", sys.executable, "-c", script)).status == 0
    assert place.output("t") == bytes(range(256)) * 4096 * 50


async def test_nobody_of_a_trial_is_left(place: Place) -> None:
    script = """
        sleep 1001 &                                                  # a child in its group
        setsid sleep 1002 &                                           # in a session of its own
        (setsid sh -c 'sleep 1003 & setsid sleep 1004 & wait' &)      # a daemon with children
        set -m; sleep 1005 &                                          # a job: a group of its own in the session
        python -c 'import os; os.fork() or os.setsid() or os.fork() or os.execvp("sleep", ["sleep", "1006"])'
        (trap '' TERM HUP; exec setsid sleep 1007) &
        echo; sleep 0.3; exit 0
    """
    assert (await place.run("t", "sh", "-c", script)).status == 0
    assert eventually(lambda: set(processes_of(place.folder)) == {*place.runners(), *place.guards()})


async def test_a_daemon_that_hides_its_environment_goes_when_nothing_runs(place: Place) -> None:
    await place.run("t", "sh", "-c", "env -i setsid sleep 1010 & sleep 0.3")
    runner = place.runner
    assert eventually(lambda: not runner.children())


async def test_daemons_of_a_running_trial_are_spared(place: Place) -> None:
    await place.launch("long", "sh", "-c", "(setsid sleep 1020 &); echo; while ! test -e go; do sleep 0.05; done")
    await place.started("long")
    await place.run("short", "true")
    await asyncio.sleep(0.1)
    assert [process for process in processes_of(place.folder) if process.cmdline() == ["sleep", "1020"]]
    (place.attempt("long") / "go").touch()
    assert (await place.next_exit()).trial == "long"


async def test_two_hundred_at_once_each_exactly_once(place: Place) -> None:
    await asyncio.gather(*(place.launch(f"t{number}", "sh", "-c", "echo $TUNESMITH_TRIAL") for number in range(200)))
    exits = [await place.next_exit() for _ in range(200)]
    assert {exit.trial for exit in exits} == {f"t{number}" for number in range(200)}
    assert all(exit.status == 0 for exit in exits)
    assert all(place.output(f"t{number}").decode() == f"t{number}\n" for number in range(200))
    assert await place.no_exit()


async def test_a_launch_is_idempotent(place: Place) -> None:
    for _ in range(3):
        await place.launch("t", "sh", "-c", "echo; sleep 0.2")
    await place.next_exit()
    await place.launch("t", "sh", "-c", "echo")
    assert place.output("t") == b"\n"
    assert await place.no_exit()


async def test_a_second_launcher_finds_the_claim(place: Place) -> None:
    await place.run("t", "sh", "-c", "echo; exit 4")
    await place.replace()
    assert (await place.run("t", "sh", "-c", "echo; exit 5")).status == 4
    assert place.output("t") == b"\n"


async def test_the_runner_leaves_when_nobody_needs_it(place: Place) -> None:
    await place.run("t", "true")
    runner = place.runner
    await place.launch("u", "sh", "-c", "echo; sleep 1.2")
    await place.started("u")
    await place.launcher.close()
    assert not eventually(lambda: gone(runner), 0.9)  # a trial runs
    assert eventually(lambda: gone(runner), 5)
    assert json.loads((place.attempt("u") / "exit.json").read_text())["status"] == 0


async def test_the_runner_costs_nothing_while_it_waits(place: Place) -> None:
    await place.launch("t", "sh", "-c", "echo; sleep 60")
    await place.started("t")
    before = place.runner.cpu_times()
    await asyncio.sleep(1)
    assert place.runner.cpu_times() == before
    await place.launcher.stop("t", 1, 5)
    await place.next_exit()


async def test_launchers_are_found_by_name(place: Place) -> None:
    launcher = make_launcher("local", LauncherContext(place.runtime))
    assert isinstance(launcher, LocalLauncher)
    with pytest.raises(KeyError):
        make_launcher("nowhere", LauncherContext(place.runtime))


async def test_exits_end_with_the_launcher(place: Place) -> None:
    await place.launcher.start()
    await place.launcher.close()
    assert [exit async for exit in place.exits] == []


def test_a_launch_checks_itself(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="name a program"):
        Launch("t", 1, tmp_path, ())
    with pytest.raises(ValueError, match="absolute"):
        Launch("t", 1, Path("relative"), ("true",))
    with pytest.raises(ValueError, match="absolute"):
        Launch("t", 1, tmp_path, ("true",), working_dir="relative")


async def test_a_forgotten_attempt_is_remembered_by_its_folder_alone(place: Place) -> None:
    exit = await place.run("t", "true")
    place.launcher.forget("t", 1)
    assert await place.launcher.adopt("t", 1, place.attempt("t"))
    assert await anext(place.launcher.exits()) == exit
