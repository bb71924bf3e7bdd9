"""Signing in by password, and screens that are let in by a code: with two browsers, faults included."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
from collections.abc import Callable, Iterator

import pytest
from e2e.pages.axe import assert_accessible
from e2e.pages.house import House
from playwright.sync_api import Browser, BrowserContext, Page, expect
from running import PASSWORD

pytestmark = pytest.mark.browser

HALL = "/mechelen/hall?screen=hall"


@pytest.fixture(scope="module")
def server(houses: Callable[..., House]) -> Iterator[House]:
    """One house for this module, with its people."""
    with contextlib.closing(houses()) as house:
        house.account("counter", "an", "3")
        house.account("supervisor", "els")
        house.account("counter", "luc")
        yield house


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def screen(browser: Browser) -> Iterator[Page]:
    """A screen: a browser of its own that nobody touches."""
    context = browser.new_context(viewport={"width": 1920, "height": 1080})
    yield context.new_page()
    context.close()


def overflows(page: Page) -> bool:
    return bool(page.evaluate("() => document.documentElement.scrollWidth > innerWidth"))


def supervise(page: Page, server: House) -> None:
    """Open the page of devices as a supervisor, by password."""
    page.goto(server.base + "/devices")
    page.get_by_label("Gebruikersnaam").fill("els")
    page.get_by_label("Wachtwoord", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(server.base + "/mechelen/devices")


def let_in(page: Page, screen: Page, server: House) -> None:
    """Have a screen let in as the large hall's."""
    screen.goto(server.base + "/screen")
    expect(screen.locator("#code")).not_to_be_empty()
    page.get_by_label("De code die het toestel toont").fill(screen.locator("#code").inner_text().lower())
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Een zaalscherm toont")).to_be_focused()
    page.get_by_role("radio", name="Grote zaal").check()
    page.get_by_role("button", name="Toelaten").click()
    expect(screen).to_have_url(server.base + HALL)


def test_a_member_of_staff_signs_in_by_keyboard_alone(page: Page, server: House) -> None:
    page.goto(server.base + "/sign-in")
    keys = page.keyboard
    expect(page.get_by_label("Gebruikersnaam")).to_be_focused()
    assert page.locator("#login").get_attribute("autocomplete") == "username"
    assert page.locator("#password").get_attribute("autocomplete") == "current-password"
    assert_accessible(page)
    keys.type("An")
    keys.press("Tab")
    keys.type("not the password")
    keys.press("Enter")
    expect(page.locator("#wrong")).to_have_text("Deze gebruikersnaam of dit wachtwoord klopt niet.")
    expect(page.locator("#password")).to_be_focused()
    assert_accessible(page)
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_text("Aanmelden met een sleutel").click()
    assert_accessible(page)
    assert not overflows(page)
    page.locator("#password").focus()
    keys.press("Control+A")
    keys.type(PASSWORD)
    keys.press("Enter")
    expect(page).to_have_url(server.base + "/mechelen/counters/3")
    # Her counter is opened in her name, by the id that colleagues' pages can look up.
    expect(page.locator("body")).to_have_attribute("data-link", "live")
    page.keyboard.press("Space")
    expect(page.locator("body")).to_have_attribute("data-stage", "idle")
    assert server.view("counters/3")["staff"] == server.account("counter", "an", "3")


def test_a_lockout_is_told_and_ends(page: Page, server: House) -> None:
    page.clock.install()
    page.goto(server.base + "/sign-in")
    for login in ("luc", "nobody-at-all"):
        page.get_by_label("Gebruikersnaam").fill(login)
        for _ in range(9):
            page.get_by_label("Wachtwoord", exact=True).fill("not the password")
            with page.expect_response("**/session") as answered:
                page.keyboard.press("Enter")
            if answered.value.status == 429:
                break
            expect(page.locator("#wrong")).to_have_text("Deze gebruikersnaam of dit wachtwoord klopt niet.")
        expect(page.locator("#wrong")).to_contain_text("Te veel pogingen. Probeer het opnieuw over")
        button = page.locator("#sign-in button")
        expect(button).to_have_attribute("aria-disabled", "true")
        expect(button).to_contain_text("Aanmelden ·")
        assert_accessible(page)
        page.clock.run_for(20_000)
        expect(page.locator("#wrong")).to_have_text("U kunt het nu opnieuw proberen.")
        expect(button).to_have_text("Aanmelden")
    with contextlib.closing(sqlite3.connect(server.database, timeout=10)) as database:
        database.execute("UPDATE account SET failed_at = failed_at - 20000000 WHERE login = 'luc'")
        database.commit()
    page.get_by_label("Gebruikersnaam").fill("luc")
    page.get_by_label("Wachtwoord", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(server.base + "/mechelen")


def test_a_screen_is_let_in_comes_back_after_a_power_cut_and_is_let_out_at_once(
    page: Page, screen: Page, server: House
) -> None:
    supervise(page, server)
    expect(page.get_by_text("Er is nog geen toestel toegelaten.")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("De code die het toestel toont").fill("BBBB-BBBB")
    page.keyboard.press("Enter")
    expect(page.locator("#wrong")).to_contain_text("Geen enkel toestel toont nu deze code.")

    # A hall page of a screen that nobody let in shows a code, not a form.
    screen.goto(server.base + HALL)
    expect(screen).to_have_url(server.base + "/screen")
    expect(screen.locator("#code")).not_to_be_empty()
    expect(screen.locator("#where")).to_have_text(f"localhost:{server.port}/devices")
    for width, height in ((1920, 1080), (1080, 1920), (390, 844), (640, 360)):
        screen.set_viewport_size({"width": width, "height": height})
        assert_accessible(screen)
        assert not overflows(screen), (width, height)
    screen.set_viewport_size({"width": 1920, "height": 1080})
    code = screen.locator("#code").inner_text()
    page.get_by_label("De code die het toestel toont").fill(code.replace("-", " ").lower())
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"Een zaalscherm toont {code}")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Weigeren").click()
    expect(page.get_by_text("Het toestel werd geweigerd.")).to_be_visible()
    expect(screen.get_by_role("heading", name="Dit scherm werd geweigerd")).to_be_visible()
    assert_accessible(screen)

    let_in(page, screen, server)
    expect(page.get_by_role("listitem")).to_contain_text("zonet gezien")
    assert_accessible(page)
    page.set_viewport_size({"width": 390, "height": 844})
    assert not overflows(page)
    expect(screen.locator("body")).to_have_attribute("data-screen", "empty")

    # The power is cut: the server is gone without goodbye, the screen starts where it always starts.
    server.stop(signal.SIGKILL)
    server.start()
    screen.goto(server.base + "/screen")
    expect(screen).to_have_url(server.base + HALL)
    expect(screen.locator("body")).to_have_attribute("data-screen", "empty")

    page.get_by_role("button", name="Verwijder “Grote zaal, boven het onthaal”").click()
    expect(page.get_by_role("button", name="Behouden")).to_be_focused()
    assert_accessible(page)
    page.get_by_role("button", name="Toegang intrekken").click()
    expect(screen).to_have_url(server.base + "/screen", timeout=5_000)
    expect(screen.locator("#code")).not_to_be_empty()
    expect(page.get_by_text("Er is nog geen toestel toegelaten.")).to_be_visible()


def test_a_screen_goes_on_by_itself_while_the_server_is_away(screen: Page, server: House) -> None:
    screen.goto(server.base + "/screen")
    expect(screen.locator("#code")).not_to_be_empty()
    code = screen.locator("#code").inner_text()
    server.stop()
    expect(screen.locator("#news")).to_contain_text("De server antwoordt niet.")
    assert_accessible(screen)
    server.start()
    expect(screen.locator("#news")).to_be_empty()
    # The code outlived the server; one that is over is replaced.
    expect(screen.locator("#code")).to_have_text(code)
    with contextlib.closing(sqlite3.connect(server.database, timeout=10)) as database:
        database.execute("UPDATE pairing SET expires_at = 0")
        database.commit()
    expect(screen.locator("#code")).not_to_have_text(code)


def test_another_device_takes_a_screen_s_place(
    page: Page, screen: Page, browser: Browser, server: House
) -> None:
    supervise(page, server)
    let_in(page, screen, server)
    context = browser.new_context()
    other = context.new_page()
    other.goto(server.base + "/screen")
    expect(other.locator("#code")).not_to_be_empty()
    page.get_by_label("De code die het toestel toont").fill(other.locator("#code").inner_text())
    page.keyboard.press("Enter")
    # What is free is proposed; what is not says so.
    expect(page.get_by_role("radio", name="Kolom bij")).to_be_checked()
    expect(page.locator("#replaces")).to_be_empty()
    page.get_by_role("radio", name="Grote zaal").check()
    expect(page.locator("#replaces")).to_contain_text("“Grote zaal, boven het onthaal”")
    page.get_by_label("Waar staat of hangt het?").fill("Grote zaal, nieuw")
    page.get_by_role("button", name="Toelaten").click()
    expect(other).to_have_url(server.base + HALL)
    expect(screen).to_have_url(server.base + "/screen")
    expect(page.get_by_role("listitem")).to_contain_text("Grote zaal, nieuw")
    context.close()
