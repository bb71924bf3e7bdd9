"""Every page in every language on a busy morning: nothing that WCAG 2.2 AA forbids.

One language is looked at both ways round: what turning a page breaks hangs on no words. The tests of each
page look at its other moments, empty, broken and closed.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import NamedTuple

import pytest
from e2e.morning import morning
from e2e.pages.axe import assert_accessible
from e2e.pages.house import House, in_language
from playwright.sync_api import Browser, Page, expect

from server.keys import load_keys

pytestmark = pytest.mark.browser


class Face(NamedTuple):
    """A page, who is signed in at it (None needs nobody), its long and short side, and whether it is live."""

    path: str
    role: str | None
    sides: tuple[int, int] = (1920, 1080)
    live: bool = True


def faces(link: str, booked: str) -> list[Face]:
    phone = (844, 390)
    return [
        Face("/mechelen/hall", "screen"),
        Face("/mechelen/counters/4", "counter", (1280, 800)),
        Face("/mechelen/reception", "reception", (1280, 800)),
        Face("/mechelen/management", "supervisor", (1280, 800)),
        Face(link, None, phone),
        Face(f"{link}/leave", None, phone, live=False),
        Face("/t/nobody", None, phone, live=False),
        Face(booked, None, phone, live=False),
        Face("/a/nobody", None, phone, live=False),
        Face("/mechelen/figures", "supervisor", (1280, 800), live=False),
        Face("/mechelen/promise", None, phone, live=False),
        Face("/mechelen/devices", "supervisor", (1280, 800), live=False),
        Face("/mechelen/webhooks", "supervisor", (1280, 800), live=False),
        Face("/mechelen/messages", "supervisor", (1280, 800), live=False),
        Face("/mechelen/whatif", "supervisor", (1280, 800), live=False),
        Face("/mechelen", "counter", (1280, 800), live=False),
        Face("/sign-in", None, (1280, 800), live=False),
        Face("/screen", None, live=False),
    ]


def opened(browser: Browser, server: House, face: Face, language: str) -> Page:
    """The page in its language, signed in and showing its first view."""
    page = browser.new_context(locale=language).new_page()
    page.goto(server.sign_in(face.role, face.path) if face.role else server.base + face.path)
    expect(page).to_have_url(server.base + face.path)
    if face.role and face.live:
        expect(page.locator("body")).to_have_attribute("data-link", "live")
    return page


@pytest.mark.parametrize("language", ["nl", "fr", "en", "de"])
def test_every_page_is_accessible(browser: Browser, tmp_path: Path, language: str) -> None:
    with contextlib.closing(in_language(tmp_path, language)) as server:
        server.start()
        mine = server.walk_in("afhalen")
        morning(server)
        slot = {
            "service": "bevolking",
            "at": "2026-11-23T12:40:00+01:00",
            "contact": {"phone": "+32470000000"},
        }
        booked = server.asked("integrator").put("/sites/mechelen/appointments/page", json=slot).json()
        secret = load_keys(server.database).appointment_secret(booked["appointment"])
        for face in faces(f"/t/{mine['link'].rpartition('/')[2]}", f"/a/{secret}"):
            page = opened(browser, server, face, language)
            expect(page.locator("html")).to_have_attribute("lang", language)
            expect(page.locator("main")).to_be_visible()
            for width, height in (face.sides, face.sides[::-1])[: 2 if language == "nl" else 1]:
                page.set_viewport_size({"width": width, "height": height})
                assert_accessible(page)
            page.context.close()
