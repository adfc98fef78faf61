"""The command that serves."""

import os
import signal
import subprocess
import sys

import pytest
from tests.earlystop.process import ServiceProcess


def run(*args: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tunesmith.earlystop", *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_help_has_an_example() -> None:
    assert "--listen unix:" in run("serve", "--help").stdout


def test_an_unknown_rule_is_a_mistake_of_the_call() -> None:
    done = run("serve", "--rule", "ahsa", "--listen", "127.0.0.1:0")
    assert done.returncode == 2
    assert "did you mean 'asha'?" in done.stderr


def test_half_of_tls_is_a_mistake() -> None:
    done = run("serve", "--tls-cert", __file__)
    assert done.returncode == 2
    assert "belong together" in done.stderr


def test_its_face_is_cheap() -> None:
    """Rules load numpy when they compute; nothing loads scipy or Optuna."""
    code = "import sys, tunesmith.earlystop as e; e.load_registry(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert not {"numpy", "scipy", "optuna", "grpc", "cel", "sqlalchemy"} & set(done.stdout.split())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_leaves_when_told_to(number: signal.Signals) -> None:
    process = ServiceProcess()
    process.start()
    assert process.kill(number) == 0
    process.close()


def test_it_leaves_with_its_parent() -> None:
    read_end, write_end = os.pipe()
    command = [sys.executable, "-m", "tunesmith.earlystop", "serve", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(
        [*command, "--parent-pipe", str(read_end)], pass_fds=[read_end], stdout=subprocess.PIPE, text=True
    ) as process:
        os.close(read_end)
        assert process.stdout is not None
        assert process.stdout.readline().startswith('{"listen": ["127.0.0.1:')
        os.close(write_end)
        assert process.wait(timeout=20) == 0
