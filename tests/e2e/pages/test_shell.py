"""The service worker: hall screens and tickets come up without a server, and nothing else is kept."""

from __future__ import annotations

import contextlib
import re
import signal
from collections.abc import Callable
from typing import Any

import pytest
from e2e.pages.conftest import Receipts
from e2e.pages.house import House
from e2e.pages.proxy import Proxy
from playwright.sync_api import BrowserContext, Error, Page, expect

pytestmark = pytest.mark.browser

Until = Callable[[Page, Callable[[], bool]], None]

HALL = "/mechelen/hall"
MAY_BE_KEPT = re.compile(
    r"/mechelen/hall|/t/[\w-]{35}(\?lang=\w\w)?|/static/(css|js)/[\w-]+\.(css|js)|/static/favicon\.svg|/fonts/[\w-]+\.ttf"
)
KEPT = """async (read) => {
    const found = [];
    for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        for (const request of await cache.keys()) {
            const answer = read && (await cache.match(request, { ignoreVary: true }));
            found.push([request.url.slice(location.origin.length), answer ? await answer.text() : ""]);
        }
    }
    return found;
}"""
FORGET = """async (paths) => {
    const cache = await caches.open("onthaal-1");
    await Promise.all(paths.map((path) => cache.delete(path, { ignoreVary: true })));
}"""
KEEP = """async (paths) => {
    const { active } = await navigator.serviceWorker.ready;
    active.postMessage({ keep: paths.map((path) => origin + path) });
}"""
PARTS = """() => performance.getEntriesByType("resource")
    .map(({ name }) => new URL(name).pathname)
    .filter((path) => /^.(static|fonts)/.test(path))"""


def kept(page: Page, *, read: bool = False) -> dict[str, str]:
    """What the browser has kept of this origin: each address, with its text if that is asked for."""
    return dict(page.evaluate(KEPT, read))


def said_in_what_is_kept(page: Page, path: str) -> str:
    """The one sentence of the ticket that is kept at this path; its page has all other sentences too."""
    said = re.search(r'class="says[^"]*">(.*?)</p>', kept(page, read=True).get(path, ""), re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", "", said[1]).split()) if said else ""


def is_kept(page: Page, path: str) -> bool:
    """Whether the page at this path and all that it loaded is there for the next time."""
    return {path, *page.evaluate(PARTS)} <= kept(page).keys()


def path_of(drawn: dict[str, Any]) -> str:
    return "/t/" + str(drawn["link"].rpartition("/")[2])


def test_hall_and_ticket_come_up_without_a_server_and_back_with_it(
    context: BrowserContext, houses: Callable[..., House], until: Until
) -> None:
    with contextlib.closing(houses()) as server:
        mine = server.walk_in()
        hall, phone = context.new_page(), context.new_page()
        receipts = Receipts(hall)
        phone.add_init_script("window.shaken = 0; navigator.vibrate = () => { shaken += 1; return true; };")
        hall.goto(server.sign_in("screen", HALL))
        expect(hall.locator("body")).to_have_attribute("data-screen", "empty")
        phone.goto(mine["link"])
        server.post("/counters/1/open")
        expect(phone.locator(".says")).to_contain_text("U bent de volgende")
        until(hall, lambda: is_kept(hall, HALL))
        until(phone, lambda: is_kept(phone, path_of(mine)))
        until(phone, lambda: said_in_what_is_kept(phone, path_of(mine)).startswith("U bent de volgende"))
        called = server.post("/counters/1/next")
        until(hall, lambda: receipts.sounded == [called["call"]])
        phone.wait_for_function("() => shaken === 1")
        until(phone, lambda: said_in_what_is_kept(phone, path_of(mine)) == "Ga nu naar loket 1")

        server.stop(signal.SIGKILL)
        hall.reload()
        expect(hall.locator("body")).to_have_attribute("data-screen", "connecting")
        expect(hall.locator("#message-title")).to_have_text("Een ogenblik")
        expect(hall.locator(".call")).to_have_count(0)
        phone.reload()
        expect(phone.locator(".number")).to_have_text("A001")
        expect(phone.locator(".says")).to_have_text("Ga nu naar loket 1")
        expect(phone.locator("#age")).to_contain_text("oud. Zodra er weer verbinding is")
        phone.goto(mine["link"] + "?lang=de")  # rather the other language than none
        expect(phone.locator(".says")).to_have_text("Ga nu naar loket 1")

        server.start()
        expect(hall.locator("#newest .ticket")).to_have_text("A001")
        expect(phone.locator("#age")).to_be_hidden()
        server.post("/counters/1/start")
        expect(phone.locator(".says")).to_have_text("Sie sind an Schalter 1 an der Reihe.")
        assert phone.evaluate("() => shaken") == 0
        assert receipts.sounded == [called["call"]]


def test_a_line_that_swallows_everything_is_not_waited_for(
    context: BrowserContext, houses: Callable[..., House], until: Until
) -> None:
    server = houses()
    proxy = Proxy(server.port)
    with contextlib.closing(server), contextlib.closing(proxy):
        phone = context.new_page()
        path = path_of(server.walk_in())
        phone.goto(proxy.url + path)
        until(phone, lambda: is_kept(phone, path))
        proxy.stall()
        phone.reload(wait_until="commit")
        expect(phone.locator("#age")).to_contain_text("seconden oud")
        proxy.mend()
        expect(phone.locator("#age")).to_be_hidden()
        phone.close()


def test_an_answer_that_was_overtaken_is_not_kept(
    context: BrowserContext, server: House, proxy: Proxy, until: Until
) -> None:
    phone = context.new_page()
    path = path_of(server.walk_in())
    phone.goto(proxy.url + path)
    until(phone, lambda: is_kept(phone, path))
    script = "/static/js/ticket.js"
    phone.evaluate(FORGET, [path, script])
    proxy.hold_answer()
    phone.evaluate(KEEP, [path, script])
    until(phone, lambda: proxy.held)
    server.post("/counters/1/open")
    until(phone, lambda: said_in_what_is_kept(phone, path).startswith("U bent de volgende"))
    proxy.release_answer()
    until(phone, lambda: script in kept(phone))  # comes after it, in turn
    assert said_in_what_is_kept(phone, path).startswith("U bent de volgende")


def test_nothing_else_is_kept(context: BrowserContext, houses: Callable[..., House], until: Until) -> None:
    with contextlib.closing(houses()) as server:
        page = context.new_page()
        page.goto(server.base + "/sign-in")
        # What an older version kept goes as soon as this one is there.
        page.evaluate("() => caches.open('onthaal-0').then((old) => old.put('/old', new Response('canary')))")
        tickets = [server.walk_in() for _ in range(6)]
        page.goto(tickets[0]["link"])
        until(page, lambda: page.evaluate("() => caches.keys()") == ["onthaal-1"])
        until(page, lambda: is_kept(page, path_of(tickets[0])))
        for drawn in tickets[1:]:
            page.goto(drawn["link"] + "?lang=fr")
            until(page, lambda drawn=drawn: path_of(drawn) + "?lang=fr" in kept(page))  # type: ignore[misc]
        five = {path_of(drawn) + "?lang=fr" for drawn in tickets[-5:]}
        until(page, lambda: {path for path in kept(page) if path.startswith("/t/")} == five)
        page.goto(tickets[0]["link"] + "/leave")
        page.goto(tickets[0]["link"] + "?canary=1")
        assert "no-store" in page.request.get(tickets[0]["link"] + "/qr.svg").headers["cache-control"]

        # Signed-in pages pass by the worker, and it keeps nothing of them.
        page.goto(server.sign_in("counter", HALL))
        expect(page.locator("body")).to_have_attribute("data-link", "live")
        until(page, lambda: is_kept(page, HALL))
        page.goto(server.base + HALL + "?canary=1")
        expect(page.locator("body")).to_have_attribute("data-link", "live")
        for path in ("/mechelen/counters/1", "/mechelen", "/", "/sign-in"):
            answer = page.goto(server.base + path)
            assert answer is not None
            assert (answer.ok, answer.from_service_worker) == (True, False), path
        page.evaluate("() => navigator.serviceWorker.controller.postMessage({ keep: ['/', location.href] })")
        page.evaluate("() => fetch('/api/v1/openapi.json').then((answer) => answer.text())")
        page.goto(server.base + HALL)
        until(page, lambda: is_kept(page, HALL))
        found = kept(page, read=True)
        assert [path for path in found if not MAY_BE_KEPT.fullmatch(path)] == []
        assert "/static/js/counter.js" not in found
        assert not [
            path for path, text in found.items() if server.token("counter") in text or "canary" in text
        ]

        # Signed out, or not allowed any more: the hall is forgotten, the tickets stay.
        page.goto(server.base + "/mechelen")
        page.get_by_role("button", name="Afmelden").click()
        expect(page.get_by_role("link", name="Aanmelden")).to_be_visible()
        until(page, lambda: HALL not in kept(page))
        page.goto(server.sign_in("counter", HALL))
        expect(page.locator("body")).to_have_attribute("data-link", "live")
        until(page, lambda: HALL in kept(page))
        context.clear_cookies()
        page.goto(server.base + HALL)
        expect(page.get_by_role("heading", name="Aanmelden")).to_be_visible()
        until(page, lambda: HALL not in kept(page))
        assert five <= kept(page).keys()

        server.stop()
        for path in ("/mechelen/counters/1", HALL, "/mechelen"):
            with pytest.raises(Error, match=r"ERR_(CONNECTION_REFUSED|FAILED)"):
                page.goto(server.base + path)
