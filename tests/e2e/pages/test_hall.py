"""The hall screen: what it shows, what it sounds, and what it says when it cannot know."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable

import pytest
from e2e.pages.conftest import Receipts
from e2e.pages.house import EVENING, House
from e2e.pages.proxy import Proxy
from playwright.sync_api import BrowserContext, Page, expect

pytestmark = pytest.mark.browser

Until = Callable[[Page, Callable[[], bool]], None]

HALL = "/mechelen/hall"
LATER = "2026-11-23T09:20:00+01:00"


def open_hall(context: BrowserContext, server: House, base: str | None = None) -> tuple[Page, Receipts]:
    """A signed-in hall screen that shows its first frame, and what it tells the server."""
    page = context.new_page()
    page.clock.install()
    receipts = Receipts(page)
    page.goto(server.sign_in("screen", HALL, base))
    expect(page).to_have_url((base or server.base) + HALL)
    expect(page.locator("body")).to_have_attribute("data-link", "live")
    return page, receipts


def call(server: House, counter: str = "1", service: str = "onthaal") -> dict[str, str]:
    """Somebody walks in and is called to a counter that was not open yet."""
    server.walk_in(service)
    server.post(f"/counters/{counter}/open")
    return server.post(f"/counters/{counter}/next")


def shows(page: Page, ticket: str, counter: str) -> None:
    expect(page.locator("#newest .ticket")).to_have_text(ticket)
    expect(page.locator("#newest .counter")).to_have_text(counter)


def test_a_call_appears_sounds_and_is_held(context: BrowserContext, server: House, until: Until) -> None:
    page, receipts = open_hall(context, server)
    expect(page.locator("body")).to_have_attribute("data-screen", "empty")
    called = call(server)
    shows(page, "A001", "1")
    expect(page.locator("#newest .call")).to_have_attribute("data-held", "")
    until(page, lambda: receipts.sounded == [called["call"]])
    until(page, lambda: int(called["seq"]) in receipts.painted)
    page.clock.fast_forward(16_000)
    expect(page.locator("[data-held]")).to_have_count(0)
    shows(page, "A001", "1")


def test_older_calls_stay_below_and_ranges_are_told(context: BrowserContext, server: House) -> None:
    page, _ = open_hall(context, server)
    call(server, "1")
    call(server, "2")
    server.walk_in("attesten")
    shows(page, "A002", "2")
    expect(page.locator("#calls .ticket")).to_have_text(["A001"])
    expect(page.locator("#waiting b")).to_have_text(["A", "B", "C", "D", "E"])
    expect(page.locator("#waiting .people").nth(1)).to_have_text("1 wacht")
    expect(page.locator("#time")).to_have_text("09:15")
    expect(page.locator("#date")).to_have_text("maandag 23 november")


def test_a_reload_shows_the_same_and_sounds_nothing(
    context: BrowserContext, server: House, until: Until
) -> None:
    page, receipts = open_hall(context, server)
    called = call(server)
    until(page, lambda: receipts.sounded == [called["call"]])
    page.reload()
    shows(page, "A001", "1")
    expect(page.locator("[data-held]")).to_have_count(0)
    again = call(server, "2")
    until(page, lambda: receipts.sounded == [called["call"], again["call"]])


def test_a_recall_sounds_again(context: BrowserContext, server: House, until: Until) -> None:
    page, receipts = open_hall(context, server)
    called = call(server)
    recalled = server.post("/counters/1/recall")
    assert recalled["call"] != called["call"]
    page.clock.fast_forward(4_000)
    until(page, lambda: called["call"] in receipts.sounded)
    page.clock.fast_forward(4_000)
    until(page, lambda: receipts.sounded[-1] == recalled["call"])
    expect(page.locator(".call")).to_have_count(1)


WATCH_ANNOUNCED = """() => {
    window.announced = [];
    new MutationObserver(() => {
        const ticket = document.querySelector("[data-announced] .ticket")?.textContent;
        if (ticket && announced.at(-1)?.[0] !== ticket) announced.push([ticket, performance.now()]);
    }).observe(document.body, { subtree: true, attributes: true, childList: true });
}"""


def test_calls_that_come_together_are_announced_one_after_the_other(
    context: BrowserContext, server: House, until: Until
) -> None:
    page, receipts = open_hall(context, server)
    page.evaluate(WATCH_ANNOUNCED)
    calls = [call(server, counter) for counter in ("1", "2")]
    until(page, lambda: len(receipts.sounded) == 2)
    assert receipts.sounded == [made["call"] for made in calls]
    (first, began), (second, went_on) = page.evaluate("() => announced")
    assert [first, second] == ["A001", "A002"]
    assert went_on - began > 2_000


def test_an_undone_call_goes_without_a_sound(context: BrowserContext, server: House, until: Until) -> None:
    page, receipts = open_hall(context, server)
    called = call(server)
    until(page, lambda: receipts.sounded == [called["call"]])
    page.clock.fast_forward(4_000)
    recalled = server.post("/counters/1/recall")
    until(page, lambda: receipts.sounded[1:] == [recalled["call"]])
    page.clock.fast_forward(4_000)
    undone = server.post("/counters/1/undo")
    until(page, lambda: int(undone["seq"]) in receipts.painted)
    shows(page, "A001", "1")
    server.post("/counters/1/start")
    server.post("/counters/1/finish")
    server.walk_in()
    withdrawn = server.post("/counters/1/next")
    shows(page, "A002", "1")
    until(page, lambda: receipts.sounded[2:] == [withdrawn["call"]])
    page.clock.fast_forward(4_000)
    server.post("/counters/1/undo")
    shows(page, "A001", "1")
    again = server.post("/counters/1/next")
    until(page, lambda: receipts.sounded[3:] == [again["call"]])


@pytest.mark.parametrize("fault", ["cut", "stall"])
def test_a_lost_line_is_told_and_mended(
    context: BrowserContext, server: House, proxy: Proxy, until: Until, fault: str
) -> None:
    page, receipts = open_hall(context, server, proxy.url)
    first = call(server)
    until(page, lambda: receipts.sounded == [first["call"]])
    getattr(proxy, fault)()
    missed = call(server, "2")
    page.clock.fast_forward(16_000)
    expect(page.locator("#age")).to_contain_text("seconden oud")
    shows(page, "A001", "1")
    page.clock.fast_forward(50_000)
    expect(page.locator("body")).to_have_attribute("data-screen", "lost")
    expect(page.locator("#message-title")).to_have_text("Luister naar het personeel")
    expect(page.locator(".call")).to_have_count(0)
    proxy.mend()
    shows(page, "A002", "2")
    expect(page.locator("#age")).to_be_hidden()
    until(page, lambda: len(receipts.sounded) == 2)
    last = call(server, "3", "attesten")
    until(page, lambda: len(receipts.sounded) == 3)
    assert receipts.sounded == [first["call"], missed["call"], last["call"]]


def test_what_was_called_too_long_ago_is_shown_but_not_sounded(
    context: BrowserContext, houses: Callable[..., House], until: Until
) -> None:
    server = houses(speed=1)
    proxy = Proxy(server.port)
    with contextlib.closing(server), contextlib.closing(proxy):
        page, receipts = open_hall(context, server, proxy.url)
        proxy.cut()
        call(server)
        server.stop()
        server.house_time = LATER
        server.start()
        proxy.mend()
        shows(page, "A001", "1")
        after = call(server, "2")
        until(page, lambda: receipts.sounded != [])
        assert receipts.sounded == [after["call"]]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_of_the_server_repeats_nothing(
    context: BrowserContext, server: House, until: Until, how: signal.Signals
) -> None:
    page, receipts = open_hall(context, server)
    first = call(server)
    until(page, lambda: receipts.sounded == [first["call"]])
    server.stop(how)
    expect(page.locator("body")).to_have_attribute("data-link", "cut")
    shows(page, "A001", "1")
    server.start()
    expect(page.locator("body")).to_have_attribute("data-link", "live")
    second = call(server, "2")
    shows(page, "A002", "2")
    until(page, lambda: receipts.sounded == [first["call"], second["call"]])


def test_a_database_brought_back_from_a_copy_is_shown(
    context: BrowserContext, server: House, until: Until
) -> None:
    page, receipts = open_hall(context, server)
    call(server)
    shows(page, "A001", "1")
    server.stop()
    server.keep()
    server.start()
    lost = call(server, "2")
    shows(page, "A002", "2")
    until(page, lambda: lost["call"] in receipts.sounded)
    server.stop()
    server.bring_back()
    begun: list[Page] = []
    page.on("load", lambda loaded: begun.append(loaded))
    server.start()

    def begun_anew() -> bool:
        if not begun:
            page.clock.fast_forward(2_000)
        return begun != []

    until(page, begun_anew)  # the page cannot tell old from new any more, so it asks for all
    shows(page, "A001", "1")


def test_a_closed_house_says_when_it_opens(context: BrowserContext, houses: Callable[..., House]) -> None:
    with contextlib.closing(houses(house_time=EVENING)) as server:
        page, _ = open_hall(context, server)
        expect(page.locator("#message-text")).to_have_text("Wij openen morgen om 8.00 uur.")


COVERED = """() => {
    const sound = document.getElementById("sound").getBoundingClientRect();
    return [...document.querySelectorAll(".heads span, .call, #notice, #waiting li, #time, #date, #message")]
        .filter((element) => element.checkVisibility())
        .filter((element) => {
            const box = element.getBoundingClientRect();
            return box.right > sound.left && box.left < sound.right
                && box.bottom > sound.top && box.top < sound.bottom;
        })
        .map((element) => element.textContent);
}"""


def test_a_screen_that_may_not_sound_says_so(context: BrowserContext, server: House, until: Until) -> None:
    page = context.new_page()
    page.add_init_script(
        "const Real = AudioContext;"
        "AudioContext = class extends Real {"
        "  #mute = true; constructor() { super(); }"
        "  get state() { return this.#mute ? 'suspended' : super.state; }"
        "  resume() { this.#mute = false; this.onstatechange?.(); return super.resume(); }"
        "}"
    )
    receipts = Receipts(page)
    page.goto(server.sign_in("screen", HALL))
    sound = page.get_by_role("button", name="geluid")
    expect(sound).to_be_visible()
    silent = call(server)
    shows(page, "A001", "1")
    until(page, lambda: int(silent["seq"]) in receipts.painted)
    assert receipts.sounded == []
    for width, height in ((1920, 1080), (1080, 1920), (1280, 720)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate(COVERED) == []
    sound.click()
    expect(sound).to_be_hidden()
    heard = call(server, "2")
    until(page, lambda: receipts.sounded == [heard["call"]])


def test_whose_session_ended_signs_in_again(context: BrowserContext, server: House) -> None:
    page, _ = open_hall(context, server)
    context.clear_cookies()
    server.stop()
    server.start()
    expect(page).to_have_url(server.base + "/sign-in?next=%2Fmechelen%2Fhall")


def test_everything_fits_the_glass(context: BrowserContext, server: House) -> None:
    page, _ = open_hall(context, server)
    for counter in range(1, 9):
        server.walk_in("onthaal")
        server.walk_in("attesten")
        server.post(f"/counters/{counter}/open")
    for counter in range(1, 9):
        server.post(f"/counters/{counter}/next")
    expect(page.locator("#calls .call").nth(3)).to_be_visible()
    for width, height in ((1920, 1080), (1080, 1920), (1280, 720), (3840, 2160)):
        page.set_viewport_size({"width": width, "height": height})
        expect(page.locator("#calls .call")).to_have_count(5 if width > height else 7)
        outside = page.evaluate(
            """() => [...document.querySelectorAll(".ticket, .counter, #waiting span, #time, #date")]
                .map((e) => [e, e.getBoundingClientRect(), e.parentElement.getBoundingClientRect()])
                .filter(([, box, row]) =>
                    box.right > innerWidth || box.bottom > innerHeight || box.top < row.top - 1)
                .map(([e]) => e.textContent)"""
        )
        assert outside == []
