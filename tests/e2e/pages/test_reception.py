"""The reception desk: two touches to a ticket, by hand and by keyboard, and no name on the wire."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from e2e.pages.axe import assert_accessible
from e2e.pages.house import EVENING, House, in_language
from e2e.pages.proxy import Proxy
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

pytestmark = pytest.mark.browser

Until = Callable[[Page, Callable[[], bool]], None]

DESK = "/mechelen/reception"
NAMES = {
    "Q-1001": ("bevolking", "09:20", "Zoë Kanarieval"),
    "Q-1002": ("burgerzaken", "08:50", "José Laatkomer"),
    "Q-1003": ("gesprek", "09:40", "Stille Bezoeker"),
    "Q-1004": ("bouwen", "10:00", "Zoë Andersen"),
}
QR = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 2"><path d="M0 0h1v1H0z"/></svg>'


def book(server: House) -> None:
    """The day's appointments: in time, too late, discreet, later."""
    for ref, (service, wall, name) in NAMES.items():
        body = {"service": service, "at": f"2026-11-23T{wall}:00+01:00", "contact": {"name": name}}
        put = server.asked("integrator").put(f"/sites/mechelen/appointments/{ref}", json=body)
        assert put.is_success, put.text


def open_desk(context: BrowserContext, server: House, base: str | None = None) -> Page:
    """A signed-in desk that shows its first frame."""
    page = context.new_page()
    page.goto(server.sign_in("reception", DESK, base))
    expect(page.locator("body")).to_have_attribute("data-link", "live")
    return page


def panel(page: Page, name: str) -> None:
    """The desk shows this, and its large button may be pressed."""
    expect(page.locator("body")).to_have_attribute("data-panel", name)
    expect(page.locator("body")).not_to_have_attribute("data-busy", "")
    if name in ("card", "booking"):
        button = page.locator("#go" if name == "card" else "#booking-go")
        expect(button).to_have_attribute("aria-disabled", "false")


def found(page: Page) -> Locator:
    return page.locator("#found button")


def tickets(server: House) -> list[str]:
    return server.kinds("visit-reported")


def test_an_appointment_by_keyboard_alone(context: BrowserContext, server: House) -> None:
    book(server)
    page = open_desk(context, server)
    page.route("**/qr.svg", lambda route: route.abort())
    keys, q = page.keyboard, page.locator("#q")
    expect(q).to_be_focused()
    expect(page.locator("#booked")).to_have_text("4 afspraken vandaag, 4 nog niet hier.")

    # Enter may come before the answer, as from who types fast or scans a code.
    keys.type("kanarie")
    keys.press("Enter")
    panel(page, "card")
    expect(page.locator("#card-title")).to_have_text("Zoë Kanarieval")
    expect(page.locator("#card-what")).to_have_text("Bevolking · Q-1001")
    expect(page.locator("#card-place")).to_contain_text("wordt opgeroepen vanaf 09:20")
    expect(page.locator("#go")).to_be_focused()
    keys.press("Enter")
    panel(page, "made")
    expect(page.locator("#made-number")).to_have_text("C001")
    expect(page.locator("#made-what")).to_have_text("Bevolking")
    expect(page.locator("#made-wait")).to_contain_text("Niemand gaat voor.")
    # Without its picture the ticket is whole.
    expect(page.locator("#made-qr")).to_be_hidden()
    expect(q).to_be_focused()
    expect(q).to_have_value("")

    # A second report gives the same ticket.
    keys.type("q1001")
    expect(found(page)).to_have_count(1)
    expect(found(page).locator("small")).to_have_text("is er: C001")
    keys.press("ArrowDown")
    expect(found(page)).to_be_focused()
    keys.press("Enter")
    panel(page, "card")
    expect(page.locator("#go")).to_contain_text("Toon ticket C001")
    keys.press("Enter")
    panel(page, "made")
    expect(page.locator("#made-number")).to_have_text("C001")

    # By time; who is too late is told what that means.
    keys.type("8.50")
    keys.press("Enter")
    panel(page, "card")
    expect(page.locator("#card-place")).to_contain_text("Te laat voor de plaats van 08:50")
    keys.press("Escape")
    panel(page, "found")
    expect(q).to_be_focused()
    keys.press("Escape")
    panel(page, "start")
    expect(q).to_have_value("")
    assert len(tickets(server)) == 1


def test_a_walk_in_in_two_touches_with_all_that_may_be_said(context: BrowserContext, server: House) -> None:
    page = open_desk(context, server)
    page.get_by_role("button", name="Uittreksels en attesten").click()
    panel(page, "card")
    page.locator("#go").click()
    panel(page, "made")
    expect(page.locator("#made-number")).to_have_text("B001")
    page.get_by_role("button", name="Volgende persoon").click()

    page.get_by_role("button", name="Onthaal en inlichtingen").click()
    panel(page, "card")
    page.get_by_label("Pincode van de identiteitskaart").check()
    page.get_by_role("button", name="Eén persoon meer").click()
    page.get_by_label("Spreekt").select_option(label="Frans")
    page.get_by_label("Voorrang").check()
    page.locator("#go").click()
    panel(page, "made")
    expect(page.locator("#made-number")).to_have_text("A001")
    server.post("/counters/1/open")
    server.post("/counters/1/next")
    current = server.view("counters/1")["current"]
    assert (current["then"], current["persons"], current["language"]) == (["pincode"], 2, "fr")
    assert current["priority"] is True


@pytest.mark.parametrize("press", ["click", "key", "held key"])
def test_a_double_press_makes_one_ticket(context: BrowserContext, server: House, press: str) -> None:
    page = open_desk(context, server)
    service = page.get_by_role("button", name="Uittreksels en attesten")
    if press == "click":
        service.dblclick()
        panel(page, "card")
        page.locator("#go").dblclick()
    else:
        service.focus()
        page.keyboard.press("Enter")
        panel(page, "card")
        for _ in range(2 if press == "key" else 10):
            page.keyboard.down("Enter")
            if press == "key":
                page.keyboard.up("Enter")
        page.keyboard.up("Enter")
    panel(page, "made")
    expect(page.locator("#made-number")).to_have_text("B001")
    assert len(tickets(server)) == 1


def test_an_answer_that_was_lost_makes_no_second_ticket(context: BrowserContext, server: House) -> None:
    page = open_desk(context, server)
    keys: list[str] = []

    def lose_first(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        answer = route.fetch()
        route.fulfill(response=answer) if len(keys) > 1 else route.abort()

    page.route(re.compile("/visits$"), lose_first)
    page.get_by_role("button", name="Uittreksels en attesten").click()
    panel(page, "card")
    page.locator("#go").click()
    expect(page.locator("#news")).to_contain_text("er gebeurt niets dubbel")
    panel(page, "made")
    expect(page.locator("#made-number")).to_have_text("B001")
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert len(tickets(server)) == 1


def test_a_discreet_appointment_and_its_slip_name_nobody_and_nothing(
    context: BrowserContext, server: House, until: Until
) -> None:
    book(server)
    page = open_desk(context, server)
    page.route(
        re.compile(r"/t/[\w-]+/qr\.svg$"), lambda route: route.fulfill(body=QR, content_type="image/svg+xml")
    )
    q = page.locator("#q")
    q.fill("bezoeker")
    expect(page.locator("#found-title")).to_have_text("Niemand gevonden voor “bezoeker”")
    expect(page.locator("#found-help")).to_contain_text("Probeer het uur van de afspraak")
    # Who has no appointment is not sent away: the tickets are there.
    expect(page.get_by_role("button", name="Uittreksels en attesten")).to_be_visible()
    q.fill("0940")
    expect(found(page)).to_have_count(1)
    expect(found(page)).to_contain_text("Afspraak zonder naam")
    expect(found(page)).not_to_contain_text("Gesprek")
    found(page).click()
    panel(page, "card")
    page.locator("#go").click()
    panel(page, "made")
    expect(page.locator("#made-qr")).to_be_visible()
    expect(page.locator("#made-what")).to_be_empty()
    assert_accessible(page)

    printed: list[str] = []
    page.expose_function("printed", lambda: printed.append("asked"))
    page.evaluate("() => { window.print = window.printed; }")
    page.keyboard.press("Enter")
    until(page, lambda: printed == ["asked"])
    page.emulate_media(media="print")
    slip = page.locator("#slip")
    expect(slip).to_be_visible()
    expect(page.locator("main")).to_be_hidden()
    expect(slip).to_have_text(
        re.compile(r"Huis van de Mechelaar\s+B001\s+maandag 23 november 2026 om 09:15\s+Volg uw beurt")
    )
    expect(slip.locator("img")).to_be_visible()
    page.set_viewport_size({"width": 302, "height": 453})  # 80 mm at 96 dots an inch
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 302


def test_a_ticket_is_found_by_its_number_and_handled(context: BrowserContext, server: House) -> None:
    for _ in range(2):
        server.walk_in()
    server.post("/counters/1/open")
    server.post("/counters/1/next")
    server.post("/counters/1/recall")
    server.post("/counters/1/no-show")
    page = open_desk(context, server)
    page.keyboard.type("a1")
    expect(found(page)).to_contain_text("Opgeroepen aan loket 1 en niet verschenen")
    page.keyboard.press("Enter")
    panel(page, "card")
    page.keyboard.press("Enter")  # is back
    expect(page.locator("#card-place")).to_have_text("Wacht sinds 09:15")
    mark = page.get_by_role("button", name="Voorrang")
    mark.click()
    expect(mark).to_have_attribute("aria-pressed", "true")
    # Leaving cannot be taken back: it asks twice.
    leave = page.locator("[data-act=leave]")
    leave.click()
    expect(leave).to_have_text("Druk nog eens: A001 wacht niet langer")
    assert server.kinds("visit-left") == []
    leave.click()
    panel(page, "start")
    expect(page.locator("#news")).to_have_text("A001 wacht niet langer.")
    expect(page.locator("#news")).to_have_attribute("data-done", "")
    assert server.kinds("visit-returned", "visit-prioritised", "visit-left") == [
        *("visit-returned", "visit-prioritised", "visit-left"),
    ]
    page.get_by_role("button", name="A002").click()
    expect(page.locator("#card-title")).to_have_text("A002")


def test_who_has_gone_is_not_called_here(context: BrowserContext, server: House) -> None:
    book(server)
    server.post("/appointments/Q-1002/report", role="reception")
    page = open_desk(context, server)
    page.keyboard.type("laatkomer")
    expect(found(page)).to_contain_text("is er: C001")
    page.keyboard.press("Enter")
    expect(page.locator("#card-place")).to_have_text("Is er al. Wacht, met een afspraak om 08:50")
    server.post("/counters/4/open")
    server.post("/counters/4/call", {"ticket": "C001"})
    expect(page.locator("#card-place")).to_have_text("Is er al. Opgeroepen aan loket 4")
    server.post("/counters/4/start")
    server.post("/counters/4/finish")
    expect(page.locator("#card-place")).to_have_text("Was hier; het bezoek is voorbij.")
    expect(page.locator("#go")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(found(page)).to_contain_text("bezoek voorbij: C001")


def test_a_misspelt_name_is_found_and_said_to_be_a_guess(context: BrowserContext, server: House) -> None:
    book(server)
    page = open_desk(context, server)
    page.keyboard.type("lahtkommer")
    expect(found(page)).to_have_count(0)
    page.locator("#q").fill("laatcomer")
    expect(found(page)).to_contain_text("José Laatkomer")
    expect(page.locator("#found-help")).to_have_text("Niemand heet precies zo; deze namen klinken ernaar.")


def test_names_do_not_stay_on_an_unattended_desk(context: BrowserContext, server: House) -> None:
    book(server)
    page = context.new_page()
    page.clock.install()
    page.goto(server.sign_in("reception", DESK))
    expect(page.locator("body")).to_have_attribute("data-link", "live")
    page.keyboard.type("kanarie")
    page.clock.run_for(1000)
    expect(found(page)).to_have_count(1)
    page.keyboard.press("Enter")
    page.clock.run_for(110_000)
    expect(page.locator("#card-title")).to_have_text("Zoë Kanarieval")
    page.clock.run_for(20_000)
    expect(page.locator("body")).to_have_attribute("data-panel", "start")
    expect(page.locator("#q")).to_have_value("")
    assert "Kanarieval" not in page.content()


def test_nobody_is_let_in_after_the_last_closing_hour(
    context: BrowserContext, houses: Callable[..., House]
) -> None:
    with contextlib.closing(houses(house_time="2026-11-23T13:05:00+01:00")) as server:
        book(server)
        page = open_desk(context, server)
        page.keyboard.type("laatkomer")
        page.keyboard.press("Enter")
        expect(page.locator("#card-place")).to_contain_text("vandaag wordt niemand meer opgeroepen")
        expect(page.locator("#go")).to_be_hidden()
        expect(page.locator("[data-act^=late]")).to_have_count(0)
        expect(page.locator("[data-act=came]")).to_have_count(1)


def test_lateness_and_who_came_after_all(context: BrowserContext, server: House) -> None:
    book(server)
    page = open_desk(context, server)
    page.keyboard.type("andersen")
    page.keyboard.press("Enter")
    panel(page, "card")
    page.get_by_role("button", name="Komt 20 minuten later").click()
    expect(page.locator("#card-place")).to_have_text(
        "Heeft gemeld later te komen: de plaats van 10:00 blijft vrij tot 10:20."
    )
    expect(page.get_by_role("button", name="Komt 20 minuten later")).to_have_attribute("aria-pressed", "true")
    page.locator("#q").fill("laatkomer")
    page.keyboard.press("Enter")
    panel(page, "card")
    page.get_by_role("button", name="Was hier zonder zich te melden").click()
    expect(page.locator("#card-place")).to_contain_text("Genoteerd: de persoon was hier.")
    assert server.kinds("appointment-came", "appointment-announced-late") == [
        *("appointment-announced-late", "appointment-came"),
    ]


def test_an_appointment_is_made_by_keyboard_and_found_by_its_code(
    context: BrowserContext, server: House
) -> None:
    page = open_desk(context, server)
    keys, form = page.keyboard, page.locator("#booking-form")
    page.get_by_role("button", name="Afspraak maken").focus()
    keys.press("Enter")
    panel(page, "booking")
    expect(form.get_by_label("Dienst")).to_be_focused()
    expect(form.get_by_label("Dag")).to_have_value("2026-11-23")
    # What takes no appointments is not there to choose.
    expect(form.locator("option", has_text="Pincode")).to_have_count(0)
    assert_accessible(page)
    # Something is missing: it is said, and the field that misses it has the focus.
    form.get_by_label("Naam").fill("Zoë Kanarieval")
    keys.press("Enter")
    expect(page.locator("#news")).to_have_text("Kies een dienst, een dag en een uur.")
    expect(form.get_by_label("Dienst")).to_be_focused()
    form.get_by_label("Dienst").select_option(label="Bevolking")
    form.get_by_label("Uur").fill("11:40")
    form.get_by_label("Telefoon").fill("0470 12")
    form.get_by_label("E-mail", exact=True).fill("zoe@kanarie.example")
    form.get_by_label("Taal").select_option(label="Frans")
    keys.press("Enter")
    expect(page.locator("#news")).to_contain_text("Dit is geen telefoonnummer van dit land")
    expect(form.get_by_label("Telefoon")).to_be_focused()
    expect(form.get_by_label("Telefoon")).to_have_attribute("aria-invalid", "true")
    expect(form.get_by_label("Naam")).to_have_value("Zoë Kanarieval")
    assert_accessible(page)
    assert server.kinds("appointment-booked") == []
    form.get_by_label("Telefoon").fill("0470 12 34 56")
    keys.press("Enter")
    panel(page, "coded")
    expect(page.locator("#code")).to_be_focused()
    expect(page.locator("#code")).to_have_text(re.compile(r"^[2-9A-Z]{4}-[2-9A-Z]{4}$"))
    expect(page.locator("#code-what")).to_have_text("Bevolking")
    expect(page.locator("#code-when")).to_have_text("maandag 23 november 2026 om 11:40")
    assert_accessible(page)
    code = page.locator("#code").inner_text()
    # Nothing of the person stays in the page.
    assert form.get_by_label("Naam").input_value() == ""
    keys.press("Escape")
    panel(page, "start")
    expect(page.locator("#q")).to_be_focused()
    expect(page.locator("#booked")).to_have_text("1 afspraak vandaag, 1 nog niet hier.")
    keys.type(code.lower())
    keys.press("Enter")
    panel(page, "card")
    expect(page.locator("#card-title")).to_have_text("Zoë Kanarieval")
    expect(page.locator("#card-what")).to_have_text(f"Bevolking · {code}")
    keys.press("Enter")
    panel(page, "made")
    assert server.kinds("appointment-booked") == ["appointment-booked"]


def test_a_double_press_and_a_lost_answer_book_once(context: BrowserContext, server: House) -> None:
    page = open_desk(context, server)
    keys: list[str] = []

    def lose_first(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        answer = route.fetch()
        route.fulfill(response=answer) if len(keys) > 1 else route.abort()

    page.route(re.compile("/appointments$"), lose_first)
    page.get_by_role("button", name="Afspraak maken").click()
    panel(page, "booking")
    form = page.locator("#booking-form")
    form.get_by_label("Dienst").select_option(label="Bevolking")
    form.get_by_label("Dag").fill("2026-12-01")
    form.get_by_label("Uur").fill("10:20")
    page.locator("#booking-go").dblclick()
    panel(page, "coded")
    expect(page.locator("#code-when")).to_have_text("dinsdag 1 december 2026 om 10:20")
    assert len(set(keys)) == 1
    assert len(keys) == 2
    assert server.kinds("appointment-booked") == ["appointment-booked"]


def test_names_are_in_no_frame_of_the_wire(context: BrowserContext, server: House, until: Until) -> None:
    book(server)
    frames: list[str] = []
    context.on(
        "page",
        lambda page: page.on(
            "websocket",
            lambda socket: (
                socket.on("framereceived", lambda data: frames.append(str(data))),
                socket.on("framesent", lambda data: frames.append(str(data))),
            ),
        ),
    )
    page = open_desk(context, server)
    page.keyboard.type("zoe")
    expect(found(page)).to_have_count(2)
    found(page).first.click()
    panel(page, "card")
    page.locator("#go").click()
    panel(page, "made")
    # What was found is forgotten with the ticket.
    expect(page.locator("body")).not_to_contain_text("Kanarieval")
    until(page, lambda: any('"reported"' in frame for frame in frames))
    told = " ".join(frames)
    for name in ("Kanarieval", "Andersen", "Laatkomer", "Bezoeker", "Q-100"):
        assert name not in told
        assert name not in server.log()


def test_a_cut_line_is_told_at_once_and_what_was_typed_stays(
    context: BrowserContext, server: House, proxy: Proxy
) -> None:
    book(server)
    page = open_desk(context, server, proxy.url)
    page.get_by_role("button", name="Uittreksels en attesten").click()
    panel(page, "card")
    proxy.cut()
    expect(page.locator("#cut")).to_contain_text("Geen verbinding")
    expect(page.locator("#go")).to_have_attribute("aria-disabled", "true")
    page.locator("#go").click(force=True)
    page.keyboard.press("Escape")
    page.keyboard.type("kanarie")
    expect(page.locator("#found-title")).to_have_text("Wordt gezocht zodra er weer verbinding is.")
    page.keyboard.press("Enter")
    assert_accessible(page)
    proxy.mend()
    expect(page.locator("#cut")).to_be_hidden()
    expect(page.locator("#q")).to_have_value("kanarie")
    expect(found(page)).to_have_count(1)
    assert tickets(server) == []


def test_who_is_signed_out_is_told_and_led_back(context: BrowserContext, server: House) -> None:
    page = open_desk(context, server)
    context.clear_cookies()
    page.keyboard.type("kanarie")
    expect(page.locator("#cut")).to_contain_text("U bent afgemeld")
    expect(page.locator("#q")).to_have_value("kanarie")
    expect(page.get_by_role("link", name="Opnieuw aanmelden")).to_have_attribute(
        "href", "/sign-in?next=/mechelen/reception"
    )


def test_advice_and_the_hall_at_a_glance(context: BrowserContext, server: House) -> None:
    page = open_desk(context, server)
    expect(page.locator("#no-queue")).to_have_text("Er wacht niemand.")
    expect(page.locator("#nobody")).to_have_text("Er is niemand in huis.")
    expect(page.locator("#booked")).to_have_text("Vandaag geen afspraken.")
    expect(page.locator("#advice")).to_be_hidden()
    assert_accessible(page)
    server.walk_in("pincode")
    server.walk_in("pincode")
    expect(page.locator("#advices")).to_have_text(
        "Open loket 2 omdat er 2 personen wachten voor Pincode van de identiteitskaart "
        "en geen open loket dat doet."
    )
    assert_accessible(page)
    server.post("/counters/2/open")
    expect(page.locator("#advice")).to_be_hidden()
    server.post("/counters/2/next")
    expect(page.locator("#counters li").nth(1)).to_have_text("2roept B001")
    expect(page.locator("#queues li")).to_have_count(1)


def test_a_closed_house_says_why_there_are_no_tickets(
    context: BrowserContext, houses: Callable[..., House]
) -> None:
    server = houses(house_time=EVENING)
    try:
        page = open_desk(context, server)
        expect(page.locator("#no-tickets")).to_have_text("De dag is afgelopen: vandaag geen tickets meer.")
        expect(page.locator("#walk-ins button")).to_have_count(0)
        assert_accessible(page)
    finally:
        server.close()


@pytest.mark.parametrize(("language", "title"), [("fr", "Accueil"), ("en", "Reception"), ("de", "Empfang")])
def test_the_desk_speaks_the_first_language_of_the_house(
    context: BrowserContext, tmp_path: Path, language: str, title: str
) -> None:
    server = in_language(tmp_path, language)
    try:
        server.start()
        book(server)
        server.walk_in("pincode")
        page = open_desk(context, server)
        expect(page.locator("h1")).to_have_text(title)
        page.set_viewport_size({"width": 640, "height": 400})  # 1280 x 800 at 200 %
        page.keyboard.type("zoe")
        expect(found(page)).to_have_count(2)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 640
        assert_accessible(page)
        page.keyboard.press("Enter")
        panel(page, "card")
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 640
        assert_accessible(page)
        for _ in range(2):
            page.keyboard.press("Escape")
        page.locator("#book").click()
        panel(page, "booking")
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 640
        assert_accessible(page)
    finally:
        server.close()


def test_the_desk_is_for_its_role(context: BrowserContext, server: House) -> None:
    page = context.new_page()
    page.goto(server.sign_in("counter", DESK))
    expect(page.get_by_role("heading", level=1)).to_have_text("Hier hebt u geen toegang toe")
