"""The service as a process: its options, its signals, and what it loads."""

import os
import signal
import subprocess
import sys

import pytest
from tests.suggestion.process import ServiceProcess


class TestCommand:
    def run(self, *args: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "tunesmith.suggestion", *args]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    def test_help_has_an_example(self) -> None:
        assert "--listen unix:" in self.run("serve", "--help").stdout

    def test_an_unknown_algorithm_is_a_mistake_of_the_call(self) -> None:
        done = self.run("serve", "--algorithm", "gird", "--listen", "127.0.0.1:0")
        assert done.returncode == 2
        assert "did you mean 'grid'?" in done.stderr

    def test_a_wide_address_needs_to_be_asked_for(self) -> None:
        done = self.run("serve", "--listen", "0.0.0.0:0")
        assert done.returncode == 2
        assert "Traceback" not in done.stderr

    def test_half_of_tls_is_a_mistake(self) -> None:
        done = self.run("serve", "--tls-cert", __file__)
        assert done.returncode == 2
        assert "belong together" in done.stderr

    def test_neither_scipy_nor_cel_is_loaded(self) -> None:
        code = "import sys, tunesmith.suggestion as s; s.load_registry(); import tunesmith.suggestion._service as t"
        done = subprocess.run(
            [sys.executable, "-c", f"{code}; print(*sys.modules)"],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        assert not {"scipy", "cel", "alembic", "sqlalchemy"} & set(done.stdout.split())

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_it_leaves_when_told_to(self, number: signal.Signals) -> None:
        process = ServiceProcess()
        process.start()
        assert process.kill(number) == 0
        process.close()

    def test_it_leaves_with_its_parent(self) -> None:
        read_end, write_end = os.pipe()
        command = [sys.executable, "-m", "tunesmith.suggestion", "serve", "--listen", "127.0.0.1:0"]
        with subprocess.Popen(
            [*command, "--parent-pipe", str(read_end)], pass_fds=[read_end], stdout=subprocess.PIPE, text=True
        ) as process:
            os.close(read_end)
            assert process.stdout is not None
            assert process.stdout.readline().startswith('{"listen": ["127.0.0.1:')
            os.close(write_end)
            assert process.wait(timeout=20) == 0
