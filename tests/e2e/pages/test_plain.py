"""The pages around the screens: the index, signing in, a citizen's ticket; and what no page may do."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator

import pytest
from e2e.pages.house import House
from e2e.pages.proxy import Proxy
from playwright.sync_api import Browser, BrowserContext, Page, expect
from running import ROOT

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(houses: Callable[..., House]) -> Iterator[House]:
    """One house for this module: only one test draws tickets."""
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


def test_a_ticket_tells_what_happens_without_any_script(browser: Browser, server: House) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    server.walk_in()
    mine = server.walk_in()
    page.goto(mine["link"])
    expect(page.locator(".number")).to_have_text("A002")
    expect(page.locator(".says")).to_contain_text("Hiervoor is nu geen loket open")
    expect(page.locator("dl")).to_contain_text("1 persoon")
    expect(page.locator("dl")).to_contain_text("nog niet bekend")
    refresh = page.locator("meta[http-equiv=refresh]")
    expect(refresh).to_have_attribute("content", "10")

    server.post("/counters/1/open")
    server.post("/counters/1/next")
    page.goto(mine["link"])
    expect(page.locator(".says")).to_contain_text("U bent de volgende")
    server.post("/counters/1/start")
    server.post("/counters/1/finish")
    server.post("/counters/1/next")
    page.goto(mine["link"])
    expect(page.locator(".says")).to_have_text("Ga nu naar loket 1")
    expect(page).to_have_title("A002 – loket 1")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    server.post("/counters/1/start")
    page.goto(mine["link"])
    expect(page.locator(".says")).to_have_text("U bent aan de beurt.")
    server.post("/counters/1/finish")
    page.goto(mine["link"])
    expect(page.locator(".says")).to_contain_text("afgerond")
    expect(refresh).to_have_attribute("content", "60")
    context.close()


def test_a_ticket_follows_by_itself_and_stays_through_a_restart(
    page: Page, houses: Callable[..., House]
) -> None:
    with contextlib.closing(houses()) as server:
        page.add_init_script("window.shaken = 0; navigator.vibrate = () => { shaken += 1; return true; };")
        page.set_viewport_size({"width": 390, "height": 844})
        left: list[str] = []
        mine = server.walk_in()
        page.goto(mine["link"])
        page.on("framenavigated", lambda frame: left.append(frame.url))
        says = page.locator(".says")
        expect(says).to_contain_text("Hiervoor is nu geen loket open")
        server.post("/counters/1/open")
        expect(says).to_contain_text("U bent de volgende")
        server.stop()
        server.start()
        server.post("/counters/1/next")
        expect(says).to_have_text("Ga nu naar loket 1")
        expect(page).to_have_title("A001 – loket 1")
        expect(page.get_by_role("status")).to_have_text("Ga nu naar loket 1")
        server.post("/counters/1/recall")
        page.wait_for_function("() => shaken === 2")
        server.post("/counters/1/start")
        expect(says).to_have_text("U bent aan de beurt.")
        assert left == []


def test_a_ticket_on_a_dead_line_tells_its_age(page: Page, houses: Callable[..., House]) -> None:
    server = houses()
    proxy = Proxy(server.port)
    with contextlib.closing(server), contextlib.closing(proxy):
        page.clock.install()
        server.post("/counters/1/open")
        mine = server.walk_in()
        with page.expect_event("websocket") as opened:
            page.goto(proxy.url + "/t/" + mine["link"].rpartition("/")[2])
        opened.value.wait_for_event("framereceived")
        proxy.stall()
        server.post("/counters/1/next")
        page.clock.fast_forward(30_000)
        expect(page.locator("#age")).to_be_hidden()
        page.clock.fast_forward(20_000)
        expect(page.locator("#age")).to_contain_text("seconden oud")
        expect(page.locator(".says")).to_contain_text("U bent de volgende")
        proxy.mend()
        page.clock.fast_forward(5_000)
        expect(page.locator(".says")).to_have_text("Ga nu naar loket 1")
        expect(page.locator("#age")).to_be_hidden()


def test_a_ticket_of_yesterday_falls_silent(page: Page, houses: Callable[..., House]) -> None:
    with contextlib.closing(houses()) as server:
        sockets: list[str] = []
        page.on("websocket", lambda socket: sockets.append(socket.url))
        page.clock.install()
        page.goto(server.walk_in()["link"])
        expect(page.locator(".says")).to_be_visible()
        server.stop()
        server.house_time = "2026-11-24T09:15:00+01:00"
        server.start()
        expect(page.get_by_role("heading")).to_have_text("Dit ticket is niet van vandaag")
        known = len(sockets)
        page.clock.run_for(40_000)
        assert len(sockets) == known


def test_an_unknown_ticket_is_told_in_words(page: Page, server: House) -> None:
    answer = page.goto(server.base + "/t/nobody")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading")).to_have_text("Dit ticket is niet van vandaag")


def test_pages_hold_no_inline_code_and_name_no_other_host() -> None:
    files = [*ROOT.glob("static/**/*.*"), *ROOT.glob("displays/pages/*.html")]
    assert len(files) > 10
    for file in files:
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|url\(\s*['\"]?//|@import", text), file
        text = text.replace('<script type="application/json" id="words">', "")  # data, which nothing runs
        assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=|innerHTML|javascript:", text), (
            file
        )
