"""The page of other systems: what has not arrived there, why, and sending it again by keyboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import program
import pytest
from e2e.pages.axe import assert_accessible
from e2e.pages.house import House
from playwright.sync_api import BrowserContext, Page, expect
from receiver import Receiver, receiver

pytestmark = pytest.mark.browser

Until = Callable[[Page, Callable[[], bool]], None]


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def test_a_supervisor_sees_why_and_sends_it_again(
    context: BrowserContext, server: House, there: Receiver, until: Until
) -> None:
    page = context.new_page()
    page.goto(server.sign_in("supervisor", "/mechelen"))
    page.get_by_role("link", name="Andere systemen").click()
    expect(page.get_by_text("Nog niemand hoort iets.")).to_be_visible()
    expect(page.get_by_text("Er is nog niets verstuurd.")).to_be_visible()
    expect(page.get_by_text("Alles wat verstuurd is, is aangekomen.")).to_have_count(0)
    where = ("--site", "mechelen", "--allow-private", "--database", server.url)
    assert program.run("webhook", "add", there.url, *where).returncode == 0
    there.answer = lambda _got: (503, {})
    server.walk_in()
    until(page, lambda: len(there.got) > 0)
    page.reload()
    hook, failure = page.locator("#hooks li"), page.locator("#failures li")
    expect(hook).to_contain_text(f"http://127.0.0.1:{there.port}")
    expect(hook).to_contain_text("Komt nu niet aan: het antwoordde 503")
    # By the clock of the house, which stands: the browser's own zone is another one.
    expect(failure).to_contain_text("visit.reported · 23 nov, 09:15")
    expect(failure).to_contain_text("keer geprobeerd · het antwoordde 503")
    assert "s3cret" not in page.content()
    page.set_viewport_size({"width": 320, "height": 640})
    assert not page.evaluate("() => document.documentElement.scrollWidth > innerWidth")
    assert_accessible(page)

    there.answer = lambda _got: (200, {})
    again = page.get_by_role("button", name="“visit.reported” van")
    again.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # a double press: the second is of no consequence
    expect(page.get_by_role("status").first).to_contain_text("wordt opnieuw verstuurd.")
    expect(failure).to_have_count(0)
    expect(page.get_by_role("heading", name="Wat niet aankwam")).to_be_focused()
    expect(hook).to_contain_text("laatst aangekomen")
    expect(page.get_by_text("Alles wat verstuurd is, is aangekomen.")).to_be_visible()
    assert len({got.id for got in there.got}) == 1
