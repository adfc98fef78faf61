"""The README, every page of docs/, and those of the examples with algorithms, held to what they say.

Each is read from top to bottom, in a folder of its own; that of an example looks like the repository.

- A block under a line that begins with **`NAME`** is a file, and is written.
- `console`: lines that begin with `$ ` are commands for one bash, `> ` goes on with one. The lines that follow are what
  it prints; `...` stands for any text, on a line of its own for any lines. `^C` is a Ctrl-C, when all lines before it
  were printed. A command must succeed, unless it is interrupted or the next one is `echo $?`.
- `yaml` that begins with `apiVersion` is a StudyJob, and must be right; one that begins with `services` is for compose;
  any other is a part of a spec.
- `python` without a file's name is run, and so is one with it by a command of its page.
- `text` is not looked at.

What docs/compose.md shows is done by tests/compose, which has what it needs.
"""

import codecs
import importlib.util
import json
import os
import re
import selectors
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from ruamel.yaml import YAML
from tests.house import ROOT, House
from tests.needs import CACHE, go_modules, missing, program
from tests.packages import install

from tunesmith.study import json_schema, read_study_job
from tunesmith.suggestion import AlgorithmDescription, Capabilities, SettingDescription, SettingType
from tunesmith.v1 import manager_pb2, suggestion_pb2

_spec = importlib.util.spec_from_file_location("generate_algorithms", ROOT / "docs" / "generate_algorithms.py")
assert _spec is not None
assert _spec.loader is not None
generator = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(generator)

EXAMPLES = sorted(page for kind in ("algorithm", "rule") for page in (ROOT / "examples").glob(f"{kind}-*/README.md"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *EXAMPLES]
COMPOSE = ROOT / "docs" / "compose.md"


def _by_name(pages: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", pages, ids=lambda page: str(page.relative_to(ROOT).with_suffix("")))


PORT = "6790"
"""The port of the examples. Another takes its place, lest somebody serves there."""
FOREIGN = ("grpcurl", "grpc-health-probe")
"""Programs that are not ours: a page goes on without them."""
PATIENCE = 100.0

_FILE = r"(?:\*\*`(?P<file>[^`\n]+)`\*\*[^\n]*\n\n?)?"
_BLOCK = re.compile(rf"^{_FILE}```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_PARTS: dict[str, Any] = {
    "objective": {"metric": "loss", "type": "minimize"},
    "parameters": [{"name": "x", "type": "double", "min": 0, "max": 1}],
    "limits": {"trials": 10},
    "trial": {"command": ["python", "train.py"]},
}


@dataclass(frozen=True)
class Block:
    """A fenced block; `file` is empty unless a line above it names one."""

    place: str
    language: str
    file: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command, and patterns for what it prints, in all and before ^C; None: whatever it prints is right."""

    text: str
    output: str | None
    shown: str = ""
    before_interrupt: str | None = None

    @property
    def in_background(self) -> bool:
        return self.text.endswith("&")


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text()
    assert text.count("```") % 2 == 0, f"{page.name}: a fence is not closed"
    for match in _BLOCK.finditer(text):
        place = f"{page.name}:{text.count(chr(10), 0, match.start('text'))}"
        yield Block(place, match["language"], match["file"] or "", match["text"])


def commands(block: Block) -> Iterator[Command]:
    text, lines = "", list[str]()
    for line in [*block.text.splitlines(), "$ "]:
        if line.startswith("> ") and not lines:
            text = text.removesuffix("\\") + line[2:]
        elif line.startswith("$ "):
            if text:
                yield _command(text, lines)
            text, lines = line[2:], []
        else:
            assert text, f"{block.place}: a console block must begin with a command"
            lines.append(line)


def _command(text: str, lines: list[str]) -> Command:
    shown = "\n".join(lines)
    if "^C" not in lines:
        return Command(text, pattern(lines) if lines else None, shown)
    at = lines.index("^C")
    return Command(text, pattern([*lines[:at], *lines[at + 1 :]]), shown, pattern(lines[:at]))


def pattern(lines: list[str]) -> str:
    """A regular expression for the lines."""
    parts = ("(?:.*\n)*?" if line.strip() == "..." else _line_pattern(line) for line in lines)
    return "".join(parts)


def _line_pattern(line: str) -> str:
    return re.escape(line.rstrip()).replace(re.escape("..."), ".*") + "\n"


class Shell:
    """One bash for a page, so that what a command exports, and what it leaves running, is there for the next."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._mark = f"end-{os.urandom(8).hex()}"
        words = ["bash", "--norc", "--noprofile", "-s"]
        pipe, one = subprocess.PIPE, subprocess.STDOUT
        self._bash = subprocess.Popen(words, cwd=house.folder, env=house.env, stdin=pipe, stdout=pipe, stderr=one)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._status = 0
        self._left = ""

    def run(self, command: Command) -> tuple[int, str]:
        """Run it; gives its exit status, and what was printed meanwhile."""
        assert self._bash.stdin
        line = f"(exit {self._status}); eval {shlex.quote(command.text)} </dev/null; echo {self._mark} $?\n"
        self._bash.stdin.write(line.encode())
        self._bash.stdin.flush()
        if command.before_interrupt is not None:
            self._read_until(re.compile(command.before_interrupt).match, "what is printed before ^C")
            for child in psutil.Process(self._bash.pid).children():
                child.send_signal(signal.SIGINT)
        found = self._read_until(re.compile(rf"{self._mark} (\d+)\n").search, f"the end of {command.text}")
        output, self._status = self._left[: found.start()], int(found[1])
        self._left = self._left[found.end() :]
        if command.in_background and command.output:
            self._left = output + self._left
            output = self._read_until(re.compile(command.output).match, f"what {command.text} prints")[0]
            self._left = self._left[len(output) :]
        return self._status, output

    def _read_until(self, find: Callable[[str], re.Match[str] | None], what: str) -> re.Match[str]:
        """Read on until something is found in what was read."""
        assert self._bash.stdout
        end = time.monotonic() + PATIENCE
        with selectors.DefaultSelector() as selector:
            selector.register(self._bash.stdout, selectors.EVENT_READ)
            while not (found := find(self._left)):
                left = end - time.monotonic()
                assert left > 0, f"{what} must come, but this did:\n{self._left}\n{self._house.log()}"
                if selector.select(left):
                    data = os.read(self._bash.stdout.fileno(), 1 << 16)
                    assert data, f"bash is gone:\n{self._left}"
                    self._left = re.sub(r"[ \t\r]+\n", "\n", self._left + self._decoder.decode(data))
        return found

    def close(self) -> None:
        for pipe in (self._bash.stdin, self._bash.stdout):
            if pipe:
                with suppress(BrokenPipeError):
                    pipe.close()
        self._bash.kill()
        self._bash.wait()


class Reader:
    """Does what a page says."""

    def __init__(self, page: Path, house: House, names: Mapping[str, str] | None = None) -> None:
        """`names`: what stands for ports and addresses of the page; None: another port for the one of the examples."""
        self._page = page
        self._house = house
        self._shell = Shell(house)
        self._names = names or {PORT: free_port()}
        self.lacks: list[str] = []

    def close(self) -> None:
        self._shell.close()

    def read(self) -> None:
        if self._page in EXAMPLES:
            self._lay()
        for block in blocks(self._page):
            self.do(block)

    def do(self, block: Block) -> None:
        """Do what one block says."""
        if block.file:
            self._house.write(block.file, self._renamed(block.text))
        match block.language:
            case "console":
                self._run(block)
            case "yaml" if block.text.startswith("services:"):
                pass
            case "yaml":
                check_yaml(block, self._house.folder)
            case "python" if block.file:
                compile(block.text, block.place, "exec")
                later = self._page.read_text().partition(block.text)[2]
                assert Path(block.file).stem in later, f"{block.place}: nothing on the page uses {block.file}"
            case "python":
                self._house.write("example.py", self._renamed(block.text))
                self._one(block, Command("python example.py", None), "")
            case "json":
                json.loads(block.text)
            case "text" | "toml" | "sh":
                pass
            case other:
                # README's first two blocks hold a command each and nothing else.
                assert self._page == ROOT / "README.md", f"{block.place}: {other!r} is no language of our blocks"
                assert block.text.count("\n") == 1

    def _renamed(self, text: str) -> str:
        for name, stand_in in self._names.items():
            text = text.replace(name, stand_in)
        return text

    def _lay(self) -> None:
        """Put into the folder what an example's commands name: its files, and the contracts."""
        for path in self._page.parent.iterdir():
            if path.is_file():
                name = str(path.relative_to(ROOT))
                self._house.write(name, self._renamed(path.read_text()))
        (self._house.folder / "proto").symlink_to(ROOT / "proto")
        if (self._page.parent / "go.mod").exists():
            go_modules(self._page.parent)

    def _run(self, block: Block) -> None:
        replaced = Block(block.place, block.language, block.file, self._renamed(block.text))
        every = list(commands(replaced))
        for command, following in zip(every, [*every[1:], None], strict=True):
            self._one(block, command, following.text if following else "")

    def _one(self, block: Block, command: Command, following: str) -> None:
        name = command.text.split()[0]
        if name in FOREIGN and not self._has(name):
            self.lacks.append(name)
            return
        if package := re.fullmatch(r"pip install (?:-e )?(\.\S*)", command.text):
            command = Command(f"export PYTHONPATH={install(self._house.folder / package[1])}", None)
        status, output = self._shell.run(command)
        about = f"{block.place}: $ {command.text}"
        interrupted = command.before_interrupt is not None
        assert status == 0 or interrupted or following == "echo $?", f"{about}\nended with {status}:\n{output}"
        right = command.output is None or re.fullmatch(command.output, output) is not None
        assert right, f"{about}\nmust print\n{command.shown}\n\nbut printed\n{output}"

    def _has(self, name: str) -> bool:
        try:
            program(name)
        except pytest.skip.Exception:
            return False
        return True


def check_yaml(block: Block, folder: Path) -> None:
    """A whole document, or parts of a spec: the others are those of a small one."""
    text = block.text
    if not re.search("^apiVersion:", text, re.M):
        spec = {**_PARTS, **YAML(typ="safe", pure=True).load(text)}
        job = {"apiVersion": "tunesmith.dev/v1", "kind": "StudyJob", "metadata": {"name": "part"}, "spec": spec}
        text = json.dumps(job)
    try:
        read_study_job(text, base=folder)
    except Exception as error:
        raise AssertionError(f"{block.place}: {error}") from error


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@_by_name([page for page in PAGES if page != COMPOSE])
def test_what_a_page_shows_is_so(page: Path, tmp_path: Path) -> None:
    house = House(tmp_path)
    house.env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), str(CACHE), house.env["PATH"]])
    house.env["COLUMNS"] = "100"
    reader = Reader(page, house)
    try:
        reader.read()
    finally:
        reader.close()
        house.close()
    assert not house.processes()
    if reader.lacks:
        missing(" and ".join(dict.fromkeys(reader.lacks)))


@_by_name(PAGES)
def test_links_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(page.read_text()):
        if re.match("[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name} links to {link}"
        assert not anchor or anchor in anchors(target), f"{page.name} links to {link}, which has no such heading"


def anchors(page: Path) -> set[str]:
    """Names of a page's headings, as GitHub makes them."""
    text = re.sub("^```.*?^```$", "", page.read_text(), flags=re.M | re.S)
    headings = re.findall("^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_reference_has_every_field_of_the_document() -> None:
    text = (ROOT / "docs" / "studyjob.md").read_text()
    lacking = {name for name in _properties(json_schema()) if not re.search(rf"`(?:[\w.]+\.)?{name}`", text)}
    assert not lacking


def _properties(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from _properties(part)


def test_the_page_of_algorithms_says_what_they_say_of_themselves() -> None:
    page = generator.PAGE.read_text()
    assert generator.generate(page, generator.ours()) == page, "run `python docs/generate_algorithms.py`"


def test_algorithms_describe_themselves_without_what_extras_install() -> None:
    blocked = "import sys; sys.modules.update(dict.fromkeys(['skopt', 'sklearn', 'scipy', 'optuna', 'cmaes']));"
    script = f"{blocked} from generate_algorithms import PAGE, generate, ours; text = PAGE.read_text()"
    script = f"{script}; sys.exit(generate(text, ours()) != text)"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT / "docs", check=True)


def test_a_new_algorithm_gets_a_section_and_a_lost_one_is_noticed() -> None:
    page, described = generator.PAGE.read_text(), generator.ours()
    new = AlgorithmDescription(
        "new",
        "A summary.",
        "A description.",
        "A paper.",
        (
            SettingDescription("kind", SettingType.STRING, "What kind.", "a", choices=("a", "b|c"), aliases=("sort",)),
            SettingDescription("size", SettingType.DOUBLE, "How large.", 1.0, min=0),
        ),
        capabilities=Capabilities(constraints=False, max_useful_trials=1000),
    )
    made = generator.generate(page, [*described, new])
    assert "| [`new`](#new) |  | A summary. |\n" in made
    assert "| `kind` | string | `a` | `a`, `b\\|c` | What kind. Also accepted as `sort`. |\n" in made
    assert "| `size` | double | 1 | 0 or more | How large. |\n" in made
    assert "Works with conditional parameters. " in made
    assert "More than 1,000 trials bring nothing." in made
    assert made.index("\n### new\n") < made.index("\n## When two runs")
    assert generator.generate(made, [*described, new]) == made
    with pytest.raises(ValueError, match="blocks of new"):
        generator.generate(made, described)


@pytest.mark.parametrize(
    ("script", "made"), [("generate_rules", "generate(text, ours())"), ("generate_python", "generate(text)")]
)
def test_a_page_says_what_its_things_say_of_themselves(script: str, made: str) -> None:
    check = f"import sys; from {script} import *; text = PAGE.read_text(); sys.exit({made} != text)"
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT / "docs")
    assert done.returncode == 0, f"run `python docs/{script}.py`"


def test_the_page_of_the_api_has_every_call() -> None:
    text = (ROOT / "docs" / "grpc-api.md").read_text()
    services = (manager_pb2.DESCRIPTOR, "ManagerService"), (suggestion_pb2.DESCRIPTOR, "SuggestionService")
    for file, name in services:
        for method in file.services_by_name[name].methods:
            assert f"`{method.name}`" in text


def test_the_page_of_benchmarks_has_every_script() -> None:
    text = (ROOT / "docs" / "benchmarks.md").read_text()
    for script in (ROOT / "benchmarks").glob("*.py"):
        if "__main__" in script.read_text():
            assert f"benchmarks/{script.name}" in text
