"""How a visit was, on a phone: one tap, a word for who wants, the keyboard, no script, and a lost answer."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from e2e.pages.axe import assert_accessible
from e2e.pages.house import House
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

pytestmark = pytest.mark.browser

Until = Callable[[Page, Callable[[], bool]], None]

UPRIGHT, LYING = {"width": 390, "height": 844}, {"width": 844, "height": 390}


@pytest.fixture(scope="module")
def server(houses: Callable[..., House]) -> Iterator[House]:
    """One house for this module, with a counter that is open."""
    with contextlib.closing(houses()) as house:
        house.post("/counters/1/open")
        yield house


@pytest.fixture
def page(context: BrowserContext) -> Page:
    page = context.new_page()
    page.set_viewport_size(UPRIGHT)
    return page


def serve(server: House, drawn: dict[str, Any]) -> None:
    """Call somebody to the counter, and be done."""
    server.post("/counters/1/call", {"ticket": drawn["ticket"]})
    server.post("/counters/1/start")
    server.post("/counters/1/finish")


def scores(server: House, drawn: dict[str, Any]) -> list[int]:
    """The scores that are kept of a visit."""
    with contextlib.closing(sqlite3.connect(server.database)) as database:
        asked = "SELECT score FROM satisfaction WHERE visit LIKE ? || '%'"
        return [score for (score,) in database.execute(asked, (drawn["visit"],))]


def words(server: House) -> list[str]:
    day = {"from": "2026-11-23", "to": "2026-11-23"}
    told = server.asked("supervisor").get("/sites/mechelen/satisfaction/words", params=day)
    return [each["word"] for each in told.json()["words"]]


def test_a_visit_is_rated_without_any_script(browser: Browser, server: House) -> None:
    context = browser.new_context(java_script_enabled=False, viewport=UPRIGHT, locale="nl-BE")  # type: ignore[arg-type]
    page = context.new_page()
    mine = server.walk_in()
    page.goto(mine["link"])
    expect(page.locator("#rate")).to_have_count(0)
    serve(server, mine)
    page.goto(mine["link"] + "?lang=fr")
    expect(page.get_by_role("button", name="Envoyer")).to_be_hidden()
    page.get_by_text("8", exact=True).click()
    page.get_by_label("Souhaitez-vous ajouter un mot ?").fill("Vite et bien")
    page.get_by_role("button", name="Envoyer").click()
    expect(page).to_have_url(mine["link"] + "?lang=fr")
    expect(page.get_by_text("Merci. Vous avez donné 8.")).to_be_visible()
    expect(page.get_by_role("radio", name="8")).to_be_checked()
    assert (scores(server, mine), words(server)) == ([8], ["Vite et bien"])
    context.close()


def test_one_tap_is_enough_and_a_word_may_follow(page: Page, server: House, until: Until) -> None:
    mine = server.walk_in()
    page.goto(mine["link"])
    expect(page.locator(".says")).to_contain_text("U bent de volgende")
    serve(server, mine)
    # The question comes by itself, as all that the page shows.
    page.get_by_text("9", exact=True).click()
    expect(page.get_by_text("Bedankt. U gaf een 9.")).to_be_visible()
    assert scores(server, mine) == [9]
    word = page.get_by_label("Wilt u er iets bij zeggen?")
    word.fill("Vriendelijk")
    page.get_by_text("10", exact=True).click()
    expect(page.get_by_text("Bedankt. U gaf een 10.")).to_be_visible()
    expect(word).to_have_value("Vriendelijk")
    page.get_by_role("button", name="Verzenden").click()
    expect(page.get_by_text("Wat u schreef, is verzonden.")).to_be_visible()
    until(page, lambda: "Vriendelijk" in words(server))
    word.fill("")
    page.get_by_role("button", name="Verzenden").click()
    until(page, lambda: "Vriendelijk" not in words(server))
    expect(page.get_by_text("Wat u schreef")).to_have_count(0)
    assert scores(server, mine) == [10]


def test_the_keyboard_chooses_and_sends_only_when_it_is_told_to(page: Page, server: House) -> None:
    mine = server.walk_in()
    serve(server, mine)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.goto(mine["link"])
    page.get_by_role("radio", name="0", exact=True).focus()
    page.keyboard.press("Space")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="3")).to_be_checked()
    assert sent == []
    page.get_by_role("button", name="Verzenden").press("Enter")
    expect(page.get_by_text("Bedankt. U gaf een 3.")).to_be_visible()
    assert (len(sent), scores(server, mine)) == (1, [3])


def test_a_tap_whose_answer_was_lost_is_sent_again_and_counts_once(page: Page, server: House) -> None:
    mine = server.walk_in()
    serve(server, mine)
    page.goto(mine["link"])
    keys: list[str | None] = []

    def lose_first(route: Route) -> None:
        keys.append(route.request.headers.get("idempotency-key"))
        if len(keys) > 1:
            return route.continue_()
        route.fetch()
        return route.abort()

    page.route("**/api/v1/visits/*/satisfaction", lose_first)
    page.get_by_text("6", exact=True).click()
    expect(page.get_by_text("Bedankt. U gaf een 6.")).to_be_visible()
    assert len(keys) == 2
    assert keys[0] == keys[1]
    assert scores(server, mine) == [6]


def test_what_can_no_longer_be_changed_is_told(page: Page, server: House) -> None:
    mine = server.walk_in()
    serve(server, mine)
    page.goto(mine["link"])
    page.get_by_text("4", exact=True).click()
    expect(page.get_by_text("Bedankt. U gaf een 4.")).to_be_visible()
    with contextlib.closing(sqlite3.connect(server.database)) as database, database:
        database.execute("UPDATE satisfaction SET at = at - 3600000000 WHERE visit = ?", (mine["visit"],))
    page.get_by_text("5", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("Dit kan niet meer worden gewijzigd.")
    assert scores(server, mine) == [4]
    page.reload()
    expect(page.get_by_text("Bedankt. U gaf een 4.")).to_be_visible()
    expect(page.locator("#rate")).to_have_count(0)


def test_the_question_is_accessible_in_every_language(page: Page, server: House) -> None:
    mine = server.walk_in()
    serve(server, mine)
    page.goto(f"{mine['link']}?lang=nl")
    assert_accessible(page)
    page.get_by_text("7", exact=True).click()
    for language in ("nl", "fr", "en", "de"):
        page.goto(f"{mine['link']}?lang={language}")
        expect(page.locator("#rated")).to_contain_text("7")
        expect(page.get_by_role("radio", name="7")).to_be_checked()
        assert_accessible(page)
    page.emulate_media(color_scheme="dark")
    for glass in (LYING, UPRIGHT):
        page.set_viewport_size(glass)  # type: ignore[arg-type]
        assert_accessible(page)
        boxes = [label.bounding_box() for label in page.locator(".scores label").all()]
        assert len(boxes) == 11
        # As large as a finger, and none beyond the edge of the glass.
        for box in boxes:
            assert box is not None
            assert min(box["width"], box["height"]) >= 44
            assert box["x"] + box["width"] <= glass["width"]
