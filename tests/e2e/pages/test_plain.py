"""The pages around the screens: the index, signing in; and what no page may do."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from e2e.pages.axe import assert_accessible
from e2e.pages.house import House
from playwright.sync_api import BrowserContext, Page, expect
from running import MECHELEN, ROOT

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(houses: Callable[..., House]) -> Iterator[House]:
    """One house for this module: no test draws tickets."""
    with contextlib.closing(houses()) as house:
        yield house


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def doors(page: Page) -> set[str]:
    return {str(link.get_attribute("href")) for link in page.locator("main li a").all()}


def test_the_index_leads_a_stranger_to_every_page(page: Page, server: House) -> None:
    page.goto(server.base + "/")
    links = doors(page)
    assert {"/mechelen/hall?screen=hall", "/mechelen/counters/14", "/mechelen/reception"} < links
    assert {"/mechelen/management", "/mechelen/devices", "/mechelen/webhooks", "/screen"} < links
    # Who waits is led to no screen, but to the own ticket.
    waits = page.get_by_role("heading", name="Voor wie in de zaal wacht")
    assert waits.evaluate("(heading) => heading.nextElementSibling.querySelector('a')") is None
    expect(page.get_by_text("De QR-code of de link op uw ticket")).to_be_visible()


@pytest.mark.parametrize(
    ("role", "some"),
    [
        ("screen", set()),
        ("counter", {"/mechelen/counters/14"}),
        ("reception", {"/mechelen/reception"}),
        ("supervisor", {"/mechelen/management", "/mechelen/devices", "/mechelen/webhooks", "/screen"}),
        ("administrator", {"/mechelen/devices", "/mechelen/webhooks", "/screen"}),
    ],
)
def test_the_index_shows_who_is_signed_in_what_that_role_may_open(
    page: Page, server: House, role: str, some: set[str]
) -> None:
    page.goto(server.sign_in(role, "/mechelen"))
    expect(page.get_by_text("U bent aangemeld als")).to_be_visible()
    links = doors(page)
    assert some | {"/mechelen/hall?screen=hall", "/api/v1/openapi.json"} <= links
    assert {link for link in links if page.request.get(server.base + link).status != 200} == set()
    panels = {link for link in links if "/counters/" in link}
    assert bool(panels) == (role == "counter")
    assert ("/mechelen/reception" in links) == (role == "reception")
    assert ("/mechelen/management" in links) == (role == "supervisor")


def test_the_overview_is_called_alike_on_the_index_and_on_itself(page: Page, server: House) -> None:
    page.goto(server.sign_in("supervisor", "/mechelen"))
    page.get_by_role("link", name="Overzicht").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overzicht")


def test_a_server_of_several_houses_lists_them(
    page: Page, houses: Callable[..., House], tmp_path: Path
) -> None:
    plain = MECHELEN.read_text()
    file = tmp_path / "sites.toml"
    second = plain.replace("sites.mechelen", "sites.tweede").replace("Huis van de Mechelaar", "Tweede huis")
    file.write_text(plain + second)
    with contextlib.closing(houses(config=file)) as server:
        page.goto(server.base)
        expect(page.get_by_role("listitem")).to_have_text(["Huis van de Mechelaar", "Tweede huis"])
        assert_accessible(page)
        page.get_by_role("link", name="Tweede huis").click()
        expect(page).to_have_url(server.base + "/tweede")
        expect(page.get_by_role("heading", level=1)).to_have_text("Tweede huis")


def test_a_ticket_of_another_day_leads_no_citizen_to_the_staff_s_pages(page: Page, server: House) -> None:
    page.goto(server.base + "/t/nobody")
    expect(page.get_by_role("heading")).to_have_text("Dit ticket is niet van vandaag")
    expect(page.locator("a")).to_have_count(0)
    page.goto(server.base + "/nowhere")
    expect(page.get_by_role("link", name="Naar de beginpagina")).to_be_visible()


def test_who_came_to_the_screen_page_by_mistake_gets_back(page: Page, server: House) -> None:
    page.goto(server.base + "/screen")
    page.get_by_role("link", name="Terug naar de beginpagina").click()
    expect(page).to_have_url(server.base + "/")


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
