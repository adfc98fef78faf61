"""The dashboard in a real browser: a study made in the form, watched to its end, understood, steered, deleted."""

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
from tests.browser.conftest import Site
from tests.needs import missing

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SLOW = "import time\nfor s in range(40):\n    print('loss=%g' % (1 / (s + 1)), flush=True)\n    time.sleep(0.25)"


@pytest.fixture(scope="module")
def seen(site: Site) -> str:
    """A study that has ended, with curves, two kinds of parameters and two metrics."""
    parameters = [
        {"name": "x", "type": "double", "min": 0, "max": 1},
        {"name": "kind", "type": "categorical", "values": ["a", "b"]},
    ]
    command = "import sys\nfor s in range(5): print(f'loss={float(sys.argv[1]) + 1 / (s + 1)}'); print(f'up={s}')"
    site.run("seen", script=command, parameters=parameters, limits={"trials": 12, "parallel": 2})
    site.house("watch", "seen")
    return "seen"


def test_a_study_is_made_in_the_form_and_watched_to_its_end(page: "Page", site: Site) -> None:
    site.house.write("train.py", "import sys\nprint('loss=' + sys.argv[1])\n")
    page.goto("/new")
    expect(page.locator("[data-checked]")).to_have_text("No mistakes")
    form = page.locator("[data-form]")
    form.get_by_label("Name").first.fill("from-form")
    form.get_by_label("Trials").fill("4")
    form.get_by_label("Command of one trial").fill("python train.py ${params.rate}")
    document = page.locator("[data-document]")
    expect(document).to_have_value(re.compile(r"name: from-form\n[^$]*trials: 4 +# in all[^$]*# How one trial", re.S))
    expect(page.locator("[data-checked]")).to_have_text("No mistakes")
    page.get_by_role("button", name="Start the study").click()
    page.wait_for_url("**/studies/default/from-form")
    expect(page.locator("#study .chip").first).to_have_text("Succeeded", timeout=60_000)
    expect(page.locator("#study")).to_contain_text("4/4 trials")


def test_the_form_waits_until_it_has_been_filled(page: "Page", site: Site) -> None:
    page.route("**/documents/form", lambda route: None)
    page.goto("/new")
    expect(page.locator("[data-checked]")).to_have_text("No mistakes")
    for field in page.locator("[data-form] input, [data-form] textarea, [data-form] select").all():
        expect(field).to_be_disabled()
    page.unroute("**/documents/form")
    page.reload()
    name = page.locator("[data-form]").get_by_label("Name").first
    expect(name).to_be_enabled()
    expect(name).to_have_value("my-study")


def test_mistakes_are_marked_at_their_lines(page: "Page", site: Site) -> None:
    page.goto("/new")
    expect(page.locator("[data-checked]")).to_have_text("No mistakes")
    document = page.locator("[data-document]")
    text = document.input_value().replace("max: 1,", "max: 0,").replace("trials: 30", "trials: -1")
    document.fill(text)
    expect(page.locator(".gutter .bad")).to_have_count(2)
    expect(page.locator("#mistakes")).to_contain_text("spec.limits.trials")
    expect(page.get_by_role("button", name="Start the study")).to_be_disabled()
    line = next(number for number, one in enumerate(text.split("\n"), 1) if "trials: -1" in one)
    page.locator("#mistakes").get_by_role("button", name=f"line {line}", exact=True).click()
    assert (
        page.evaluate("() => document.activeElement.value.slice(0, document.activeElement.selectionStart)").count("\n")
        == line - 1
    )


def test_a_study_is_steered_and_its_log_followed(page: "Page", site: Site) -> None:
    site.run("steered", script=SLOW, limits={"trials": 30, "parallel": 1})
    page.goto("/studies/default/steered/trials")
    expect(page.locator("#live")).to_have_text("Live")
    page.get_by_role("link", name="0", exact=True).click()
    log = page.locator("[data-log]")
    expect(log).to_contain_text("loss=1")
    before = log.inner_text()
    expect(log).not_to_have_text(before)
    page.get_by_role("link", name="steered", exact=True).click()
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#study .chip").first).to_have_text("Paused")
    page.get_by_role("button", name="Limits").click()
    page.locator("#edit").get_by_label("Trials in all").fill("7")
    page.locator("#edit").get_by_role("button", name="Save").click()
    expect(page.locator("#study")).to_contain_text("/7")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#study .chip").first).to_have_text("Running")
    page.get_by_role("button", name="Stop").click()
    page.locator("#confirm").get_by_role("button", name="Cancel").click()
    expect(page.locator("#study .chip").first).to_have_text("Running")
    page.get_by_role("button", name="Delete").click()
    yes = page.locator("#confirm [data-yes]")
    expect(yes).to_be_disabled()
    page.locator("#confirm input").fill("steered")
    yes.click()
    page.wait_for_url(f"{site.url}/")
    assert site.house("get", "study", "steered", check=2)


def test_every_view_of_a_study_draws(page: "Page", seen: str) -> None:
    page.goto("/studies/default/seen")
    names = [link.inner_text() for link in page.locator(".tabs a").all()]
    assert len(names) == 16
    for name in names:
        page.locator(".tabs").get_by_role("link", name=name, exact=True).click()
        expect(page.locator(".tab .loading")).to_have_count(0)
        expect(page.locator(".tabs [aria-current]")).to_have_text(name)
        said = page.locator(".tab .state").all_inner_texts()
        assert len(said) == (1 if name == "Decisions" else 0), (name, said)


@pytest.mark.parametrize("tab", ["history", "curves", "edf"])
def test_lines_are_sketched_until_somebody_points_at_them(page: "Page", seen: str, tab: str) -> None:
    page.goto(f"/studies/default/seen/{tab}")
    chart = page.locator(".tab .chart")
    expect(chart.locator(".sketch")).to_be_visible()
    assert page.evaluate("() => window.Plotly") is None
    legend, texts = chart.locator(".sketch-legend li").all_inner_texts(), chart.locator(".sketch text")
    titles = [text.text_content() for text in texts.all() if text.get_attribute("class") == "title"]
    page.set_viewport_size({"width": 800, "height": 900})
    expect(chart.locator(".sketch")).to_have_attribute("width", str(chart.evaluate("one => one.clientWidth")))
    chart.hover()
    expect(chart.locator(".main-svg").first).to_be_visible()
    expect(chart.locator(".sketch")).to_have_count(0)
    assert chart.locator(".legendtext").all_text_contents() == legend
    shown = [chart.locator(f".{axis}title").text_content() for axis in ("x", "y")]
    assert sorted(filter(None, titles)) == sorted(filter(None, shown))


def test_a_sketch_has_every_point_where_plotly_has_it(page: "Page", seen: str) -> None:
    page.goto("/studies/default/seen/history")
    chart = page.locator(".tab .chart")
    expect(chart.locator(".sketch")).to_be_visible()
    circles = chart.locator("svg.sketch > path[fill='#2b83d6']").get_attribute("d")
    assert circles is not None
    sketched = [tuple(map(float, point)) for point in re.findall(r"M([\d.]+) ([\d.]+)a", circles)]
    chart.hover()
    expect(chart.locator(".main-svg").first).to_be_visible()
    places = (
        chart.locator(".scatterlayer .trace")
        .first.locator(".points path")
        .evaluate_all("all => all.map(one => one.getAttribute('transform').match(/[\\d.]+/g).map(Number))")
    )
    assert len(sketched) == len(places) == 12
    for axis in (0, 1):  # margins and ranges differ a little, so that one is a stretch of the other
        line = np.polyfit([one[axis] for one in sketched], [one[axis] for one in places], 1)
        assert np.allclose(np.polyval(line, [one[axis] for one in sketched]), [one[axis] for one in places], atol=1)
        assert 0.8 < line[0] < 1.25


def test_parallel_coordinates_are_brushed(page: "Page", seen: str) -> None:
    page.goto("/studies/default/seen/parallel")
    canvas = page.locator(".chart canvas")
    expect(canvas).to_be_visible()
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    x, bottom = box["x"] + box["width"] - 54, box["y"] + box["height"] - 26
    page.mouse.move(x, bottom)
    page.mouse.down()
    page.mouse.move(x, bottom - box["height"] / 2, steps=4)
    page.mouse.up()
    reset = page.get_by_role("button", name="show all")
    expect(reset).to_have_text(re.compile(r"\d+ of 12 trials; show all"))
    chosen = page.evaluate("() => document.querySelector('[data-figure]').chosen.length")
    assert 0 < chosen < 12
    listed = page.locator("[data-brushed] tbody tr")
    expect(listed).to_have_count(chosen)
    shown = page.evaluate("() => [...document.querySelector('[data-figure]').chosen].sort((a, b) => a - b)")
    numbers = listed.locator("th a").all_inner_texts()
    assert sorted(map(int, numbers)) == shown
    page.get_by_role("link", name="Open as a table").click()
    expect(page.locator(".tab [role=status]")).to_have_text(f"{chosen} of 12 trials")
    expect(page.locator(".ranges .pick.on")).to_have_count(2)
    page.get_by_role("link", name="Clear").click()
    expect(page.locator("#trials tbody tr")).to_have_count(12)
    page.go_back()
    page.go_back()
    canvas.scroll_into_view_if_needed()
    canvas.press("ArrowRight")
    canvas.press("ArrowUp")
    expect(page.locator("[data-brushed]")).to_be_visible()
    page.locator("[data-brushed]").get_by_role("button", name="Clear").click()
    expect(page.locator("[data-brushed]")).to_be_hidden()
    canvas.press("Escape")
    expect(reset).to_be_hidden()


def test_trials_are_sorted_searched_and_their_columns_chosen(page: "Page", seen: str) -> None:
    page.goto("/studies/default/seen/trials")
    page.locator("#trials thead").get_by_role("link", name="x", exact=True).click()
    page.wait_for_url("**sort=params.x**")
    values = [float(cell.inner_text()) for cell in page.locator("td[data-col='params.x']").all()]
    assert values == sorted(values, reverse=True)
    page.get_by_placeholder("Search, as kernel=rbf").fill("kind=a")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=kind**")
    assert {cell.inner_text() for cell in page.locator("td[data-col='params.kind']").all()} == {"a"}
    page.get_by_text("Columns").click()
    page.locator("[data-columns]").get_by_label("kind").uncheck()
    expect(page.locator("td[data-col='params.kind']").first).to_be_hidden()
    page.reload()
    expect(page.locator("td[data-col='params.kind']").first).to_be_hidden()


def test_studies_are_found_and_compared(page: "Page", site: Site, seen: str) -> None:
    site.run("other")
    site.house("watch", "other")
    page.goto("/")
    page.get_by_role("searchbox").fill("seen")
    page.keyboard.press("Enter")
    expect(page.locator("article.study")).to_have_count(1)
    expect(page.locator("article.study table").first).to_contain_text("up")
    page.goto("/")
    for name in ("seen", "other"):
        page.get_by_label(f"Compare {name}").check()
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url("**/compare?**")
    expect(page.locator(".loading")).to_have_count(0)
    expect(page.locator("main tbody tr")).to_have_count(2)


def test_hostile_values_are_shown_as_they_are(page: "Page", site: Site) -> None:
    evil = ["<script>alert(1)</script>", '"><img src=x onerror=alert(2)>', "${7*7}{{7*7}}"]
    parameters = [{"name": "evil", "type": "categorical", "values": evil}]
    script = "print('loss=1'); print('<script>alert(3)</script>\\x1b[31m')"
    site.run("hostile", script=script, parameters=parameters, limits={"trials": 3}, trial=_named(script))
    site.house("watch", "hostile")
    for path in ("", "/trials", "/parallel", "/slice", "/document", "/events", "/algorithm", "/trials/0"):
        page.goto(f"/studies/default/hostile{path}")
        expect(page.locator(".loading")).to_have_count(0)
    expect(page.locator("[data-log]")).to_contain_text("<script>alert(3)</script>")
    page.goto("/studies/default/hostile/trials")
    assert {cell.inner_text() for cell in page.locator("td[data-col='params.evil']").all()} == set(evil)


def _named(script: str) -> dict[str, object]:
    import sys

    return {"command": [sys.executable, "-S", "-c", script, "${params.evil}"]}


def test_the_theme_is_kept(page: "Page", site: Site) -> None:
    page.goto("/")
    toggle = page.locator("[data-theme-toggle]")
    toggle.click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_page_on_paper(page: "Page", seen: str) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto("/studies/default/seen/trials")
    started = page.locator("#trials time").first
    expect(started).to_have_text(re.compile("ago|now"))
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    expect(started).to_have_text(re.compile(r"^\d+/\d+/\d+, \d+:\d+"))
    assert page.locator("button:visible, .button:visible").count() == 0
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    expect(started).to_have_text(re.compile("ago|now"))
    page.emulate_media(media="screen", color_scheme="dark")
    page.goto("/studies/default/seen/parallel")
    expect(page.locator(".chart canvas")).to_be_visible()
    assert _darkest_label(page) > 200  # white on the screen, and its box dark
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    assert _darkest_label(page) == 0


def _darkest_label(page: "Page") -> int:
    """The least red among the pixels of a title above an axis that are not transparent."""
    found = page.locator(".chart canvas").evaluate(
        "one => { const all = one.getContext('2d').getImageData(0, 6, 60, 22).data;"
        " const opaque = all.filter((_, i) => i % 4 === 0 && all[i + 3] > 250); return Math.min(...opaque); }"
    )
    assert isinstance(found, int)
    return found


def test_nothing_is_wider_than_a_phone(page: "Page", seen: str) -> None:
    page.set_viewport_size({"width": 375, "height": 800})
    for path in ("/", "/new", "/offers", "/studies/default/seen", "/studies/default/seen/trials/0"):
        page.goto(path)
        expect(page.locator(".loading")).to_have_count(0)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 375, path


def test_a_page_is_small_before_its_charts(page: "Page", seen: str) -> None:
    sizes: dict[str, int] = {}

    def note(response: "object") -> None:
        sizes[response.url] = response.request.sizes()["responseBodySize"]  # type: ignore[attr-defined]

    page.on("requestfinished", lambda request: note(request.response()))
    page.goto("/studies/default/seen", wait_until="load")
    own = sum(size for url, size in sizes.items() if "plotly" not in url and "/figures/" not in url)
    assert 0 < own < 100_000, json.dumps(sizes, indent=1)


def test_the_keyboard_reaches_everything(page: "Page", seen: str) -> None:
    page.goto("/studies/default/seen")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_a_stranger_is_asked_to_sign_in(page: "Page", site: Site, seen: str) -> None:
    page.context.clear_cookies()
    page.goto("/studies/default/seen/trials")
    page.wait_for_url("**/login?next=**")
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("This token is not known here.")
    page.get_by_label("Token").fill((site.house.folder / ".tunesmith" / "token").read_text().strip())
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/studies/default/seen/trials")


PATHS = (
    "/",
    "/new",
    "/offers",
    "/nothing",
    "/compare",
    "/studies/default/seen",
    "/studies/default/seen/parallel",
    "/studies/default/seen/trials",
    "/studies/default/seen/decisions",
    "/studies/default/seen/algorithm",
    "/studies/default/seen/document",
    "/studies/default/seen/trials/0",
)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(
    chromium: "Browser", site: Site, state: Path, seen: str, scheme: Literal["light", "dark"]
) -> None:
    """Its script is put into the page by the browser's own means, past our policy, which would not run it."""
    script = find_spec("axe_playwright_python")
    if script is None or script.origin is None:
        missing("axe-playwright-python")
        return
    axe = (Path(script.origin).parent / "axe.min.js").read_text()
    context = chromium.new_context(storage_state=state, base_url=site.url, bypass_csp=True, color_scheme=scheme)
    page = context.new_page()
    found: dict[tuple[str, str], list[str]] = {}
    for path in PATHS:
        page.goto(path)
        expect(page.locator(".loading")).to_have_count(0)
        page.evaluate(axe)
        wrong = page.evaluate("() => axe.run()")["violations"]
        found |= {(path, one["id"]): [node["html"] for node in one["nodes"]] for one in wrong}
    context.close()
    assert not found
