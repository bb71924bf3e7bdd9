"""Browser tests of the pages: a real server, a real Chromium, only time may be moved in the page."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from browser import ARGUMENTS, CHROMIUM
from e2e.pages.house import House
from e2e.pages.proxy import Proxy
from playwright.sync_api import Browser, BrowserContext, Page, WebSocket, expect, sync_playwright
from running import Onthaal

expect.set_options(timeout=30_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser cuts connections to the tests' own proxy as it likes; what the server leaves is not here."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; one a module, because the synchronous client holds the thread's event loop."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser of its own for each test; a page that breaks its own rules fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="nl-BE")
    broken: list[str] = []

    def watch(page: Page) -> None:
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.on(
            "console",
            lambda said: broken.append(said.text) if "Content Security Policy" in said.text else None,
        )

    context.on("page", watch)
    yield context
    context.close()
    assert broken == []


@pytest.fixture(scope="session")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., House]]:
    """Gives running houses with an empty day. The next starts while a test runs: starting takes longest."""
    made: list[House] = []
    ready: list[Future[Onthaal]] = []

    def make(**settings: Any) -> House:
        house = House(tmp_path_factory.mktemp("house") / "files", **settings)
        house.folder.mkdir()
        made.append(house)
        return house

    with ThreadPoolExecutor(1) as starter:

        def give(**settings: Any) -> House:
            if settings:
                return make(**settings).start()
            started = ready.pop() if ready else starter.submit(make().start)
            house = started.result()
            ready.append(starter.submit(make().start))
            return house

        yield give
        for started in ready:
            started.result()
    for house in made:
        house.close()


@pytest.fixture
def server(houses: Callable[..., House]) -> Iterator[House]:
    """The house on a Monday morning."""
    with contextlib.closing(houses()) as house:
        yield house


@pytest.fixture
def proxy(server: House) -> Iterator[Proxy]:
    proxy = Proxy(server.port)
    yield proxy
    proxy.close()


class Receipts:
    """What a page tells the server: the calls it sounded, in order, what it painted, whether it sounds.

    ``frames`` counts what it heard.
    """

    def __init__(self, page: Page) -> None:
        self.sounded: list[str] = []
        self.painted: list[int] = []
        self.sounds: list[str] = []
        self.frames = 0
        page.on("websocket", self._watch)

    def _watch(self, socket: WebSocket) -> None:
        socket.on("framesent", self._note)
        socket.on("framereceived", self._count)

    def _count(self, _payload: Any) -> None:
        self.frames += 1

    def _note(self, payload: Any) -> None:
        receipt = json.loads(payload)
        self.sounded += receipt.get("sounded", [])
        if "painted" in receipt:
            self.painted.append(receipt["painted"])
        if receipt.get("sound"):
            self.sounds.append(receipt["sound"])


@pytest.fixture
def receipts() -> Callable[[Page], Receipts]:
    return Receipts


@pytest.fixture
def until() -> Callable[[Page, Callable[[], bool]], None]:
    """Wait for a condition outside the page, while the page goes on."""

    def wait(page: Page, condition: Callable[[], bool], timeout_ms: int = 30_000) -> None:
        left = timeout_ms
        while not condition():
            assert left > 0, "the condition did not come about"
            page.wait_for_timeout(25)  # lets the browser's events in; the condition decides
            left -= 25

    return wait
