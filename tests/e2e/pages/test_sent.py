"""The page of messages: who was not reached comes first to hand, and only who may reads what was written."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from e2e.pages.axe import assert_accessible
from e2e.pages.house import House
from playwright.sync_api import BrowserContext, expect

from notify import ledger, planner
from server import database as db
from server.database import Database
from server.keys import load_keys

pytestmark = pytest.mark.browser

NOW = 1_795_421_700_000_000
"""9.15 in Brussels on the Monday of the tests, in microseconds."""
MINUTE = 60_000_000
TEXT = "Stad Mechelen: uw afspraak is dinsdag om 10.00 uur."


@pytest.fixture
def server(houses: Callable[..., House]) -> Iterator[House]:
    with contextlib.closing(houses()) as house:
        yield house


def wrote(server: House, subject: str, name: str, minutes: int, **row: object) -> None:
    """A reminder of so many minutes ago, as a worker leaves it."""
    keys, identity, due = load_keys(server.database), name.rjust(26, "m"), NOW - minutes * MINUTE
    fresh = planner.row_of(
        identity, "mechelen", subject, "reminder", name, due, due, NOW + 10**12, channel="sms"
    )

    def work(connection: sa.Connection) -> None:
        connection.execute(db.delivery.insert(), fresh | {"attempt": 1, "parts": 1} | row)
        ledger.note(connection, identity, str(row["state"]), 1, "ok", due, due)
        if row["state"] == "delivered":
            said = json.dumps({"to": "+32…56", "subject": "", "text": TEXT}).encode()
            kept = {"delivery": identity, "subject": subject, "erase_at": 2 * NOW}
            connection.execute(db.message.insert(), kept | {"sealed": keys.seal(said, identity)})

    store = Database(server.url)
    try:
        store.write_now(work)
    finally:
        store.close()


def test_staff_see_what_became_of_messages_and_who_may_reads_them(
    context: BrowserContext, server: House
) -> None:
    page = context.new_page()
    page.goto(server.sign_in("reception", "/mechelen/messages"))
    expect(page.locator("#none")).to_contain_text("Er is nog niets verzonden.")
    assert_accessible(page)
    booked = {}
    for ref, service in (("M-1", "bevolking"), ("M-2", "gesprek")):
        body = {"service": service, "at": "2026-11-24T10:00:00+01:00", "contact": {"phone": "+32470123456"}}
        answer = server.client("integrator").put(f"/sites/mechelen/appointments/{ref}", json=body)
        booked[ref] = answer.json()["appointment"]
    wrote(server, booked["M-1"], "2h", 3, state="delivered")
    wrote(server, booked["M-2"], "3d", 5, state="failed", reason="given-up", attempt=10)
    # It is there without anybody asking, in words; what a discreet one is for is not.
    lines = page.locator("#list > li")
    expect(lines).to_have_count(2)
    expect(lines.nth(0).locator("h3")).to_have_text("Herinnering, 2 uur vooraf, per sms")
    expect(lines.nth(0).locator(".state")).to_have_text("afgeleverd 09:12")
    expect(lines.nth(0).locator(".whom")).to_have_text("Afspraak dinsdag 24 november 10:00 · Bevolking · M-1")
    expect(lines.nth(1).locator(".state")).to_have_text(
        "opgegeven na 10 pogingen: geen antwoord van de gateway"
    )
    expect(lines.nth(1).locator(".whom")).to_have_text("Afspraak dinsdag 24 november 10:00 · M-2")
    expect(lines.nth(1).locator(".discreet")).to_contain_text("op geen andere manier")
    expect(page.get_by_role("button", name="Lees")).to_have_count(0)
    # By keyboard to who was not reached; the address says so too.
    page.get_by_role("radio", name="Alle tot nu toe").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("radio", name="Niet bereikt (1)")).to_be_checked()
    expect(lines).to_have_count(1)
    assert page.url.endswith("#not-reached")
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert_accessible(page)
    # A supervisor opens what was written, and closes it again.
    page.context.clear_cookies()
    page.goto("about:blank")
    page.goto(server.sign_in("supervisor", "/mechelen/messages"))
    button = lines.nth(0).get_by_role("button", name="Lees")
    button.press("Enter")
    expect(lines.nth(0).locator("blockquote")).to_have_text(TEXT)
    expect(lines.nth(0).locator(".to")).to_have_text("Aan +32…56")
    expect(lines.nth(0).locator(".content li")).to_have_text(["09:12 afgeleverdok"])
    assert_accessible(page)
    lines.nth(0).get_by_role("button", name="Sluit").press("Enter")
    expect(page.get_by_text(TEXT)).to_have_count(0)
