"""A dashboard as its users start it, and a real headless Chromium that looks at it."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.house import House
from tests.needs import missing
from tests.running import job

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


PATIENCE = 30_000
"""Milliseconds that anything may take on a busy machine."""


@pytest.fixture(scope="module")  # no longer: while it lives, nothing else in the process can run an event loop
def chromium() -> "Iterator[Browser]":
    """The browser of this machine. Whoever has none skips, and fails in CI."""
    try:
        from playwright.sync_api import expect, sync_playwright
    except ModuleNotFoundError:
        missing("playwright")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        missing("chromium")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=list(_SWITCHES))
        yield browser
        browser.close()


@dataclass
class Site:
    """A folder's dashboard at `url`; `entry` signs in once."""

    house: House
    url: str
    entry: str

    def run(self, name: str, **spec: Any) -> None:
        """Submit a study."""
        self.house.write(f"{name}.json", json.dumps(job(name, **spec)))
        self.house("submit", f"{name}.json")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, chromium: "Browser") -> Iterator[Site]:
    house = House(tmp_path_factory.mktemp("site"))
    process = house.module("tunesmith.ui", "serve", "--listen", "127.0.0.1:0")
    try:
        assert process.stdout is not None
        entry = next(line.strip() for line in process.stdout if "/login?key=" in line)
        yield Site(house, entry.partition("/login")[0], entry)
    finally:
        house.close()
        process.communicate()


@pytest.fixture(scope="module")
def state(site: Site, chromium: "Browser", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a browser keeps of having signed in by the address that was printed."""
    kept: Path = tmp_path_factory.mktemp("state") / "state.json"
    context = chromium.new_context()
    page = context.new_page()
    page.goto(site.entry)
    page.wait_for_url(f"{site.url}/")
    context.storage_state(path=kept)
    context.close()
    return kept


@pytest.fixture
def page(site: Site, chromium: "Browser", state: Path) -> "Iterator[Page]":
    """A page of somebody who has signed in. No script may fail, and none but ours may run."""
    context = chromium.new_context(storage_state=state, base_url=site.url)
    context.set_default_timeout(PATIENCE)
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("dialog", lambda dialog: wrong.append(f"a script of somebody else's ran: {dialog.message}"))
    yield opened
    context.close()
    assert not wrong
