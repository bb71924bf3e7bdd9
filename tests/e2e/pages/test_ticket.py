"""A citizen's ticket on a phone: what it says, in which language, what it sounds, and how one leaves."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
from e2e.pages.axe import assert_accessible
from e2e.pages.house import House
from e2e.pages.proxy import Proxy
from playwright.sync_api import Browser, BrowserContext, Page, expect

from server.web import pages
from server.words import Words

pytestmark = pytest.mark.browser

Until = Callable[[Page, Callable[[], bool]], None]

UPRIGHT, LYING = {"width": 390, "height": 844}, {"width": 844, "height": 390}
SMALL = {"width": 320, "height": 568}
COUNTING = """
window.shaken = 0;
navigator.vibrate = () => { shaken += 1; return true; };
window.tones = 0;
window.OscillatorNode = class extends OscillatorNode {
  constructor(...given) { super(...given); tones += 1; }
};
"""
TONES = 6
"""Of one chime: two notes with their overtones."""
OUTSIDE = """() => [...document.querySelectorAll("body *")]
    .filter((element) => element.checkVisibility() && !element.matches(".unseen"))
    .filter((element) => {
        const box = element.getBoundingClientRect();
        return box.left < -0.5 || box.right > innerWidth + 0.5;
    })
    .map((element) => element.outerHTML.slice(0, 120))"""

EDGES = """() => {
    const right = (found) => {
        const range = document.createRange();
        range.selectNodeContents(document.querySelector(found));
        return range.getBoundingClientRect().right;
    };
    return {
        number: right(".number"), term: right("dt"), value: right("dd"),
        column: document.querySelector(".number").getBoundingClientRect().right,
    };
}"""


@pytest.fixture(scope="module")
def server(houses: Callable[..., House]) -> Iterator[House]:
    """One house for this module; each test sees to it that its tickets do not wait any longer."""
    with contextlib.closing(houses()) as house:
        house.post("/counters/1/open")
        yield house


@pytest.fixture
def page(context: BrowserContext) -> Page:
    page = context.new_page()
    page.set_viewport_size(UPRIGHT)
    return page


def call(server: House, drawn: dict[str, str]) -> None:
    server.post("/counters/1/call", {"ticket": drawn["ticket"]})


def serve(server: House) -> None:
    server.post("/counters/1/start")
    server.post("/counters/1/finish")


def status(page: Page, drawn: dict[str, str]) -> str:
    link = drawn["link"].replace("/t/", "/api/v1/visits/")
    return str(page.request.get(link).json()["view"]["status"])


# --- without any script -----------------------------------------------------------------------------


def test_a_ticket_tells_what_happens_without_any_script(browser: Browser, server: House) -> None:
    context = browser.new_context(java_script_enabled=False, viewport=UPRIGHT, locale="nl-BE")
    page = context.new_page()
    first = server.walk_in()
    mine = server.walk_in()
    says, refresh = page.locator(".says"), page.locator("meta[http-equiv=refresh]")
    page.goto(mine["link"])
    expect(page.locator(".number")).to_have_text(mine["ticket"])
    expect(says).to_contain_text("Nog even geduld")
    expect(page.locator("dl")).to_contain_text("1 persoon")
    expect(page.locator("dl")).to_contain_text("min")
    expect(refresh).to_have_attribute("content", "10")
    server.post("/counters/1/close")
    page.goto(mine["link"])
    expect(says).to_contain_text("Hiervoor is nu geen loket open")
    expect(page.locator("dl")).to_contain_text("nog niet bekend")
    server.post("/counters/1/open")
    call(server, first)
    page.goto(mine["link"])
    expect(says).to_contain_text("U bent de volgende")
    serve(server)
    call(server, mine)
    page.goto(mine["link"])
    expect(says).to_have_text("Ga nu naar loket 1")
    expect(page).to_have_title(f"{mine['ticket']} – loket 1")
    server.post("/counters/1/start")
    page.goto(mine["link"])
    expect(says).to_have_text("U bent aan de beurt aan loket 1.")
    server.post("/counters/1/finish")
    page.goto(mine["link"])
    expect(says).to_contain_text("afgerond")
    # Whoever says how it was is given time to write.
    expect(refresh).to_have_attribute("content", "300")
    context.close()


@pytest.mark.parametrize("glass", [UPRIGHT, LYING])
def test_one_leaves_without_any_script(browser: Browser, server: House, glass: dict[str, int]) -> None:
    context = browser.new_context(java_script_enabled=False, viewport=glass, locale="fr-BE")  # type: ignore[arg-type]
    page = context.new_page()
    mine = server.walk_in()
    page.goto(mine["link"] + "?lang=nl")
    page.get_by_role("link", name="Ik kan niet langer wachten").click()
    # Nothing takes the question away while somebody thinks about it.
    expect(page.locator("meta[http-equiv=refresh]")).to_have_count(0)
    page.get_by_role("link", name="Nee, ik blijf wachten").click()
    expect(page).to_have_url(mine["link"] + "?lang=nl")
    page.get_by_role("link", name="Ik kan niet langer wachten").click()
    page.get_by_role("button", name="Ja, ik ga weg").click()
    expect(page).to_have_url(mine["link"] + "?lang=nl")
    expect(page.locator(".says")).to_have_text("U wacht niet meer. Komt u toch nog? Meld u bij het onthaal.")
    expect(page.locator("#sure")).to_have_count(0)
    page.get_by_role("link", name="Français").click()
    expect(page.locator(".says")).to_contain_text("Vous n’attendez plus.")
    context.close()


# --- live -------------------------------------------------------------------------------------------


def test_a_ticket_follows_by_itself_and_stays_through_a_restart(
    page: Page, houses: Callable[..., House]
) -> None:
    with contextlib.closing(houses()) as server:
        page.add_init_script(COUNTING)
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
        page.wait_for_function(f"() => shaken === 2 && tones === {2 * TONES}")
        assert left == []
        page.goto(mine["link"] + "?lang=de")  # a reload is no call
        expect(says).to_have_text("Gehen Sie jetzt zu Schalter 1")
        server.post("/counters/1/start")
        expect(says).to_have_text("Sie sind an Schalter 1 an der Reihe.")
        assert page.evaluate("() => [shaken, tones]") == [0, 0]


def test_what_was_called_too_long_ago_is_shown_in_silence(page: Page, houses: Callable[..., House]) -> None:
    server = houses(speed=1)
    proxy = Proxy(server.port)
    with contextlib.closing(server), contextlib.closing(proxy):
        page.add_init_script(COUNTING)
        mine = server.walk_in()
        server.post("/counters/1/open")
        page.goto(proxy.url + "/t/" + mine["link"].rpartition("/")[2])
        expect(page.locator(".says")).to_contain_text("U bent de volgende")
        proxy.cut()
        server.post("/counters/1/next")
        server.stop()
        server.house_time = "2026-11-23T09:20:00+01:00"
        server.start()
        proxy.mend()
        expect(page.locator(".says")).to_have_text("Ga nu naar loket 1")
        assert page.evaluate("() => [shaken, tones]") == [0, 0]
        server.post("/counters/1/recall")
        page.wait_for_function(f"() => shaken === 1 && tones === {TONES}")


def test_a_browser_that_refuses_sound_is_asked_by_a_tap(page: Page, server: House) -> None:
    page.add_init_script(
        COUNTING + "const Real = AudioContext;"
        "AudioContext = class extends Real {"
        "  #mute = true; constructor() { super(); }"
        "  get state() { return this.#mute ? 'suspended' : 'running'; }"
        "  resume() { this.#mute = false; this.onstatechange?.(); return super.resume(); }"
        "}"
    )
    mine = server.walk_in()
    page.goto(mine["link"])
    sound = page.get_by_role("button", name="Tik voor geluid")
    expect(sound).to_be_visible()
    call(server, mine)
    page.wait_for_function("() => shaken === 1")
    assert page.evaluate("() => tones") == 0
    sound.click()
    expect(sound).to_be_hidden()
    expect(page.get_by_role("status")).to_have_text("Het geluid staat aan.")
    server.post("/counters/1/recall")
    page.wait_for_function(f"() => shaken === 2 && tones === {TONES}")
    serve(server)


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
        expect(page.locator("#renews")).to_be_hidden()
        expect(page.locator(".says")).to_contain_text("U bent de volgende")
        proxy.mend()
        page.clock.fast_forward(5_000)
        expect(page.locator(".says")).to_have_text("Ga nu naar loket 1")
        expect(page.locator("#age")).to_be_hidden()
        expect(page.locator("#renews")).to_be_visible()


def test_a_phone_without_a_network_says_so_at_once_and_forgets_what_did_not_get_through(
    page: Page, server: House
) -> None:
    proxy = Proxy(server.port)
    with contextlib.closing(proxy):
        mine = server.walk_in()
        with page.expect_event("websocket") as opened:
            page.goto(proxy.url + "/t/" + mine["link"].rpartition("/")[2])
        opened.value.wait_for_event("framereceived")
        expect(page.locator("#renews")).to_be_visible()
        proxy.stall()  # nobody closes the connection
        page.context.set_offline(True)
        age, told = page.locator("#age"), page.locator("#told")
        expect(age).to_contain_text("Geen verbinding: wat u ziet is", timeout=5_000)
        expect(age).to_contain_text("seconden oud.")
        expect(page.locator("#renews")).to_be_hidden()
        page.get_by_role("link", name="Ik kan niet langer wachten").click()
        page.get_by_role("button", name="Ja, ik ga weg").click()
        expect(told).to_have_text("Dat is niet gelukt. Probeer opnieuw.")
        assert_accessible(page)
        proxy.mend()
        page.context.set_offline(False)
        expect(age).to_be_hidden()
        expect(told).to_be_empty()
        expect(page.locator("#renews")).to_be_visible()
        assert page.request.post(mine["link"] + "/leave").ok
        expect(page.locator(".says")).to_contain_text("U wacht niet meer.")
        expect(page.locator("#renews")).to_be_hidden()
        page.reload()
        expect(page.locator("#renews")).to_be_hidden()


def test_words_of_the_configuration_stay_in_the_house_s_language(page: Page, server: House) -> None:
    mine = server.walk_in()
    page.goto(mine["link"] + "?lang=de")
    for place in (".service", ".house"):
        expect(page.locator(place)).to_have_attribute("lang", "nl")
    expect(page.locator(".service")).to_have_css("hyphens", "auto")
    page.goto(mine["link"] + "?lang=nl")
    assert page.locator(".service").get_attribute("lang") is None
    assert page.request.post(mine["link"] + "/leave").ok


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


# --- leaving ----------------------------------------------------------------------------------------


def test_leaving_takes_two_taps_and_is_done_once(page: Page, server: House, until: Until) -> None:
    mine = server.walk_in()
    posts: list[str] = []
    page.on("request", lambda sent: posts.append(sent.url) if sent.method == "POST" else None)
    page.goto(mine["link"] + "?lang=en")
    leave = page.get_by_role("link", name="I cannot wait any longer")
    sure = page.get_by_role("button", name="Yes, I am leaving")
    leave.click()
    expect(sure).to_be_focused()
    page.get_by_role("link", name="No, I keep waiting").click()
    expect(leave).to_be_focused()
    expect(sure).to_be_hidden()
    assert (posts, status(page, mine)) == ([], "waiting")
    page.keyboard.press("Enter")  # and with the keyboard alone
    expect(sure).to_be_focused()
    sure.dblclick()
    expect(page.locator(".says")).to_have_text(
        "You no longer wait. Are you coming after all? Go to reception."
    )
    assert status(page, mine) == "left"
    assert len(posts) == 1
    assert page.url == mine["link"] + "?lang=en"


def test_leaving_that_does_not_get_through_or_comes_too_late_is_told(
    page: Page, server: House, until: Until
) -> None:
    mine = server.walk_in()
    page.goto(mine["link"])
    told = page.locator("#told")
    page.get_by_role("link", name="Ik kan niet langer wachten").click()
    page.route("**/leave", lambda route: route.abort())
    sure = page.get_by_role("button", name="Ja, ik ga weg")
    sure.click()
    expect(told).to_have_text("Dat is niet gelukt. Probeer opnieuw.")
    page.unroute("**/leave")
    # Called between the two taps, and before this phone has heard of it.
    page.route("**/leave", lambda route: (call(server, mine), route.continue_()))
    sure.click()
    expect(page.locator(".says")).to_have_text("Ga nu naar loket 1")
    expect(told).to_contain_text("U bent al opgeroepen. Ga naar het loket")
    expect(page.locator("#leaving")).to_be_empty()
    assert status(page, mine) == "called"
    serve(server)


# --- the look ---------------------------------------------------------------------------------------


def test_every_status_is_accessible_and_fits_in_every_language(page: Page, server: House) -> None:
    waiting, mine = server.walk_in(), server.walk_in()
    link = mine["link"]
    shown = [("", UPRIGHT, "light"), ("/leave", LYING, "dark")]

    def look(*moments: tuple[str, dict[str, int], str], languages: str = "nl fr en de") -> None:
        for path, glass, scheme in moments:
            page.set_viewport_size(glass)  # type: ignore[arg-type]
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            for language in languages.split():
                page.goto(f"{link}{path}?lang={language}")
                assert_accessible(page)
                page.set_viewport_size(SMALL)  # type: ignore[arg-type]
                assert page.evaluate(OUTSIDE) == [], (path, language)
                page.set_viewport_size(glass)  # type: ignore[arg-type]
                assert page.evaluate(OUTSIDE) == [], (path, language)

    look(*shown)
    call(server, mine)
    look(("", UPRIGHT, "dark"), ("/leave", LYING, "light"))
    server.post("/counters/1/park")
    look(("", UPRIGHT, "dark"), languages="fr de")
    page.request.post(link + "/leave")
    look(("", LYING, "light"), languages="en nl")
    page.request.post(waiting["link"] + "/leave")
    link = server.base + "/t/nobody"
    look(("", UPRIGHT, "light"), languages="fr de")


@pytest.mark.parametrize("glass", [UPRIGHT, LYING])
def test_a_language_that_is_written_from_the_right_is_mirrored(
    browser: Browser, server: House, glass: dict[str, int]
) -> None:
    context = browser.new_context(java_script_enabled=False, viewport=glass)  # type: ignore[arg-type]
    page = context.new_page()
    mine = server.walk_in()
    values = {"ticket": mine["ticket"], "status": "waiting", "service": "Onthaal", "ahead": 3, "call": None}
    html = pages._templates.get_template("ticket.html").render(
        Words("ar", None).context(),
        view={**values, "low_s": 60, "high_s": 600, "counter": None, "house": {"state": "open"}},
        outlook="waiting",
        minutes=(1, 10),
        opens=None,
        house_name="Huis van de Mechelaar",
        house_language="nl",
        notice="",
        languages={"nl": "Nederlands", "ar": "العربية"},
        here="/t/x",
        query="",
        leaving=True,
        may_leave=True,
        may_rate=False,
        score=None,
        push=None,
    )
    page.route("**/t/rtl", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(server.base + "/t/rtl")
    assert page.evaluate("() => document.documentElement.dir") == "rtl"
    assert page.evaluate(OUTSIDE) == []
    # What begins a line is on the right, what ends it on the left; the number keeps its own order.
    ends = page.evaluate(EDGES)
    assert ends["number"] == pytest.approx(ends["column"], abs=12)
    assert ends["term"] > ends["value"]
    context.close()
    assert server.asked("reception").post(mine["link"] + "/leave").status_code == 303


def test_a_ticket_weighs_less_than_60_kilobytes(page: Page, server: House, until: Until) -> None:
    proxy = Proxy(server.port)
    with contextlib.closing(proxy):
        mine = server.walk_in()
        loaded: list[str] = []
        page.on("response", lambda response: loaded.append(response.url))
        page.goto(proxy.url + "/t/" + mine["link"].rpartition("/")[2])
        expect(page.locator("dl")).to_be_visible()
        until(page, lambda: page.evaluate("() => caches.has('onthaal-1')"))
        until(page, lambda: page.evaluate("() => caches.match(location.href).then(Boolean)"))
        # All that came over the line, with headers and frames, and what the worker fetched to keep.
        assert proxy.carried < 60_000
        assert not [url for url in loaded if "/fonts/" in url]
        assert page.request.post(mine["link"] + "/leave").ok
