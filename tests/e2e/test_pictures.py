"""The pictures of the README: a busy morning, photographed. `make pictures` puts them into docs/."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from browser import ARGUMENTS, CHROMIUM
from playwright.sync_api import Page, expect, sync_playwright
from running import ROOT, Onthaal

SITE = "/sites/mechelen"


def busy_morning(server: Onthaal) -> None:
    """Calls at several counters, one of them recalled, and people who wait."""
    counter, kiosk, booking = server.client("counter"), server.client("kiosk"), server.client("integrator")
    for number in range(1, 13):
        assert counter.post(f"{SITE}/counters/{number}/open").status_code == 200
    for _ in range(5):
        assert kiosk.post(f"{SITE}/visits", json={"service": "onthaal"}).status_code == 200
    for service in ("afhalen", "attesten", "afhalen", "attesten", "afhalen", "attesten"):
        assert kiosk.post(f"{SITE}/visits", json={"service": service}).status_code == 200
    services = counter.get(SITE).json()["services"]
    themes = [found["id"] for found in services if found["kind"] == "theme" and found["appointments"]]
    for index, service in enumerate(themes * 2):
        reference = f"{SITE}/appointments/B{index}"
        slot = f"2026-11-23T09:{10 + index % 3 * 5}:00+01:00"
        assert booking.put(reference, json={"service": service, "at": slot}).status_code == 200
        assert kiosk.post(reference + "/report").status_code == 200
    for number in (9, 6, 12, 8, 2, 1, 4):
        assert counter.post(f"{SITE}/counters/{number}/next").status_code == 200


@pytest.mark.browser
def test_the_pages_on_a_busy_morning(server: Onthaal, tmp_path: Path) -> None:
    to = ROOT / "docs" if os.environ.get("ONTHAAL_PICTURES") else tmp_path
    busy_morning(server)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1920, "height": 1080})
        page.goto(f"{server.base}/sign-in?next=/mechelen/hall#{server.token('counter')}")
        expect(page.get_by_text("09:15")).to_be_visible()
        still(page)
        page.screenshot(path=to / "hall.png")
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto(f"{server.base}/mechelen/counters/4")
        expect(page.get_by_role("button", name="Persoon is er")).to_be_visible()
        page.screenshot(path=to / "counter.png")
        browser.close()
    assert (to / "hall.png").stat().st_size > 10_000
    assert (to / "counter.png").stat().st_size > 10_000


def still(page: Page) -> None:
    """Wait until nothing moves any more."""
    page.wait_for_function("document.getAnimations().every((each) => each.playState !== 'running')")
