"""The counter panel: one press does one thing, the keyboard suffices, and a cut line is told at once."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable

import pytest
from e2e.pages.axe import assert_accessible
from e2e.pages.house import EVENING, House
from e2e.pages.proxy import Proxy
from playwright.sync_api import BrowserContext, Page, Route, expect

pytestmark = pytest.mark.browser

Until = Callable[[Page, Callable[[], bool]], None]

ACTS = ("counter-opened", "called", "recalled", "service-started", "service-finished")
PANEL = "/mechelen/counters/1"


def open_panel(
    context: BrowserContext, server: House, base: str | None = None, *, clock: bool = False
) -> Page:
    """A signed-in panel of counter 1 that shows its first frame."""
    page = context.new_page()
    if clock:
        page.clock.install()
    page.goto(server.sign_in("counter", PANEL, base))
    expect(page).to_have_url((base or server.base) + PANEL)
    expect(page.locator("body")).to_have_attribute("data-link", "live")
    return page


def stage(page: Page, name: str, ticket: str | None = None) -> None:
    """The panel is at this stage, about this ticket, and its buttons may be pressed."""
    expect(page.locator("body")).to_have_attribute("data-stage", name)
    if ticket is not None:
        expect(page.locator("#ticket")).to_have_text(ticket)
    expect(page.locator("body")).not_to_have_attribute("data-busy", "")  # the answer may follow the frame
    if name != "idle":
        expect(page.locator("#step")).to_have_attribute("aria-disabled", "false")
    rested(page)


def rested(page: Page) -> None:
    """The rows stand where they stood a moment ago: a press is meant for who stands there."""
    expect(page.locator(".tickets [data-rests]")).to_have_count(0)


def at_work(context: BrowserContext, server: House, base: str | None = None, people: int = 2) -> Page:
    """A panel of the open counter 1, for which people wait."""
    for _ in range(people):
        server.walk_in()
    server.post("/counters/1/open")
    page = open_panel(context, server, base)
    stage(page, "next", "A001")
    return page


def test_a_morning_by_keyboard_alone(context: BrowserContext, server: House) -> None:
    for _ in range(3):
        server.walk_in()
    page = open_panel(context, server)
    keys = page.keyboard
    expect(page.locator("#step")).to_be_focused()

    stage(page, "closed")
    keys.press("Space")
    stage(page, "next", "A001")
    expect(page.locator("#why")).to_have_text("Zonder afspraak, wacht sinds 9.15 uur.")
    keys.press("Enter")
    stage(page, "called", "A001")
    expect(page).to_have_title("A001 – Loket 1")
    keys.press("Space")
    stage(page, "serving", "A001")
    expect(page.locator("#recall-first")).to_be_empty()
    keys.press("Space")
    stage(page, "next", "A002")

    keys.press("Space")
    stage(page, "called", "A002")
    keys.press("n")
    absent = page.get_by_role("button", name="Niet verschenen")
    expect(absent).to_have_attribute("aria-disabled", "true")
    expect(absent).to_contain_text("eerst nog 1 keer herhalen")
    keys.press("h")
    expect(page.locator("#facts")).to_have_text("1 keer herhaald")
    expect(absent).to_have_attribute("aria-disabled", "false")
    keys.press("n")
    stage(page, "next", "A003")
    expect(page.locator("#away")).to_contain_text("niet verschenen")

    keys.press("Space")
    stage(page, "called", "A003")
    keys.press("e")
    stage(page, "idle")
    keys.press("z")
    stage(page, "called", "A003")
    keys.press("Space")
    stage(page, "serving", "A003")
    keys.press("d")
    expect(page.get_by_role("dialog")).to_contain_text("A003")
    keys.press("Escape")
    expect(page.locator("#step")).to_be_focused()
    keys.press("d")
    keys.press("ArrowDown")
    expect(page.get_by_role("dialog").get_by_label("Uittreksels en attesten")).to_be_checked()
    keys.press("Enter")
    stage(page, "idle")

    keys.press("t")
    expect(page.locator("#number")).to_be_focused()
    keys.type("a2")
    keys.press("Enter")
    stage(page, "called", "A002")
    expect(page.locator("#why")).to_have_text("Op nummer opgeroepen.")
    assert server.kinds("called", "recalled", "not-present", "parked", "transferred", "undone") == [
        *("called", "called", "recalled", "not-present"),
        *("called", "parked", "undone", "transferred", "called"),
    ]


def test_every_control_is_reached_with_tab_and_shows_its_focus(
    context: BrowserContext, server: House
) -> None:
    page = at_work(context, server)
    seen: list[str] = []
    for _ in range(20):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            "() => [document.activeElement.innerText, getComputedStyle(document.activeElement).outlineStyle]"
        )
        if page.evaluate("() => document.activeElement !== document.body"):
            assert outline != "none", name
            seen.append(name)
    told = " ".join(seen)
    for control in ("Pauze", "Sluiten", "Roep A001 op", "Voorrang", "Roep op", "Toetsen"):
        assert control in told


@pytest.mark.parametrize("press", ["click", "key", "held key"])
def test_a_double_press_calls_one_person(
    context: BrowserContext, server: House, until: Until, press: str
) -> None:
    page = at_work(context, server)
    if press == "click":
        page.locator("#step").dblclick()
    elif press == "key":
        page.keyboard.press("Space")
        page.keyboard.press("Space")
    else:
        for _ in range(20):
            page.keyboard.down("Enter")
        page.keyboard.up("Enter")
    stage(page, "called", "A001")
    assert server.kinds("called", "service-started") == ["called"]


def test_an_answer_that_was_lost_is_asked_for_with_the_same_key(
    context: BrowserContext, server: House, until: Until
) -> None:
    page = at_work(context, server)
    keys: list[str] = []

    def lose_two(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        answer = route.fetch()  # the server does it
        route.fulfill(response=answer) if len(keys) > 2 else route.abort()

    page.route(re.compile("/next$"), lose_two)
    page.keyboard.press("Space")
    expect(page.locator("#news")).to_have_text(
        "Nog geen antwoord. We vragen het opnieuw; er gebeurt niets dubbel."
    )
    expect(page.locator("#step")).to_have_attribute("aria-disabled", "true")
    stage(page, "called", "A001")
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert server.kinds("called") == ["called"]


def test_a_cut_line_and_a_press_that_is_asked_again_agree(
    context: BrowserContext, server: House, proxy: Proxy
) -> None:
    page = at_work(context, server, proxy.url)
    page.route(re.compile("/next$"), lambda route: route.abort())
    page.keyboard.press("Space")
    expect(page.locator("#news")).to_contain_text("We vragen het opnieuw")
    proxy.cut()
    expect(page.locator("#cut-text")).to_contain_text("vragen we opnieuw; wacht even.")
    proxy.mend()
    page.unroute(re.compile("/next$"))
    stage(page, "called", "A001")
    proxy.cut()
    expect(page.locator("#cut-text")).to_contain_text("U kunt nu niets doen")
    proxy.mend()
    assert server.kinds("called") == ["called"]


def test_each_press_has_a_key_of_its_own(context: BrowserContext, server: House, until: Until) -> None:
    page = at_work(context, server)
    keys: list[str] = []
    page.on("request", lambda sent: keys.append(sent.headers.get("idempotency-key", "")))
    page.keyboard.press("Space")
    stage(page, "called", "A001")
    page.keyboard.press("Space")
    stage(page, "serving", "A001")
    assert len(keys) == len(set(keys)) == 2
    assert "" not in keys


def test_a_cut_line_is_told_at_once_and_stops_the_hands(
    context: BrowserContext, server: House, proxy: Proxy
) -> None:
    page = at_work(context, server, proxy.url)
    proxy.cut()
    expect(page.locator("#cut")).to_contain_text("Geen verbinding")
    expect(page.locator("#step")).to_have_attribute("aria-disabled", "true")
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url))
    page.keyboard.press("Space")
    page.locator("#queue").get_by_role("button", name="Roep op A002").click(force=True)
    page.get_by_role("button", name="Pauze").click(force=True)
    server.post("/counters/1/next")
    proxy.mend()
    stage(page, "called", "A001")
    expect(page.locator("#cut")).to_be_hidden()
    assert [url for url in asked if "/api/" in url] == []
    assert server.kinds("called", "counter-paused") == ["called"]


def test_a_silent_line_is_told_after_a_missed_heartbeat(
    context: BrowserContext, server: House, proxy: Proxy
) -> None:
    server.walk_in()
    server.post("/counters/1/open")
    page = open_panel(context, server, proxy.url, clock=True)
    stage(page, "next", "A001")
    proxy.stall()
    page.clock.fast_forward(8_000)
    expect(page.locator("#cut")).to_contain_text("Geen verbinding")
    expect(page.locator("#step")).to_have_attribute("aria-disabled", "true")
    proxy.mend()
    page.clock.fast_forward(5_000)
    stage(page, "next", "A001")


def test_an_answer_that_never_comes_lets_go_of_the_panel(context: BrowserContext, server: House) -> None:
    server.walk_in()
    server.post("/counters/1/open")
    page = open_panel(context, server, clock=True)
    stage(page, "next", "A001")
    page.route(re.compile("/next$"), lambda route: route.abort())
    page.keyboard.press("Space")
    expect(page.locator("#news")).to_contain_text("Nog geen antwoord")
    for _ in range(12):
        page.clock.run_for(2_000)
    expect(page.locator("#news")).to_contain_text("Er kwam geen antwoord")
    stage(page, "next", "A001")


def test_a_reload_in_the_middle_shows_the_truth(context: BrowserContext, server: House) -> None:
    page = at_work(context, server)
    page.keyboard.press("Space")
    stage(page, "called", "A001")
    page.reload()
    stage(page, "called", "A001")
    page.keyboard.press("Space")
    stage(page, "serving", "A001")
    page.reload()
    stage(page, "serving", "A001")


def test_a_restart_of_the_server_loses_nothing(context: BrowserContext, server: House) -> None:
    page = at_work(context, server)
    page.keyboard.press("Space")
    stage(page, "called", "A001")
    server.stop()
    expect(page.locator("#cut")).to_be_visible()
    server.start()
    stage(page, "called", "A001")
    page.keyboard.press("Space")
    stage(page, "serving", "A001")


def test_a_refusal_is_told_in_words(context: BrowserContext, server: House) -> None:
    page = at_work(context, server)
    page.locator("#number").fill("A999")
    page.keyboard.press("Enter")
    refused = page.locator("#number-refused")
    expect(refused).to_have_text("A999 is vandaag niet uitgegeven.")
    page.locator("#number").fill("A001")
    page.keyboard.press("Enter")
    stage(page, "called", "A001")
    expect(refused).to_be_empty()
    page.locator("#number").fill("A002")
    page.keyboard.press("Enter")
    expect(refused).to_have_text("Werk eerst A001 af.")


def test_a_refused_number_stays_in_the_field_to_be_mended(context: BrowserContext, server: House) -> None:
    page = at_work(context, server)
    keys, field, refused = page.keyboard, page.locator("#number"), page.locator("#number-refused")
    expect(field).to_have_attribute("placeholder", "A012")
    keys.press("t")
    keys.type("a995")
    keys.press("Enter")
    expect(refused).to_have_text("A995 is vandaag niet uitgegeven.")
    expect(field).to_be_focused()
    expect(field).to_have_value("a995")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#news")).to_be_empty()
    assert_accessible(page)
    keys.type("a")  # in the place of what was selected, and no shortcut
    expect(field).to_have_value("a")
    expect(refused).to_be_empty()
    expect(field).to_have_attribute("aria-invalid", "false")
    keys.type("002")
    keys.press("Enter")
    stage(page, "called", "A002")
    expect(field).to_have_value("")
    expect(page.locator("#step")).to_be_focused()
    assert server.kinds("called") == ["called"]


def test_a_number_left_in_the_field_goes_with_the_next_step(context: BrowserContext, server: House) -> None:
    page = at_work(context, server)
    keys, field = page.keyboard, page.locator("#number")
    keys.press("t")
    keys.type("a99")
    keys.press("Enter")
    expect(page.locator("#number-refused")).to_have_text("A099 is vandaag niet uitgegeven.")
    keys.press("Escape")
    keys.press("t")
    assert page.evaluate("() => getSelection().toString()") == "a99"
    keys.press("Escape")
    keys.press("Space")
    stage(page, "called", "A001")
    expect(field).to_have_value("")
    expect(page.locator("#number-refused")).to_be_empty()


def test_what_may_not_be_pressed_says_why_and_leaves_the_space_bar_alone(
    context: BrowserContext, server: House
) -> None:
    page = at_work(context, server)
    keys, news, step = page.keyboard, page.locator("#news"), page.locator("#step")
    keys.press("h")
    expect(news).to_have_text("Er is niemand aan dit loket.")
    keys.press("Space")
    stage(page, "called", "A001")
    expect(news).to_be_empty()
    call = page.get_by_role("button", name="Roep op A002")
    expect(call).to_have_attribute("aria-disabled", "true")
    call.click(force=True)
    expect(news).to_have_text("Werk eerst A001 af.")
    expect(step).to_be_focused()
    keys.press("Space")
    stage(page, "serving", "A001")
    page.get_by_role("button", name="Sluiten").click(force=True)
    expect(news).to_have_text("Werk eerst A001 af.")
    expect(step).to_be_focused()
    call.focus()
    keys.press("Enter")
    expect(news).to_have_text("Werk eerst A001 af.")
    expect(step).to_be_focused()
    call.focus()
    keys.press("Space")
    stage(page, "next", "A002")
    page.get_by_role("button", name="Voorrang A002").focus()
    keys.press("Space")  # a button that works is pressed by the key for it
    expect(page.get_by_role("button", name="Voorrang A002")).to_have_attribute("aria-pressed", "true")
    assert server.kinds("called") == ["called"]


def test_the_list_of_keys_does_not_keep_the_space_bar(context: BrowserContext, server: House) -> None:
    page = at_work(context, server)
    for open_ in (True, False):
        page.get_by_text("Toetsen", exact=True).click()
        expect(page.locator("dl")).to_be_visible(visible=open_)
        expect(page.locator("#step")).to_be_focused()
    page.get_by_text("Toetsen", exact=True).click()
    page.get_by_text("Lettertoetsen gebruiken").click()
    expect(page.get_by_label("Lettertoetsen gebruiken")).not_to_be_checked()
    page.keyboard.press("Space")
    stage(page, "called", "A001")
    expect(page.locator("dl")).to_be_visible()
    page.locator("summary").focus()
    page.keyboard.press("Space")
    expect(page.locator("dl")).to_be_hidden()
    stage(page, "called", "A001")


def test_keys_that_cannot_work_here_are_not_listed(context: BrowserContext, server: House) -> None:
    page = at_work(context, server)
    page.get_by_text("Toetsen", exact=True).click()
    expect(page.locator("[data-letter=recall]")).to_be_visible()
    expect(page.locator("[data-letter=bind]")).to_be_hidden()
    server.post("/counters/1/close")
    server.post("/counters/1/open", {"staff": "an"})
    expect(page.locator("[data-letter=bind]")).to_be_visible()


def still(context: BrowserContext, server: House) -> Page:
    """A panel with three who wait, whose clock stands still from now on."""
    server.walk_in()
    server.walk_in()
    server.post("/counters/1/open")
    page = open_panel(context, server, clock=True)
    stage(page, "next", "A001")
    page.evaluate("() => document.fonts.ready.then(() => true)")  # a letter of its own width moves rows
    server.walk_in()  # heard just now: the line does not count as silent when the clock is moved
    expect(page.locator("#queue li")).to_have_count(3)
    rested(page)
    page.clock.pause_at(page.evaluate("() => Date.now() + 3000"))
    return page


def point_at_second(page: Page) -> None:
    """The mouse stands on the button that calls the second in the list."""
    place = page.locator("#queue li:nth-child(2) [data-kind=call]").bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)


def test_a_press_does_not_hit_who_just_came_to_stand_there(context: BrowserContext, server: House) -> None:
    page = still(context, server)
    numbers, resting = page.locator("#queue li b"), page.locator("#queue li[data-rests]")
    point_at_second(page)
    server.post("/visits/A003/priority", {"priority": True})
    expect(numbers).to_have_text(["A003", "A001", "A002"])
    expect(resting).to_have_count(3)
    page.mouse.down()
    page.mouse.up()
    page.clock.run_for(500)
    expect(resting).to_have_count(0)
    # Pressed down on one row, let go when another stands there.
    page.mouse.down()
    server.post("/visits/A002/priority", {"priority": True})
    expect(numbers).to_have_text(["A002", "A003", "A001"])
    page.mouse.up()
    page.clock.run_for(500)
    expect(resting).to_have_count(0)
    expect(page.locator("#news")).to_be_empty()
    assert server.kinds("called") == []
    point_at_second(page)
    page.mouse.down()
    page.mouse.up()
    expect(page.locator("body")).to_have_attribute("data-ticket", "A003")
    assert server.kinds("called") == ["called"]


def test_a_row_that_stayed_where_it_was_can_be_pressed_at_once(
    context: BrowserContext, server: House
) -> None:
    page = at_work(context, server)
    page.evaluate("() => document.fonts.ready.then(() => true)")
    expect(page.locator("#queue li[data-rests]")).to_have_count(0)
    server.walk_in()
    expect(page.locator("#queue li")).to_have_count(3)
    page.get_by_role("button", name="Roep op A002").click()
    expect(page.locator("body")).to_have_attribute("data-ticket", "A002")


def test_who_is_served_already_is_not_told_to_be_gone(context: BrowserContext, server: House) -> None:
    page = at_work(context, server)
    page.keyboard.press("Space")
    stage(page, "called", "A001")

    def overtaken(route: Route) -> None:
        server.post("/counters/1/start")
        route.continue_()

    page.route(re.compile("/recall$"), overtaken)
    page.keyboard.press("h")
    expect(page.locator("#news")).to_have_text("A001 wordt al geholpen.")


def test_who_comes_early_is_explained_in_one_way_of_telling_time(
    context: BrowserContext, server: House
) -> None:
    slot = {"service": "bevolking", "at": "2026-11-23T10:10:00+01:00"}
    put = server.asked("integrator").put("/sites/mechelen/appointments/early-1", json=slot)
    assert put.is_success, put.text
    early = server.post("/appointments/early-1/report", role="reception")["ticket"]
    server.post("/counters/3/open")
    page = open_panel(context, server)
    page.goto(server.base + "/mechelen/counters/3")
    expect(page.locator("#time")).to_have_text("9.15 uur")
    expect(page.locator("#queue small")).to_have_text("vroeg voor 10.10 uur")
    stage(page, "next", early)
    expect(page.locator("#why")).to_have_text("Vroeg voor de afspraak van 10.10 uur.")


def test_two_panels_of_one_counter_stay_one(context: BrowserContext, server: House) -> None:
    page = at_work(context, server)
    other = context.new_page()  # the browser is signed in by now
    other.goto(server.base + PANEL)
    stage(other, "next", "A001")
    page.bring_to_front()
    page.keyboard.press("Space")
    stage(page, "called", "A001")
    stage(other, "called", "A001")
    other.keyboard.press("Space")
    stage(page, "serving", "A001")


def test_priority_and_what_it_passes(context: BrowserContext, server: House) -> None:
    page = at_work(context, server)
    mark = page.get_by_role("button", name="Voorrang A002")
    mark.click()
    stage(page, "next", "A002")
    expect(mark).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#why")).to_have_text("Heeft voorrang. Gaat voor A001.")
    page.keyboard.press("Space")
    stage(page, "called", "A002")
    expect(page.locator("#why")).to_have_text("Heeft voorrang. Gaat voor A001.")


def test_who_was_away_comes_back(context: BrowserContext, server: House) -> None:
    page = at_work(context, server, people=1)
    page.keyboard.press("Space")
    stage(page, "called", "A001")
    page.get_by_role("button", name="Even weg").click()
    stage(page, "idle")
    page.get_by_role("button", name="A001 is terug").click()
    stage(page, "next", "A001")
    expect(page.locator("#why")).to_contain_text("houdt de oude plaats")


def test_sending_on_to_a_counter_with_company(context: BrowserContext, server: House) -> None:
    server.post("/counters/7/open")
    page = at_work(context, server, people=1)
    page.keyboard.press("Space")
    stage(page, "called", "A001")
    page.get_by_role("button", name="Doorsturen").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("group", name="Naar een loket").get_by_role("radio")).to_have_count(1)
    dialog.get_by_label("Loket 7").check()
    dialog.get_by_label("Ik loop mee").check()
    expect(dialog.get_by_label("Loket 7")).to_be_visible()
    expect(dialog.get_by_text("Loket 7")).to_contain_text("Vreemdelingenzaken")
    dialog.get_by_role("button", name="Doorsturen").click()
    stage(page, "idle")
    expect(page.locator("#news")).to_have_text("A001 gaat naar Loket 7. U loopt mee.")
    assert server.post("/counters/7/next")["ticket"] == "A001"
    assert server.view("counters/7")["current"]["accompanied"] is True


def test_nobody_is_sent_on_without_a_place_to_go(context: BrowserContext, server: House) -> None:
    page = at_work(context, server, people=1)
    page.keyboard.press("Space")
    stage(page, "called", "A001")
    page.keyboard.press("d")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Doorsturen").click()
    missing = dialog.get_by_role("alert")
    expect(missing).to_have_text("Kies eerst waarheen.")
    dialog.get_by_role("group", name="dienst").get_by_label("Sport").check()
    expect(missing).to_be_empty()
    dialog.get_by_role("button", name="Doorsturen").click()
    stage(page, "idle")
    expect(page.locator("#news")).to_have_text("A001 gaat naar Sport.")
    server.walk_in()
    stage(page, "next", "A002")
    page.keyboard.press("Space")
    stage(page, "called", "A002")
    expect(page.locator("#news")).to_be_empty()


def test_several_services_are_told_on_the_large_button(context: BrowserContext, server: House) -> None:
    server.walk_in("onthaal", then=["attesten"])
    page = at_work(context, server, people=0)
    page.keyboard.press("Space")
    stage(page, "called", "A001")
    page.keyboard.press("Space")
    stage(page, "serving", "A001")
    expect(page.locator("#step")).to_contain_text("Klaar, verder met Uittreksels en attesten")


def test_pausing_and_closing(context: BrowserContext, server: House) -> None:
    page = at_work(context, server)
    page.get_by_role("button", name="Pauze").click()
    stage(page, "paused")
    expect(page.locator("#why")).to_have_text("Er wachten 2 tickets voor dit loket.")
    page.keyboard.press("Space")
    stage(page, "next", "A001")
    page.get_by_role("button", name="Sluiten").click()
    stage(page, "closed")


def test_letters_may_be_switched_off(context: BrowserContext, server: House) -> None:
    page = at_work(context, server)
    page.keyboard.press("Space")
    stage(page, "called", "A001")
    page.get_by_text("Toetsen", exact=True).click()
    page.get_by_label("Lettertoetsen gebruiken").uncheck()
    page.keyboard.press("e")
    page.reload()
    stage(page, "called", "A001")
    page.keyboard.press("e")
    page.keyboard.press("Space")
    stage(page, "serving", "A001")
    assert server.kinds("parked") == []


def test_a_panel_of_another_counter_is_refused(context: BrowserContext, server: House) -> None:
    page = context.new_page()
    page.goto(server.sign_in("screen", PANEL))
    expect(page.get_by_role("heading", level=1)).to_have_text("Hier hebt u geen toegang toe")


def test_somebody_stays_with_the_member_of_staff_of_this_counter(
    context: BrowserContext, server: House
) -> None:
    server.post("/counters/2/open", {"staff": "bo"})
    server.post("/counters/1/open", {"staff": "an"})
    server.walk_in()
    server.walk_in()
    page = open_panel(context, server)
    stage(page, "next", "A001")
    page.keyboard.press("Space")
    stage(page, "called", "A001")
    keys, facts = page.keyboard, page.locator("#facts")
    page.get_by_role("button", name="Blijft bij mij").click()
    expect(facts).to_have_text("alleen bij u")
    stage(page, "called", "A001")
    expect(page.locator("#step")).to_be_focused()
    keys.press("b")
    expect(facts).to_be_empty()
    expect(page.get_by_role("button", name="Blijft bij mij")).to_have_attribute("aria-disabled", "false")

    # Sent on by keyboard alone to a service of this counter, and back to the same person.
    keys.press("d")
    dialog = page.get_by_role("dialog")
    back = dialog.get_by_label("Komt terug bij mij")
    services = dialog.get_by_role("group", name="dienst")
    services.get_by_label("Sport").check()
    expect(back).to_be_disabled()  # this counter does not serve it: nobody could ever call
    services.get_by_label("Onthaal en inlichtingen").check()
    keys.press("Tab")
    keys.press("Tab")
    expect(back).to_be_focused()
    keys.press("Space")
    keys.press("Enter")
    stage(page, "next", "A001")
    row = page.locator("#queue li").first
    expect(row).to_contain_text("terug · alleen bij u")
    assert server.post("/counters/2/next")["ticket"] == "A002"
    server.post("/counters/2/start")
    server.post("/counters/2/finish")
    assert server.post("/counters/2/next")["ticket"] is None

    page.get_by_role("button", name="Sluiten").click()
    expect(page.locator("#news")).to_have_text("A001 wacht alleen op u: roep op, of laat iedereen helpen.")
    stage(page, "next", "A001")
    rested(page)
    row.get_by_role("button", name="Iedereen mag helpen").click()
    expect(row).not_to_contain_text("alleen bij u")
    assert server.post("/counters/2/next")["ticket"] == "A001"
    stage(page, "idle")
    page.get_by_role("button", name="Sluiten").click()
    stage(page, "closed")
    assert server.kinds("visit-bound", "counter-closed") == [*["visit-bound"] * 3, "counter-closed"]


def test_nobody_is_bound_to_a_counter_without_a_name(context: BrowserContext, server: House) -> None:
    page = at_work(context, server)
    page.keyboard.press("Space")
    stage(page, "called", "A001")
    expect(page.get_by_role("button", name="Blijft bij mij")).to_be_hidden()
    page.keyboard.press("b")
    page.keyboard.press("d")
    expect(page.get_by_role("dialog").get_by_label("Ik loop mee")).to_be_visible()
    expect(page.get_by_role("dialog").get_by_label("Komt terug bij mij")).to_be_hidden()
    assert server.kinds("visit-bound") == []


def test_who_does_not_come_is_asked_about(context: BrowserContext, houses: Callable[..., House]) -> None:
    with contextlib.closing(houses(speed=60)) as server:
        server.walk_in()
        server.post("/counters/1/open")
        page = open_panel(context, server)
        page.keyboard.press("Space")
        expect(page.locator("#news")).to_have_text("Nog niet gekomen? Herhaal de oproep.")
        expect(page.locator("[data-wanted]")).to_have_text(re.compile("Herhaal de oproep"))
        page.keyboard.press("h")
        expect(page.locator("#facts")).to_have_text("1 keer herhaald")
        expect(page.locator("#news")).to_have_text(
            "Nog altijd niet gekomen? Herhaal nog eens, of kies “Niet verschenen”."
        )
        expect(page.locator("[data-wanted]")).to_have_text(re.compile("Niet verschenen"))
        page.keyboard.press("Space")
        expect(page.locator("body")).to_have_attribute("data-stage", "serving")
        expect(page.locator("#news")).to_be_empty()


def test_the_house_closes_and_the_day_ends(context: BrowserContext, houses: Callable[..., House]) -> None:
    with contextlib.closing(houses(house_time="2026-11-23T13:30:00+01:00")) as server:
        server.post("/counters/1/open")
        page = open_panel(context, server)
        stage(page, "done")
        expect(page.locator("#stage")).to_have_text("Er wacht niemand meer")
        page.keyboard.press("Space")
        stage(page, "closed")
        expect(page.locator("#why")).to_contain_text("Het huis gaat open op dinsdag om 8.00 uur.")
        server.stop()
        server.house_time = EVENING
        server.start()
        expect(page.locator("#stage")).to_have_text("De dag is voorbij")
        expect(page.locator("#why")).to_have_text("Het huis gaat open op dinsdag om 8.00 uur.")
        expect(page.locator("#step")).to_have_attribute("aria-disabled", "true")
        assert_accessible(page)


def test_before_the_house_opens_nobody_is_told_to_go_home(
    context: BrowserContext, houses: Callable[..., House]
) -> None:
    with contextlib.closing(houses(house_time="2026-11-23T07:40:00+01:00")) as server:
        page = open_panel(context, server)
        stage(page, "closed")
        opens = page.locator("#why")
        expect(opens).to_have_text(re.compile(r"Het huis gaat vandaag open om \d+\.\d\d uur\.$"))
        page.keyboard.press("Space")
        stage(page, "idle")
        expect(page.locator("#stage")).to_have_text("Er wacht nog niemand")
        expect(opens).to_have_text(re.compile(r"^Het huis gaat vandaag open om \d+\.\d\d uur\.$"))
        expect(page.locator("#step")).to_have_attribute("aria-disabled", "true")
        page.keyboard.press("Space")
        assert server.kinds("counter-opened", "counter-closed") == ["counter-opened"]
        assert_accessible(page)


def test_who_is_only_helped_here_is_told_to_come_after(context: BrowserContext, server: House) -> None:
    server.walk_in("attesten")
    server.walk_in("attesten")
    server.stop()
    server.house_time = "2026-11-23T09:20:00+01:00"
    server.start()
    slot = {"service": "bevolking", "at": "2026-11-23T10:10:00+01:00"}
    put = server.asked("integrator").put("/sites/mechelen/appointments/early-1", json=slot)
    assert put.is_success, put.text
    early = server.post("/appointments/early-1/report", role="reception")["ticket"]
    server.post("/counters/3/open")
    page = open_panel(context, server)
    page.goto(server.base + "/mechelen/counters/3")
    stage(page, "next", early)
    told = (
        "Vroeg voor de afspraak van 10.10 uur. "
        "B001 en B002 zijn voor het snelloket: hier pas als er niemand anders wacht."
    )
    expect(page.locator("#why")).to_have_text(told)
    page.keyboard.press("Space")
    stage(page, "called", early)
    expect(page.locator("#why")).to_have_text(told)


def test_how_long_each_waits_is_told(context: BrowserContext, houses: Callable[..., House]) -> None:
    with contextlib.closing(houses()) as server:
        server.walk_in()
        server.stop()
        server.house_time = "2026-11-23T09:27:30+01:00"
        server.start()
        server.walk_in()
        server.post("/counters/1/open")
        page = open_panel(context, server)
        expect(page.locator("#queue .waits")).to_have_text(["12 min.", "0 min."])


def test_the_focus_is_never_lost_with_what_goes_away(context: BrowserContext, server: House) -> None:
    page = at_work(context, server)
    step = page.locator("#step")
    page.get_by_role("button", name="Roep op A002").focus()
    server.post("/counters/2/open")
    server.post("/counters/2/call", {"ticket": "A002"})
    expect(page.locator("#queue li")).to_have_count(1)
    expect(step).to_be_focused()
    page.get_by_role("button", name="Pauze").focus()
    server.post("/counters/1/pause")
    stage(page, "paused")
    expect(step).to_be_focused()


def test_what_waits_is_told_with_what_staff_should_know(context: BrowserContext, server: House) -> None:
    server.post("/counters/2/open")
    server.walk_in("onthaal", persons=3, language="tr", then=["attesten"])
    server.post("/counters/2/next")
    server.post("/counters/1/open")
    server.post("/counters/2/transfer", {"counter": "1", "accompanied": True})
    page = open_panel(context, server)
    stage(page, "next", "A001")
    told = ["wordt begeleid door een collega", "3 personen", "spreekt Turks"]
    expect(page.locator("#facts li")).to_have_text(told)
    expect(page.locator("#queue small")).to_have_text(" · ".join(["terug", *told]))
    page.keyboard.press("Space")
    stage(page, "called", "A001")
    expect(page.locator("#facts li")).to_have_text([*told, "ook voor Uittreksels en attesten"])
    server.post("/counters/1/pause")
    expect(page.locator("#mode")).to_have_text("Pauze na deze persoon")
