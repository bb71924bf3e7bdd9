"""The page of what if: a supervisor asks by keyboard, is led to the answer, and reads it on a phone too."""

from __future__ import annotations

import pytest
from e2e.pages.axe import assert_accessible
from e2e.pages.house import House
from playwright.sync_api import BrowserContext, expect

pytestmark = pytest.mark.browser


def test_a_supervisor_asks_and_is_led_to_the_answer(context: BrowserContext, server: House) -> None:
    for number in range(12):
        slot = {"service": "bevolking", "at": f"2026-11-24T09:{number // 6:02d}:00+01:00"}
        server.asked("integrator").put(f"/sites/mechelen/appointments/{number}", json=slot).raise_for_status()
    page = context.new_page()
    page.goto(server.sign_in("supervisor", "/mechelen"))
    page.get_by_role("link", name="Wat als").click()
    day = page.get_by_label("Welke dag")
    expect(day).to_have_value("2026-11-23")  # nobody has come on any day yet: today
    expect(page.get_by_text("Het antwoord staat hier, naast de vraag.")).to_be_visible()
    day.fill("2026-11-24")
    page.get_by_label("alle themaloketten").press("Space")
    page.get_by_label("Van", exact=True).first.fill("08:00")
    page.get_by_label("Bezoekers in totaal").fill("60")
    page.get_by_label("Bezoekers in totaal").press("Enter")
    expect(page).to_have_url(f"{server.base}/mechelen/whatif")
    verdict = page.locator("#verdict")
    expect(verdict).to_be_focused()
    expect(verdict).to_contain_text(
        "Een loket meer voor de themaloketten van 08:00 tot 12:00; 60 bezoekers: "
    )
    expect(page.get_by_role("row", name="Iedereen")).to_be_visible()
    expect(day).to_have_value("2026-11-24")
    assert_accessible(page)
    page.set_viewport_size({"width": 320, "height": 640})
    assert not page.evaluate("() => document.documentElement.scrollWidth > innerWidth")
    assert_accessible(page)
