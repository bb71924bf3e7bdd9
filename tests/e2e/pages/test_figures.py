"""The page of figures in a browser: by its links alone, on a phone and on paper.

`test_accessible.py` looks at it in every language.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from e2e.pages.axe import assert_accessible
from e2e.pages.house import House
from figures.history import Came, History
from playwright.sync_api import Browser, BrowserContext, Page, expect

from server import schema
from server.database import Database
from server.domain.day import Status

pytestmark = pytest.mark.browser

PAGE = "/mechelen/figures"
MONDAYS = ("2026-11-16", "2026-11-09")


def with_history(house: House) -> House:
    """Two Mondays before the house's own, written before it starts."""
    database = Database(house.url)
    database.write_now(schema.migrate)
    history = History(database)
    people = [Came(f"{hour}:{10 * step:02d}", 60 * step) for hour in range(8, 13) for step in range(6)]
    booked = [
        Came(f"{hour}:{minute:02d}", 90, f"{hour}:20", service="bevolking")
        for hour, minute in ((9, 2), (9, 16), (10, 18), (10, 22), (11, 31))
    ]
    history.day(MONDAYS[0], [*people, *booked, Came("12:59", None, None, Status.NOT_SERVED)], ["12:00"])
    history.day(MONDAYS[1], people)
    database.close()
    return house.start()  # type: ignore[return-value]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with contextlib.closing(House(tmp_path_factory.mktemp("figures"))) as house:
        yield with_history(house)


def opened(context: BrowserContext, server: House, query: str) -> Page:
    page = context.new_page()
    page.goto(server.sign_in("supervisor", "/mechelen"))
    expect(page).to_have_url(server.base + "/mechelen")
    go(page, server, query)
    return page


def go(page: Page, server: House, query: str) -> None:
    page.goto(f"{server.base}{PAGE}?{query}")
    page.wait_for_function("[...document.images].every((each) => each.naturalWidth > 0)")


def test_nothing_keeps_anybody_out(context: BrowserContext, server: House) -> None:
    page = opened(context, server, f"span=day&on={MONDAYS[0]}")
    for query in ("span=day", "span=week&show=waits"):
        go(page, server, f"{query}&on={MONDAYS[0]}")
        for summary in page.locator("summary").all():
            summary.click()
        expect(page.locator("details[open]")).to_have_count(2)
        assert_accessible(page)
        for width in (320, 390, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_links_lead_through_the_days_without_a_script(
    browser: Browser, context: BrowserContext, server: House
) -> None:
    opened(context, server, "span=year").close()
    plain = browser.new_context(java_script_enabled=False, storage_state=context.storage_state())
    page = plain.new_page()
    page.goto(f"{server.base}{PAGE}?on={MONDAYS[0]}")
    expect(page.locator("dd.number").first).to_have_text("36")
    page.locator(".spans a").nth(1).click()
    expect(page.locator(".spans [aria-current]")).to_have_attribute("href", f"?span=week&on={MONDAYS[0]}")
    page.get_by_label("Dag", exact=True).fill(MONDAYS[1])
    page.locator(".when button").click()
    expect(page.locator("dd.number").first).to_have_text("30")
    page.locator('[rel="next"]').click()
    expect(page.locator("dd.number").first).to_have_text("36")
    page.locator("dt a").first.click()
    expect(page.locator("#is-visits")).to_be_in_viewport()
    plain.close()


def test_on_paper_tables_stand_open_and_links_are_gone(context: BrowserContext, server: House) -> None:
    page = opened(context, server, f"on={MONDAYS[0]}")
    hidden = page.locator("details caption").first
    expect(hidden).not_to_be_visible()
    page.emulate_media(media="print")
    for caption in page.locator("details caption").all():
        expect(caption).to_be_visible()
    for what in (".spans", ".when", ".steps", ".file", "summary", "#sign-out"):
        for each in page.locator(what).all():
            expect(each).not_to_be_visible()
    widths = page.locator("figure, .cards, section > .table").evaluate_all(
        "(all) => all.map((each) => Math.round(each.getBoundingClientRect().left))"
    )
    assert len(set(widths)) == 1, "one column"
    # No picture is cut in two.
    assert page.locator("figure img").first.evaluate("(img) => getComputedStyle(img).breakInside") == "avoid"


def test_who_leads_the_house_finds_the_page(context: BrowserContext, server: House) -> None:
    page = opened(context, server, f"on={MONDAYS[0]}")
    for at in ("/mechelen", "/mechelen/management"):
        page.goto(server.base + at)
        page.locator(f'a[href="{PAGE}"]').click()
        expect(page).to_have_url(server.base + PAGE)
