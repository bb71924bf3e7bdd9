"""Being told of alerts, on the overview: by a tap alone; and what was wrong stands there afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from e2e.pages.axe import assert_accessible
from e2e.pages.house import House
from playwright.sync_api import BrowserContext, Page, expect
from pushservice import Browser
from running import MECHELEN, PASSWORD

pytestmark = pytest.mark.browser

ENDPOINT = "https://fcm.googleapis.com/fcm/send/supervisor"
# No push service can be reached from here: the subscription is the test's own, the rest is the browser's.
SUBSCRIBED = """(given) => {
    window.asked = 0;
    const request = Notification.requestPermission.bind(Notification);
    Notification.requestPermission = () => { asked += 1; return request(); };
    PushManager.prototype.subscribe = async () => ({ toJSON: () => ({ ...given, expirationTime: null }) });
}"""
SETTINGS = """
[sites.mechelen.alerts]
tell_after_s = 0
clears_after_s = 0

[channels.push]
contact = "mailto:ict@mechelen.be"
"""


@pytest.fixture
def server(houses: Callable[..., House], tmp_path: Path) -> Iterator[House]:
    """A house that sends messages to browsers, and tells at once."""
    config = tmp_path / "house.toml"
    config.write_text(MECHELEN.read_text() + SETTINGS)
    with contextlib.closing(houses(config=config)) as house:
        yield house


def signed_in(context: BrowserContext, server: House, page: Page) -> None:
    server.account("supervisor", "els")
    page.goto(f"{server.base}/sign-in?next=/mechelen/management")
    page.get_by_label("Gebruikersnaam").fill("els")
    page.get_by_label("Wachtwoord", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Aanmelden", exact=True).click()
    expect(page.locator("body")).to_have_attribute("data-link", "live")


def test_a_supervisor_is_told_where_they_want_and_reads_the_day(
    context: BrowserContext, server: House
) -> None:
    context.grant_permissions(["notifications"], origin=server.base)
    page = context.new_page()
    page.add_init_script(f"({SUBSCRIBED})({Browser().subscription(ENDPOINT)})")
    signed_in(context, server, page)
    expect(page.locator("#history-none")).to_have_text("Nog niets.")
    button = page.get_by_role("button", name="Verwittig me in deze browser")
    expect(button).to_be_visible()
    assert page.evaluate("() => asked") == 0
    button.click()
    lines = page.locator("#recipients li")
    expect(lines).to_have_count(1)
    assert page.evaluate("() => asked") == 1
    page.get_by_label("Ook wanneer het voorbij is").check()
    page.get_by_label("E-mailadres").fill("els@example.org")
    page.get_by_role("button", name="Verwittig me op dit adres").click()
    expect(lines).to_have_count(2)
    expect(lines.nth(1)).to_contain_text("ook wanneer het voorbij is")
    expect(lines.nth(1)).not_to_contain_text("example")
    assert_accessible(page)
    lines.nth(0).get_by_role("button").click()
    expect(page.locator("#tell [role=status]")).to_have_text("U wordt daar niet meer verwittigd.")
    expect(lines).to_have_count(1)

    server.walk_in()
    row = page.locator("#history tr", has_text="geen loket")
    expect(row).to_contain_text("Els")
    expect(row).to_contain_text("nog niet")
    server.post("/counters/1/open")
    expect(row).not_to_contain_text("nog niet")
    assert_accessible(page)


def test_a_key_is_nobody_to_tell(context: BrowserContext, server: House) -> None:
    page = context.new_page()
    page.goto(server.sign_in("supervisor", "/mechelen/management"))
    expect(page.locator("#tell")).to_have_text("Meld u aan met uw eigen login om verwittigd te worden.")
