"""The hall screen: what it shows, what it sounds, and what it says when it cannot know."""

from __future__ import annotations

import base64
import contextlib
import itertools
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from e2e.pages.axe import assert_accessible
from e2e.pages.conftest import Receipts
from e2e.pages.house import EVENING, House
from e2e.pages.proxy import Proxy
from playwright.sync_api import BrowserContext, Page, expect
from running import MECHELEN

pytestmark = pytest.mark.browser

Until = Callable[[Page, Callable[[], bool]], None]

HALL = "/mechelen/hall"
SOON_OPEN = "2026-11-24T07:31:00+01:00"
BEFORE = "2026-11-23T07:52:00+01:00"
LAST_QUARTER = "2026-11-23T12:50:00+01:00"
AFTER = "2026-11-23T13:05:00+01:00"
LATER = "2026-11-23T09:20:00+01:00"


WIDE, UPRIGHT = {"width": 1920, "height": 1080}, {"width": 1080, "height": 1920}


def open_hall(
    context: BrowserContext,
    server: House,
    base: str | None = None,
    to: str = HALL,
    *,
    signed_in: bool = False,
) -> tuple[Page, Receipts]:
    """A signed-in hall screen that shows its first frame, and what it tells the server.

    ``signed_in``: the browser is already, in another tab.
    """
    page = context.new_page()
    page.clock.install()
    receipts = Receipts(page)
    here = (base or server.base) + to
    page.goto(here if signed_in else server.sign_in("screen", to, base))
    expect(page).to_have_url(here)
    expect(page.locator("body")).to_have_attribute("data-link", "live")
    return page, receipts


def call(server: House, counter: str = "1", service: str = "onthaal") -> dict[str, str]:
    """Somebody walks in and is called to a counter that was not open yet."""
    server.walk_in(service)
    server.post(f"/counters/{counter}/open")
    return server.post(f"/counters/{counter}/next")


def accessible_both_ways(page: Page) -> None:
    for size in (UPRIGHT, WIDE):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        assert_accessible(page)


def shows(page: Page, ticket: str, counter: str) -> None:
    expect(page.locator("#newest .ticket")).to_have_text(ticket)
    expect(page.locator("#newest .counter")).to_have_text(counter)


def test_a_call_appears_sounds_and_is_held(context: BrowserContext, server: House, until: Until) -> None:
    page, receipts = open_hall(context, server)
    expect(page.locator("body")).to_have_attribute("data-screen", "empty")
    accessible_both_ways(page)
    called = call(server)
    shows(page, "A001", "1")
    expect(page.locator("#newest .call")).to_have_attribute("data-held", "")
    until(page, lambda: receipts.sounded == [called["call"]])
    until(page, lambda: int(called["seq"]) in receipts.painted)
    page.clock.fast_forward(16_000)
    expect(page.locator("[data-held]")).to_have_count(0)
    shows(page, "A001", "1")
    accessible_both_ways(page)


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
    if fault == "cut":
        accessible_both_ways(page)
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
        page, receipts = open_hall(context, server)
        expect(page.locator("#message-text")).to_have_text("Wij openen morgen om 8.00 uur.")
        expect(page.locator("body")).to_have_attribute("data-dark", "")
        accessible_both_ways(page)
        # Half an hour before the doors open it is bright again, by the house's clock.
        server.stop()
        server.house_time = SOON_OPEN
        server.start()
        expect(page.locator("#message-text")).to_have_text("Wij openen vandaag om 8.00 uur.")
        expect(page.locator("body")).not_to_have_attribute("data-dark", "")
        accessible_both_ways(page)
        assert receipts.sounded == []


def test_before_opening_between_the_last_ticket_and_closing_and_after(
    context: BrowserContext, houses: Callable[..., House]
) -> None:
    with contextlib.closing(houses(house_time=BEFORE)) as server:
        page, _ = open_hall(context, server)
        page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        notice, waiting = page.locator("#notice"), page.locator("#waiting li")
        call(server)
        shows(page, "A001", "1")
        expect(notice).to_have_text("Wij openen vandaag om 8.00 uur.")
        server.stop()
        server.house_time = LAST_QUARTER
        server.start()
        over = "Er worden vandaag geen tickets meer gegeven. Wie er een heeft, wordt geholpen."
        expect(notice).to_have_text(over)
        expect(page.locator("body")).to_have_attribute("data-screen", "empty")
        server.post("/counters/1/recall")
        shows(page, "A001", "1")
        expect(notice).to_have_text(over)
        expect(waiting).to_have_count(5)
        accessible_both_ways(page)
        server.stop()
        server.house_time = AFTER
        server.start()
        server.post("/counters/1/recall")
        expect(notice).to_have_text("De deuren zijn dicht. Wie nog wacht, wordt geholpen.")
        expect(waiting).to_have_count(0)
        expect(page.locator("#ranges")).to_be_hidden()
        accessible_both_ways(page)


def test_a_counter_s_older_call_is_quieter_than_the_one_that_came_since(
    context: BrowserContext, server: House, until: Until
) -> None:
    page, receipts = open_hall(context, server)
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    call(server, "1")
    server.post("/counters/1/start")
    server.post("/counters/1/finish")
    call(server, "2", "attesten")
    server.walk_in()
    last = server.post("/counters/1/next")
    shows(page, "A002", "1")
    until(page, lambda: last["call"] in receipts.sounded)
    expect(page.locator("#calls .ticket")).to_have_text(["B001", "A001"])
    expect(page.locator("#newest [data-past]")).to_have_count(0)
    past = page.locator("#calls [data-past]")
    expect(past.locator(".ticket")).to_have_text(["A001"])
    expect(past).to_have_css("color", "rgb(188, 203, 217)")
    accessible_both_ways(page)


CLIPPED = """() => {
    const box = document.getElementById("message");
    return box.scrollHeight > box.clientHeight + 1 || box.scrollWidth > box.clientWidth + 1;
}"""


@pytest.mark.parametrize(("screen", "size"), [("hall", WIDE), ("counters", UPRIGHT)])
def test_a_closed_house_can_be_read_from_where_people_stand(
    context: BrowserContext, houses: Callable[..., House], screen: str, size: dict[str, int]
) -> None:
    with contextlib.closing(houses(house_time=EVENING)) as server:
        page, _ = open_hall(context, server, to=f"{HALL}?screen={screen}")
        page.set_viewport_size(size)  # type: ignore[arg-type]
        for moment in (EVENING, SOON_OPEN):
            if moment == SOON_OPEN:
                server.stop()
                server.house_time = SOON_OPEN
                server.start()
                expect(page.locator("body")).to_have_attribute("data-screen", "closed")
            assert not page.evaluate(CLIPPED)
            row = page.evaluate(
                "() => parseFloat(getComputedStyle(document.documentElement).getPropertyValue('--older'))"
            )
            for part in ("#message-title", "#message-text"):
                type_px = page.locator(part).evaluate("(e) => parseFloat(getComputedStyle(e).fontSize)")
                assert type_px >= row * 8 - 0.1


AT_THE_EDGE = """async (png) => {
    const image = await createImageBitmap(await (await fetch("data:image/png;base64," + png)).blob());
    const pen = new OffscreenCanvas(image.width, image.height).getContext("2d");
    pen.drawImage(image, 0, 0);
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
}"""


def test_the_field_of_the_newest_call_reaches_over_the_edge_wherever_the_picture_stands(
    context: BrowserContext, server: House
) -> None:
    page, _ = open_hall(context, server)
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    call(server)
    shows(page, "A001", "1")
    page.clock.fast_forward(15 * 60_000)
    expect(page.locator("body")).to_have_css("translate", "4px 3px")
    expect(page.locator("body")).to_have_attribute("data-screen", "calls")
    judge = context.new_page()
    edge = judge.evaluate(AT_THE_EDGE, base64.b64encode(page.screenshot()).decode())
    assert edge == [20, 58, 92]  # dusk


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
    until(page, lambda: receipts.sounds == ["refused"])
    for width, height in ((1920, 1080), (1080, 1920), (1280, 720)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate(COVERED) == []
    sound.click()
    expect(sound).to_be_hidden()
    heard = call(server, "2")
    until(page, lambda: receipts.sounded == [heard["call"]])
    assert receipts.sounds == ["refused", "on"]


def test_the_glass_says_for_ten_minutes_only_that_it_may_not_sound(
    context: BrowserContext, server: House
) -> None:
    page = context.new_page()
    page.clock.install()
    page.add_init_script(
        "AudioContext = class extends AudioContext { get state() { return 'suspended'; } resume() {"
        " return Promise.resolve(); } }"
    )
    page.goto(server.sign_in("screen", HALL))
    sound = page.get_by_role("button", name="geluid")
    page.clock.fast_forward(2_000)
    expect(sound).to_be_visible()
    expect(sound).to_have_css("color", "rgb(188, 203, 217)")
    assert_accessible(page)
    page.clock.fast_forward(10 * 60_000)
    expect(sound).to_be_hidden()


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
        expect(page.locator("#calls .call")).to_have_count(4 if width > height else 7)
        boxes = page.locator("#waiting b").evaluate_all("(all) => all.map((b) => b.offsetWidth)")
        assert len(set(boxes)) == 1
        outside = page.evaluate(
            """() => [...document.querySelectorAll(".ticket, .counter, #waiting span, #time, #date")]
                .map((e) => [e, e.getBoundingClientRect(), e.parentElement.getBoundingClientRect()])
                .filter(([, box, row]) =>
                    box.right > innerWidth || box.bottom > innerHeight || box.top < row.top - 1)
                .map(([e]) => e.textContent)"""
        )
        assert outside == []


# --- for the distance ---------------------------------------------------------------------------

INK = """async ([png, boxes]) => {
    const image = await createImageBitmap(await (await fetch("data:image/png;base64," + png)).blob());
    const pen = new OffscreenCanvas(image.width, image.height).getContext("2d");
    pen.drawImage(image, 0, 0);
    return boxes.map(({ x, y, width, height }) => {
        const [left, top] = [Math.floor(x), Math.max(0, Math.floor(y))];
        const { data } = pen.getImageData(left, top, Math.floor(width), Math.ceil(height));
        const ink = [];
        for (let row = 0; row < Math.ceil(height); row += 1) {
            const at = (column) => data[(row * Math.floor(width) + column) * 4 + 1];
            const line = Array.from({ length: Math.floor(width) }, (_, column) => at(column));
            if (Math.max(...line) - Math.min(...line) > 100) ink.push(row);
        }
        return ink.at(-1) - ink[0] + 1;
    });
}"""
"""How high the ink stands in boxes of a picture, in pixels: rows with light and dark in them."""

FIRSTS = """() => [...document.querySelectorAll(".ticket, .counter")].map((place) => {
    const first = new Range();
    first.setStart(place.firstChild, 0);
    first.setEnd(place.firstChild, 1);
    return first.getBoundingClientRect().toJSON();
})"""
"""Where the first letter of every ticket and the first figure of every counter stand."""


@pytest.mark.parametrize(
    ("screen", "size", "glass_mm", "distance_m", "older"),
    [("hall", WIDE, (1650, 930), 6.0, 4), ("counters", UPRIGHT, (680, 1210), 4.0, 7)],
)
def test_all_calls_can_be_read_from_where_people_stand(
    context: BrowserContext,
    server: House,
    screen: str,
    size: dict[str, int],
    glass_mm: tuple[int, int],
    distance_m: float,
    older: int,
) -> None:
    for counter in range(1, 9):
        server.walk_in("onthaal")
        server.walk_in("attesten")
        server.post(f"/counters/{counter}/open")
    for counter in range(1, 9):
        server.post(f"/counters/{counter}/next")
    page, _ = open_hall(context, server, to=f"{HALL}?screen={screen}")
    page.set_viewport_size(size)  # type: ignore[arg-type]
    expect(page.locator("#calls .call")).to_have_count(older)
    page.evaluate("() => document.fonts.ready")
    boxes = page.evaluate(FIRSTS)
    assert len(boxes) == 2 * (older + 1)
    picture = base64.b64encode(page.screenshot()).decode()
    judge = context.new_page()
    ink = judge.evaluate(INK, [picture, boxes])
    pixel_mm = min(glass_mm[0] / size["width"], glass_mm[1] / size["height"])
    smallest_mm = min(ink) * pixel_mm
    assert smallest_mm >= 12.2 * distance_m - pixel_mm  # edges fall between pixels
    newest = sorted(ink)[-2:]
    assert newest[0] > 1.5 * min(ink)


def test_a_window_that_is_not_the_screen_s_shows_no_numbers(
    context: BrowserContext, server: House, until: Until
) -> None:
    page, receipts = open_hall(context, server, to=f"{HALL}?screen=hall")
    page.set_viewport_size(UPRIGHT)  # type: ignore[arg-type]
    expect(page.locator("body")).to_have_attribute("data-screen", "misfit")
    expect(page.locator("#message-title")).to_have_text("Luister naar het personeel")
    expect(page.locator("#message-staff")).to_contain_text("scherm hall is ingesteld als 1650 op 930 mm")
    assert_accessible(page)
    painted, heard = len(receipts.painted), receipts.frames
    unseen = call(server)
    until(page, lambda: receipts.frames > heard)
    expect(page.locator(".call")).to_have_count(0)
    # What nobody can read is neither painted nor announced, and a low window leaves less than is needed.
    assert receipts.painted[painted:] == []
    page.set_viewport_size({"width": 1920, "height": 700})
    expect(page.locator("body")).to_have_attribute("data-screen", "misfit")
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    shows(page, "A001", "1")
    after = call(server, "2")
    until(page, lambda: receipts.sounded == [after["call"]])
    assert unseen["call"] not in receipts.sounded

    page.goto(server.base + HALL + "?screen=halll")
    expect(page.get_by_role("heading")).to_have_text("Dit scherm bestaat niet")
    assert page.request.get(server.base + HALL + "?screen=halll").status == 404


def test_one_screen_of_a_zone_sounds_and_each_says_that_it_lives(
    context: BrowserContext, server: House, until: Until
) -> None:
    loud, told_loud = open_hall(context, server, to=f"{HALL}?screen=hall")
    quiet, told_quiet = open_hall(context, server, to=f"{HALL}?screen=counters", signed_in=True)
    loud.set_viewport_size(WIDE)  # type: ignore[arg-type]
    quiet.set_viewport_size(UPRIGHT)  # type: ignore[arg-type]
    first = call(server)
    expect(quiet.locator("[data-announced] .ticket")).to_have_text("A001")
    expect(loud.locator("[data-announced] .ticket")).to_have_text("A001")
    until(loud, lambda: told_loud.sounded == [first["call"]])
    until(loud, lambda: (told_loud.sounds, told_quiet.sounds) == (["on"], ["off"]))
    # Every frame has its receipt, heartbeats too, and none has two.
    for page, told in ((loud, told_loud), (quiet, told_quiet)):
        until(page, lambda told=told: told.painted.count(int(first["seq"])) >= 2)  # type: ignore[misc]
        assert len(told.painted) <= told.frames
    expect(quiet.get_by_role("button")).to_be_hidden()
    server.stop()
    server.start()
    until(loud, lambda: (told_loud.sounds, told_quiet.sounds) == (["on"] * 2, ["off"] * 2))
    assert told_loud.sounded == [first["call"]]
    assert told_quiet.sounded == []


def test_a_call_pushed_off_the_glass_is_there_while_it_is_announced(
    context: BrowserContext, server: House, until: Until
) -> None:
    page, _ = open_hall(context, server)
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    page.evaluate(WATCH_ANNOUNCED)

    def announced() -> list[str]:
        return [ticket for ticket, _ in page.evaluate("() => announced")]

    calls = [call(server, str(counter), "attesten") for counter in range(2, 9)]
    for done in range(1, 8):
        until(page, lambda done=done: len(announced()) >= done)  # type: ignore[misc]
        page.clock.fast_forward(3_100)
    assert announced() == [f"B00{number}" for number in range(1, 1 + len(calls))]


# --- in a city's own words and looks ----------------------------------------------------------------

LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 30"><path fill="#fff" d="M0 0h60v30H0z"/></svg>'
)
NOTICE = " ".join(f"Zin {n} is behoorlijk lang, want hij gaat over van alles en nog wat." for n in range(6))


def test_each_site_has_its_own_words_and_looks(
    context: BrowserContext, houses: Callable[..., House], tmp_path: Path
) -> None:
    plain = MECHELEN.read_text()
    sites = []
    for language in ("fr", "en", "de"):
        text = plain.replace("sites.mechelen", f"sites.in-{language}")
        sites.append(text.replace('["nl", "fr", "en", "de"]', f'["{language}", "nl"]'))
    looks = (
        f"[sites.mechelen.theme]\nnight = '#2a0a18'\ndusk = '#4a1428'\nlogo = '{LOGO}'\nfont = 'DejaVu Sans'"
    )
    own = plain.replace("[sites.mechelen.opening]", f"{looks}\n[sites.mechelen.opening]")
    file = tmp_path / "sites.toml"
    file.write_text(own.replace('notice = ""', f'notice = "{NOTICE}"') + "".join(sites))
    with contextlib.closing(houses(config=file)) as server:
        page, _ = open_hall(context, server)
        page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        expect(page.locator("body")).to_have_css("background-color", "rgb(42, 10, 24)")
        logo = page.locator(".message .logo")
        expect(logo).to_be_visible()
        assert logo.evaluate("(image) => image.naturalWidth") > 0
        first = page.locator("#notice").text_content() or ""
        assert first.startswith("Zin")
        assert first in NOTICE
        assert len(first) <= 100
        page.clock.fast_forward(12_000)
        expect(page.locator("#notice")).not_to_have_text(first)
        call(server)
        shows(page, "A001", "1")
        assert (
            page.locator("#newest .ticket")
            .evaluate("(e) => getComputedStyle(e).fontFamily")
            .startswith('"DejaVu Sans"')
        )
        expect(page.locator(".corner .logo")).to_be_visible()
        accessible_both_ways(page)
        server.stop()
        server.house_time = EVENING
        server.start()
        said = {
            "fr": ("Au revoir", "Nous ouvrons demain à 8 h.", "lundi 23 novembre"),
            "en": ("Goodbye", "We open tomorrow at 8:00.", "Monday 23 November"),
            "de": ("Auf Wiedersehen", "Wir öffnen morgen um 8.00 Uhr.", "Montag, 23. November"),
        }
        for language, (title, text, date) in said.items():
            token = server.token("screen", None, f"in-{language}")
            page.goto(f"{server.base}/sign-in?next=/in-{language}/hall#{token}")
            expect(page.locator("#message-title")).to_have_text(title)
            expect(page.locator("#message-text")).to_have_text(text)
            expect(page.locator("#date")).to_have_text(date)
            expect(page.locator("html")).to_have_attribute("lang", language)


def test_the_picture_wanders_unseen_and_the_night_ends_before_the_doors_open(
    context: BrowserContext, server: House
) -> None:
    page, _ = open_hall(context, server)
    way = page.evaluate(
        "async () => { const { wander } = await import('/static/js/glass.js');"
        " return Array.from({ length: 3000 }, (_, minute) => wander(minute + 0.5)); }"
    )
    assert all(abs(x) <= 4 and abs(y) <= 4 for x, y in way)
    assert max(abs(a - b) for one, two in itertools.pairwise(way) for a, b in zip(one, two, strict=True)) == 1
    assert len({(x, y) for x, y in way}) > 40
    view = {"calls": [], "waiting": [{"waiting": 0}], "house": {"state": "closed", "changes_at": "T"}}
    opens = 1_800_000_000_000
    asked = [
        (view, opens - 30 * 60_000 - 1, True),
        (view, opens - 30 * 60_000, False),
        (view | {"calls": [{}]}, opens - 10**8, False),
        (view | {"waiting": [{"waiting": 0}, {"waiting": 1}]}, opens - 10**8, False),
        (view | {"house": {"state": "open", "changes_at": "T"}}, opens - 10**8, False),
        (view | {"house": {"state": "ended", "changes_at": None}}, opens, True),
    ]
    answered = page.evaluate(
        "async ([asked, opens]) => { const { dark } = await import('/static/js/glass.js');"
        " return asked.map(([view, now]) => { if (view.house.changes_at)"
        " view.house.changes_at = new Date(opens).toISOString(); return dark(view, now); }); }",
        [[[each, now] for each, now, _ in asked], opens],
    )
    assert answered == [dark for *_, dark in asked]
