"""The supervisor's overview in Chromium; the house's clock runs, because screens are heard in real time."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from e2e.pages.axe import assert_accessible
from e2e.pages.house import House
from e2e.pages.proxy import Proxy
from playwright.sync_api import BrowserContext, Locator, Page, expect
from running import MECHELEN
from watching import watching
from websockets.exceptions import ConnectionClosed

pytestmark = pytest.mark.browser

OVERVIEW = "/mechelen/management"


class Screen:
    """A screen or panel that lives: it says what it painted every half second, until it is closed."""

    def __init__(self, server: House, topic: str, role: str = "screen", **first: Any) -> None:
        self._open = ExitStack()
        self.watcher = self._open.enter_context(watching(server, topic, role))
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self.tell(**first)
        self._thread.start()

    def tell(self, **receipt: Any) -> None:
        self.watcher.connection.send(json.dumps(receipt))

    def _live(self) -> None:
        while not self._closed.wait(0.5):
            views = self.watcher.views
            try:
                self.tell(painted=views[-1]["seq"] if views else None)
            except ConnectionClosed:
                return

    def close(self) -> None:
        self._closed.set()
        self._thread.join()
        self._open.close()


def houses_of_all_languages(folder: Path) -> Path:
    """The Mechelen house, and beside it the same in each other language; the French one closed on Mondays."""
    dutch = MECHELEN.read_text()
    several, monday = 'languages = ["nl", "fr", "en", "de"]', 'mon = ["08:00-13:00"]\n'
    assert several in dutch
    assert monday in dutch
    texts = [
        dutch.replace("sites.mechelen", f"sites.{tag}").replace(several, f'languages = ["{tag}"]')
        for tag in ("fr", "en", "de")
    ]
    path = folder / "houses.toml"
    path.write_text("\n".join([dutch, texts[0].replace(monday, ""), *texts[1:]]))
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One house for this module, on a Monday morning."""
    house = House(tmp_path_factory.mktemp("overview"), speed=1)
    house.config = houses_of_all_languages(house.folder)
    try:
        yield house.start()
    finally:
        house.close()


@pytest.fixture(scope="module")
def hall(server: House) -> Iterator[Screen]:
    """The screen that sounds; both of the house's live."""
    screen = Screen(server, "mechelen/hall?screen=hall", sound="on")
    quiet = Screen(server, "mechelen/hall?screen=counters", sound="off")
    yield screen
    screen.close()
    quiet.close()


def open_overview(
    context: BrowserContext, server: House, base: str | None = None, *, clock: bool = False
) -> Page:
    page = context.new_page()
    if clock:
        page.clock.install()
    page.goto(server.sign_in("supervisor", OVERVIEW, base))
    expect(page.locator("body")).to_have_attribute("data-link", "live")
    return page


def row(page: Page, table: str, first: str) -> Locator:
    return (
        page.get_by_role("table", name=table)
        .get_by_role("row")
        .filter(has=page.get_by_role("rowheader", name=first, exact=True))
    )


def test_an_empty_morning_a_busy_one_and_what_goes_wrong(
    context: BrowserContext, server: House, hall: Screen
) -> None:
    page = open_overview(context, server)
    wrong = page.locator("#wrong")
    expect(wrong).to_have_attribute("data-state", "fine")
    expect(wrong.get_by_role("heading")).to_have_text("Er loopt niets mis.")
    expect(wrong).to_contain_text("Vandaag heeft zich nog niemand aangemeld.")
    expect(page.locator("#mode")).to_have_text("Open tot 13:00")
    expect(page.locator("#level-more")).to_have_text("Er is nog niemand opgeroepen.")
    expect(page.locator("#late-rest")).to_have_text("Niemand is te laat.")
    expect(page).to_have_title("Overzicht – Huis van de Mechelaar")
    assert_accessible(page)

    # People come, and nobody is there for them: in words, with what to do next.
    panel = Screen(server, "mechelen/counters/1", "counter")
    booked = {"service": "burgerzaken", "at": "2026-11-23T08:40:00+01:00"}
    assert server.asked("integrator").put("/sites/mechelen/appointments/late-1", json=booked).is_success
    for _ in range(3):
        server.walk_in("onthaal")
    alert = page.locator("#alerts li")
    expect(alert).to_have_count(1)
    expect(alert).to_contain_text(
        "Er wachten mensen voor Onthaal en inlichtingen en er is geen loket voor open."
    )
    expect(alert).to_contain_text("Open een loket dat dit doet: loket 1 of loket 2.")
    expect(alert).to_contain_text("3 mensen wachten")
    advice = page.get_by_role("region", name="Wat nu zou helpen")
    expect(advice.get_by_role("listitem")).to_contain_text(
        "omdat er 3 personen wachten voor Onthaal en inlichtingen"
    )
    expect(page.get_by_role("status")).to_contain_text("Er wachten mensen voor Onthaal")
    expect(page).to_have_title("(1) Overzicht – Huis van de Mechelaar")
    expect(page.locator("#waiting")).to_have_text("3")
    expect(page.locator("#late")).to_have_text("1")
    expect(row(page, "Nu te laat: verwacht en nog niet hier", "08:40")).to_contain_text("Burgerzaken")

    # Somebody does something about it.
    server.post("/counters/1/open")
    expect(wrong).to_have_attribute("data-state", "fine")
    expect(advice).to_be_hidden()
    expect(page.get_by_role("status")).to_have_text("Er loopt niets meer mis.")
    call = server.post("/counters/1/next")
    hall.tell(sounded=[call["call"]])
    expect(row(page, "Loketten", "1")).to_contain_text("heeft opgeroepen")
    expect(row(page, "Loketten", "1")).to_contain_text("A001")
    server.post("/counters/1/start")
    server.post("/counters/1/finish")
    expect(row(page, "Loketten", "1")).to_contain_text("is vrij")
    expect(page.locator("#served")).to_have_text("1")
    expect(page.locator("#level")).to_have_text("100\N{NO-BREAK SPACE}%")
    expect(page.locator("#level-more")).to_contain_text(
        "1 van de 1 opgeroepen persoon wachtte hoogstens 10 min."
    )
    expect(row(page, "Diensten", "Onthaal en inlichtingen")).to_contain_text("1 van 1")

    # Screens and panels: what they tell of themselves.
    screens = "Schermen en loketpanelen"
    mine = row(page, screens, "Grote zaal, boven het onthaal")
    expect(mine).to_contain_text("antwoordt")
    expect(mine).to_contain_text("A001 om 09:1")
    expect(mine.get_by_role("cell").nth(5)).to_have_text(re.compile(r"^\d+ ms$"))
    expect(row(page, screens, "Paneel van loket 1")).to_contain_text("antwoordt")
    hall.tell(sound="refused")
    expect(alert).to_contain_text("Het scherm ‘Grote zaal, boven het onthaal’ mag geen geluid maken.")
    expect(mine).to_contain_text("geweigerd")

    # One that is switched off is missed, the graver thing first; and no more once it is back.
    panel.close()
    for width, height in ((1280, 800), (1080, 1920)):
        page.set_viewport_size({"width": width, "height": height})
        assert_accessible(page)
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(alert).to_have_count(2, timeout=25_000)
    expect(alert.first).to_contain_text("Het paneel van loket 1 laat niets meer van zich horen.")
    expect(alert.first).to_contain_text("Vraag het aan het loket")
    expect(row(page, screens, "Paneel van loket 1")).to_contain_text("stil")
    panel = Screen(server, "mechelen/counters/1", "counter")
    hall.tell(sound="on")
    expect(wrong).to_have_attribute("data-state", "fine")
    panel.close()
    for ticket in ("A002", "A003"):
        server.post(f"/visits/{ticket}/leave", role="reception")
    server.post("/counters/1/close")


def test_what_would_help_is_said_though_nothing_is_wrong(
    context: BrowserContext, houses: Callable[..., House]
) -> None:
    with ExitStack() as opened:
        server = opened.enter_context(closing(houses()))
        for name, sound in (("hall", "on"), ("counters", "off")):
            opened.enter_context(closing(Screen(server, f"mechelen/hall?screen={name}", sound=sound)))
        server.post("/counters/1/open")
        for _ in range(12):
            server.walk_in()
        page = open_overview(context, server)
        expect(page.locator("#wrong")).to_have_attribute("data-state", "busy")
        expect(page.locator("#wrong-title")).to_have_text(
            "Er loopt niets mis, maar nog een loket zou helpen."
        )
        expect(page.locator("#advices li")).to_have_count(1)
        expect(page.locator("#advices")).to_contain_text("Open loket 2")
        assert_accessible(page)
        page.get_by_role("button", name="Afmelden").click()
        expect(page).to_have_url(re.compile("/sign-in"))


def test_by_keyboard_and_at_double_size(context: BrowserContext, server: House, hall: Screen) -> None:
    page = open_overview(context, server)
    page.set_viewport_size({"width": 640, "height": 400})  # 1280x800 at 200 %
    expect(page.locator("#counters tr")).to_have_count(14)
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), "only tables scroll sideways"
    assert_accessible(page)
    visited = []
    for _ in range(12):
        page.keyboard.press("Tab")
        visited.append(page.evaluate("document.activeElement.getAttribute('aria-labelledby')"))
    links = [None] * 7  # the house, those beside its name, signing out
    tables = ["services-title", "late-title", "counters-title", "screens-title", "calibration-title"]
    assert visited == [*links, *tables]
    page.emulate_media(media="print", reduced_motion="reduce")
    assert page.evaluate("document.getAnimations().length") == 0


@pytest.mark.parametrize(
    ("tag", "title", "said"),
    [("fr", "Vue d’ensemble", "La maison est fermée."), ("en", "Overview", None), ("de", "Übersicht", None)],
)
def test_other_languages_and_a_closed_house(
    context: BrowserContext, server: House, tag: str, title: str, said: str | None
) -> None:
    page = context.new_page()
    page.goto(f"{server.base}/sign-in?next=/{tag}/management#{server.token('supervisor', site=tag)}")
    expect(page.locator("body")).to_have_attribute("data-link", "live")
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.locator("#screens tr")).to_have_count(2)
    assert page.locator("html").get_attribute("lang") == tag
    if said:
        expect(page.locator("#wrong-title")).to_have_text(said)
        expect(page.locator("#mode")).to_have_text("Fermé")
        expect(page.locator("#wrong-text")).to_have_text("Ouverture : mardi 08:00.")
    assert_accessible(page)


def test_it_says_how_old_it_is_and_then_that_nobody_knows(
    context: BrowserContext, server: House, hall: Screen
) -> None:
    proxy = Proxy(server.port)
    try:
        page = open_overview(context, server, proxy.url, clock=True)
        wrong, cut = page.locator("#wrong"), page.locator("#cut")
        expect(wrong).to_have_attribute("data-state", "fine")
        expect(cut).to_be_hidden()
        proxy.cut()
        expect(cut).to_contain_text("De verbinding is verbroken.")
        page.clock.run_for(16_000)
        expect(page.locator("body")).to_have_attribute("data-age", "stale")
        expect(cut).to_contain_text(re.compile(r"Deze cijfers zijn \d+ seconden oud"))
        expect(wrong).to_have_attribute("data-state", "unknown")
        assert_accessible(page)
        page.clock.run_for(60_000)
        expect(cut.get_by_role("alert")).to_have_text("Geen verbinding met de server.")
        expect(cut).to_contain_text("Ga kijken in de zaal; vertrouw niet op deze pagina.")
        assert_accessible(page)
        proxy.mend()
        page.clock.run_for(3_000)
        expect(cut).to_be_hidden()
        expect(wrong).to_have_attribute("data-state", "fine")

        # The session ends meanwhile: no more figures, and one way on.
        left = page.evaluate("fetch('/session', { method: 'DELETE' }).then((answer) => answer.status)")
        assert left == 204
        proxy.cut()
        proxy.mend()
        page.clock.run_for(3_000)
        expect(cut).to_contain_text("Uw sessie is afgelopen.")
        expect(wrong).to_have_attribute("data-state", "unknown")
        assert_accessible(page)
        page.get_by_role("link", name="Meld u opnieuw aan").click()
        expect(page).to_have_url(f"{proxy.url}/sign-in?next=/mechelen/management")
    finally:
        proxy.close()


def test_it_is_for_supervisors(context: BrowserContext, server: House) -> None:
    page = context.new_page()
    page.goto(server.base + OVERVIEW)
    expect(page).to_have_url(f"{server.base}/sign-in?next={OVERVIEW}")
    page = context.new_page()
    page.goto(server.sign_in("counter", OVERVIEW))
    expect(page.get_by_text("403 not-allowed")).to_be_visible()
