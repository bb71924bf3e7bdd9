"""The pages around the screens: the index, signing in; and what no page may do."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator

import pytest
from e2e.pages.house import House
from playwright.sync_api import BrowserContext, Page, expect
from running import ROOT

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(houses: Callable[..., House]) -> Iterator[House]:
    """One house for this module: no test draws tickets."""
    with contextlib.closing(houses()) as house:
        yield house


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def test_the_index_leads_to_every_page(page: Page, server: House) -> None:
    page.goto(server.sign_in("counter", "/mechelen"))
    expect(page.get_by_text("U bent aangemeld als loket.")).to_be_visible()
    links = [link.get_attribute("href") for link in page.locator("main a").all()]
    assert {"/mechelen/hall?screen=hall", "/mechelen/counters/14", "/mechelen/reception"} < set(links)
    assert {"/mechelen/management", "/mechelen/devices", "/screen"} < set(links)
    others = {"/mechelen/reception", "/mechelen/management", "/mechelen/devices"}
    for link in links:
        assert page.request.get(server.base + str(link)).status == (403 if link in others else 200), link


def test_the_index_of_a_counter_shows_that_counter_alone(page: Page, server: House) -> None:
    page.goto(f"{server.base}/sign-in?next=/mechelen#{server.token('counter', '3')}")
    expect(page.get_by_text("U bent aangemeld als loket 3.")).to_be_visible()
    expect(page.locator(".numbers a")).to_have_text(["3"])


def test_a_stranger_is_led_through_the_sign_in_and_back(page: Page, server: House) -> None:
    page.goto(server.base + "/mechelen/counters/3")
    expect(page.get_by_role("heading", name="Aanmelden")).to_be_visible()
    page.get_by_text("Aanmelden met een sleutel").click()
    page.get_by_label("Sleutel").fill("not-a-key")
    page.keyboard.press("Enter")
    expect(page.locator("#wrong-key")).to_have_text("Deze sleutel is niet (meer) geldig.")
    page.get_by_label("Sleutel").fill(f" {server.token('counter')} ")
    page.keyboard.press("Enter")
    expect(page).to_have_url(server.base + "/mechelen/counters/3")


def test_signing_out_ends_the_session(page: Page, server: House) -> None:
    page.goto(server.sign_in("screen", "/mechelen"))
    page.get_by_role("button", name="Afmelden").click()
    expect(page.get_by_role("link", name="Aanmelden")).to_be_visible()
    page.goto(server.base + "/mechelen/hall")
    expect(page.get_by_role("heading", name="Aanmelden")).to_be_visible()


@pytest.mark.parametrize(
    "elsewhere", ["https://example.org/", "//example.org/", "/\\example.org/", "javascript:alert(1)"]
)
def test_no_link_leads_elsewhere_after_signing_in(page: Page, server: House, elsewhere: str) -> None:
    page.goto(server.sign_in("screen", elsewhere))
    expect(page).to_have_url(server.base + "/mechelen/hall")


def test_the_key_stays_out_of_the_address(page: Page, server: House) -> None:
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url))
    page.goto(server.sign_in("screen", "/mechelen/hall"))
    expect(page).to_have_url(server.base + "/mechelen/hall")
    page.go_back()
    assert server.token("screen") not in page.url
    assert not any(server.token("screen") in url.partition("#")[0] for url in asked)


def test_pages_hold_no_inline_code_and_name_no_other_host() -> None:
    files = [*ROOT.glob("static/**/*.*"), *ROOT.glob("displays/pages/**/*.html")]
    assert len(files) > 10
    for file in files:
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|url\(\s*['\"]?//|@import", text), file
        text = text.replace('<script type="application/json" id="words">', "")  # data, which nothing runs
        assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=|innerHTML|javascript:", text), (
            file
        )
