"""docker-compose.yml, really up: docs/compose.md is read from top to bottom, and looked at between its headings."""

import json
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

import pytest
from tests.browser.conftest import PATIENCE
from tests.compose.conftest import SERVICES, Project
from tests.house import until
from tests.test_docs import COMPOSE, Block, Reader, blocks

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ELSEWHERE = {"192.0.2.10": "127.0.0.2"}
"""The address of the page's machine, and one that every machine has."""
A_LIBRARY = {"torch": "cowsay"}
"""One that people add to the image, and one that is there at once."""
KILL = ("suggestion", "database", "manager")
BETWEEN, PARALLEL = 6, 3
TRIALS = BETWEEN * (len(KILL) + 1)
# Trials of the first kill wait for `go-1`, which is there once that kill was made, and so on.
SCRIPT = f"until [ $1 -lt {BETWEEN} -o -e go-$(($1 / {BETWEEN})) ]; do sleep 0.1; done; echo loss=$0"
KILLED = {
    "apiVersion": "tunesmith.dev/v1",
    "kind": "StudyJob",
    "metadata": {"name": "killed"},
    "spec": {
        "objective": {"metric": "loss", "type": "minimize"},
        "parameters": [{"name": "x", "type": "double", "min": 0, "max": 1}],
        "algorithm": {"name": "tpe"},
        "limits": {"trials": TRIALS, "parallel": PARALLEL, "failed": 0},
        "trial": {"workingDir": "/work", "command": ["sh", "-c", SCRIPT, "${params.x}", "${trial.number}"]},
    },
}


@pytest.mark.timeout(1500)  # the first run on a machine makes the images
def test_a_server_for_a_team(project: Project, chromium: "Browser") -> None:
    assert "must be set in .env" in project.compose("up", "-d")
    reader = Reader(COMPOSE, project.house, {**project.ports, **project.images, **ELSEWHERE, **A_LIBRARY})
    try:
        for heading, part in groupby(blocks(COMPOSE), key=_heading):
            for block in part:
                reader.do(block)
            match heading:
                case "From nothing to a running server":
                    _look_at_the_server(project)
                case "The first study, from another machine":
                    _kill_everything(project)
                    _look_at_the_dashboard(project, chromium)
                case "Replacing the secrets":
                    assert "does not know" in project.elsewhere("get", "studies", check=2).stderr
                    project.elsewhere.env["TUNESMITH_TOKEN"] = project.token
                    assert project.elsewhere.json("get", "studies")
                case "Another address, with TLS":
                    assert {one["HostIp"] for one in _published(project)} == set(ELSEWHERE.values())
    except BaseException:
        print(project.log())
        raise
    finally:
        reader.close()


def _heading(block: Block) -> str:
    """Under which a block stands."""
    before = COMPOSE.read_text().splitlines()[: int(block.place.rpartition(":")[2])]
    return next(line for line in reversed(before) if line.startswith("## ")).removeprefix("## ")


def _published(project: Project) -> list[dict[str, str]]:
    """Address and port of everything that can be reached from outside the containers."""
    ports = [project.inspect(service)["NetworkSettings"]["Ports"] for service in SERVICES]
    return [one for each in ports for bound in each.values() for one in bound or ()]


def _look_at_the_server(project: Project) -> None:
    """Nothing of ours is root, nobody comes in without the token, and only the loopback knows of it."""
    for service in SERVICES:
        until(partial(project.healthy, service), timeout=60, every=0.5)
        users = set(project.engine("top", f"{project.name}_{service}_1", "user").split()[1:])
        assert users == {"postgres" if service == "database" else "tunesmith"}
    published = sorted((one["HostIp"], one["HostPort"]) for one in _published(project))
    assert published == sorted(("127.0.0.1", port) for port in project.ports.values())
    know = [service for service in SERVICES if project.token in json.dumps(project.inspect(service))]
    assert know == ["manager"]
    assert "wants a token" in project.elsewhere("get", "studies", check=2).stderr
    project.elsewhere.env["TUNESMITH_TOKEN"] = project.token


def _kill_everything(project: Project) -> None:
    """A service, the database, and the manager with its trials die while a study runs: it ends as if none had."""
    elsewhere = project.elsewhere
    elsewhere.write("killed.json", json.dumps(KILLED))
    elsewhere("submit", "killed.json")
    for number, service in enumerate(KILL, 1):
        until(partial(_stands_at, project, BETWEEN * number), timeout=60, every=0.5)
        project.kill(service)
        project.house.write(f"work/go-{number}", "")
    until(partial(project.healthy, "manager"), timeout=60, every=0.5)
    elsewhere("watch", "killed")
    trials = elsewhere.json("get", "trials", "killed")
    assert [trial["number"] for trial in trials] == list(range(TRIALS))
    assert {trial["state"] for trial in trials} == {"Succeeded"}
    assert all(trial["value"] == trial["assignment"]["x"] for trial in trials)
    again = {trial["number"]: trial["attempts"] for trial in trials if trial["attempts"] > 1}
    died = BETWEEN * len(KILL)
    assert again == dict.fromkeys(range(died, died + PARALLEL), 2), "those that died with the manager, and no others"


def _stands_at(project: Project, succeeded: int) -> bool:
    """Whether so many trials have succeeded and the next ones run; nobody knows while the manager is away."""
    found = project.elsewhere("get", "study", "killed", "-o", "json", check=None)
    trials = json.loads(found.stdout)["trials"] if found.returncode == 0 else {}
    return (trials.get("succeeded"), trials.get("running")) == (succeeded, PARALLEL)


def _look_at_the_dashboard(project: Project, chromium: "Browser") -> None:
    """What was killed is shown whole, and a study of the form runs where the manager does."""
    from playwright.sync_api import expect

    context = chromium.new_context(base_url=f"http://127.0.0.1:{project.ports['8080']}")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto("/studies/default/killed")
    page.get_by_label("Token").fill(project.token)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/studies/default/killed")
    expect(page.locator("#study .chip").first).to_have_text("Succeeded")
    expect(page.locator("#study")).to_contain_text(f"{TRIALS}/{TRIALS} trials")
    page.goto("/new")
    expect(page.locator("[data-checked]")).to_contain_text("mistake")  # the form is ready
    form = page.locator("[data-form]")
    form.get_by_label("Name").first.fill("from-form")
    form.get_by_label("Trials").fill("4")
    form.get_by_label("Command of one trial").fill("python train.py")
    form.get_by_label("Folder").fill("/work")
    expect(page.locator("[data-checked]")).to_have_text("No mistakes")
    page.get_by_role("button", name="Start the study").click()
    page.wait_for_url("**/studies/default/from-form")
    expect(page.locator("#study .chip").first).to_have_text("Succeeded", timeout=60_000)
    expect(page.locator("#study")).to_contain_text("4/4 trials")
    context.close()
