"""The main job, end to end: a walk-in, `next`, and the called number on a screen in a browser."""

from __future__ import annotations

import re

import pytest
from browser import ARGUMENTS, CHROMIUM
from playwright.sync_api import expect, sync_playwright
from running import Onthaal


@pytest.mark.browser
def test_a_called_ticket_appears_on_the_hall_screen(server: Onthaal) -> None:
    counter, kiosk = server.client("counter"), server.client("kiosk")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1920, "height": 1080})
        page.goto(f"{server.base}/sign-in?next=/mechelen/hall#{server.token('screen')}")
        page.wait_for_url(re.compile("/mechelen/hall$"))

        assert counter.post("/sites/mechelen/counters/1/open").status_code == 200
        ticket = kiosk.post("/sites/mechelen/visits", json={"service": "onthaal"}).json()["ticket"]
        assert counter.post("/sites/mechelen/counters/1/next").json()["ticket"] == ticket

        expect(page.get_by_text(ticket)).to_be_visible()
        browser.close()
