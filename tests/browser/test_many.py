"""A dashboard with 200 studies, one of which has 10,000 trials: found, sorted, paged, drawn."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from tests.browser.conftest import Site
from tests.long_studies import long_study

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

from tunesmith.manager.storage import open_store

if TYPE_CHECKING:
    from playwright.sync_api import Page

TRIALS, STUDIES = 10_000, 200
LIMIT = 20.0
"""Seconds that no page may take, on a machine on which much else runs."""


@pytest.fixture(scope="module", autouse=True)
def many(site: Site) -> None:
    """The studies, written straight into the database of the folder's manager."""
    site.house("get", "studies")
    store = open_store(f"sqlite:///{site.house.folder}/.tunesmith/tunesmith.db")
    long_study(store, "big", TRIALS)
    for number in range(1, STUDIES):
        long_study(store, f"study-{number:03}", number % 3, labels={"team": ("vision", "speech")[number % 2]})
    store.close()


@contextmanager
def in_time(page: "Page") -> Iterator[None]:
    """What is done comes to its end soon, and leaves nothing that is wider than the window."""
    began = time.monotonic()
    yield
    expect(page.locator(".loading")).to_have_count(0)
    assert time.monotonic() - began < LIMIT
    wide, window = page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
    assert wide <= window


def numbers(page: "Page", column: str) -> list[float]:
    return [float(cell.replace(",", "")) for cell in page.locator(f"td[data-col='{column}']").all_inner_texts()]


def test_two_hundred_studies_are_searched_filtered_and_paged(page: "Page") -> None:
    with in_time(page):
        page.goto("/")
    expect(page.locator("article.study")).to_have_count(25)
    expect(page.locator(".pager")).to_contain_text("1–25 of 200")
    with in_time(page):
        page.get_by_role("link", name="Next").click()
        page.wait_for_url("**offset=25**")
    expect(page.locator(".pager")).to_contain_text("26–50 of 200")
    with in_time(page):
        page.get_by_label("Labels").fill("team=vision")
        page.keyboard.press("Enter")
        page.wait_for_url("**label=team**")
    expect(page.locator(".pager")).to_contain_text("of 99")
    with in_time(page):
        page.get_by_role("searchbox").fill("study-04")
        page.keyboard.press("Enter")
        page.wait_for_url("**q=study-04**")
    expect(page.locator("article.study")).to_have_count(5)


def test_ten_thousand_trials_are_sorted_filtered_and_paged(page: "Page") -> None:
    with in_time(page):
        page.goto("/studies/default/big/trials")
    expect(page.locator(".tab [role=status]")).to_have_text("10,000 trials")
    head = page.locator("#trials thead")
    with in_time(page):
        head.get_by_role("link", name="dropout").click()
        page.wait_for_url("**sort=params.dropout**")
    first = numbers(page, "params.dropout")
    assert (first, len(first)) == (sorted(first, reverse=True), 50)
    with in_time(page):
        page.get_by_role("link", name="Next").click()
        page.wait_for_url("**offset=50**")
    second = numbers(page, "params.dropout")
    assert second == sorted(second, reverse=True)
    assert second[0] <= first[-1]
    with in_time(page):
        page.get_by_placeholder("Search, as kernel=rbf").fill("kernel=poly degree=3")
        page.keyboard.press("Enter")
        page.wait_for_url("**q=kernel**")
    with in_time(page):
        page.locator(".tab select[name=state]").select_option("Failed")
        page.wait_for_url("**state=Failed**")
    assert set(page.locator("td[data-col='params.kernel']").all_inner_texts()) == {"poly"}
    assert set(numbers(page, "params.degree")) == {3}
    expect(page.locator("td[data-col='state'] .is-failed")).to_have_count(page.locator("#trials tbody tr").count())
    page.get_by_text("Columns").click()
    page.locator("[data-columns]").get_by_label("gamma").uncheck()
    expect(page.locator("td[data-col='params.gamma']").first).to_be_hidden()


def test_ten_thousand_trials_are_drawn(page: "Page") -> None:
    with in_time(page):
        page.goto("/studies/default/big")
        expect(page.locator(".chart .sketch")).to_be_visible()
    with in_time(page):
        page.goto("/studies/default/big/parallel")
        expect(page.locator(".chart canvas")).to_be_visible()
    assert (
        page.evaluate("() => document.querySelector('[data-figure]').chosen.length") == 1000
    )  # of those the best and a sample


def test_a_phone_shows_them_too(page: "Page") -> None:
    page.set_viewport_size({"width": 375, "height": 800})
    for path in ("/", "/studies/default/big/trials?sort=value&order=asc", "/studies/default/big/parallel"):
        with in_time(page):
            page.goto(path)
