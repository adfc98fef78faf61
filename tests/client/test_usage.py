"""Servers, help, completion, and calls that are wrong, of all commands."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.client.conftest import Command, Fake


def test_nobody_answers(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tunesmith.client import _connection

    monkeypatch.setattr(_connection, "_PAUSES", (0.0,))
    for server in ("127.0.0.1:1", f"unix:{tmp_path}/no.sock"):
        done = command("get", "study", "x", "--server", server)
        assert (done.code, done.out) == (3, "")
        assert done.err.startswith("error: the server cannot be reached")


def test_server_by_option_before_and_by_environment(
    fake: Fake, command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = fake()
    (folder / ".tunesmith" / "manager.json").unlink()
    assert command("submit", "study.yaml", "--server", running.address).code == 0
    assert command("--server", running.address, "get", "study", "digits").code == 0
    monkeypatch.setenv("TUNESMITH_SERVER", running.address)
    assert command("get", "study", "digits").code == 0


def test_an_address_that_is_none(command: Command) -> None:
    assert command("get", "studies", "--server", "nonsense").code == 2


def test_every_command_has_an_example() -> None:
    import click

    from tunesmith.client._command import command as root

    context = click.Context(root)
    seen = []

    def look(found: click.Command, path: str) -> None:
        seen.append(path)
        assert found.help, path
        assert found.epilog, path
        assert f"  {path.removesuffix(' get')}" in found.epilog or path == "tunesmith", path
        if isinstance(found, click.Group):
            for name in found.list_commands(context):
                below = found.get_command(context, name)
                assert below is not None
                look(below, f"{path} {name}")

    look(root, "tunesmith")
    assert len(seen) >= 33  # it did walk


NO_OUTPUT = {
    "completion": "prints a script for a shell",
    "plot": "writes a file, or its figure as JSON",
    "serve": "becomes a service",
    "manager serve": "becomes a service",
    "suggestion serve": "becomes a service",
    "earlystop serve": "becomes a service",
    "ui serve": "becomes a service",
}


def test_every_command_prints_for_programs_too() -> None:
    import click

    from tunesmith.client._command import command as root

    context = click.Context(root)

    def leaves(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
        for name in group.list_commands(context):
            found = group.get_command(context, name)
            assert found is not None
            if isinstance(found, click.Group):
                yield from leaves(found, f"{path}{name} ")
            else:
                yield f"{path}{name}", found

    without = set()
    for path, found in leaves(root, ""):
        options = {name: option for option in found.params for name in option.opts}
        if "-o" not in options:
            without.add(path)
            continue
        kind = options["-o"].type
        assert isinstance(kind, click.Choice), path
        assert list(kind.choices) == ["table", "json", "yaml"] or path == "schema", path  # which is JSON for machines
        assert "--output" in options, path
    assert without == set(NO_OUTPUT)


@pytest.mark.parametrize(
    ("shell", "word"), [("bash", "complete -o"), ("zsh", "#compdef"), ("fish", "complete --no-files")]
)
def test_completion(command: Command, shell: str, word: str) -> None:
    done = command("completion", shell)
    assert done.code == 0
    assert word in done.out
    assert "_TUNESMITH_COMPLETE" in done.out


def test_usage_errors(command: Command) -> None:
    assert command("nonsense").code == 2
    assert "No such command 'stpo'. Did you mean 'stop'?" in command("stpo").err
    assert command("run").code == 2
    assert command("get", "studies", "-o", "xml").code == 2
    assert command("run", "study.yaml", "--set", "novalue").code == 2
    assert command("--version").out.startswith("tunesmith ")


def test_a_reader_that_leaves_is_told_by_the_exit_code() -> None:
    for words in (["schema"], ["algorithms", "--help"]):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(
            [sys.executable, "-m", "tunesmith.client", *words], stdout=writer, stderr=subprocess.PIPE, check=False
        )
        os.close(writer)
        assert (done.returncode, done.stderr) == (141, b""), words


@pytest.mark.parametrize("words", [["get", "studies"], ["run", "../study.yaml"]])
def test_a_folder_that_was_removed_is_no_traceback(command: Command, folder: Path, words: list[str]) -> None:
    gone = folder / "gone"
    gone.mkdir()
    os.chdir(gone)
    try:
        gone.rmdir()
        done = command(*words)
    finally:
        os.chdir(folder)
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: the folder that this command was called in was removed: go to another one\n"


@pytest.mark.parametrize(
    ("url", "status", "said"),
    [
        ("nonsense", 2, "a database is `sqlite:///PATH` or `postgresql://USER@HOST/NAME`"),
        ("postgresql://nobody:secret@127.0.0.1:1/none", 3, "is away"),
        ("sqlite:///upgraded.db", 0, "the database is at revision "),
        ("sqlite:///upgraded.db -o json", 0, '{\n  "revision": "'),
        ("sqlite:///upgraded.db -o yaml", 0, "revision: '"),
    ],
)
def test_db_upgrade_says_what_came_of_it(tmp_path: Path, url: str, status: int, said: str) -> None:
    program = [sys.executable, "-m", "tunesmith.client", "db", "upgrade", *url.split()]
    done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == status
    assert said in done.stdout + done.stderr
    assert "secret" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
