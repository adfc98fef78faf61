"""A folder in which a benchmark uses the `tunesmith` command, as its users do."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, Self


class Place:
    """Runs commands in a folder; at the end of the block the manager there is told to leave."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        place = self.folder / ".tunesmith" / "manager.json"
        if place.exists():
            subprocess.run(["kill", str(json.loads(place.read_text())["pid"])], check=False)

    def __call__(self, *args: str) -> str:
        """Run a command; gives its output, raises when it fails."""
        command = [sys.executable, "-m", "tunesmith.client", *args]
        return subprocess.run(command, cwd=self.folder, check=True, stdout=subprocess.PIPE, text=True).stdout

    def json(self, *args: str) -> Any:
        """What a command says in JSON."""
        return json.loads(self(*args, "-o", "json"))

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    @staticmethod
    def seconds(began: str, ended: str) -> float:
        """Between two times of the JSON output."""
        return (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()
