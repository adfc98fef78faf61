"""First looks at figures, of studies of every sort: what is sketched, and that nothing hangs or comes back."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.browser.conftest import Site
from tests.client.figure_samples import sample

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

from tunesmith.client.figures import figure
from tunesmith.study import TrialState

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

HISTORY = "**/figures/history*"


@pytest.fixture(scope="module")
def study(site: Site) -> str:
    """A study whose page asks for figures."""
    site.run("sketched", limits={"trials": 2})
    site.house("watch", "sketched")
    return "/studies/default/sketched"


def history(values: Sequence[float], *, goal: float | None = None, **changes: Any) -> dict[str, Any]:
    """A history of trials with these values."""
    data = sample(len(values))
    objective = replace(data.spec.objective, goal=goal)
    spec = replace(data.spec, objectives=(objective,))
    changes = {"state": TrialState.SUCCEEDED, **changes}
    trials = [replace(one, value=value, **changes) for one, value in zip(data.trials, values, strict=True)]
    return figure("history", replace(data, study=replace(data.study, spec=spec), trials=tuple(trials)))


def show(page: "Page", study: str, made: dict[str, Any]) -> list[str]:
    """Open the page of a study with a figure of ours; gives the errors that its scripts will raise."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.route(HISTORY, lambda route: route.fulfill(json=made))
    page.goto(study)
    expect(page.locator(".chart .sketch")).to_be_visible()
    return errors


def ticks(page: "Page") -> list[str]:
    """The texts beside the axis of values, from below."""
    return page.locator(".sketch text[text-anchor=end]").all_text_contents()


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([0.9666666666666667, 0.9666666666666666], ["0.9", "0.95", "1", "1.05"]),
        ([1e17, 1e17 + 16], ["9e16", "9.5e16", "1e17", "1.05e17", "1.1e17"]),
        ([0.25] * 3, ["0.23", "0.24", "0.25", "0.26", "0.27"]),
        ([0.0, 0.0], ["−1", "−0.5", "0", "0.5", "1"]),
        ([1e-5, 7e-5, 2e-5, 3e-5], ["1e−5", "2e−5", "3e−5", "4e−5", "5e−5", "6e−5", "7e−5"]),
        (
            [1234567.1, 1234568.3, 1234567.9],
            ["1234567.2", "1234567.4", "1234567.6", "1234567.8", "1234568", "1234568.2"],
        ),
        ([-3.0, -1.0, 2.0], ["−3", "−2", "−1", "0", "1", "2"]),
        ([1e-8, 1e-3, 1.0, 1e5], ["1e−7", "1e−5", "0.001", "0.1", "10", "1000", "100000"]),
        ([float("nan"), 1.0, 2.0], ["1", "1.2", "1.4", "1.6", "1.8", "2"]),
    ],
)
def test_ticks_tell_values_apart(page: "Page", study: str, values: list[float], shown: list[str]) -> None:
    errors = show(page, study, history(values))
    assert [text for text in ticks(page) if text != "no value"] == shown
    left = page.locator(".sketch").evaluate(
        "one => Math.min(...[...one.querySelectorAll('text[text-anchor=end]')].map((text) => text.getBBox().x))"
    )
    assert left > 18  # right of the axis's title
    assert not errors


def test_values_beyond_all_measure_do_no_harm(page: "Page", study: str) -> None:
    assert not show(page, study, history([-1.7e308, 1.7e308]))


def test_the_goal_is_seen_before_it_is_reached(page: "Page", study: str) -> None:
    errors = show(page, study, history([0.5, 0.7, 0.6], goal=0.06))
    goal = page.locator(".sketch text.small")
    expect(goal).to_have_text("goal 0.06")
    assert goal.evaluate("one => one.getBBox().y < one.ownerSVGElement.height.baseVal.value - 52")
    assert not errors


def test_trials_that_all_failed_are_a_strip(page: "Page", study: str) -> None:
    errors = show(page, study, history([1.0, 1.0], goal=0.5, state=TrialState.FAILED))
    expect(page.locator(".sketch")).to_contain_text("no value")
    page.set_viewport_size({"width": 700, "height": 800})
    expect(page.locator(".sketch")).to_have_attribute("width", re.compile("^[1-6]"))
    assert not errors


def test_a_message_is_not_written_over_by_what_was_there(page: "Page", study: str) -> None:
    show(page, study, history([1.0, 2.0]))
    page.route(HISTORY, lambda route: route.fulfill(status=409, json={"detail": "nothing yet"}))
    page.evaluate(
        "() => { const option = document.createElement('select'); option.dataset.figureOption = 'metric';"
        " document.querySelector('.tab').append(option); option.dispatchEvent(new Event('change', {bubbles: true})); }"
    )
    chart = page.locator(".tab .chart")
    expect(chart).to_contain_text("Nothing to draw yet")
    page.set_viewport_size({"width": 700, "height": 800})
    chart.hover()
    page.wait_for_function("() => window.Plotly")
    page.wait_for_timeout(200)
    expect(chart).to_contain_text("nothing yet")
    expect(chart.locator("svg")).to_have_count(0)


def test_a_script_that_was_lost_is_fetched_again(page: "Page", study: str) -> None:
    lost: list[str] = []

    def lose(route: "Route") -> None:
        lost.append(route.request.url)
        route.abort()

    page.route("**/plotly*", lose)
    show(page, study, history([1.0, 2.0]))
    chart = page.locator(".tab .chart")
    with page.expect_console_message(lambda message: "could not be loaded" in message.text):
        chart.hover()
    expect(chart.locator(".sketch")).to_be_visible()
    page.unroute("**/plotly*")
    page.mouse.move(0, 0)
    chart.hover()
    expect(chart.locator(".main-svg").first).to_be_visible()
    assert lost


def test_a_pointer_that_was_there_before_counts(page: "Page", study: str) -> None:
    made = json.dumps(history([1.0, 2.0]))
    held: list[Route] = []
    page.route(HISTORY, lambda route: held.append(route))
    page.goto(study)
    chart = page.locator(".tab .chart")
    expect(chart).to_contain_text("Drawing")
    chart.hover()
    page.wait_for_timeout(100)
    held[0].fulfill(body=made, content_type="application/json")
    expect(chart.locator(".main-svg").first).to_be_visible()
