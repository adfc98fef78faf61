import asyncio
import json
import logging
import os
import signal
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio

from tunesmith.services import errors
from tunesmith.services._keeper import Backoff
from tunesmith.services.channel import open_channel, rpc_errors
from tunesmith.services.supervise import Child, Supervisor, leave_with_parent

# A service as ours are: it announces itself, serves, and leaves with its parent.
SERVICE = """
    import asyncio, os, sys
    import grpc
    from tunesmith.services.server import serve
    from tunesmith.services.supervise import announce, leave_with_parent

    async def pid(request, context):
        return str(os.getpid()).encode()

    def register(server):
        handlers = {"Pid": grpc.unary_unary_rpc_method_handler(pid)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("a.B", handlers),))
        return ["a.B"]

    async def main():
        stop = asyncio.Event()
        leave_with_parent(int(sys.argv[sys.argv.index("--parent-pipe") + 1]), stop.set)
        await serve(register, listen=["127.0.0.1:0"], token_check=None, ready=announce, stop=stop)
        print("left", flush=True)

    asyncio.run(main())
"""
READY = """print('{"listen": ["unix:/x", "unix:/y"]}', flush=True)"""
WAIT = "import signal; signal.pause()"


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Child]:
    """Makes a child that runs the given code."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def make(code: str) -> Child:
        (tmp_path / "child_module.py").write_text(textwrap.dedent(code))
        return Child("child", "child_module", ("serve",), {"GREETING": "hello"})

    return make


@pytest_asyncio.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(tmp_path)
    yield supervisor
    await supervisor.stop()


Make = Callable[[str], Child]


async def ask_pid(address: str) -> int:
    channel: Any
    async with open_channel(address) as channel:
        with rpc_errors():
            return int(await channel.unary_unary("/a.B/Pid")(b""))


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - other processes set no event
            await asyncio.sleep(0.02)


async def gone(pid: int) -> None:
    await until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


async def test_a_child_serves_is_started_again_when_killed_and_leaves_at_the_end(
    supervisor: Supervisor, modules: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await supervisor.start(modules(SERVICE))
    first = await ask_pid(await supervisor.address("child"))
    os.kill(first, signal.SIGKILL)
    await gone(first)
    async with asyncio.timeout(10):
        second = first
        while second == first:
            try:
                second = await ask_pid(await supervisor.address("child"))
            except errors.TryAgain:
                await asyncio.sleep(0.02)
    (line,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "service child was ended by signal 9 after" in line
    assert str(tmp_path / "child.log") in line
    await supervisor.stop()
    assert not psutil.pid_exists(second)
    assert (tmp_path / "child.log").read_text() == "left\n"


async def test_starting_a_child_twice_starts_it_once(supervisor: Supervisor, modules: Make) -> None:
    child = modules(f"{READY}\n{WAIT}")
    await supervisor.start(child)
    await supervisor.start(child)
    assert await supervisor.address("child") == "unix:/x"
    children = psutil.Process().children()
    assert len([child for child in children if "--parent-pipe" in child.cmdline()]) == 1


async def test_what_a_child_gets(supervisor: Supervisor, modules: Make, tmp_path: Path) -> None:
    secret = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(secret, True)
    (tmp_path / "cwd").mkdir()
    code = f"""
        import json, os, sys
        facts = dict(argv=sys.argv[1:], greeting=os.environ["GREETING"], group=os.getpgid(0) == os.getpid(),
            fds=sorted(fd for fd in map(int, os.listdir("/proc/self/fd")) if os.path.exists(f"/proc/self/fd/{{fd}}")),
            unsafe=os.getcwd() in sys.path or "" in sys.path, stdin=sys.stdin.read())
        print("noise before", json.dumps(facts))
        print("error line", file=sys.stderr)
        {READY}
        print("after")
        sys.stdout.flush()
        {WAIT}
    """
    await supervisor.start(modules(code))
    await supervisor.address("child")
    await until(lambda: (tmp_path / "child.log").read_text().endswith("after\n"))
    os.close(secret)
    log = (tmp_path / "child.log").read_text()
    lines = log.splitlines()
    assert "error line" in lines
    assert READY not in log
    facts = json.loads(next(line for line in lines if line.startswith("noise")).removeprefix("noise before "))
    pipe = int(facts["argv"][2])
    assert facts["argv"] == ["serve", "--parent-pipe", str(pipe)]
    assert (facts["greeting"], facts["group"], facts["unsafe"], facts["stdin"]) == ("hello", True, False, "")
    assert facts["fds"] == [0, 1, 2, pipe]


async def test_a_child_that_never_starts_is_told_of(
    supervisor: Supervisor, modules: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await supervisor.start(modules("raise SystemExit('the port is taken')"))
    with pytest.raises(errors.TryAgain, match=r"does not start; its log .*child.log ends: the port is taken"):
        await supervisor.address("child")
    assert "service child ended with exit status 1 after" in caplog.text
    with pytest.raises(errors.NotFound, match="'other'"):
        await supervisor.address("other")


async def test_a_slow_child_is_waited_for_so_long(supervisor: Supervisor, modules: Make) -> None:
    await supervisor.start(modules(WAIT))
    with pytest.raises(errors.TryAgain, match="it is empty"):
        await supervisor.address("child", within=0.05)


async def test_a_child_that_is_never_ready_is_killed(
    modules: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    supervisor = Supervisor(tmp_path, ready_within=0.2)
    await supervisor.start(modules(WAIT))
    with pytest.raises(errors.TryAgain):
        await supervisor.address("child")
    await supervisor.stop()
    assert "was not ready within 0.2 s and is killed" in caplog.text


async def test_a_child_that_ignores_term_is_killed_with_its_children(modules: Make, tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path)
    code = f"""
        import signal, subprocess
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print(subprocess.Popen(["sleep", "60"]).pid, flush=True)
        {READY}
        signal.pause()
    """
    await supervisor.start(modules(code))
    await supervisor.address("child")
    await supervisor.stop(grace=0.1)
    await gone(int((tmp_path / "child.log").read_text()))


async def test_a_death_is_seen_although_a_grandchild_holds_the_output(
    supervisor: Supervisor, modules: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    code = f"""
        import os, signal, subprocess
        print(subprocess.Popen(["sleep", "60"]).pid, flush=True)
        {READY}
        os.kill(os.getpid(), signal.SIGKILL)
    """
    await supervisor.start(modules(code))
    await until(lambda: "was ended by signal 9" in caplog.text)
    await supervisor.stop()
    for pid in map(int, (tmp_path / "child.log").read_text().split()):
        os.kill(pid, signal.SIGKILL)


async def test_a_child_that_cannot_be_started_is_tried_again(modules: Make, tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path / "missing")
    await supervisor.start(modules(f"{READY}\n{WAIT}"))
    await asyncio.sleep(0.05)
    (tmp_path / "missing").mkdir()
    assert await supervisor.address("child") == "unix:/x"
    await supervisor.stop()


async def test_a_log_that_grew_large_is_set_aside(supervisor: Supervisor, modules: Make, tmp_path: Path) -> None:
    (tmp_path / "child.log").write_bytes(bytes(9 * 1024 * 1024))
    await supervisor.start(modules(f"{READY}\n{WAIT}"))
    await supervisor.address("child")
    assert (tmp_path / "child.log").stat().st_size == 0
    assert (tmp_path / "child.log.1").stat().st_size > 0


async def test_children_leave_when_their_parent_is_killed(modules: Make, tmp_path: Path) -> None:
    modules(SERVICE)
    code = f"""
        import asyncio
        from pathlib import Path
        from tunesmith.services.supervise import Child, Supervisor

        async def main():
            supervisor = Supervisor(Path({str(tmp_path)!r}))
            await supervisor.start(Child("one", "child_module"))
            await supervisor.start(Child("two", "child_module"))
            print(await supervisor.address("one"), await supervisor.address("two"), flush=True)
            await asyncio.sleep(60)

        asyncio.run(main())
    """
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", textwrap.dedent(code), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    addresses = (await parent.stdout.readline()).decode().split()
    pids = [await ask_pid(address) for address in addresses]
    assert len(pids) == 2
    parent.kill()
    await parent.communicate()
    for pid in pids:
        await gone(pid)


async def test_leaving_with_the_parent_happens_once() -> None:
    read_end, write_end = os.pipe()
    calls: list[None] = []
    leave_with_parent(read_end, lambda: calls.append(None))
    os.write(write_end, b"noise")
    await asyncio.sleep(0.05)
    assert not calls
    os.close(write_end)
    await asyncio.sleep(0.05)
    assert calls == [None]
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(read_end)


async def test_a_parent_pipe_must_be_open() -> None:
    with pytest.raises(errors.FixRequest, match="--parent-pipe must be an open pipe, but got 999"):
        leave_with_parent(999, lambda: None)


def test_backoff_doubles_and_a_good_life_resets_it() -> None:
    backoff = Backoff()
    assert [backoff.after(1) for _ in range(8)] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5]
    assert [backoff.after(life) for life in (10, 1, 1)] == [0.1, 0.2, 0.4]
