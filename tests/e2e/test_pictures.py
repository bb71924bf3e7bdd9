"""Each page in a busy, an empty and a broken moment, photographed.

`make pictures` takes them at every size into build/pictures, and brings those that the documentation
shows up to date in docs/pictures.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest
from browser import ARGUMENTS, CHROMIUM
from e2e.morning import SITE, morning
from playwright.sync_api import Browser, Page, expect, sync_playwright
from running import MECHELEN, ROOT, Onthaal, onthaal

from server import schema
from server.bench.year import Maker, open_days
from server.database import Database
from server.settings import load

ALL = bool(os.environ.get("ONTHAAL_PICTURES"))
WIDE, UPRIGHT, PHONE = [(1920, 1080), (3840, 2160)], [(1080, 1920)], [(390, 844)]
SIZES = [*WIDE, *UPRIGHT, *PHONE] if ALL else [(1920, 1080)]
LOST_MS = 70_000
"""After so long without a word every page says that it knows nothing any more."""


class Face(NamedTuple):
    """A page: its name, who is signed in at it (None needs nobody), where it is, and how large."""

    name: str
    role: str | None
    path: str
    sizes: list[tuple[int, int]] = SIZES


def faces(ticket: str) -> list[Face]:
    """A hall screen hangs as it is configured; a phone shows the hall as anybody may see it."""
    screens = [("?screen=hall", WIDE), ("?screen=counters", UPRIGHT), ("", PHONE)]
    halls = [
        Face("hall", "screen", f"/mechelen/hall{which}", [size for size in sizes if size in SIZES])
        for which, sizes in screens
    ]
    return [
        *halls,
        Face("counter", "counter", "/mechelen/counters/4"),
        Face("reception", "reception", "/mechelen/reception"),
        Face("management", "supervisor", "/mechelen/management"),
        Face("ticket", None, ticket),
    ]


@contextmanager
def moment(name: str, folder: Path) -> Iterator[tuple[Onthaal, str]]:
    """A house at such a moment, and the path of a ticket of somebody who waits in it."""
    # The clock runs, because screens are heard in real time.
    with onthaal(folder, speed=1) as server:
        if name == "busy":
            morning(server)
        drawn = server.client("kiosk").post(f"{SITE}/visits", json={"service": "afhalen"}).json()
        if name == "empty":
            assert server.client("reception").post(f"{SITE}/visits/{drawn['ticket']}/leave").is_success
        yield server, "/t/" + drawn["link"].rpartition("/")[2]


def opened(browser: Browser, server: Onthaal, face: Face) -> Page:
    """The page, signed in and showing its first view."""
    width, height = face.sizes[0]
    page = browser.new_context(viewport={"width": width, "height": height}, locale="nl-BE").new_page()
    page.clock.install()
    address = face.path if face.role is None else f"/sign-in?next={face.path}#{server.token(face.role)}"
    with page.expect_event("websocket") as wire:
        page.goto(server.base + address)
        page.wait_for_url("**" + face.path)
    wire.value.wait_for_event("framereceived")
    return page


@pytest.mark.browser
@pytest.mark.parametrize("name", ["busy", "empty", "broken"] if ALL else ["busy"])
def test_every_page_has_its_picture(name: str, tmp_path: Path) -> None:
    to = ROOT / "build" / "pictures" if ALL else tmp_path
    to.mkdir(parents=True, exist_ok=True)
    (tmp_path / "house").mkdir()
    with moment(name, tmp_path / "house") as (server, ticket), sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        pages = [(face, opened(browser, server, face)) for face in faces(ticket) if face.sizes]
        if name == "broken":
            server.stop()
            for _, page in pages:
                page.clock.fast_forward(LOST_MS)
        for face, page in pages:
            expect(page.locator("main")).to_be_visible()
            for width, height in face.sizes:
                page.set_viewport_size({"width": width, "height": height})
                page.clock.run_for(1000)
                page.evaluate("document.fonts.ready.then(() => true)")
                taken = to / f"{face.name}-{name}-{width}x{height}.png"
                page.screenshot(path=taken)
                assert taken.stat().st_size > 8_000, taken
        browser.close()
    if ALL:
        bring_up_to_date(to)


@pytest.mark.browser
@pytest.mark.skipif(
    not ALL, reason="the page of figures has tests of its own; its picture needs six made weeks"
)
def test_the_page_of_figures_has_its_picture(tmp_path: Path) -> None:
    to = ROOT / "build" / "pictures"
    to.mkdir(parents=True, exist_ok=True)
    server = Onthaal(tmp_path)
    store, house = Database(server.url), load(MECHELEN)["mechelen"]
    store.write_now(schema.migrate)
    maker = Maker(house)
    for day in open_days(house, date.fromisoformat(server.house_time[:10]), 36):
        store.write_now(lambda connection, day=day: maker.write_day(connection, day, 350))  # type: ignore[misc]
    store.close()
    path = "/mechelen/figures?span=week&on=2026-11-20"
    try:
        server.start()
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            page = browser.new_context(viewport={"width": 1440, "height": 1700}, locale="nl-BE").new_page()
            page.goto(f"{server.base}/sign-in?next=/mechelen#{server.token('supervisor')}")
            expect(page).to_have_url(server.base + "/mechelen")
            page.goto(server.base + path)
            page.wait_for_function("[...document.images].every((each) => each.naturalWidth > 0)")
            page.evaluate("document.fonts.ready.then(() => true)")
            page.screenshot(path=to / "figures-week-1440x1700.png")
            browser.close()
    finally:
        server.close()
    bring_up_to_date(to)


def bring_up_to_date(to: Path) -> None:
    """Copy the pictures that the documentation shows to where it shows them."""
    for shown in documented():
        if (to / shown).is_file():
            shutil.copy2(to / shown, ROOT / "docs" / "pictures" / shown)


def documented() -> set[str]:
    """The pictures that the documentation shows."""
    texts = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    return {name for text in texts for name in re.findall(r"pictures/([\w-]+\.png)", text.read_text())}


def test_the_documentation_shows_pictures_that_are_there() -> None:
    there = {path.name for path in (ROOT / "docs" / "pictures").glob("*.png")}
    assert documented() == there
